"""What people are told of saving before it's too late: buckets that don't exist, logs that don't arrive, no credentials."""

from __future__ import annotations

import pytest

from sandbox import Sandbox
from tests.e2e.fault_helpers import SAVE_GIVEN_UP, SAVE_LIMIT, WAITS, Boot, go
from tests.e2e.helpers import INSIDE, LIFE, SOON, assert_ended, objects, start, status
from tests.e2e.test_notify import URL, start_hook, told

# Of output, at which a part of the log goes to S3 while the job runs.
_ENOUGH = "head -c 1200000 /dev/zero | tr '\\0' '\\n'; "
NOWHERE = "no-such-bucket-a1b2c3"


def test_a_bucket_that_does_not_exist_is_told_at_the_start_and_by_one_alert(
    machine: Boot, cloud: Sandbox
) -> None:
    instance = machine()
    start_hook(instance)
    run = start(
        instance,
        _ENOUGH + WAITS + "exit 0",
        *("--save", f"out/=s3://{NOWHERE}/run/", "--save-every", "10s", "--notify", URL),
    )
    run.wait_err(f"saving WILL FAIL: bucket {NOWHERE} does not exist; create it now")
    assert status(instance)["saving"]["will_fail"] == f"bucket {NOWHERE} does not exist"
    assert f"SAVING WILL FAIL: bucket {NOWHERE}" in instance.sh(f"{INSIDE} status")
    # Both are known from the log, and from the status.
    run.wait_err("saving failed; nothing is saved yet", 10 + SOON)
    run.wait_err("sending the logs to S3: ")
    assert "NoSuchBucket" in status(instance)["saving"]["logs_fail"]
    assert_ended(instance, go(instance), within=SAVE_GIVEN_UP)
    texts = told(instance)
    assert [text.splitlines()[0].split(" on ")[0] for text in texts] == [
        "curfew started",
        "curfew warns: saving fails",
        "curfew ended the job",
    ]
    assert f"Why: saving WILL FAIL: bucket {NOWHERE} does not exist" in texts[1]
    assert "NOT EVERYTHING IS SAVED: out/model (8 B): " in texts[2] and "NoSuchBucket" in texts[2]
    assert run.code() == 125


@pytest.mark.long
def test_a_bucket_that_is_made_while_the_job_runs_is_seen(machine: Boot, cloud: Sandbox) -> None:
    name = "made-in-time-d4e5f6"
    instance = machine()
    run = start(instance, WAITS + "exit 0", "--save", f"out/=s3://{name}/run/")
    run.wait_err(f"saving WILL FAIL: bucket {name} does not exist")
    cloud.bucket(name)
    run.wait_err(f"bucket {name} exists now", 60 + SOON)
    assert status(instance)["saving"]["will_fail"] is None
    assert_ended(instance, go(instance), within=20)
    assert objects(cloud, name) == {"run/model": b"weights\n"} and run.code() == 0


def test_a_role_that_may_not_list_is_no_reason_for_alarm(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    cloud.fault("error", "s3", "ListObjectsV2", code="AccessDenied", status=403, instance=instance.id)
    run = start(instance, WAITS + "exit 0", "--save", f"out/=s3://{bucket}/run/")
    refused = instance.until(
        lambda: [c for c in cloud.requests if c["source"] == instance.id and c["status"] == 403],
        SOON,
        "a look for the bucket",
    )
    assert refused
    run.wait_err("when the job is over")
    assert "WILL FAIL" not in run.err() and status(instance)["saving"]["will_fail"] is None
    assert_ended(instance, go(instance), within=20)
    assert objects(cloud, bucket) == {"run/model": b"weights\n"} and run.code() == 0


def test_logs_that_do_not_arrive_are_told_and_cost_no_exit_code(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    start_hook(instance)
    fault = {"code": "AccessDenied", "status": 403, "path": f"/{bucket}/run/_curfew/"}
    cloud.fault("error", "s3", "PutObject", instance=instance.id, **fault)
    run = start(instance, _ENOUGH + WAITS + "exit 0", "--save", f"out/=s3://{bucket}/run/", "--notify", URL)
    run.wait_err("sending the logs to S3: ")
    instance.until(lambda: len(told(instance)) == 2, SOON, "notification")
    assert "sending the logs to S3: " in told(instance)[1]
    assert "AccessDenied" in status(instance)["saving"]["logs_fail"]
    assert "NOT IN S3: " in instance.sh(f"{INSIDE} status")
    assert_ended(instance, go(instance), within=30)
    assert objects(cloud, bucket) == {"run/model": b"weights\n"} and run.code() == 0
    assert "everything is saved, but not all of the logs are in S3" in run.err()
    texts = told(instance)
    assert len(texts) == 3 and "everything is saved, NOT ALL OF THE LOGS ARE IN S3" in texts[2]


def test_a_save_that_gets_nowhere_says_why(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    instance.imds_fails(500)
    run = start(
        instance, WAITS + "exit 0", "--save", f"out/=s3://{bucket}/run/", "--save-limit", f"{SAVE_LIMIT}s"
    )
    run.wait_out("waiting")
    run.wait_err("metadata service does not answer")
    instance.write("/run/go", "")
    instance.wait("terminated", LIFE)
    said = [line for line in run.log().splitlines() if "trying again after: " in line]
    assert len(said) == 1 and "left of the limit" in said[0] and "find AWS credentials" in said[0], run.log()
    assert run.code() == 125


@pytest.mark.long
def test_without_credentials_the_save_is_given_up_after_two_minutes(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    instance.imds_fails(500)
    run = start(instance, WAITS + "exit 0", "--save", f"out/=s3://{bucket}/run/", "--save-limit", "10m")
    run.wait_out("waiting")
    run.wait_err("metadata service does not answer")
    assert_ended(instance, go(instance), within=170, timeout=200)
    said = [line for line in run.log().splitlines() if "trying again after: " in line]
    assert 2 <= len(said) <= 4, said
    assert "NOT saved: 1 file" in run.log() and "find AWS credentials" in run.log()
    assert run.code() == 125
