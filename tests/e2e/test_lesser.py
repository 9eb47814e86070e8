"""Machines without systemd (the sandbox's lesser mode): guard and job's parent are plain processes, L0 is `shutdown -h +N`.

The front end's exit code is not asked for: init's SIGTERM ends the shell that waits for it as soon as `shutdown` runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from sandbox import Instance, Sandbox
from sandbox.mode import detect
from tests.e2e.fault_helpers import WAITS, Boot, go, guards
from tests.e2e.helpers import INSIDE, SOON, Run, assert_ended, objects, start

SAVED = {"run/model": b"weights\n"}
# Without systemd the guard can't tell that the machine is going down, and goes on guarding it: the sandbox's init, as
# others do, waits 15 s for it after its SIGTERM.
POWER_OFF = 25.0
# Five starts of a guard, a second apart, then `shutdown`.
HOPELESS = 10.0 + POWER_OFF
# `shutdown -h +N` counts in minutes, rounded up, from the start of the job.
L0_MINUTES = 120.0


@pytest.fixture(scope="module")
def lesser_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    try:
        detect("lesser")
    except RuntimeError as error:
        pytest.fail(str(error), pytrace=False)
    with Sandbox.start("lesser", log=tmp_path_factory.mktemp("lesser") / "log") as cloud:
        yield cloud


@pytest.fixture
def cloud(lesser_cloud: Sandbox) -> Iterator[Sandbox]:
    """In this file all machines are lesser ones."""
    yield lesser_cloud
    lesser_cloud.reset()


def start_job(machine: Boot, bucket: str, script: str = WAITS, *options: str) -> tuple[Instance, Run]:
    instance = machine()
    run = start(instance, script, "--save", f"out/=s3://{bucket}/run/", *options)
    run.wait_err("this machine will be gone")
    if script == WAITS:
        run.wait_out("waiting")
    return instance, run


def test_success_saves_and_ends(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance, run = start_job(machine, bucket)
    assert "without systemd the guard is a plain process" in run.err()
    assert "L0 is `shutdown -h +N`" in run.err()
    assert_ended(instance, go(instance), within=POWER_OFF)
    assert "the command has ended: exit code 0" in run.log()
    assert objects(cloud, bucket) == SAVED


def test_failure_saves_and_ends(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance, run = start_job(machine, bucket, "echo weights >out/model; sleep 1; stamp; exit 3")
    instance.wait("terminated")
    assert_ended(instance, run.stamp(), within=POWER_OFF)
    assert "the command has ended: exit code 3" in run.log()
    assert objects(cloud, bucket) == SAVED


def test_the_time_limit_ends_a_job_that_ignores_sigterm(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    script = "trap '' TERM; echo weights >out/model; stamp; while :; do sleep 0.1; done"
    instance, run = start_job(machine, bucket, script, "--max-time", "4s", "--grace", "1s")
    instance.wait("terminated")
    assert_ended(instance, run.stamp() + 5, within=POWER_OFF)
    assert "time limit reached" in run.log()
    assert objects(cloud, bucket) == SAVED


def test_a_guard_that_is_killed_is_restarted(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance, run = start_job(machine, bucket)
    (first,) = guards(instance)
    instance.sh(f"kill -9 {first}")
    run.wait_err("a new guard takes over, in stage running")
    (second,) = guards(instance)
    assert second != first
    assert_ended(instance, go(instance), within=POWER_OFF)
    assert "the command has ended: exit code 0" in run.log()
    assert objects(cloud, bucket) == SAVED


def test_a_guard_that_cannot_start_again_is_ended_by_the_jobs_parent(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance, _ = start_job(machine, bucket)
    instance.sh(
        f"printf '#!/bin/sh\\nexit 1\\n' >{INSIDE}.bad; chmod 755 {INSIDE}.bad; mv {INSIDE}.bad {INSIDE}"
    )
    cause = time.monotonic()
    instance.sh(f"kill -9 {guards(instance)[0]}")
    assert_ended(instance, cause, within=HOPELESS)
    assert objects(cloud, bucket) == {}, "nobody was there to save"


def test_l0_ends_a_machine_on_which_nothing_of_curfews_is_left(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    started = time.monotonic()
    instance, _ = start_job(
        machine, bucket, WAITS, "--max-time", "10s", "--grace", "1s", "--save-limit", "1s"
    )
    instance.sh("kill -9 $(pgrep -f '[c]urfew (shim|guard) --state')")
    left = ["pgrep", "-f", "curfew (shim|guard) --state"]
    instance.until(lambda: instance.exec(left).code != 0, SOON, "end of guard and shim")
    assert_ended(instance, started + L0_MINUTES, within=POWER_OFF + SOON, timeout=L0_MINUTES + 60)
    assert objects(cloud, bucket) == {}, "nobody was there to save"
