"""Machines without systemd: a process tree in namespaces over the host's own files (lesser), or without them (bare).

Lesser: what the machine writes goes to its own disk, by overlays over /etc, /var, /root, /home, /opt, /srv, /usr/local;
all else of the host is read-only. Bare: no isolation but the environment's; user data's own paths are the host's.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
from pathlib import Path

from sandbox import guest, lesser_init, standins
from sandbox.cgroups import Group
from sandbox.machine import GUEST_ENV, Ended, Machine, Options, mount
from sandbox.network import Network, enter

_INIT = str(Path(lesser_init.__file__).resolve())
_OVERLAID = ("etc", "var", "root", "home", "opt", "srv", "usr/local")
_OWNED = {
    "etc": ("systemd/system",),
    "var": ("lib", "log", "cache", "spool", "tmp"),
    "usr/local": ("bin", "sbin", "lib"),
}
_EMPTY = ("proc", "sys", "dev", "run", "tmp", "mnt", "media")
_ENDINGS = {130: Ended.power_off, -2: Ended.power_off, 129: Ended.reboot, -1: Ended.reboot}


class _Tree(Machine):
    """What both kinds share."""

    has_cloud_init = False

    def furnish(self, user_data: bytes) -> None:
        guest.give_user_data(self.root, user_data)
        if sys.prefix != sys.base_prefix:  # so that python3 in it has what the sandbox's own has
            guest.put(self.root, "usr/local/bin/python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n', 0o755)

    def settings(self) -> str:
        host = int(os.environ.get("SANDBOX_HOST_PID_NS", "0"))
        hostname = (self.root / "etc/hostname").read_text().strip()
        return json.dumps(
            {
                "root": str(self.root),
                "bare": self.network is None,
                "hostname": hostname,
                "host_pid_ns": host,
                "visible": [
                    prefix
                    for prefix in {sys.prefix, sys.base_prefix}
                    if any(Path(prefix).is_relative_to(f"/{name}") for name in _EMPTY)
                ],
            }
        )

    def how_ended(self, code: int) -> str:
        return _ENDINGS.get(code, Ended.crash)

    def up(self) -> bool:
        return self.init_pid() is not None and (self.view() / standins.CONTROL).exists()

    def freeze(self, on: bool) -> None:
        if self.group.v2:
            return super().freeze(on)
        pid = self.checked_init_pid()
        for victim in (pid, *lesser_init.descendants(pid), *lesser_init.descendants(pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGSTOP if on else signal.SIGCONT)
        self.frozen = on
        return None


class LesserMachine(_Tree):
    network: Network

    def __init__(self, name: str, base: Path, group: Group, options: Options) -> None:
        super().__init__(name, base, group, options)
        self.network = Network()
        self._inside = -1

    def build_root(self) -> None:
        mount("--bind", self.root, self.root)
        for entry in sorted(Path("/").iterdir()):
            target = self.root / entry.name
            if entry.is_symlink():
                target.symlink_to(entry.readlink())
            elif entry.is_dir():
                target.mkdir()
                if entry.name not in (*_EMPTY, *_OVERLAID) and not self.place.is_relative_to(entry):
                    mount("--rbind", entry, target)
                    lesser_init._lock(target)
        for name in _EMPTY:
            (self.root / name).mkdir(exist_ok=True)
        for name in _OVERLAID:
            self._overlay(name)
        standins.install(self.root, "usr/local/sbin", "")

    def _overlay(self, name: str) -> None:
        """A writable view of one of the host's folders."""
        upper, work = (self.place / kind / name.replace("/", "-") for kind in ("upper", "work"))
        upper.mkdir(parents=True)
        work.mkdir(parents=True)
        options = f"lowerdir=/{name},upperdir={upper},workdir={work}"
        if os.environ.get("SANDBOX_USER_NS"):
            options += ",userxattr"
            # Folders of the host's root cannot be written to by a root who is one only in this namespace.
            for folder in _OWNED.get(name, ()):
                (upper / folder).mkdir(parents=True)
        if Path("/", name).is_dir():
            mount("-t", "overlay", "-o", options, "sandbox-" + name.replace("/", "-"), self.root / name)
        else:
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def spawn(self) -> subprocess.Popen[bytes]:
        self.network.plug_in()
        self._inside = self.network.move_to_new_namespace()
        unshare = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]
        groups = [str(path) for path in self.group.paths]
        join = (
            'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"'
        )
        command = [*enter(self._inside), *unshare, sys.executable, "-I", _INIT, self.settings()]
        with self.console_log.open("ab") as log:
            return subprocess.Popen(
                ["sh", "-c", join, "sh", *groups, "--", *command],
                env=GUEST_ENV,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def namespaces(self) -> list[str]:
        return ["--mount", "--uts", "--ipc", "--net", "--pid"]

    def off(self) -> None:
        if self._inside >= 0:
            os.close(self._inside)
            self._inside = -1
        super().off()


class BareMachine(_Tree):
    """Nothing but a folder and an environment. It runs what a test gives it, so the test must mean the host no harm."""

    def __init__(self, name: str, base: Path, group: Group, options: Options) -> None:
        super().__init__(name, base, group, options)
        self.network = None
        self._imds: socketserver.TCPServer | None = None

    def serve(
        self, metadata: type[socketserver.BaseRequestHandler], api: type[socketserver.BaseRequestHandler]
    ) -> None:
        self._imds = socketserver.ThreadingTCPServer(("127.0.0.1", 0), metadata)
        self._imds.daemon_threads = True
        threading.Thread(target=self._imds.serve_forever, args=(0.1,), daemon=True).start()

    def prepare(self, hostname: str, user_data: bytes) -> None:
        (self.root / "tmp").mkdir(parents=True)
        guest.furnish(self.root, self.name, hostname)
        self.furnish(user_data)
        standins.install(self.root, "usr/local/sbin", str(self.root))
        for name, (data, mode) in self.options.files.items():
            guest.put(self.root, name.lstrip("/"), data, mode)

    def build_root(self) -> None:
        """There is none to build."""

    def environment(self) -> dict[str, str]:
        assert self._imds
        own = [str(self.root / folder) for folder in ("usr/local/sbin", "usr/local/bin")]
        return GUEST_ENV | {
            "PATH": ":".join([*own, GUEST_ENV["PATH"]]),
            "SANDBOX_ROOT": str(self.root),
            "HOME": str(self.root),
            "TMPDIR": str(self.root / "tmp"),
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{self._imds.server_address[1]}",
        }

    def _harmless(self) -> list[str]:
        return ["setpriv", "--bounding-set=-sys_boot", "--"] if os.geteuid() == 0 else []

    def spawn(self) -> subprocess.Popen[bytes]:
        with self.console_log.open("ab") as log:
            return subprocess.Popen(
                [*self._harmless(), sys.executable, "-I", _INIT, self.settings()],
                env=self.environment(),
                cwd=self.root,
                stdin=subprocess.PIPE,  # its lifeline: when this process is gone, so is the machine
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def init_pid(self) -> int | None:
        return self.process.pid if self.alive and self.process else None

    def view(self) -> Path:
        return self.root

    def command(self, argv: list[str], user: str | None, tty: bool, cwd: str) -> list[str]:
        env = [f"{key}={value}" for key, value in self.environment().items()]
        words = ["script", "--quiet", "--return", "--command", " ".join(argv), "/dev/null"] if tty else argv
        return [*self._harmless(), "env", "-i", f"--chdir={guest.within(self.root, cwd)}", *env, *words]

    def kill(self) -> None:
        if pid := self.init_pid():
            for victim in (*lesser_init.descendants(pid), pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)

    def discard(self) -> None:
        self.discarded = True
        shutil.rmtree(self.place, ignore_errors=True)
