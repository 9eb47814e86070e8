"""The root image that booted machines share: Debian 12 with systemd, cloud-init and scikit-learn, made once, only read.

It is kept in ${XDG_CACHE_HOME:-~/.cache}/curfew/root-HASH, where HASH is that of the recipe below, so that a changed
recipe makes a new one. It is built beside its final name and renamed, so that a half-made image is never used.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SUITE = "bookworm"
# python3-cffi-backend: debootstrap does not find it by itself, and cloud-init needs it. dbus: `shutdown -h +N` needs logind.
BASE_PACKAGES = (
    "systemd systemd-sysv dbus cloud-init python3-cffi-backend iproute2 procps curl ca-certificates"
)
# For the training job; its dependencies are too tangled for debootstrap, so apt installs it inside.
MORE_PACKAGES = "python3-sklearn"
MIRROR = "http://deb.debian.org/debian"
_TRIM = "rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/* /var/log/*.log"
_LIMIT = 1800
Say = Callable[[str], None]


def recipe() -> str:
    return f"{SUITE}\n{BASE_PACKAGES}\n{MORE_PACKAGES}\n{_TRIM}"


def path() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "curfew" / f"root-{hashlib.sha256(recipe().encode()).hexdigest()[:12]}"


def can_build() -> str | None:
    """Why an image cannot be built here; None if it can."""
    if os.geteuid() != 0:
        return "building the root image needs root"
    return None if shutil.which("debootstrap") else "debootstrap is not installed"


def ensure(say: Say) -> Path:
    """The image, building it first where it is not there. Raises RuntimeError when that fails."""
    place = path()
    if place.is_dir():
        return place
    if reason := can_build():
        raise RuntimeError(reason)
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / "root.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if place.is_dir():  # somebody else made it meanwhile
            return place
        for old in place.parent.glob("root-*.making-*"):
            _discard(old)
        say(f"building the machines' root image (Debian {SUITE}, once, one to three minutes) in {place}")
        started = time.monotonic()
        making = Path(tempfile.mkdtemp(prefix=place.name + ".making-", dir=place.parent))
        try:
            _build(making, say)
            making.chmod(0o755)
            making.rename(place)
        except BaseException:
            _discard(making)
            raise
        say(f"root image ready after {time.monotonic() - started:.0f} s")
    return place


def _build(root: Path, say: Say) -> None:
    say(f"  debootstrap: {BASE_PACKAGES}")
    _run(
        [
            "debootstrap",
            "--variant=minbase",
            f"--include={','.join(BASE_PACKAGES.split())}",
            SUITE,
            str(root),
            MIRROR,
        ]
    )
    say(f"  apt-get: {MORE_PACKAGES}")
    # In namespaces of its own, so that the mount of /proc and any daemon a package may start go when it ends.
    inside = f"mount -t proc proc /proc && export DEBIAN_FRONTEND=noninteractive && apt-get install -y --no-install-recommends {MORE_PACKAGES} && {_TRIM}"
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    _run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "chroot", str(root), "sh", "-c", inside])
    (root / "usr/sbin/policy-rc.d").unlink()


def _run(words: list[str]) -> None:
    result = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LIMIT, check=False
    )
    if result.returncode:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-8:])
        raise RuntimeError(f"{words[0]} failed with exit code {result.returncode}:\n{tail}")


def _discard(root: Path) -> None:
    subprocess.run(["umount", "--recursive", "--quiet", str(root / "proc")], check=False, capture_output=True)
    shutil.rmtree(root, ignore_errors=True)


def main() -> int:
    try:
        print(ensure(lambda line: print(line, file=sys.stderr, flush=True)))
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        print(f"sandbox: no root image: {error}", file=sys.stderr)
        return 1
    return 0
