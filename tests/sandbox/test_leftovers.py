"""Whatever ends a sandbox, nothing is left of it: no process, no mount, no namespace, no control group, no folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from sandbox import Sandbox, cgroups
from sandbox.lesser_init import descendants

BOUND = 20.0


def _groups(pid: int) -> list[str]:
    return [str(path) for top in cgroups._tops() for path in top.glob(f"{cgroups.PREFIX}{pid}-*")]


def _mounts() -> str:
    return Path("/proc/self/mountinfo").read_text()


def _folders(pid: int) -> list[str]:
    return [str(path) for path in Path(tempfile.gettempdir()).glob(f"{cgroups.PREFIX}{pid}-*")]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("mode", ["best", "lesser", "bare"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left(mode: str, number: signal.Signals, best: str) -> None:
    wanted = best if mode == "best" else mode
    mounts = _mounts()
    cloud = Sandbox.start(wanted)
    assert cloud.process
    instance = cloud.launch(cloud_init=False)
    assert cloud.mode != "booted" or _groups(cloud.process.pid)
    assert cloud.mode != "bare" or _folders(cloud.process.pid)
    sleeper = int(instance.exec(["sleep", "1000"], detach=True).out)
    instance.exec(["sh", "-c", "setsid sleep 1000 &"], detach=True)
    kin = set(descendants(cloud.process.pid))
    if mode == "bare":  # where a process that was left by its parent is found by its pid only
        kin.add(sleeper)
    assert len(kin) > 2
    os.kill(cloud.process.pid, number)
    cloud.process.wait(BOUND)
    deadline = time.monotonic() + BOUND
    while True:
        left = [pid for pid in kin if _alive(pid)], _groups(cloud.process.pid)
        # Of a bare one that was killed by SIGKILL its folder stays, among the temporary files.
        folders = [] if number == signal.SIGKILL else _folders(cloud.process.pid)
        if not any(left) and not folders:
            break
        assert time.monotonic() < deadline, f"left: {left} {folders}"
        time.sleep(0.05)
    assert _mounts() == mounts


def test_two_sandboxes_do_not_see_each_other(cloud: Sandbox, best: str) -> None:
    mine = cloud.launch(cloud_init=False)
    with Sandbox.start(best) as other:
        theirs = other.launch(cloud_init=False)
        assert mine.id not in other.control("info")["instances"]
        theirs.power_off()
        theirs.wait("stopped", BOUND)
    assert mine.exec(["true"]).code == 0


def test_a_sandbox_ends_with_the_process_that_started_it(best: str) -> None:
    script = "import os, signal; from sandbox import Sandbox; cloud = Sandbox.start(os.environ['MODE'])"
    script += "; print(cloud.process.pid, flush=True); signal.pause()"
    repo = Path(__file__).resolve().parents[2]
    env = os.environ | {"MODE": best}
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=repo, env=env, stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdout
        server = int(client.stdout.readline())
        kin = {server, *descendants(server)}
        client.kill()
    deadline = time.monotonic() + BOUND
    while any(map(_alive, kin)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
