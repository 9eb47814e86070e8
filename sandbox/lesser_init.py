"""PID 1 of a lesser machine: mounts what a machine needs, runs the user data, reaps, and powers off when told to.

Run as a program, in namespaces made for it, with one argument: a JSON object with root, hostname, bare and host_pid_ns.
In bare mode there are no namespaces; it is then the subreaper of its own descendants, and touches no other process.
Only the standard library, and nothing of the sandbox's: it goes on where the sandbox's files may not be seen.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

_PR_CAPBSET_DROP, _PR_SET_CHILD_SUBREAPER, _CAP_SYS_BOOT = 24, 36, 22
# What root in it may do: about what nspawn leaves, without CAP_SYS_ADMIN, so that what is read-only stays so.
_KEPT_CAPABILITIES = {
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
    12,
    13,
    14,
    15,
    18,
    19,
    _CAP_SYS_BOOT,
    23,
    24,
    29,
    31,
}
_LAST_CAPABILITY = 63
_RB = {"poweroff": 0x4321FEDC, "reboot": 0x01234567}
_EXIT = {"poweroff": 130, "reboot": 129}  # as the kernel ends a namespace's PID 1: by SIGINT, by SIGHUP
_GRACE = 0.2
_TERM_WAIT = 5.0  # as sysvinit waits, at most
_PROC_LOCKED = ("sys", "sysrq-trigger", "irq", "bus", "fs")
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
libc = ctypes.CDLL(None, use_errno=True)


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, stdout=subprocess.DEVNULL)


def _lock(path: Path) -> None:
    """Read-only, with all that is mounted below it."""
    below = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in [str(path), *(point for point in below if point.startswith(f"{path}/"))]:
        subprocess.run(["mount", "-o", "remount,bind,ro", point], check=False, stderr=subprocess.DEVNULL)


def enter_root(root: Path, visible: list[str]) -> None:
    """Makes the machine's root this process's own, with /proc, /sys, /dev, /run and /tmp of its own.

    visible: the host's folders that are needed in it although such a one hides them."""
    mount("-t", "proc", "proc", f"{root}/proc")
    for name in _PROC_LOCKED:
        place = f"{root}/proc/{name}"
        if Path(place).exists():
            mount("--bind", place, place)
            mount("-o", "remount,bind,ro", place)
    mount("-t", "tmpfs", "-o", "mode=755", "sys", f"{root}/sys")
    for entry in Path("/sys").iterdir():
        target = root / "sys" / entry.name
        target.mkdir()
        if entry.name not in ("fs", "hypervisor", "firmware"):
            with contextlib.suppress(subprocess.CalledProcessError):
                mount("--rbind", str(entry), str(target))
                _lock(target)
    hypervisor = root / "sys/hypervisor"
    hypervisor.mkdir(exist_ok=True)
    (hypervisor / "uuid").write_text("ec2e1916-9099-7caf-fd21-012345abcdef\n")
    mount("-t", "tmpfs", "-o", "mode=755", "dev", f"{root}/dev")
    for name in _DEVICES:
        (root / "dev" / name).touch()
        mount("--bind", f"/dev/{name}", f"{root}/dev/{name}")
    for name in ("pts", "shm"):
        (root / "dev" / name).mkdir()
    mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620", "devpts", f"{root}/dev/pts")
    mount("-t", "tmpfs", "-o", "mode=1777", "shm", f"{root}/dev/shm")
    for name, link in (
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ):
        (root / "dev" / name).symlink_to(link)
    mount("-t", "tmpfs", "-o", "mode=755", "run", f"{root}/run")
    mount("-t", "tmpfs", "-o", "mode=1777", "tmp", f"{root}/tmp")
    for path in visible:
        target = root / path.lstrip("/")
        target.mkdir(parents=True, exist_ok=True)
        mount("--bind", path, str(target))
        _lock(target)
    os.chdir(root)
    subprocess.run(["sh", "-c", "pivot_root . . && umount -l ."], check=True)
    os.chdir("/")


def drop_capabilities(kept: set[int]) -> None:
    for number in range(_LAST_CAPABILITY + 1):
        if number not in kept:
            libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)


def may_reboot() -> bool:
    """Whether what is started from here could ever hold CAP_SYS_BOOT."""
    status = Path("/proc/self/status").read_text().splitlines()
    masks = {line.split(":")[0]: int(line.split()[1], 16) for line in status if line.startswith("Cap")}
    return bool(masks["CapBnd"] >> _CAP_SYS_BOOT & 1 and os.geteuid() == 0) or bool(
        masks["CapPrm"] >> _CAP_SYS_BOOT & 1
    )


class Init:
    def __init__(self, root: Path, bare: bool, host_pid_ns: int) -> None:
        self.root, self.bare = root, bare
        same = Path("/proc/self/ns/pid").stat().st_ino == host_pid_ns
        if bare:
            if may_reboot():
                raise SystemExit("refusing to play a machine here: it could reboot the host")
            libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        elif same or os.getpid() != 1 or str(Path("/proc/self").readlink()) != "1":
            raise SystemExit("refusing to play a machine here: it has no PID namespace of its own")
        self.control = root / "run/sandbox/initctl"
        self.due: tuple[float, str] | None = None

    def others(self) -> list[int]:
        """All processes of the machine but this one."""
        if not self.bare:
            return [
                int(entry.name)
                for entry in Path("/proc").iterdir()
                if entry.name.isdigit() and entry.name != "1"
            ]
        return sorted(set(descendants(os.getpid())) | self.marked())

    def marked(self) -> set[int]:
        """Processes that bear this machine's mark in their environment: those that a test has started in it."""
        mark, found = f"SANDBOX_ROOT={self.root}".encode(), set()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.add(int(entry.name))
        return found - {os.getpid()}

    def kill_all(self, number: int) -> None:
        for pid in self.others():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue

    def end(self, act: str, force: int = 0) -> None:
        """SIGTERM to all, some time, SIGKILL to all, then off. force 2: off at once, as systemctl -ff."""
        if force < 2:
            self.control.with_name("stopping").touch()
            time.sleep(_GRACE)  # as with systemd: who asked for it is told that it will be done, before it is
            print(f"init: {act}: SIGTERM to all processes", flush=True)
            self.kill_all(signal.SIGTERM)
            deadline = time.monotonic() + _TERM_WAIT
            while time.monotonic() < deadline:
                self.reap()
                if not self.others():
                    break
                time.sleep(0.02)
            for pid in self.others():
                with contextlib.suppress(OSError):
                    words = (
                        Path(f"/proc/{pid}/cmdline")
                        .read_bytes()
                        .replace(b"\0", b" ")
                        .decode(errors="replace")
                    )
                    print(f"init: {act}: SIGKILL to {pid}, which is left: {words}", flush=True)
        self.kill_all(signal.SIGKILL)
        if act == "halt":  # the processor stands still, but the machine is on
            while True:
                signal.pause()
        if not self.bare:
            os.sync()
            libc.reboot(_RB[act])
        os._exit(_EXIT[act])

    def obey(self, line: str) -> None:
        """ACT [SECONDS [FORCE]]: poweroff, reboot or halt, now or later; cancel."""
        words = line.split()
        act, delay = words[0], float(words[1]) if len(words) > 1 else 0.0
        if act == "cancel":
            self.due = None
        elif delay > 0:
            self.due = (time.monotonic() + delay, act)
        else:
            self.end(act, int(words[2]) if len(words) > 2 else 0)

    def run(self, lifeline: int | None) -> None:
        self.control.parent.mkdir(parents=True, exist_ok=True)
        for leftover in (self.control, self.control.with_name("stopping")):
            leftover.unlink(missing_ok=True)
        signal.signal(signal.SIGRTMIN + 4, lambda *_: asked.append("poweroff"))
        signal.signal(signal.SIGRTMIN + 5, lambda *_: asked.append("reboot"))
        signal.signal(signal.SIGCHLD, _nothing)
        waker, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake)
        asked: list[str] = []
        making = self.control.with_name("making")
        os.mkfifo(making, 0o600)
        commands = os.open(making, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        making.rename(self.control)
        env = {**os.environ, "SANDBOX_ROOT": str(self.root) if self.bare else ""}
        with contextlib.suppress(FileNotFoundError):
            subprocess.Popen(
                [str(self.root / "usr/local/lib/sandbox-user-data")], env=env, start_new_session=True
            )
        inputs = [waker, commands, *([lifeline] if lifeline is not None else [])]
        while True:
            limit = max(0.0, self.due[0] - time.monotonic()) if self.due else None
            ready = select.select(inputs, [], [], limit)[0]
            for fd in ready:
                data = os.read(fd, 4096)
                if fd == lifeline and not data:  # the sandbox is gone
                    self.kill_all(signal.SIGKILL)
                    os._exit(0)
                if fd == commands:
                    for line in data.decode(errors="replace").splitlines():
                        with contextlib.suppress(ValueError, IndexError, KeyError):
                            self.obey(line)
            self.reap()
            if self.due and time.monotonic() >= self.due[0]:
                self.end(self.due[1])
            if asked:
                self.end(asked.pop())


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Only there to wake up the loop."""


def descendants(pid: int) -> list[int]:
    """Children first, then theirs. By parent ids: the kernel's own lists of children are a thread's, not a process's."""
    kin: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if entry.name.isdigit():
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                kin.setdefault(parent, []).append(int(entry.name))
    found = list(kin.get(pid, []))
    for child in found:
        found += kin.get(child, [])
    return found


def main() -> None:
    settings: dict[str, Any] = json.loads(sys.argv[1])
    root, bare = Path(settings["root"]), bool(settings["bare"])
    if bare:
        init = Init(root, bare, settings["host_pid_ns"])
        init.run(0)
        return
    enter_root(root, settings["visible"])
    init = Init(Path("/"), bare, settings["host_pid_ns"])
    libc.sethostname(settings["hostname"].encode(), len(settings["hostname"]))
    drop_capabilities(_KEPT_CAPABILITIES)
    init.run(None)


if __name__ == "__main__":
    main()
