"""Disks that are full and files that are garbage: the last good state holds, and the machine ends."""

from __future__ import annotations

import time

import pytest

from sandbox import Sandbox
from tests.e2e.fault_helpers import (
    L2_POWER_OFF,
    WAITS,
    Boot,
    assert_nothing_started,
    go,
    kill_guard,
    start_waiting,
)
from tests.e2e.helpers import assert_ended, assert_stays, objects, start, wait_status

SAVED = {"run/model": b"weights\n"}
STATE = "/var/lib/curfew"


@pytest.mark.parametrize("full", [(STATE,), (STATE, "/root")], ids=["state-folder", "state-and-job"])
def test_a_disk_that_fills_up_under_the_job(
    machine: Boot, cloud: Sandbox, bucket: str, full: tuple[str, ...]
) -> None:
    """Not all of `/`: the sandbox keeps the machine's console on its disk, and nspawn dies where it can't be written."""
    instance = machine()
    for folder in full:
        instance.sh(f"mkdir -p {folder}; mount -t tmpfs -o size=20m tmpfs {folder}")
    run = start_waiting(instance, bucket)
    for folder in full:
        instance.fill_disk(f"{folder}/filler")
        assert instance.exec(["sh", "-c", f"echo x >{folder}/more"]).code != 0, "not full"
    cause = go(instance)
    assert_ended(instance, cause)
    assert objects(cloud, bucket) == SAVED
    if len(full) == 1:  # else the log is gone with its disk
        assert "the last good one is kept" in run.log()
        assert run.code() == 0


def test_a_guard_killed_on_a_full_disk_goes_on_from_the_last_good_state(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    instance.sh(f"mkdir -p {STATE}; mount -t tmpfs -o size=20m tmpfs {STATE}")
    run = start_waiting(instance, bucket)
    instance.fill_disk(f"{STATE}/filler")
    kill_guard(instance)
    run.wait_err("a new guard takes over, in stage running")
    assert_ended(instance, go(instance))
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 0


@pytest.mark.parametrize("room", ["1m", "64k"])
def test_a_disk_that_is_full_from_the_start_is_refused(machine: Boot, room: str) -> None:
    """No room for curfew's copy of itself, and hardly any at all."""
    instance = machine()
    instance.sh(f"mkdir -p {STATE}; mount -t tmpfs -o size={room},nr_inodes=20 tmpfs {STATE}")
    if room == "64k":
        instance.fill_disk(f"{STATE}/filler")
    run = start(instance, "echo started >/root/started", wait=False)
    assert run.wait_code() == 125
    assert "No space left on device" in run.err() and len(run.err().strip().splitlines()) == 1, run.err()
    assert instance.exec(["test", "-e", "/root/started"]).code != 0, "the command ran, unguarded"
    assert_nothing_started(instance)
    assert_stays(instance)


@pytest.mark.parametrize("content", ["", "{", '{"version": 1}', "\\0\\377garbage", '{"stage": "done"}'])
def test_a_state_that_cannot_be_read_keeps_the_bound_of_the_start(
    machine: Boot, cloud: Sandbox, bucket: str, content: str
) -> None:
    instance = machine()
    run = start_waiting(instance, bucket, "--grace", "2s")
    before = wait_status(instance, stage="running")["end_at"]["at"]
    instance.sh(
        "pid=$(systemctl show curfew.service --property=MainPID --value); kill -STOP $pid;"
        f" printf '{content}' >{STATE}/state.json; kill -KILL $pid"
    )
    run.wait_err("going on with the times that the job was started with")
    after = wait_status(instance, stage="running")["end_at"]["at"]
    assert after == before
    assert_ended(instance, go(instance))
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 0


def test_a_state_that_cannot_be_read_holds_the_time_limit(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start(instance, WAITS, "--save", f"out/=s3://{bucket}/run/", "--max-time", "12s", "--grace", "1s")
    started = time.monotonic()
    run.wait_out("waiting")
    instance.sh(
        "pid=$(systemctl show curfew.service --property=MainPID --value); kill -STOP $pid;"
        f" printf garbage >{STATE}/state.json; kill -KILL $pid"
    )
    assert_ended(instance, started, within=12 + 10)
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 124


@pytest.mark.parametrize("content", ["", "garbage", '{"version": 1, "then": "none"}'])
def test_orders_that_cannot_be_read_are_ended_by_l2(
    machine: Boot, cloud: Sandbox, bucket: str, content: str
) -> None:
    """guard.json is garbage: no guard can start any more, and nothing is guessed."""
    instance = machine()
    start_waiting(instance, bucket)
    instance.sh(f"printf '{content}' >{STATE}/guard.json")
    cause = time.monotonic()
    kill_guard(instance)
    assert_ended(instance, cause, within=L2_POWER_OFF)
    assert objects(cloud, bucket) == {}, "nobody was there to save"
