"""S3, names, metadata or the whole network are gone: what can be saved is saved, what can't is told, the machine ends."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from sandbox import Sandbox
from tests.e2e.fault_helpers import SAVE_GIVEN_UP, SAVE_LIMIT, WAITS, Boot, go, start_waiting
from tests.e2e.helpers import (
    POWER_OFF,
    SOON,
    assert_ended,
    assert_no_call,
    assert_stays,
    objects,
    start,
)

LIMIT = ("--save-limit", f"{SAVE_LIMIT}s")
SAVED = {"run/model": b"weights\n"}
KEYS = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_REGION": "us-east-1"}


def assert_told_what_is_not_saved(log: str) -> None:
    assert "not everything" in log
    lines = [line for line in log.splitlines() if "out/model" in line or "run/model" in line]
    assert lines and any("8 B" in line or "8 bytes" in line for line in lines), log


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "code": "InternalError"},
        {"kind": "error", "code": "ServiceUnavailable", "status": 503},
        {"kind": "throttle"},
        pytest.param({"kind": "hang"}, marks=pytest.mark.long),
        {"kind": "drop-request"},
    ],
    ids=["500", "503", "throttled", "hangs", "drops"],
)
def test_s3_that_does_not_answer_is_tried_again_told_and_given_up(
    machine: Boot, cloud: Sandbox, bucket: str, fault: dict[str, Any]
) -> None:
    instance = machine()
    # A call on which nothing moves is given up after 30 s.
    longer = 32 if fault["kind"] == "hang" else 0
    run = start_waiting(instance, bucket, "--save-limit", f"{SAVE_LIMIT + longer}s")
    cloud.fault(service="s3", instance=instance.id, **fault)
    assert_ended(instance, go(instance), within=SAVE_GIVEN_UP + longer)
    assert objects(cloud, bucket) == {}
    assert_told_what_is_not_saved(run.log())
    assert run.code() == 125
    calls = [c for c in cloud.requests if c["source"] == instance.id and c["service"] == "s3"]
    again = [(c["op"], c["path"]) for c in calls]
    assert max(again.count(call) for call in again) >= 2, f"nothing was tried again: {again}"


@pytest.mark.parametrize("abort", ["heard", "hangs"])
def test_a_large_file_that_cannot_be_saved_in_time_is_told_and_its_upload_aborted(
    machine: Boot, cloud: Sandbox, bucket: str, abort: str
) -> None:
    """In parts, which S3 lists nowhere and bills until somebody aborts them."""
    instance = machine()
    cloud.fault("hang", "s3", "UploadPart", instance=instance.id)
    if abort == "hangs":
        cloud.fault("hang", "s3", "AbortMultipartUpload", instance=instance.id)
    options = ("--then", "none", *LIMIT, "--save", f"out/=s3://{bucket}/run/")
    run = start(instance, "truncate -s 20M out/large; exit 0", *options)
    assert run.wait_code(SAVE_GIVEN_UP + SOON) == 125
    told = [line for line in run.err().splitlines() if "out/large" in line]
    assert any(re.search(r"out/large \(20(\.0)? MiB\): \w+", line) for line in told), run.err()
    assert "the limit for saving ran out" in run.err()
    assert "not everything could be saved" in run.err()
    assert objects(cloud, bucket) == {}
    made = [call["op"] for call in cloud.requests if call["source"] == instance.id]
    assert made.count("CreateMultipartUpload") == 1 and "UploadPart" in made
    assert "AbortMultipartUpload" in made
    if abort == "heard":
        assert not cloud.client("s3").list_multipart_uploads(Bucket=bucket).get("Uploads")
    assert_stays(instance)
    instance.terminate()


def test_s3_that_refuses_connections_is_told_and_given_up(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start_waiting(instance, bucket, *LIMIT, env={"AWS_ENDPOINT_URL_S3": "http://10.0.0.1:9"})
    assert_ended(instance, go(instance), within=SAVE_GIVEN_UP)
    assert objects(cloud, bucket) == {}
    assert_told_what_is_not_saved(run.log())
    assert run.code() == 125


def test_an_answer_that_is_lost_is_not_taken_for_saved(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start_waiting(instance, bucket, *LIMIT)
    cloud.fault("drop-reply", "s3", instance=instance.id)
    assert_ended(instance, go(instance), within=SAVE_GIVEN_UP)
    assert objects(cloud, bucket) in ({}, SAVED)
    assert_told_what_is_not_saved(run.log())
    assert run.code() == 125


@pytest.mark.parametrize("kind", ["error", "throttle", "drop-reply", "drop-request"])
def test_s3_that_recovers_gets_everything(machine: Boot, cloud: Sandbox, bucket: str, kind: str) -> None:
    instance = machine()
    run = start_waiting(instance, bucket)
    cloud.fault(kind, "s3", instance=instance.id, times=2)
    assert_ended(instance, go(instance), within=POWER_OFF + 20)
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 0
    assert "everything is saved" in run.log()


def test_s3_that_hangs_and_comes_back_gets_everything(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start_waiting(instance, bucket)
    fault = cloud.fault("hang", "s3", instance=instance.id)
    cause = go(instance)
    instance.until(
        lambda: [c for c in cloud.requests if c["source"] == instance.id and c["service"] == "s3"], 20, "call"
    )
    cloud.clear_faults(fault)
    assert_ended(instance, cause, within=POWER_OFF + 20)
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 0


def test_a_machine_without_any_network_ends(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start_waiting(instance, bucket, *LIMIT)
    run.wait_err("this machine will be gone")
    instance.cut_network()
    assert_ended(instance, go(instance), within=SAVE_GIVEN_UP)
    assert objects(cloud, bucket) == {}
    assert_told_what_is_not_saved(run.log())
    assert run.code() == 125


def test_a_network_that_comes_back_while_saving_gets_everything(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    run = start_waiting(instance, bucket)
    instance.cut_network()
    cause = go(instance)
    run.wait_err("saving, for")
    time.sleep(2)  # the fault's own length, not a wait for anything
    instance.restore_network()
    assert_ended(instance, cause, within=2 + 20 + POWER_OFF)
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 0


def test_names_that_are_never_resolved_do_not_keep_the_machine(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    run = start_waiting(
        instance, bucket, *LIMIT, env={"AWS_ENDPOINT_URL_S3": "http://s3.us-east-1.amazonaws.com"}
    )
    instance.blackhole_dns()
    assert_ended(instance, go(instance), within=SAVE_GIVEN_UP)
    assert objects(cloud, bucket) == {}
    assert_told_what_is_not_saved(run.log())
    assert run.code() == 125


@pytest.mark.parametrize(("behavior", "state"), [("terminate", "terminated"), ("stop", "stopped")])
def test_without_metadata_the_machine_ends_by_its_own_shutdown(
    machine: Boot, cloud: Sandbox, bucket: str, behavior: str, state: str
) -> None:
    """IMDS dead from the start: the tag that says `terminate` can't be seen, so what an OS shutdown does here decides."""
    instance = machine(shutdown_behavior=behavior)
    instance.imds_fails(500)
    run = start_waiting(instance, bucket, env=KEYS)
    run.wait_err("metadata service does not answer")
    assert_ended(instance, go(instance), state=state)
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 0
    assert_no_call(cloud, instance, "TerminateInstances", "StopInstances")


def test_s3_that_is_slow_is_waited_for(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start_waiting(instance, bucket)
    cloud.fault("slow", "s3", instance=instance.id, delay=2.5)
    took = assert_ended(instance, go(instance), within=20 + POWER_OFF)
    assert took > 2.5
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 0
    assert "everything is saved" in run.log()


def test_s3_that_refuses_is_asked_seldom_and_told(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    """A right may come late, with a role that is attached late; but it's asked for every 30 s only."""
    instance = machine()
    run = start_waiting(instance, bucket, *LIMIT)
    cloud.fault("error", "s3", instance=instance.id, code="AccessDenied", status=403)
    assert_ended(instance, go(instance), within=SAVE_GIVEN_UP)
    assert objects(cloud, bucket) == {}
    assert_told_what_is_not_saved(run.log())
    assert "AccessDenied" in run.log()
    assert run.code() == 125
    made = [(c["op"], c["path"]) for c in cloud.requests if c["source"] == instance.id and c["fault"]]
    assert made and len(made) == len(set(made)), made


@pytest.mark.parametrize("renewed", [True, False], ids=["renewed", "not-renewed"])
def test_keys_that_expire_in_mid_save(machine: Boot, cloud: Sandbox, bucket: str, renewed: bool) -> None:
    """S3 takes the first few files, then not another one signed with the old key."""
    instance = machine()
    run = start(
        instance,
        f"for i in {{1..40}}; do echo $i >out/$i; done; {WAITS} rm out/model",
        *("--save", f"out/=s3://{bucket}/run/", *LIMIT),
    )
    run.wait_out("waiting")
    run.wait_err("this machine will be gone")
    (old,) = {call["key"] for call in cloud.requests if call["source"] == instance.id}
    if renewed:
        new = instance.rotate_credentials()["AccessKeyId"]
    cloud.fault("error", "s3", instance=instance.id, key=old, skip=10, code="ExpiredToken", status=400)
    assert_ended(instance, go(instance), within=SAVE_GIVEN_UP)
    signed = [
        (call["key"], call["fault"])
        for call in cloud.requests
        if call["source"] == instance.id and call["service"] == "s3" and call["op"] == "PutObject"
    ]
    assert (old, None) in signed and (old, "error") in signed, "they didn't expire in mid-save"
    if renewed:
        assert (new, None) in signed
        assert objects(cloud, bucket) == {f"run/{i}": f"{i}\n".encode() for i in range(1, 41)}
        assert run.code() == 0
    else:
        assert 0 < len(objects(cloud, bucket)) < 40
        assert "not everything" in run.log() and "ExpiredToken" in run.log()
        assert run.code() == 125
