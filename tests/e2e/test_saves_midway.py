"""What is saved while the job runs: changed files, never half of one, logs too; and what is said where that fails."""

from __future__ import annotations

from collections.abc import Callable

from sandbox import Instance, Sandbox
from tests.e2e.fault_helpers import kill_guard
from tests.e2e.helpers import (
    INSIDE,
    LIFE,
    SOON,
    assert_ended,
    objects,
    saved_logs,
    start,
    status,
)

Boot = Callable[..., Instance]

EVERY = ("--save-every", "10s")
# A period, and the save itself.
SAVED_BY = 10 + SOON


def test_results_are_in_s3_before_the_end(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    job = """
    echo first >out/checkpoint-1
    (while :; do echo line >>out/growing; sleep 0.2; done) &
    echo epoch 1; sleep 1000
    """
    run = start(instance, job, "--save", f"out/=s3://{bucket}/run/", *EVERY)
    instance.until(lambda: "run/checkpoint-1" in objects(cloud, bucket), SAVED_BY, "first save")
    assert "run/growing" not in objects(cloud, bucket), "somebody is writing it"
    instance.sh(f"echo second >{run.folder}/out/checkpoint-2")
    instance.until(lambda: "run/checkpoint-2" in objects(cloud, bucket), SAVED_BY, "second save")
    puts = [call["path"] for call in cloud.requests if call["op"] == "PutObject"]
    assert sum("checkpoint-1" in path for path in puts) == 1, "it hasn't changed"
    saving = status(instance)["saving"]
    assert saving["every_s"] == 10 and saving["last_good_age_s"] < 30 and not saving["in_trouble"], saving
    assert "every 10s" in instance.sh(f"{INSIDE} status")
    # A machine that is lost now has lost nothing of this.
    instance.kill()
    assert objects(cloud, bucket)["run/checkpoint-2"] == b"second\n"
    instance.terminate()


def test_a_log_that_grows_all_the_time_is_saved_and_what_is_left_out_is_said(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    job = """
    echo 0000 >out/same
    (while :; do echo line >>out/growing; sleep 0.2; done) &
    (while :; do printf %04d $RANDOM | dd of=out/same conv=notrunc status=none; sleep 0.2; done) &
    sleep 1000
    """
    run = start(instance, job, "--save", f"out/=s3://{bucket}/run/", *EVERY)
    run.wait_err("while the job runs: 2 files left out, still being written: out/", SAVED_BY)
    assert status(instance)["saving"]["left_out"]["files"] == 2
    instance.until(lambda: "run/growing" in objects(cloud, bucket), SAVED_BY, "what only grows")
    first = objects(cloud, bucket)["run/growing"]
    assert first and not first.replace(b"line\n", b""), first
    instance.until(
        lambda: len(objects(cloud, bucket)["run/growing"]) > len(first), SAVED_BY, "what it grew to"
    )
    assert "run/same" not in objects(cloud, bucket), "it may be half of one"
    assert run.err().count("1 file left out, still being written: out/same") == 1, "once a change"
    assert "1 file left out, still being written: out/same" in instance.sh(f"{INSIDE} status")
    instance.terminate()


def test_a_guard_that_takes_over_saves_at_once(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    job = "echo 1 >out/checkpoint; echo waiting; sleep 1000"
    run = start(instance, job, "--save", f"out/=s3://{bucket}/run/", "--save-every", "10m")
    run.wait_out("waiting")
    assert not objects(cloud, bucket), "the first period isn't over"
    kill_guard(instance)
    instance.until(lambda: objects(cloud, bucket) == {"run/checkpoint": b"1\n"}, SAVED_BY, "save")
    assert status(instance)["saving"]["last_good_age_s"] < 30
    instance.terminate()


def test_the_logs_outlive_the_machine(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    job = "echo weights >out/model; for i in $(seq 30); do echo epoch $i; sleep 0.5; done; stamp"
    run = start(instance, job, "--save", f"out/=s3://{bucket}/run/", *EVERY)
    instance.until(lambda: saved_logs(cloud, bucket), SAVED_BY, "first part of a log")
    early = saved_logs(cloud, bucket)
    assert any(b"epoch 1\n" in body for body in early.values()), early
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    logs = saved_logs(cloud, bucket)
    assert all(key.startswith(f"run/_curfew/{instance.id}/") for key in logs), sorted(logs)
    output = b"".join(body for key, body in sorted(logs.items()) if "/output-" in key)
    assert output == "".join(f"epoch {i}\n" for i in range(1, 31)).encode()
    guard = b"".join(body for key, body in sorted(logs.items()) if "/guard-" in key).decode()
    assert "guarding bash" in guard and "the command has ended: exit code 0" in guard
    assert "saving, for" in guard, "up to the end, nearly"
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_saving_that_fails_is_said_at_once_and_when_it_works_again(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    fault = cloud.fault("error", "s3", code="AccessDenied", status=403, instance=instance.id)
    run = start(instance, "echo weights >out/model; sleep 1000", "--save", f"out/=s3://{bucket}/run/", *EVERY)
    run.wait_err("saving failed; nothing is saved yet", SAVED_BY)
    assert status(instance)["saving"]["in_trouble"]
    assert "SAVING FAILS" in instance.sh(f"{INSIDE} status")
    cloud.clear_faults(fault)
    run.wait_err("saving works again", SAVED_BY + 10)
    assert not status(instance)["saving"]["in_trouble"]
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}
    instance.terminate()


def test_a_save_that_hangs_is_said_and_gives_way_to_the_last_one(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    fault = cloud.fault("hang", "s3", "PutObject", instance=instance.id)
    run = start(
        instance,
        "echo weights >out/model; until [ -e /run/go ]; do sleep 0.1; done; stamp",
        *("--save", f"out/=s3://{bucket}/run/", *EVERY),
    )
    run.wait_err("nothing was saved in", 30 + SAVED_BY)
    cloud.clear_faults(fault)
    instance.write("/run/go", "")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp(), within=25)
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}
    assert run.code() == 0


def test_an_instance_at_risk_saves_at_once(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    """EC2's rebalance recommendation, without --save-every."""
    instance = machine(spot=True)
    run = start(instance, "echo weights >out/model; sleep 1000", "--save", f"out/=s3://{bucket}/run/")
    run.wait_err("when the job is over")
    instance.rebalance()
    run.wait_err("at elevated risk of interruption: saving now")
    instance.until(lambda: objects(cloud, bucket) == {"run/model": b"weights\n"}, SAVED_BY, "save")
    assert status(instance)["stage"] == "running"
    instance.terminate()
