"""nvidia-smi that is missing, lies, or hangs in a way that no signal ends: what can't be read is never idle, and never
holds up the end."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.fault_helpers import WAITS, Boot, go, kill_guard
from tests.e2e.helpers import (
    LIFE,
    POWER_OFF,
    SOON,
    Run,
    assert_ended,
    assert_stays,
    guard_pid,
    objects,
    start,
    status,
)

SAVED = {"run/model": b"weights\n"}
SMI = "/usr/local/bin/nvidia-smi"
LOOKS = "/run/looks"
# The guard looks every ten seconds, after a failure after twenty (guard/probes/prober.hpp). Much shorter than that:
IDLE = ("--idle-gpu", "3s", "--gpu-start", "4s")
TWO_LOOKS = 22.0


def start_training(machine: Boot, bucket: str, name: str = "run") -> tuple[Instance, Run]:
    """A job whose GPU has been seen at work."""
    instance = machine()
    instance.set_gpu({"utilization.gpu": 97})
    run = start(instance, WAITS, *IDLE, "--save", f"out/=s3://{bucket}/{name}/")
    instance.until(lambda: "97%" in str(status(instance).get("gpus")), SOON, "a reading")
    return instance, run


def replace_smi(instance: Instance, script: str) -> None:
    """From the next look on; each look leaves its process's number."""
    instance.write(SMI, f"#!/bin/sh\necho $$ >>{LOOKS}\n{script}\n", 0o755)


def looks(instance: Instance) -> list[str]:
    return instance.text(LOOKS, "").split()


# Where a part looks idle, the rest may be the GPU that isn't.
_GARBAGE = {
    "half-garbage": "echo '0, NVIDIA A10G, 0, 0'; echo '1, NVIDIA A10G, zero, 0'",
    "lost": "echo '0, NVIDIA A10G, 0, 0'; echo 'Unable to determine the device handle for GPU 1'; exit 15",
    "noise": "head -c 100000 /dev/urandom",
    "endless": "exec yes '0, NVIDIA A10G, 0, 0'",
}


def test_what_cannot_be_read_is_never_idle(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    """nvidia-smi is missing from the start, or prints garbage later; each in a machine of its own, and all at once."""
    bare = machine()
    bare.sh(f"rm {SMI}")
    run = start(bare, WAITS, *IDLE, "--save", f"out/=s3://{bucket}/missing/")
    run.wait_out("waiting")
    jobs = {"missing": (bare, run)}
    for kind, prints in _GARBAGE.items():
        jobs[kind] = instance, _ = start_training(machine, bucket, kind)
        replace_smi(instance, prints)
    for kind in _GARBAGE:
        instance = jobs[kind][0]
        instance.until(partial(looks, instance), SOON, f"a look ({kind})")
    assert_stays(bare, TWO_LOOKS)
    for kind, (instance, run) in jobs.items():
        assert kind == "missing" or len(looks(instance)) > 1, f"there was no second look ({kind})"
        assert_stays(instance, 0.1)
        assert status(instance)["stage"] == "running", kind
        assert status(instance)["gpus"].endswith("unknown"), kind
        assert run.code() is None
    for kind, (instance, run) in jobs.items():
        assert_ended(instance, go(instance))
        assert run.code() == 0, kind
    assert objects(cloud, bucket) == {f"{kind}/model": b"weights\n" for kind in jobs}


# Ignores SIGTERM and stops itself; what it started lives on in a session of its own and holds its output.
_CLINGS = "trap '' TERM; setsid sh -c 'trap \"\" TERM; exec sleep 1000' & kill -STOP $$"


def test_nvidia_smi_that_clings_is_killed_each_time(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance, run = start_training(machine, bucket)
    replace_smi(instance, _CLINGS)
    instance.until(lambda: len(looks(instance)) > 1, LIFE, "a second look")
    first = looks(instance)[0]
    assert instance.exec(["test", "-e", f"/proc/{first}"]).code != 0, "the first one is still there"
    assert status(instance)["stage"] == "running"
    assert_ended(instance, go(instance))
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 0


# What systemd prints when all units have been stopped.
_LAST = "Sending SIGTERM to remaining processes"
# The freezer of control groups of version 1 leaves its processes in state D until they are thawed: SIGKILL included.
_FREEZER = Path("/sys/fs/cgroup/freezer")


@contextlib.contextmanager
def _ice(name: str) -> Iterator[Path]:
    """A group of the host's whose processes are frozen; thawed in the end, whatever becomes of this process."""
    group = _FREEZER / name
    group.mkdir()
    thaw = f"read -t 240 _; echo THAWED >{group}/freezer.state"
    thaw += f"; for i in {{1..50}}; do sleep 0.2; rmdir {group} && break; done"
    keeper = subprocess.Popen(["bash", "-c", thaw], stdin=subprocess.PIPE, start_new_session=True)
    try:
        (group / "freezer.state").write_text("FROZEN")
        yield group
    finally:
        assert keeper.stdin
        keeper.stdin.close()
        keeper.wait(30)


def test_nvidia_smi_that_hangs_in_the_kernel(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    """In state D, as where the driver hangs. It can't be killed: it's left alone, and no second one is started; and
    neither the next guard nor the machine's end waits for it."""
    if not (_FREEZER / "cgroup.procs").exists():
        pytest.skip("no freezer of control groups of version 1 here: nothing can be put into state D")
    instance, run = start_training(machine, bucket)
    where = "/run/freezer"
    instance.sh(f"mkdir {where}; mount -t cgroup -o freezer none {where}")
    with _ice(f"curfew-test-{instance.id}") as group:
        replace_smi(instance, f"echo $$ >{where}/{group.name}/cgroup.procs; exec sleep 1000")
        (pid,) = instance.until(lambda: looks(instance), SOON, "a look")
        instance.until(lambda: state_of(instance, pid) == "D", SOON, f"process {pid} in state D")
        guard = guard_pid(instance)
        assert_stays(instance, TWO_LOOKS)
        assert state_of(instance, pid) == "D", "it was killed: the fault wasn't one"
        assert looks(instance) == [pid], "another one was started"
        assert guard_pid(instance) == guard and status(instance)["stage"] == "running"
        kill_guard(instance)
        run.wait_err("a new guard takes over, in stage running")
        cause = go(instance)
        # In the last moment systemd waits 90 s for each process, on any machine; until then none may hold it up.
        instance.until(lambda: _LAST in instance.console(), POWER_OFF, "end of all units")
        assert objects(cloud, bucket) == SAVED
    assert_ended(instance, cause, within=2 * POWER_OFF)
    assert run.code() == 0


def state_of(instance: Instance, pid: str) -> str:
    return instance.text(f"/proc/{pid}/stat", ") ?").rpartition(") ")[2][:1]
