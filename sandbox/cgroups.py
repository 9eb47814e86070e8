"""A control group for each machine, below one for each sandbox, so that machines can be killed, frozen and limited apart.

A sandbox holds a lock (flock) on its own group for as long as it lives; whoever can take that lock may sweep the group.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import subprocess
from pathlib import Path

PREFIX = "curfew-sandbox-"
# On a mixed host the second version lives in unified/, the first in a folder per controller; on a pure one at the top.
_TOPS = [Path("/sys/fs/cgroup", name) for name in ("unified", "systemd", "memory", "")]
_JANITOR = """cat >/dev/null
for _ in $(seq 150); do
  left=
  for g in "$@"; do
    [ -d "$g" ] || continue
    find "$g" -depth -type d -exec rmdir {} + 2>/dev/null
    [ -d "$g" ] && left=1
  done
  [ -n "$left" ] || exit 0
  sleep 0.1
done"""


def _tops() -> list[Path]:
    return [
        top for top in _TOPS if (top / "cgroup.procs").exists() and os.access(top / "cgroup.procs", os.W_OK)
    ]


def usable() -> bool:
    """Whether groups of version 2 can be made here."""
    return any(_is_v2(top) for top in _tops())


def _is_v2(group: Path) -> bool:
    return (group / "cgroup.controllers").exists()


def remove(group: Path) -> None:
    """Removes a group and all below it; those in use refuse, and stay."""
    for folder, _, _ in os.walk(group, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()


def sweep() -> None:
    """Removes what sandboxes that died by SIGKILL left. Groups whose owner lives are left alone."""
    for top in _tops():
        for group in top.glob(PREFIX + "*"):
            with contextlib.suppress(OSError):
                fd = os.open(group, os.O_RDONLY)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    remove(group)
                finally:
                    os.close(fd)


class Parents:
    """The groups of one sandbox, one in each hierarchy. Held by the outer process, which the machines can't hurt."""

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self._locks: list[int] = []
        name = f"{PREFIX}{os.getpid()}-{secrets.token_hex(3)}"
        for top in _tops():
            self._make(top / name)
        # If this process is killed by SIGKILL, the pipe closes and the janitor removes the empty groups.
        read_end, self._pipe = os.pipe()
        self._janitor = subprocess.Popen(
            ["sh", "-c", _JANITOR, "janitor", *map(str, self.paths)],
            stdin=read_end,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read_end)

    def _make(self, group: Path) -> None:
        for _ in range(10):  # a sweep of another sandbox may take the group away before it is locked
            with contextlib.suppress(OSError):
                group.mkdir(exist_ok=True)
                fd = os.open(group, os.O_RDONLY)
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if group.exists():
                    if _is_v2(group):
                        _enable_memory(group)
                    self.paths.append(group)
                    self._locks.append(fd)
                    return
                os.close(fd)

    def close(self) -> None:
        for group in self.paths:
            remove(group)
        for fd in self._locks:
            os.close(fd)
        os.close(self._pipe)
        self._janitor.wait(timeout=10)


def _enable_memory(group: Path) -> None:
    if "memory" not in (group / "cgroup.controllers").read_text().split():
        with contextlib.suppress(OSError):
            (group.parent / "cgroup.subtree_control").write_text("+memory")
    with contextlib.suppress(OSError):
        (group / "cgroup.subtree_control").write_text("+memory")


class Group:
    """The groups of one machine."""

    def __init__(self, parents: list[Path], name: str, memory: str | None) -> None:
        self.paths = [parent / name for parent in parents]
        self._limit = memory
        self.limited = memory is None

    def make(self) -> None:
        for path in self.paths:
            path.mkdir(exist_ok=True)
            for knob in ("memory.max", "memory.limit_in_bytes"):
                if self._limit and (path / knob).exists():
                    (path / knob).write_text(self._limit)
                    self.limited = True

    @property
    def v2(self) -> Path | None:
        return next((path for path in self.paths if _is_v2(path)), None)

    def kill(self) -> None:
        """Kills all in it at once. Killing only nspawn would leave its container running."""
        if self.v2 and (self.v2 / "cgroup.kill").exists():
            (self.v2 / "cgroup.kill").write_text("1")

    def freeze(self, on: bool) -> bool:
        if not self.v2:
            return False
        (self.v2 / "cgroup.freeze").write_text("1" if on else "0")
        return True

    def joiners(self, leaf: str) -> list[str]:
        """Files to write a process id into, for a process that shall count as the machine's own."""
        files = []
        for path in self.paths:
            place = path
            if path == self.v2 and (path / "payload").is_dir():
                place = path / "payload" / leaf
                place.mkdir(exist_ok=True)
            files.append(str(place / "cgroup.procs"))
        return files

    def remove(self) -> None:
        for path in self.paths:
            remove(path)
