"""A machine that is to stay up stays up past the last moment at which anything of curfew's could have ended it: L0's, a
minute after the end that was promised."""

from __future__ import annotations

import json
import time

import pytest

from sandbox import Sandbox
from tests.e2e.fault_helpers import Boot, l0_fires_at
from tests.e2e.helpers import (
    LIFE,
    SOON,
    assert_disarmed,
    assert_ended,
    assert_no_call,
    assert_stays_past,
    objects,
    start,
)

pytestmark = pytest.mark.long

LIMITS = ("--max-time", "6s", "--grace", "1s", "--save-limit", "1s")
L0_AFTER = 6 + 1 + 1 + 60.0
SAVED = {"run/model": b"weights\n"}


@pytest.mark.parametrize(
    ("option", "ends", "code"),
    [("--then none", "exit 4", 4), ("--dry-run", "sleep 1000", 124)],
    ids=["none", "dry-run"],
)
def test_a_machine_that_is_not_to_end_outlives_all_limits(
    machine: Boot, cloud: Sandbox, bucket: str, option: str, ends: str, code: int
) -> None:
    instance = machine()
    saves = ("--save", f"out/=s3://{bucket}/run/")
    run = start(instance, f"echo weights >out/model; {ends}", *LIMITS, *option.split(), *saves)
    would_be_gone = time.monotonic() + L0_AFTER
    assert run.wait_code() == code
    assert objects(cloud, bucket) == SAVED
    assert_disarmed(instance)
    assert_stays_past(instance, would_be_gone)
    assert_no_call(cloud, instance, "TerminateInstances", "StopInstances")
    assert [event["event"] for event in instance.events].count("power-on") == 1


def test_a_machine_that_curfew_stopped_and_its_owner_started_outlives_the_old_limits(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine(shutdown_behavior="stop")
    saves = ("--save", f"out/=s3://{bucket}/run/")
    run = start(instance, "echo weights >out/model; known; stamp; exit 4", *LIMITS, "--then", "stop", *saves)
    would_be_gone = time.monotonic() + L0_AFTER
    instance.wait("stopped", LIFE)
    assert_ended(instance, run.stamp(), state="stopped")
    # L0 may have been moved, to make sure of that end.
    would_be_gone = max(would_be_gone, l0_of_record(instance.text("/var/lib/curfew/l0.json", "")))
    instance.start()
    assert_disarmed(instance)
    assert_stays_past(instance, would_be_gone)
    assert_no_call(cloud, instance, "TerminateInstances", "StopInstances")


def test_a_machine_that_its_owner_stopped_in_mid_job_and_started_is_nobodys_to_end(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    """StopInstances, as from the console: results are saved, and the start later is for something else."""
    instance = machine(tags={}, shutdown_behavior="stop")
    saves = ("--save", f"out/=s3://{bucket}/run/")
    limits = ("--max-time", "12s", "--grace", "2s", "--save-limit", "2s")
    run = start(instance, "echo weights >out/model; echo ready; sleep 1000", *limits, *saves)
    run.wait_out("ready")
    run.wait_err("when the job is over this machine will")
    fires = l0_fires_at(instance)
    instance.stop()
    instance.wait("stopped", SOON)
    assert instance.reason() == "Client.UserInitiatedShutdown"
    assert not [event for event in instance.events if event["event"] == "forced-off"]
    assert objects(cloud, bucket) == SAVED
    assert "by another's hand" in run.log()
    instance.start()
    assert_disarmed(instance)
    assert_stays_past(instance, fires)
    assert_no_call(cloud, instance, "TerminateInstances", "StopInstances")
    assert [event["event"] for event in instance.events].count("off") == 1


def l0_of_record(text: str) -> float:
    return float(json.loads(text)["at_boot_ms"]) / 1000 if text else 0.0
