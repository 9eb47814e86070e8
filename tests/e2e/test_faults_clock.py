"""The wall clock is wrong by hours: nothing ends early, nothing ends late, and what is due is saved."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.fault_helpers import WAITS, Boot, kill_guard, seconds_of
from tests.e2e.helpers import POWER_OFF, Run, assert_ended, assert_stays, objects, start, wait_status

SAVED = {"run/model": b"weights\n"}
PROGRAM = "/var/lib/curfew/bin/curfew"
CLOCK = "/root/guest_clock.py"
HOURS = 10 * 3600
GRACE = 1
# Long enough for what is done to the machine before, on one that builds and tests at the same time.
LIMITS = ("--max-time", "22s", "--grace", f"{GRACE}s")
# The guard looks at its clocks every five seconds while the job runs (guard/supervisor.cpp, k_running_tick).
LOOK = 5.0


def start_limited(machine: Boot, cloud: Sandbox, bucket: str) -> tuple[Instance, Run]:
    instance = machine(files={CLOCK: Path(__file__).with_name("guest_clock.py")})
    run = start(instance, WAITS, *LIMITS, "--save", f"out/=s3://{bucket}/run/")
    run.wait_out("waiting")
    run.wait_err("when the job is over")
    # What S3 says to a clock that is wrong; it tells the right time with it.
    cloud.fault(
        "error", "s3", "PutObject", instance=instance.id, times=1, code="RequestTimeTooSkewed", status=403
    )
    return instance, run


def assert_keeps_its_time(
    instance: Instance, cloud: Sandbox, bucket: str, run: Run, before: dict[str, Any], read: float, jump: int
) -> None:
    """`before`: the status as it was at `read`, on the clock of the sandbox's events, when the clock was right."""
    after = wait_status(instance, stage="running")
    passed = time.monotonic() - read
    for name in ("stop_at", "end_at"):
        assert abs(before[name]["left_s"] - after[name]["left_s"] - passed) < 3, (name, before, after)
    # The guard does see another time, or all this shows nothing.
    assert abs(seconds_of(after["stop_at"]) - seconds_of(before["stop_at"]) - jump) < 2, (before, after)
    assert_stays(instance, LOOK + 1)
    assert run.code() is None
    stop = read + before["stop_at"]["left_s"]
    assert_ended(instance, stop, within=1 + GRACE + POWER_OFF)
    assert run.code() == 124
    assert "time limit reached after 22s" in run.log()
    assert objects(cloud, bucket) == SAVED


@pytest.mark.parametrize("jump", [HOURS, -HOURS], ids=["forward", "back"])
def test_a_clock_that_jumps_under_the_guard(machine: Boot, cloud: Sandbox, bucket: str, jump: int) -> None:
    instance, run = start_limited(machine, cloud, bucket)
    before, read = wait_status(instance, stage="running"), time.monotonic()
    instance.sh(f"python3 {CLOCK} shift $(systemctl show curfew --property=MainPID --value) {jump}")
    assert_keeps_its_time(instance, cloud, bucket, run, before, read, jump)


@pytest.mark.parametrize("jump", [HOURS, -HOURS], ids=["forward", "back"])
def test_a_clock_that_jumps_while_there_is_no_guard(
    machine: Boot, cloud: Sandbox, bucket: str, jump: int
) -> None:
    """The next guard has the state of one that lived in another time."""
    instance, run = start_limited(machine, cloud, bucket)
    before, read = wait_status(instance, stage="running"), time.monotonic()
    instance.write(
        f"{PROGRAM}.new", f'#!/bin/sh\nexec python3 {CLOCK} run {jump} {PROGRAM}.true "$@"\n', 0o755
    )
    instance.sh(f"mv {PROGRAM} {PROGRAM}.true; mv {PROGRAM}.new {PROGRAM}")
    kill_guard(instance)
    run.wait_err("a new guard takes over, in stage running")
    assert_keeps_its_time(instance, cloud, bucket, run, before, read, jump)
