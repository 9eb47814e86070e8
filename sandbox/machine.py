"""What a machine is to the rest of the sandbox, whatever plays it: a disk that outlives boots, a network, and a life.

A subclass says how its disk is made (prepare), how one boot is begun (start) and how its PID 1 is found.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import signal
import socketserver
import subprocess
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import guest
from sandbox.cgroups import Group
from sandbox.lesser_init import descendants
from sandbox.network import API_PORT, Network

GUEST_ENV = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/bash",
    "LANG": "C.UTF-8",
    "TERM": "xterm",
}
EXEC_LOG = "/var/log/sandbox-exec.log"
_INIT_WAIT = 20.0
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\r")


@dataclass
class Options:
    """What a test may wish for a machine that EC2 has no words for."""

    cloud_init: bool = True
    machine: bool = True
    disk: str = "512m"
    memory: str | None = None
    boot_delay: float = 0.0
    files: dict[str, tuple[bytes, int]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Options:
        files = {path: (base64.b64decode(body), mode) for path, (body, mode) in data.pop("files", {}).items()}
        return cls(files=files, **data)


class Ended:
    """How a boot ended."""

    power_off = "power-off"
    reboot = "reboot"
    crash = "crash"
    halt = "halt"


class Machine(ABC):
    """One machine. Methods may be called from any thread; boot() and wait() only by the one that looks after it."""

    network: Network | None
    has_cloud_init = True

    def __init__(self, name: str, base: Path, group: Group, options: Options) -> None:
        self.name, self.options, self.group = name, options, group
        self.place = base / name
        self.root = self.place / "root"
        self.console_log = self.place / "console.log"
        self.network = None
        self.process: subprocess.Popen[bytes] | None = None
        self.frozen = False
        self.discarded = False

    def serve(
        self, metadata: type[socketserver.BaseRequestHandler], api: type[socketserver.BaseRequestHandler]
    ) -> None:
        """Puts the metadata service and the way to the API where the machine finds them."""
        if self.network:
            self.network.serve(80, metadata)
            self.network.serve(API_PORT, api)

    def cut_network(self) -> None:
        self._wired().cut()

    def restore_network(self) -> None:
        self._wired().restore()

    def _wired(self) -> Network:
        if self.network is None:
            raise RuntimeError("this mode has no network of the machine's own")
        return self.network

    def prepare(self, hostname: str, user_data: bytes) -> None:
        """Makes the disk. It is bounded by the size asked for, and stays until discard()."""
        self.place.mkdir(parents=True)
        mount("-t", "tmpfs", "-o", f"size={self.options.disk},mode=755", "sandbox-disk", self.place)
        self.root.mkdir()
        self.build_root()
        guest.furnish(self.root, self.name, hostname)
        self.furnish(user_data)
        for path, (data, mode) in self.options.files.items():
            guest.put(self.root, str(guest.within(self.root, path).relative_to(self.root)), data, mode)

    @abstractmethod
    def build_root(self) -> None: ...
    @abstractmethod
    def furnish(self, user_data: bytes) -> None: ...
    @abstractmethod
    def spawn(self) -> subprocess.Popen[bytes]: ...
    @abstractmethod
    def how_ended(self, code: int) -> str: ...

    def boot(self) -> None:
        self.group.make()
        if not self.group.limited:
            raise RuntimeError("no memory controller here: a machine's memory cannot be limited")
        self.process = self.spawn()

    def wait(self) -> tuple[str, int]:
        """Waits for this boot's end: how it was, and the exit code of what ran the machine."""
        assert self.process
        code = self.process.wait()
        self.frozen = False
        self.group.kill()  # what nspawn may have left
        return self.how_ended(code), code

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def up(self) -> bool:
        """Whether the boot has come so far that programs can be run in it. A subclass knows better."""
        return self.init_pid() is not None

    def init_pid(self) -> int | None:
        """The machine's PID 1 as this side sees it; None while there is none."""
        if not self.alive or not self.process:
            return None
        # Of the one thread that the process has at that point: this is asked often, and must be cheap.
        with contextlib.suppress(OSError, ValueError):
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            return next((child for child in map(int, children) if _pid_inside(child) == 1), None)
        return None

    def checked_init_pid(self, wait: float = _INIT_WAIT) -> int:
        """PID 1 of the machine, after making sure that its PID namespace is not the sandbox's nor the host's."""
        deadline = time.monotonic() + wait
        while (pid := self.init_pid()) is None:
            if time.monotonic() > deadline or not self.alive:
                raise RuntimeError(f"{self.name} is off")
            time.sleep(0.01)
        space = Path(f"/proc/{pid}/ns/pid").stat().st_ino
        if space in (
            Path("/proc/self/ns/pid").stat().st_ino,
            int(os.environ.get("SANDBOX_HOST_PID_NS", "0")),
        ):
            raise RuntimeError(f"refusing to enter {self.name}: it shares a PID namespace with the host")
        return pid

    def command(self, argv: list[str], user: str | None, tty: bool, cwd: str) -> list[str]:
        """The words that run argv as an ordinary process of the machine: all its namespaces, and its control group."""
        pid = self.checked_init_pid()
        identity = [f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
        words = ["setpriv", f"--bounding-set={_capabilities(pid)}", *identity, "--", *argv]
        if tty:
            quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
            words = ["script", "--quiet", "--return", "--command", quoted, "/dev/null"]
        env = dict(GUEST_ENV)
        if user:
            env |= {"USER": user, "LOGNAME": user, "HOME": f"/home/{user}"}
        joins = self.group.joiners("sandbox-exec")
        join = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift; exec "$@"'
        chdir = ["env", "-i", f"--chdir={cwd}", *(f"{key}={value}" for key, value in env.items())]
        return [
            "sh",
            "-c",
            join,
            "sh",
            *joins,
            "--",
            "nsenter",
            f"--target={pid}",
            *self.namespaces(),
            "--",
            *chdir,
            *words,
        ]

    def namespaces(self) -> list[str]:
        return ["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]

    def execute(
        self,
        argv: list[str],
        stdin: bytes = b"",
        timeout: float = 60,
        detach: bool = False,
        user: str | None = None,
        tty: bool = False,
        cwd: str = "/",
    ) -> tuple[int, bytes, bytes]:
        """Runs a program inside. Past the timeout it is killed, and the code is 124. Detached: the output has its pid."""
        if detach:
            log = '"$SANDBOX_ROOT"' + EXEC_LOG
            argv = ["sh", "-c", f'setsid "$@" >>{log} 2>&1 </dev/null & echo $!', "sh", *argv]
        words = self.command(argv, user, tty, cwd)
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            out, err = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            for pid in [*descendants(process.pid), process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            out, err = process.communicate(timeout=10)
            return 124, out, err
        code = process.returncode  # below 0: by a signal, which nsenter dies of too; as shells say it
        return 128 - code if code < 0 else code, out, err

    def view(self) -> Path:
        """The machine's root as it sees it while it is on, with what is mounted there; the bare disk while it is off."""
        pid = self.init_pid()
        return Path(f"/proc/{pid}/root") if pid else self.root

    def read(self, path: str) -> bytes:
        return guest.within(self.view(), path).read_bytes()

    def write(self, path: str, data: bytes, mode: int = 0o644) -> None:
        view = self.view()
        guest.put(view, str(guest.within(view, path).relative_to(view)), data, mode)

    def unlink(self, path: str) -> None:
        guest.within(self.view(), path).unlink(missing_ok=True)

    def console(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return _ESCAPES.sub("", self.console_log.read_text(errors="replace"))
        return ""

    def ask_power_off(self, reboot: bool = False) -> bool:
        """The power button: systemd takes SIGRTMIN+4 as a request to power off, +5 to reboot. False: nobody listens."""
        pid = self.init_pid()
        if pid is None or self.frozen:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGRTMIN + (5 if reboot else 4))
        return True

    def kill(self) -> None:
        """The plug is pulled."""
        if self.frozen:
            self.freeze(False)
        self.group.kill()
        pid = self.init_pid()
        for victim in (pid, self.process.pid if self.alive and self.process else None):
            if victim:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)

    def freeze(self, on: bool) -> None:
        if not self.group.freeze(on):
            raise RuntimeError("no control groups of version 2 here: a machine cannot be frozen")
        self.frozen = on

    def off(self) -> None:
        """Tidies up after a boot; the disk stays."""
        self.group.remove()

    def discard(self) -> None:
        """Gives the disk back. Only for machines that are off."""
        self.discarded = True
        subprocess.run(
            ["umount", "--recursive", "--lazy", str(self.place)], check=False, capture_output=True, timeout=20
        )
        with contextlib.suppress(OSError):
            self.place.rmdir()
        if self.network:
            self.network.close()
            self.network = None


def mount(*words: object) -> None:
    result = subprocess.run(
        ["mount", *map(str, words)], capture_output=True, text=True, timeout=20, check=False
    )
    if result.returncode:
        raise OSError(f"mount {' '.join(map(str, words))}: {result.stderr.strip()}")


def _capabilities(pid: int) -> str:
    """The bounding set of a machine's PID 1, for setpriv: what enters from outside shall not be mightier."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = int(status.partition("CapBnd:")[2].split()[0], 16)
    return ",".join(
        ["-all", *(f"+cap_{number}" for number in range(mask.bit_length()) if mask >> number & 1)]
    )


def _pid_inside(pid: int) -> int | None:
    """The pid that a process has in its own, innermost PID namespace."""
    with contextlib.suppress(OSError, StopIteration):
        line = next(
            line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("NSpid:")
        )
        if len(line.split()) > 2:  # NSpid: OURS THEIRS
            return int(line.split()[-1])
    return None
