"""The sandbox's process: an outer one that lives on the host, and an inner one that is PID 1 of namespaces of its own.

All that the inner one makes (mounts, networks, machines) lives in its namespaces and ends with it, whatever kills it.
The outer one hands on the end: at SIGTERM or SIGINT, or by the kernel (PDEATHSIG) when it is killed itself.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

from sandbox import cgroups, image, standins
from sandbox.machine import mount
from sandbox.mode import Mode, detect

_PR_SET_PDEATHSIG = 1
_INNER = "SANDBOX_INNER"
_MOTO_SETTINGS = {
    "MOTO_ENABLE_AMI_VALIDATION": "true",
    "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true",
    "MOTO_IAM_LOAD_MANAGED_POLICIES": "false",
}


def say(line: str) -> None:
    print(f"sandbox: {line}", file=sys.stderr, flush=True)


def serve(port: int, wanted: str, ready_file: str | None, while_stdin: bool) -> int:
    """Runs a sandbox until a signal ends it. Returns the exit code."""
    if inner := os.environ.get(_INNER):
        return _serve_inside(json.loads(inner))
    cgroups.sweep()
    try:
        mode = detect(wanted)
        root = image.ensure(say) if mode.name == "booted" else None
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        if wanted != "auto":
            say(str(error))
            return 1
        say(f"machines cannot boot here: {error}")
        mode, root = detect("lesser"), None
    return _serve_outside(mode, root, port, ready_file, while_stdin)


def _serve_outside(
    mode: Mode, root: Path | None, port: int, ready_file: str | None, while_stdin: bool
) -> int:
    parents = cgroups.Parents() if mode.groups else None
    base = tempfile.mkdtemp(prefix=f"{cgroups.PREFIX}{os.getpid()}-") if mode.name == "bare" else None
    made = standins.install_in_container() if base else []
    settings = {
        "mode": mode.name,
        "why": mode.why,
        "image": str(root) if root else None,
        "port": port,
        "base": base,
        "ready_file": ready_file,
        "groups": [str(path) for path in parents.paths] if parents else [],
    }
    own_namespace = Path("/proc/self/ns/pid").stat().st_ino
    env = os.environ | {_INNER: json.dumps(settings), "SANDBOX_HOST_PID_NS": str(own_namespace)}
    if "--user" in mode.unshare:
        env["SANDBOX_USER_NS"] = "1"
    ended: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        ended.append(number)
        child.kill()

    # Blocked until the child is there: a signal must not fall between its start and our care for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    child = subprocess.Popen(
        [*mode.unshare, sys.executable, "-m", "sandbox", "serve"],
        env=env,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 (there are no threads yet)
    )
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    if while_stdin:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    code = child.wait()
    if parents:
        _wait_until_empty(parents.paths)
        parents.close()
    for path in made:
        path.unlink(missing_ok=True)
    if base:
        shutil.rmtree(base, ignore_errors=True)
    return 128 + ended[0] if ended else code


def _end_with_stdin() -> None:
    while os.read(0, 4096):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # What nohup or a script's `&` has had ignored here, the machines' programs must hear.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def _wait_until_empty(groups: list[Path], limit: float = 5.0) -> None:
    """The kernel needs a moment to bury the processes of a namespace whose PID 1 has been killed."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        for group in groups:
            cgroups.remove(group)
        if not any(group.exists() for group in groups):
            return
        time.sleep(0.02)


def _workplace() -> Path:
    """A folder to mount our disks over, seen so only by us: one that hides nothing that is needed."""
    needed = [Path(__file__).resolve(), image.path(), Path(sys.prefix), Path(sys.base_prefix), Path.cwd()]
    for folder in map(Path, ("/mnt", "/media", "/srv", "/opt")):
        if folder.is_dir() and not any(path.is_relative_to(folder) for path in needed):
            return folder
    raise RuntimeError("none of /mnt, /media, /srv, /opt is free to mount over")


def _serve_inside(settings: dict[str, Any]) -> int:
    os.environ.update(_MOTO_SETTINGS)
    os.environ.pop(_INNER)
    # Imported late: the outer process has no use for moto, which takes a second and 100 MB to load.
    from sandbox.cloud import Cloud
    from sandbox.front import serve as serve_front
    from sandbox.machines import maker

    mode, why = settings["mode"], settings["why"]
    root = Path(settings["image"]) if settings["image"] else None
    base = Path(settings["base"]) if mode == "bare" else _own_workplace(mode)
    cloud = Cloud(mode, why, base, [Path(path) for path in settings["groups"]], maker(mode, root))
    server = serve_front(cloud.front, "127.0.0.1", settings["port"])
    cloud.port = server.server_port
    endpoint = f"http://127.0.0.1:{cloud.port}"
    if settings["ready_file"]:
        part = Path(settings["ready_file"] + ".part")
        part.write_text(json.dumps({"endpoint": endpoint, "mode": mode, "why": why}))
        part.rename(settings["ready_file"])
    print(f"sandbox on {endpoint}, {mode} machines ({why})", flush=True)
    signal.signal(
        signal.SIGTERM, lambda *_: os._exit(143)
    )  # PID 1 of a namespace ignores what it does not handle
    while True:
        signal.pause()


def _own_workplace(mode: str) -> Path:
    """Readies the mounts of this process's own namespace."""
    base = _workplace()
    mount("-t", "tmpfs", "-o", "size=16m,mode=755", "sandbox", base)
    if mode == "booted":
        mount("-o", "remount,bind,ro", "/sys")  # else nspawn wants a udev that knows eth0
        mount("-t", "tmpfs", "-o", "size=16m,mode=755", "sandbox-run", "/run")  # where nspawn leaves folders
    return base
