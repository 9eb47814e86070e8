"""The machine runs out of memory, or the guard loses its program or the disk with its state: the job goes on, results
are saved, and the machine ends."""

from __future__ import annotations

import json
import time

import pytest

from sandbox import Sandbox
from tests.e2e.fault_helpers import WAITS, Boot, go, kill_guard, seconds_of, start_waiting
from tests.e2e.helpers import (
    INSIDE,
    LIFE,
    POWER_OFF,
    SOON,
    assert_ended,
    guard_pid,
    objects,
    start,
    unit,
    wait_status,
)

SAVED = {"run/model": b"weights\n"}
STATE = "/var/lib/curfew"
# Room for systemd, curfew and a small job; what takes more meets the kernel's OOM killer.
MEMORY = "300M"
EATS = "exec python3 -c 'held = []\nwhile True: held.append(bytearray(1 << 20))'"


def test_a_guard_killed_by_the_kernel_for_memory_is_replaced(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    """Without its armour, so that the kernel takes it first; what eats is next, and then there is room again."""
    instance = machine(memory=MEMORY)
    run = start_waiting(instance, bucket)
    before = wait_status(instance, stage="running")
    killed = guard_pid(instance)
    instance.sh(f"echo 1000 >/proc/{killed}/oom_score_adj")
    eater = instance.exec(["sh", "-c", EATS])
    assert eater.code == 137, "the machine's memory isn't bounded"
    instance.until(lambda: guard_pid(instance) not in (0, killed), SOON, "another guard")
    run.wait_err("a new guard takes over, in stage running")
    after = wait_status(instance, stage="running")
    assert unit(instance, "curfew.service", "NRestarts") == {"NRestarts": "1"}
    assert after["job_pid"] == before["job_pid"]
    assert abs(seconds_of(after["stop_at"]) - seconds_of(before["stop_at"])) <= 1
    assert_ended(instance, go(instance))
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 0


def test_a_job_that_eats_all_memory_does_not_take_its_guard_along(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine(memory=MEMORY)
    run = start(
        instance,
        f"echo weights >out/model; known; while [ ! -e /run/go ]; do sleep 0.05; done; stamp; {EATS}",
        *("--save", f"out/=s3://{bucket}/run/"),
    )
    run.wait_err("when the job is over")
    shim = unit(instance, "curfew-job.service", "MainPID")["MainPID"]
    job = wait_status(instance, stage="running")["job_pid"]
    scores = [instance.text(f"/proc/{pid}/oom_score_adj").strip() for pid in (guard_pid(instance), shim, job)]
    # Where the kernel doesn't let machines like these lower it, theirs is that of everybody.
    lowered = instance.exec(["sh", "-c", "echo -1000 >/proc/self/oom_score_adj"]).code == 0
    assert scores == [*(["-1000"] * 2 if lowered else ["0"] * 2), "500"]
    go(instance)
    # Memory has to be filled first.
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp(), within=2 * SOON)
    assert run.code() == 137
    assert "the command has ended: killed by SIGKILL" in run.log()
    assert "takes over" not in run.log()
    record = json.loads(instance.text(f"{STATE}/exit.json"))
    assert (record["how"], record["number"]) == ("signalled", 9)
    assert objects(cloud, bucket) == SAVED


def test_a_guard_whose_program_is_deleted_under_it_ends_in_order(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    """It runs on what it has in memory; only what needs the program anew is missing, and that is said."""
    instance = machine()
    run = start_waiting(instance, bucket, "--before-end", "echo before >out/before")
    run.wait_err("when the job is over")
    instance.sh(f"rm {STATE}/bin/curfew {INSIDE}")
    assert_ended(instance, go(instance))
    assert objects(cloud, bucket) == SAVED
    assert "--before-end" in run.log()
    assert run.code() == 0


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_state_that_cannot_be_written_any_more(
    machine: Boot, cloud: Sandbox, bucket: str, what: str
) -> None:
    """Read-only, for this guard and for the next; what the job's parent has to tell, it tells without a file."""
    instance = machine()
    run = start_waiting(instance, bucket, "--grace", "2s")
    before = wait_status(instance, stage="running")
    place = f"{STATE}/state.json" if what == "file" else STATE
    instance.sh(f"mount --bind {place} {place}; mount -o remount,bind,ro {place}; ! mv {place} {place}.moved")
    kill_guard(instance)
    run.wait_err("a new guard takes over, in stage running")
    after = wait_status(instance, stage="running")
    assert abs(seconds_of(after["end_at"]) - seconds_of(before["end_at"])) <= 1
    assert_ended(instance, go(instance))
    assert "the state can't be written, the last good one is kept" in run.log()
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 0


def test_a_state_cut_short_on_a_disk_that_takes_no_other_holds_the_time_limit(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    limits = ("--max-time", "12s", "--grace", "1s")
    started = time.monotonic()
    run = start(instance, WAITS, "--save", f"out/=s3://{bucket}/run/", *limits)
    run.wait_out("waiting")
    before = wait_status(instance, stage="running")
    place = f"{STATE}/state.json"
    instance.sh(
        f"truncate -s $(($(stat -c %s {place}) / 2)) {place}; mount --bind {place} {place};"
        f" mount -o remount,bind,ro {place}"
    )
    kill_guard(instance)
    run.wait_err("going on with the times that the job was started with")
    after = wait_status(instance, stage="running")
    assert abs(seconds_of(after["stop_at"]) - seconds_of(before["stop_at"])) <= 1
    assert_ended(instance, started + 12, within=SOON)
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 124


def test_what_a_guard_that_was_killed_has_left_is_ended_by_the_next(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    """Here the command of --before-end, which nobody would hold to its limit any more."""
    instance = machine()
    # So that there is time to look at the machine before it's gone.
    cloud.fault("slow", "s3", "PutObject", instance=instance.id, delay=3)
    left = "echo $$ >/root/left; exec sleep 1000"
    run = start_waiting(instance, bucket, "--before-end", left)
    run.wait_err("when the job is over")
    cause = go(instance)
    pid = instance.until(lambda: instance.text("/root/left", "").strip(), SOON, "the command of --before-end")
    kill_guard(instance)
    run.wait_err("curfew: saving, for ")
    assert instance.exec(["test", "-e", f"/proc/{pid}"]).code != 0, "it runs on"
    assert_ended(instance, cause, within=SOON + POWER_OFF)
    assert objects(cloud, bucket) == SAVED
