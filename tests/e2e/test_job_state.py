"""What a launched instance tells of its job in S3 while it runs: status.json, the logs as they grow, and where nothing guards it
yet, why."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.fault_helpers import kill_guard
from tests.e2e.helpers import CURFEW, LIFE, POWER_OFF, SOON, assert_ended, guard_pid, objects
from tests.e2e.launching import Launcher, ended, until

SECRET = "hunter2-is-no-good"
LOGS = "/home/debian/curfew-logs"
# New text is sent 15 s after the last was, and looked for every 5 s.
LIVE = 40.0
# For the last of the logs and the last word together, before the machine is ended.
LAST_WORDS = 4.0
TICKS = "for i in $(seq {n}); do echo line $i; sleep 1; done"


def about(cloud: Sandbox, bucket: str) -> dict[str, bytes]:
    """What lies in S3 of the one launch, by its name below the launch's place."""
    found = objects(cloud, bucket).items()
    return {key.split("/", 3)[3]: body for key, body in found if key.startswith("curfew/jobs/")}


def state(cloud: Sandbox, bucket: str) -> dict[str, Any]:
    return dict(json.loads(about(cloud, bucket).get("status.json", b"{}")))


def wait_state(cloud: Sandbox, bucket: str, timeout: float = LIFE, **wanted: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def holds() -> bool:
        found.clear()
        found.update(state(cloud, bucket))
        return all(found.get(key) == value for key, value in wanted.items())

    until(holds, timeout, f"state {wanted}, but {found}")
    return found


def live(cloud: Sandbox, bucket: str, name: str) -> bytes:
    """The parts of that log, put together."""
    there = about(cloud, bucket)
    return b"".join(there[key] for key in sorted(there) if key.startswith(f"live/{name}-"))


def assert_ended_by_itself(instance: Instance, cause: float, within: float) -> None:
    assert_ended(instance, cause, within=within, timeout=LIFE)


def test_follows_a_job_from_its_boot_to_its_end(cloud: Sandbox, bucket: str, launcher: Launcher) -> None:
    instance, _ = launcher.launch(
        "--name", "digits", "--setup", "echo set up; sleep 4", shell=TICKS.format(n=24) + "; exit 3"
    )
    wait_state(cloud, bucket, state="running", stage="setup")
    now = wait_state(cloud, bucket, state="running", stage="train", job="digits")
    assert [one["state"] for one in now["stages"]] == ["done", "running"]
    assert now["instance"] == instance.id and now["exit_code"] is None and now["saved"] is None
    assert now["guard"]["stage"] == "running" and now["guard"]["stop_at"]["left_s"] > 0
    until(lambda: b"line 3\n" in live(cloud, bucket, "train"), LIVE, "part of the log while the job runs")
    assert state(cloud, bucket)["state"] == "running" and instance.state() == "running"
    ended(instance)
    last = state(cloud, bucket)
    assert last["state"] == "ended" and last["exit_code"] == 3 and last["saved"] is True
    assert last["cause"] == "job_ended" and last["interrupted"] is False and last["stage"] == "train"
    assert [(one["name"], one["exit_code"]) for one in last["stages"]] == [("setup", 0), ("train", 3)]
    there = about(cloud, bucket)
    for stage in ("setup", "train"):
        assert live(cloud, bucket, stage) == there[f"logs/{stage}.log"], stage
    assert b"line 24\n" in live(cloud, bucket, "train")
    assert b"guarding " in live(cloud, bucket, "guard") and b"everything is saved" in live(
        cloud, bucket, "guard"
    )
    # The first `--save` is the logs' here: what `curfew run` brings there is as it was.
    puts = [call for call in cloud.requests if call["source"] == instance.id and "/live/" in call["path"]]
    assert len(puts) == len([key for key in there if key.startswith("live/")]) <= 12


@pytest.mark.parametrize("kind", ["hang", "error"])
def test_s3_that_takes_no_state_holds_up_nothing(
    cloud: Sandbox, bucket: str, launcher: Launcher, kind: str
) -> None:
    more: dict[str, Any] = {"code": "AccessDenied", "status": 403} if kind == "error" else {}
    instance, _ = launcher.launch(
        "--save",
        f"out/=s3://{bucket}/run",
        shell="mkdir out; until [ -e /tmp/go ]; do sleep 0.1; done; echo >out/model",
    )
    now = wait_state(cloud, bucket, state="running", stage="train")
    for name in ("status.json", "live/"):
        path = f"/{bucket}/curfew/jobs/{now['launch']}/{name}"
        cloud.fault(kind, "s3", "PutObject", path=path, instance=instance.id, **more)
    # Under way, or refused, when the job ends.
    before = len(cloud.requests)
    until(lambda: any("/live/" in call["path"] for call in cloud.requests[before:]), LIVE, "try")
    at = time.monotonic()
    instance.write("/tmp/go", "")
    assert_ended_by_itself(instance, at, POWER_OFF + LAST_WORDS)
    assert "run/model" in objects(cloud, bucket)
    assert state(cloud, bucket)["state"] == "running"
    assert b"train" in about(cloud, bucket)["logs/train.log"]


def test_reads_no_log_that_is_not_the_jobs_users(cloud: Sandbox, bucket: str, launcher: Launcher) -> None:
    shell = f"""
until [ -e /srv/roots/data.log ]; do sleep 0.1; done
mv {LOGS} /home/debian/moved; mkdir {LOGS}
ln -s /srv/roots/data.log {LOGS}/data.log; mkfifo {LOGS}/fetch.log
sleep 12
mv {LOGS} /home/debian/odd; ln -s /srv/roots {LOGS}
sleep 12
rm {LOGS}; mv /home/debian/moved {LOGS}; echo over
"""
    instance, _ = launcher.launch(shell=shell)
    wait_state(cloud, bucket, state="running", stage="train")
    instance.sh("mkdir -p /srv/roots; chmod 755 /srv/roots")
    for name in ("secrets.log", "setup.log", "stages.json", "data.log"):
        instance.write(f"/srv/roots/{name}", SECRET, 0o600)
    ended(instance)
    there = about(cloud, bucket)
    assert not [key for key, body in there.items() if SECRET.encode() in body]
    assert not [
        key for key in there if key.startswith(("live/secrets", "live/setup", "live/data", "live/fetch"))
    ]
    assert b"belongs to another user" in live(cloud, bucket, "guard")
    assert live(cloud, bucket, "train") == there["logs/train.log"]
    assert state(cloud, bucket)["state"] == "ended"


def test_the_next_guard_goes_on(cloud: Sandbox, bucket: str, launcher: Launcher) -> None:
    instance, _ = launcher.launch(shell=TICKS.format(n=26))
    now = wait_state(cloud, bucket, state="running", stage="train")
    first = until(lambda: live(cloud, bucket, "train"), LIVE, "part of the log")
    before = guard_pid(instance)
    assert now["guard"]["guard_pid"] == before
    kill_guard(instance)
    until(
        lambda: state(cloud, bucket)["guard"]["guard_pid"] not in (0, before), SOON, "word of the next guard"
    )
    ended(instance)
    assert state(cloud, bucket)["state"] == "ended"
    assert live(cloud, bucket, "train") == about(cloud, bucket)["logs/train.log"]
    assert b"a new guard takes over" in live(cloud, bucket, "guard")
    # What was sent is never sent again with other text.
    assert about(cloud, bucket)["live/train-000001.log"] == first


def test_a_spot_interruption_is_told(cloud: Sandbox, bucket: str, launcher: Launcher) -> None:
    instance, _ = launcher.launch("--spot", shell="sleep 600")
    wait_state(cloud, bucket, state="running", stage="train")
    instance.spot_notice(seconds=120)
    ended(instance)
    last = state(cloud, bucket)
    assert last["state"] == "ended" and last["interrupted"] is True, last
    assert last["cause"] == "spot_interruption" and last["exit_code"] == 75 and last["saved"] is True


def failed(cloud: Sandbox, bucket: str, instance: Instance, why: str) -> str:
    """The boot's log, once the state says that nothing guarded a job there, and why."""
    ended(instance)
    last = state(cloud, bucket)
    assert last["state"] == "failed" and why in last["reason"], last
    assert last["instance"] == instance.id and last["version"] == 1 and last["interrupted"] is False
    there = about(cloud, bucket)
    assert not [key for key in there if key.startswith(("live/", "logs/"))]
    return there["boot.log"].decode()


def test_a_program_with_another_checksum_is_told(cloud: Sandbox, bucket: str, launcher: Launcher) -> None:
    digest = subprocess.run(
        ["sha256sum", str(CURFEW)], check=True, capture_output=True, text=True
    ).stdout.split()[0]
    forged = b"#!/bin/sh\ntouch /root/owned\n".ljust(CURFEW.stat().st_size)
    cloud.client("s3").put_object(Bucket=bucket, Key=f"curfew/bin/curfew-{digest}", Body=forged)
    instance, _ = launcher.launch("--env", f"API_KEY={SECRET}")
    log = failed(cloud, bucket, instance, "has the SHA-256")
    assert "Cloud-init v." in log and "has the SHA-256" in log and SECRET not in log


def test_a_job_that_cannot_be_started_is_told(cloud: Sandbox, bucket: str, launcher: Launcher) -> None:
    instance, _ = launcher.launch("--user", "nobody-here")
    assert "nobody-here" in failed(cloud, bucket, instance, "nobody-here")


@pytest.mark.parametrize("kind", ["hang", "error"])
def test_a_failure_that_cannot_be_told_ends_the_machine_all_the_same(
    cloud: Sandbox, bucket: str, launcher: Launcher, kind: str
) -> None:
    more: dict[str, Any] = {"code": "AccessDenied", "status": 403} if kind == "error" else {}
    with cloud.failing("hang", "s3", "GetObject"):
        instance, _ = launcher.launch("--user", "nobody-here")
        cloud.fault(kind, "s3", "PutObject", instance=instance.id, **more)
    ended(instance)
    assert "status.json" not in about(cloud, bucket)
    assert "nothing guards a job here" in instance.output()


def test_a_machine_that_another_hand_ends_has_the_last_word(
    cloud: Sandbox, bucket: str, launcher: Launcher
) -> None:
    instance, _ = launcher.launch(shell="trap 'echo told; exit 9' TERM; while :; do sleep 0.1; done")
    wait_state(cloud, bucket, state="running", stage="train")
    instance.terminate()
    instance.wait("terminated", LIFE)
    last = state(cloud, bucket)
    assert last["state"] == "ended" and last["cause"] == "machine_going_down" and last["saved"] is True, last
    assert live(cloud, bucket, "train") == about(cloud, bucket)["logs/train.log"]
    assert b"told" in live(cloud, bucket, "train")
