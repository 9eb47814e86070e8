"""What becomes of the machine: terminated, stopped, or left alone; and that nobody's machine is ended against its tags."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.helpers import (
    JOB_TAG,
    LIFE,
    assert_disarmed,
    assert_ended,
    assert_no_call,
    assert_stays,
    objects,
    start,
    unit,
    wait_status,
)

Boot = Callable[..., Instance]

_TRAINS = "known; echo weights >out/model; stamp; exit 4"


def test_stop_stops_and_a_start_by_its_owner_lasts(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine(shutdown_behavior="stop")
    run = start(instance, _TRAINS, "--then", "stop", "--save", f"out/=s3://{bucket}/run/")
    instance.wait("stopped", LIFE)
    assert_ended(instance, run.stamp(), state="stopped")
    assert run.code() == 4
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}
    assert_no_call(cloud, instance, "TerminateInstances")
    instance.start()
    assert_disarmed(instance)
    assert_stays(instance)
    # And is as good as new for the next job.
    again = start(instance, "known; stamp; exit 6", "--then", "stop", name="again")
    instance.wait("stopped", LIFE)
    assert_ended(instance, again.stamp(), state="stopped")
    assert again.code() == 6


def test_none_leaves_the_machine_and_nothing_behind(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start(
        instance, _TRAINS.removeprefix("known; "), "--then", "none", "--save", f"out/=s3://{bucket}/run/"
    )
    assert run.wait_code() == 4
    assert "the machine stays" in run.err()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}
    assert_disarmed(instance)
    assert_stays(instance)
    assert_no_call(cloud, instance, "TerminateInstances", "StopInstances")
    instance.terminate()


def test_a_dry_run_says_what_it_would_do(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start(instance, _TRAINS, "--dry-run", "--save", f"out/=s3://{bucket}/run/")
    assert run.wait_code() == 4
    assert "dry run: would now terminate the machine by 'shutdown_command'" in run.err()
    assert f"instance {instance.id}" in run.err()
    assert "ending this machine" not in run.log()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}, "all but the end is done"
    assert_disarmed(instance)
    assert_stays(instance)
    assert_no_call(cloud, instance, "TerminateInstances", "StopInstances")
    instance.terminate()


@pytest.mark.parametrize(
    ("tags", "then", "behavior", "state", "call"),
    [
        # Somebody's own machine: what its owner set, and its disk is never deleted.
        ({}, "auto", "stop", "stopped", None),
        ({"Name": "devbox"}, "auto", "terminate", "terminated", None),
        (JOB_TAG | {"curfew:then": "stop"}, "auto", "stop", "stopped", None),
        # What an OS shutdown does here isn't what is wanted: the API does it.
        (JOB_TAG, "auto", "stop", "terminated", "TerminateInstances"),
        ({}, "terminate", "stop", "terminated", "TerminateInstances"),
        (JOB_TAG, "stop", "terminate", "stopped", "StopInstances"),
    ],
    ids=["untagged", "untagged-terminate", "tagged-stop", "launched-wrong", "named-terminate", "named-stop"],
)
def test_tags_option_and_shutdown_behavior(
    machine: Boot,
    cloud: Sandbox,
    bucket: str,
    tags: dict[str, str],
    then: str,
    behavior: str,
    state: str,
    call: str | None,
) -> None:
    instance = machine(tags=tags, shutdown_behavior=behavior)
    options = ["--then", then, "--save", f"out/=s3://{bucket}/run/"]
    run = start(instance, _TRAINS, *options)
    instance.wait(state, LIFE)
    reason = "Client.UserInitiatedShutdown" if call else "Client.InstanceInitiatedShutdown"
    assert_ended(instance, run.stamp(), state=state, reason=reason)
    assert not [event for event in instance.events if event["event"] == "forced-off"]
    assert run.code() == 4
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}
    for name in ("TerminateInstances", "StopInstances"):
        if name != call:
            assert_no_call(cloud, instance, name)


def test_a_job_that_ends_before_imds_has_answered_never_deletes_a_disk(machine: Boot, cloud: Sandbox) -> None:
    """Without its tags a machine may be somebody's own: stopped, as far as curfew can say."""
    instance = machine(tags={}, shutdown_behavior="stop")
    instance.imds_fails(error=503)
    run = start(instance, "stamp; exit 0")
    instance.wait("stopped", LIFE)
    assert_ended(instance, run.stamp(), state="stopped")
    assert run.code() == 0
    assert_no_call(cloud, instance, "TerminateInstances")


def test_the_other_machine_is_left_alone(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    mine, other = machine(), machine()
    theirs = start(other, "echo ready; sleep 1000", "--max-time", "1h")
    theirs.wait_out("ready")
    elapses = ("NextElapseUSecRealtime", "ActiveState")
    armed = unit(other, "curfew-l0.timer", *elapses)
    run = start(mine, _TRAINS, "--save", f"out/=s3://{bucket}/run/")
    mine.wait("terminated", LIFE)
    assert_ended(mine, run.stamp())
    assert_stays(other)
    assert wait_status(other, stage="running", instance=other.id)["cause"] is None
    assert unit(other, "curfew-l0.timer", *elapses) == armed
    assert theirs.code() is None and theirs.out() == "ready\n"
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}
    other.terminate()
    other.wait("terminated", LIFE)
