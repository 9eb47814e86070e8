"""Which kind of machine can be played here, and why not a better one.

booted: systemd-nspawn boots the root image. lesser: a process tree in namespaces, with stand-ins for what systemd does.
bare: the same without namespaces, where not even those can be had.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sandbox import cgroups, image

_ROOTED = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
_USER = ["unshare", "--user", "--map-root-user", *_ROOTED[1:]]


_WAYS_TO_INIT = [Path(path) for path in ("/run/systemd/system", "/run/initctl", "/dev/initctl")]


@dataclass
class Mode:
    """unshare: the words that give the sandbox its own namespaces; empty in bare mode. groups: it may make some."""

    name: str
    why: str
    unshare: list[str]
    groups: bool = False


def _trial(words: list[str], script: str) -> str | None:
    """Why the script does not work in such namespaces; None if it does."""
    try:
        result = subprocess.run(
            [*words, "sh", "-c", script], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if result.returncode == 0 else (result.stderr.strip().splitlines() or ["no reason given"])[-1]


_NETWORK = "mount -t tmpfs t /mnt && unshare --net ip link add veth0 type veth peer name eth0"
_OVERLAY = "mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w /mnt/r"
_OVERLAY += " && mount -t overlay -o lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w{} o /mnt/r"


def why_not_booted() -> str | None:
    if os.geteuid() != 0:
        return "systemd-nspawn needs root"
    if not shutil.which("systemd-nspawn"):
        return "systemd-nspawn is not installed (package systemd-container)"
    if not shutil.which("ip"):
        return "ip is not installed (package iproute2)"
    if not cgroups.usable():
        return "no writable control groups of version 2 here"
    if not image.path().is_dir() and (reason := image.can_build()):
        return reason
    if reason := _trial(_ROOTED, _NETWORK):
        return f"no namespaces of our own here: {reason}"
    if reason := _trial(_ROOTED, _OVERLAY.format("") + " && mount -o remount,bind,ro /sys"):
        return f"an overlay cannot be mounted here: {reason}"
    return None


def _refuse_bare_where_it_could_end_the_host() -> None:
    """The host's own `shutdown` speaks to its init by these; in the other modes they are out of sight."""
    for way in _WAYS_TO_INIT:
        if way.exists():
            raise RuntimeError(
                f"no namespaces here, and {way} is: a `shutdown` in a machine could end this host"
            )


def detect(wanted: str) -> Mode:
    """wanted: auto, booted, lesser or bare. Raises RuntimeError when that one cannot be had."""
    if wanted in ("auto", "booted"):
        reason = why_not_booted()
        if reason is None:
            return Mode("booted", "systemd-nspawn works here", _ROOTED, groups=True)
        if wanted == "booted":
            raise RuntimeError(f"machines cannot boot here: {reason}")
    else:
        reason = "asked for"
    if wanted == "bare":
        _refuse_bare_where_it_could_end_the_host()
        return Mode("bare", reason, [])
    trouble = None
    for words, option in (
        ((_ROOTED, ""), (_USER, ",userxattr")) if os.geteuid() == 0 else ((_USER, ",userxattr"),)
    ):
        trouble = _trial(words, _NETWORK) or _trial(words, _OVERLAY.format(option))
        if trouble is None:
            return Mode("lesser", reason, words, groups=words is _ROOTED and cgroups.usable())
    if wanted == "lesser":
        raise RuntimeError(f"no namespaces can be made here: {trouble}")
    _refuse_bare_where_it_could_end_the_host()
    return Mode("bare", f"{reason}; no namespaces either: {trouble}", [])
