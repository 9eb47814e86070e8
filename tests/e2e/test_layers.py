"""Each layer alone ends the machine, whatever is wrong with those above it: L2 without a guard that can start, L0 without
L2, and what is left to them when a shutdown hangs or PID 1 has crashed."""

from __future__ import annotations

import time

import pytest

from sandbox import Sandbox
from tests.e2e.fault_helpers import (
    L0_POWER_OFF,
    L2_POWER_OFF,
    Boot,
    go,
    kill_guard,
    l0_fires_at,
    start_waiting,
    take_l2_away,
    wait_until,
)
from tests.e2e.helpers import POWER_OFF, assert_ended, assert_no_call, objects

PROGRAM = "/var/lib/curfew/bin/curfew"
# L0 fires a minute after the machine should have been gone: 10 s of job, 1 s of grace, 60 s.
SHORT = ("--max-time", "10s", "--grace", "1s")
# While the guard's own shutdown is under way: L0 after two minutes, and by force two minutes later.
L0_WHILE_ENDING = 120.0


def test_a_shutdown_that_hangs_is_ended_by_l0(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    """A service that never stops. The guard leaves, for it would hold up the shutdown as well; L0 has the last word."""
    instance = machine()
    stuck = "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n"
    instance.write("/usr/local/bin/stuck", stuck, 0o755)
    instance.sh(
        "systemd-run --unit=stuck --property=TimeoutStopSec=infinity --property=SendSIGKILL=no /usr/local/bin/stuck"
    )
    run = start_waiting(instance, bucket)
    cause = go(instance)
    within = 2 * L0_WHILE_ENDING + L0_POWER_OFF
    took = assert_ended(instance, cause, within=within, timeout=within + 30)
    assert took > 2 * L0_WHILE_ENDING - 1, "the shutdown didn't hang: this shows nothing"
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}
    assert "the machine is going down" in run.log()


@pytest.mark.parametrize("how", ["replaced", "deleted"])
def test_a_guard_that_cannot_start_again_is_ended_by_l2(
    machine: Boot, cloud: Sandbox, bucket: str, how: str
) -> None:
    instance = machine()
    run = start_waiting(instance, bucket)
    if how == "replaced":
        instance.write(f"{PROGRAM}.bad", "#!/bin/sh\nexit 1\n", 0o755)
        instance.sh(f"mv {PROGRAM}.bad {PROGRAM}")
    else:
        instance.sh(f"rm {PROGRAM}")
    cause = time.monotonic()
    kill_guard(instance)
    assert_ended(instance, cause, within=L2_POWER_OFF)
    assert "ending the machine" not in run.log(), "a guard has ended it"
    assert_no_call(cloud, instance, "TerminateInstances", "StopInstances")
    assert objects(cloud, bucket) == {}, "nobody was there to save"


@pytest.mark.parametrize("program", ["there", "gone"])
def test_l0_alone_ends_the_machine_at_its_time(
    machine: Boot, cloud: Sandbox, bucket: str, program: str
) -> None:
    instance = machine()
    start_waiting(instance, bucket, *SHORT, "--save-limit", "1s")
    take_l2_away(instance)
    fires = l0_fires_at(instance)
    if program == "gone":
        instance.sh(f"rm {PROGRAM}")
    assert_ended(instance, fires, within=L0_POWER_OFF, timeout=120)
    assert objects(cloud, bucket) == {}, "nobody was there to save"


def test_l0_ends_a_machine_that_boots_after_its_time(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    start_waiting(instance, bucket, *SHORT, "--save-limit", "1s")
    take_l2_away(instance)
    fires = l0_fires_at(instance)
    instance.stop()
    instance.wait("stopped")
    wait_until(fires + 1)
    instance.start(wait=False)
    instance.wait("terminated")
    cause = instance.powered_on_at
    assert cause is not None and cause > fires
    took = assert_ended(instance, cause, within=L0_POWER_OFF)
    assert instance.running_seconds() < fires - 1, "it ran on until L0's time instead of being stopped"
    assert instance.billed_seconds() <= 60 + max(60, int(took) + 1), (
        "a minute at least for each of two starts"
    )
    assert objects(cloud, bucket) == {}


def test_a_crash_of_pid_1_leaves_nothing_on_the_machine_and_an_end_from_outside(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    """On real hardware systemd freezes when it crashes, and the guard's last rungs go on working; in a container PID 1
    exits instead, and the kernel ends all other processes with it. So what can be shown here is the harder half: nothing
    of curfew's is left, EC2 sees a running instance, and an end from outside (as L3 and L4 give) is what ends it."""
    instance = machine()
    start_waiting(instance, bucket)
    instance.exec(["kill", "-SEGV", "1"])
    crash = instance.wait_event("crash")
    assert crash["exit"] == 255
    assert instance.state() == "running" and not instance.facts()["alive"]
    cause = time.monotonic()
    instance.terminate()
    instance.wait("terminated", POWER_OFF)
    assert instance.reason() == "Client.UserInitiatedShutdown"
    assert instance.running_seconds() < cause + POWER_OFF - (instance.powered_on_at or 0)
    assert objects(cloud, bucket) == {}
