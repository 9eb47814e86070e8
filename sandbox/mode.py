"""Which kind of machine can be played here, and why not a better one.

booted: systemd-nspawn boots the root image. lesser: a process tree in namespaces, with stand-ins for what systemd does.
bare: the same without namespaces, where not even those can be had.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

from sandbox import cgroups, image

_ROOTED = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
_USER = ["unshare", "--user", "--map-root-user", *_ROOTED[1:]]


@dataclass
class Mode:
    """unshare: the words that give the sandbox its own namespaces; empty in bare mode."""

    name: str
    why: str
    unshare: list[str]


def _trial(words: list[str], script: str) -> str | None:
    """Why the script does not work in such namespaces; None if it does."""
    try:
        result = subprocess.run([*words, "sh", "-c", script], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if result.returncode == 0 else (result.stderr.strip().splitlines() or ["no reason given"])[-1]


_NAMESPACES = "mount -t tmpfs t /mnt && unshare --net ip link add veth0 type veth peer name eth0"
_NSPAWN = "mount -o remount,bind,ro /sys && mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w /mnt/r && mount -t overlay -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w o /mnt/r"


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
    if reason := _trial(_ROOTED, _NAMESPACES):
        return f"no namespaces of our own here: {reason}"
    if reason := _trial(_ROOTED, _NSPAWN):
        return f"an overlay cannot be mounted here: {reason}"
    return None


def detect(wanted: str) -> Mode:
    """wanted: auto, booted, lesser or bare. Raises RuntimeError when that one cannot be had."""
    if wanted in ("auto", "booted"):
        reason = why_not_booted()
        if reason is None:
            return Mode("booted", "systemd-nspawn works here", _ROOTED)
        if wanted == "booted":
            raise RuntimeError(f"machines cannot boot here: {reason}")
    else:
        reason = "asked for"
    if wanted == "bare":
        return Mode("bare", reason, [])
    trouble = None
    for words in (_ROOTED, _USER) if os.geteuid() == 0 else (_USER,):
        trouble = _trial(words, _NAMESPACES)
        if trouble is None:
            return Mode("lesser", reason, words)
    if wanted == "lesser":
        raise RuntimeError(f"no namespaces can be made here: {trouble}")
    return Mode("bare", f"{reason}; no namespaces either: {trouble}", [])
