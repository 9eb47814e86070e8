"""Ways to end the machine that don't work: the guard goes on to the next one, each with its 30 s, results saved before."""

from __future__ import annotations

import time

import pytest

from sandbox import Sandbox
from tests.e2e.fault_helpers import (
    FAILS,
    HANGS,
    LIES,
    RUNG,
    Boot,
    deny,
    go,
    shadow,
    shadow_systemctl,
    start_waiting,
)
from tests.e2e.helpers import POWER_OFF, assert_ended, assert_no_call, objects, start

BY_API = "Client.UserInitiatedShutdown"
BY_ITSELF = "Client.InstanceInitiatedShutdown"
SAVED = {"run/model": b"weights\n"}


@pytest.mark.parametrize(
    ("shutdown", "api", "systemctl", "rungs", "reason"),
    [
        # What fails is passed over at once; what lies or hangs has its 30 s.
        ("missing", "works", "works", 0, BY_API),
        (FAILS, "works", "works", 0, BY_API),
        (LIES, "works", "works", 1, BY_API),
        (HANGS, "works", "works", 1, BY_API),
        (FAILS, "denied", "works", 0, BY_ITSELF),
        (LIES, "denied", "works", 1, BY_ITSELF),
        (FAILS, "hangs", "works", 1, BY_ITSELF),
        (FAILS, "denied", FAILS, 0, BY_ITSELF),  # reboot(2)
        (LIES, "denied", HANGS, 2, BY_ITSELF),
        (HANGS, "cut off", LIES, 2, BY_ITSELF),  # without a route the API fails at once
    ],
    ids=[
        "no-shutdown",
        "shutdown-fails",
        "shutdown-lies",
        "shutdown-hangs",
        "shutdown-fails-api-denied",
        "shutdown-lies-api-denied",
        "shutdown-fails-api-hangs",
        "only-the-kernel-at-once",
        "only-the-kernel",
        "only-the-kernel-cut-off",
    ],
)
def test_a_rung_that_does_not_work_is_followed_by_the_next(
    machine: Boot,
    cloud: Sandbox,
    bucket: str,
    shutdown: str,
    api: str,
    systemctl: str,
    rungs: int,
    reason: str,
) -> None:
    instance = machine()
    run = start_waiting(instance, bucket)
    run.wait_err("this machine will be gone")
    if shutdown == "missing":
        instance.sh("rm /usr/sbin/shutdown; ! command -v shutdown")
    else:
        shadow(instance, "shutdown", shutdown)
    if systemctl != "works":
        shadow_systemctl(instance, "poweroff", systemctl)
    if api == "denied":
        deny(cloud, instance)
    elif api == "hangs":
        cloud.fault("hang", "ec2", "TerminateInstances", instance=instance.id)
    elif api == "cut off":
        # Once everything is saved: what is lost without a network is another test's.
        shadow(instance, "shutdown", f"ip link set eth0 down; {shutdown}")
    cause = go(instance)
    took = assert_ended(instance, cause, reason=reason, within=rungs * RUNG + POWER_OFF, timeout=150)
    assert took > rungs * RUNG - 1, "an earlier way has worked: the fault wasn't one"
    assert objects(cloud, bucket) == SAVED
    assert "everything is saved" in run.log()
    assert instance.billed_seconds() <= max(60, int(rungs * RUNG) + 60)


def test_terminate_instances_is_not_needed_where_shutdown_works(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    start_waiting(instance, bucket)
    deny(cloud, instance)
    assert_ended(instance, go(instance))
    assert objects(cloud, bucket) == SAVED
    assert_no_call(cloud, instance, "TerminateInstances", "StopInstances")


def test_an_instance_protected_from_the_api_ends_by_its_own_shutdown(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine(DisableApiTermination=True)
    start_waiting(instance, bucket)
    with pytest.raises(Exception, match="OperationNotPermitted"):
        instance.terminate()
    assert_ended(instance, go(instance))
    assert objects(cloud, bucket) == SAVED


def test_a_protected_instance_whose_shutdown_fails_ends_by_force(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine(DisableApiTermination=True)
    run = start_waiting(instance, bucket)
    shadow(instance, "shutdown", FAILS)
    assert_ended(instance, go(instance))
    assert objects(cloud, bucket) == SAVED
    assert "OperationNotPermitted" in run.log()


def test_a_spot_instance_ends_the_same_way(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine(spot=True)
    assert instance.describe()["InstanceLifecycle"] == "spot"
    run = start_waiting(instance, bucket)
    assert_ended(instance, go(instance))
    assert run.code() == 0
    assert objects(cloud, bucket) == SAVED


def test_termination_from_outside_saves_the_checkpoint_and_climbs_no_ladder(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    """As the console's Terminate: EC2 asks the machine to shut down, and cuts it off if that takes too long."""
    instance = machine()
    trap = "trap 'echo step 7 >out/checkpoint; exit 0' TERM; echo waiting; while :; do sleep 0.05; done"
    run = start(instance, trap, "--save", f"out/=s3://{bucket}/run/")
    run.wait_out("waiting")
    cause = time.monotonic()
    instance.terminate()
    assert_ended(instance, cause, reason=BY_API)
    assert "forced-off" not in [event["event"] for event in instance.events]
    assert "by another's hand" in run.log()
    assert "ending the machine" not in run.log()
    assert objects(cloud, bucket) == {"run/checkpoint": b"step 7\n"}
    assert_no_call(cloud, instance, "TerminateInstances", "StopInstances")
