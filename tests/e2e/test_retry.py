"""An interrupted job goes on: from what it has saved, in another pool, with what is left of its time; with the real binary."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.helpers import LIFE
from tests.e2e.launching import Laptop, Launcher, ended, until

# The code comes by --workdir; what it has saved is where it looks for it.
TRAIN = """mkdir -p out
[ -e out/checkpoint ] && { echo "goes on from $(cat out/checkpoint)"; ls -a out; exit 0; }
echo step 7 >out/checkpoint
touch /var/tmp/at-it
sleep 600
"""
POOLS = ("--instance-type", "g4dn.xlarge,g6.xlarge")


@pytest.fixture
def laptop(cloud: Sandbox, bucket: str, tmp_path: Path) -> Laptop:
    return Laptop(cloud, bucket, tmp_path / "laptop")


@pytest.fixture
def words(launcher: Launcher, bucket: str, tmp_path: Path) -> list[str]:
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.sh").write_text(TRAIN)
    options = ["--spot", "--name", "digits", *POOLS, "--workdir", str(code)]
    return launcher.words(*options, "--save", f"out/=s3://{bucket}/run", shell="sh train.sh")


def launched(launcher: Launcher, words: list[str]) -> Instance:
    code, out, err = launcher.run(*words)
    assert code == 0, out + err
    (instance,) = launcher.instances()
    return instance


def interrupt(instance: Instance) -> None:
    """Once it trains; and until it's gone."""
    instance.wait_up()
    until(lambda: "yes" in instance.sh("ls /var/tmp/at-it 2>/dev/null && echo yes; true"), LIFE, "training")
    instance.spot_notice(seconds=20)
    instance.wait("terminated", LIFE)


def ids(launcher: Launcher) -> set[str]:
    return {each.id for each in launcher.instances()}


def place(instance: Instance) -> tuple[str, str]:
    described = instance.describe()
    return described["InstanceType"], described["Placement"]["AvailabilityZone"]


def deadline(instance: Instance) -> str:
    return str({one["Key"]: one["Value"] for one in instance.describe()["Tags"]}["curfew:deadline"])


def file_of(cloud: Sandbox, bucket: str, launch: str) -> dict[str, Any]:
    body = cloud.client("s3").get_object(Bucket=bucket, Key=f"curfew/jobs/{launch}/launch.json")["Body"]
    return dict(json.loads(body.read()))


def test_an_interrupted_job_goes_on_from_its_checkpoint(
    cloud: Sandbox, bucket: str, launcher: Launcher, laptop: Laptop, words: list[str]
) -> None:
    first = launched(launcher, words)
    early = laptop.run("retry", "digits", "--yes")
    assert early.returncode == 125 and "curfew stop" in early.stderr, early
    interrupt(first)
    job = laptop.job()
    assert job["state"] == "interrupted" and job["exit_code"] == 75, job

    dry = laptop.run("retry", "digits", "--dry-run")
    assert dry.returncode == 0 and "attempt 2" in dry.stdout, dry
    assert ids(launcher) == {first.id}

    again = laptop.run("retry", "digits", "--yes")
    assert again.returncode == 0, again
    found = re.search(r"^instance +(i-[0-9a-f]+)", again.stdout, re.MULTILINE)
    assert found, again.stdout
    second = cloud.instance(found.group(1))
    assert place(second) != place(first), "another pool first"
    assert deadline(second) <= deadline(first), "never more time"
    ended(second)
    assert laptop.run("wait", "digits").returncode == 0
    logs = laptop.run("logs", "digits", "--stage", "train")
    assert "goes on from step 7" in logs.stdout and "_curfew" not in logs.stdout, logs
    file = file_of(cloud, bucket, laptop.job()["launch"])
    assert (file["attempt"], file["retry_of"]) == (2, job["launch"])
    assert launcher.records() == [] and ids(launcher) == {first.id, second.id}

    for which, why in ((job["launch"], "was launched again as"), ("digits", "has ended well")):
        refused = laptop.run("retry", which, "--yes")
        assert refused.returncode == 125 and why in refused.stderr, refused
    assert ids(launcher) == {first.id, second.id}


def test_a_launch_that_is_followed_goes_on_by_itself(
    launcher: Launcher, laptop: Laptop, words: list[str]
) -> None:
    process = launcher.start("--follow", "--retry", "1", *words)
    try:
        until(launcher.instances, LIFE, "instance")
        (first,) = launcher.instances()
        interrupt(first)
        out, err = process.communicate(timeout=3 * LIFE)
    finally:
        process.kill()
    assert process.returncode == 0, out + err
    assert "launching it again" in err and "goes on from step 7" in out, out + err
    assert len(launcher.instances()) == 2
    for instance in launcher.instances():
        instance.wait("terminated", LIFE)


def test_a_job_whose_time_is_over_is_not_launched_again(launcher: Launcher, laptop: Laptop) -> None:
    began = time.monotonic()
    instance, _ = launcher.launch("--name", "brief", "--max-time", "35s", shell="exit 3")
    ended(instance)
    time.sleep(max(0.0, began + 36 - time.monotonic()))
    late = laptop.run("retry", "brief", "--yes")
    assert late.returncode == 125 and "its time is over" in late.stderr, late
    unknown = laptop.run("retry", "nobody", "--yes")
    assert unknown.returncode == 1 and "nobody" in unknown.stderr, unknown
    assert ids(launcher) == {instance.id}


@pytest.fixture
def failed(cloud: Sandbox, launcher: Launcher, laptop: Laptop) -> Instance:
    """A job that has failed, and is over."""
    instance, _ = launcher.launch("--name", "brief", shell="[ -e /nowhere ] || exit 3")
    ended(instance)
    assert laptop.job()["state"] == "ended"
    return instance


def claim_path(bucket: str, launch: str) -> str:
    return f"/{bucket}/curfew/jobs/{launch}/retried.json"


def test_of_two_who_launch_it_again_at_once_one_does(
    cloud: Sandbox, bucket: str, launcher: Launcher, laptop: Laptop, failed: Instance
) -> None:
    launch = laptop.job()["launch"]
    # Both are let go on only once both have looked, and nobody had launched it again.
    claim = cloud.fault("hang", "s3", "PutObject", path=claim_path(bucket, launch))
    both = [laptop.start("retry", "brief", "--yes") for _ in range(2)]
    try:
        until(lambda: cloud.hanging(claim) == 2, LIFE, "two at once")
        cloud.clear_faults(claim)
        told = [each.communicate(timeout=LIFE) for each in both]
    finally:
        for each in both:
            each.kill()
    assert sorted(each.returncode for each in both) == [0, 125], told
    refused = next(err for each, (_, err) in zip(both, told, strict=True) if each.returncode == 125)
    winner = laptop.job()["launch"]
    assert winner != launch and winner in refused and f"curfew logs {winner} -f" in refused, refused
    assert len(launcher.instances()) == 2, told
    for instance in launcher.instances():
        instance.wait("terminated", LIFE)
    late = laptop.run("retry", launch, "--yes")
    assert late.returncode == 125 and f"curfew retry {winner}" in late.stderr, late
    assert len(launcher.instances()) == 2


def test_a_claim_whose_reply_was_lost_is_ones_own(
    cloud: Sandbox, bucket: str, launcher: Launcher, laptop: Laptop, failed: Instance
) -> None:
    launch = laptop.job()["launch"]
    cloud.fault("drop-reply", "s3", "PutObject", path=claim_path(bucket, launch), times=1)
    again = laptop.run("retry", "brief", "--yes")
    assert again.returncode == 0, again
    assert len(launcher.instances()) == 2
    for instance in launcher.instances():
        instance.wait("terminated", LIFE)


def test_a_retry_that_made_nothing_stands_in_nobodys_way(
    cloud: Sandbox, bucket: str, launcher: Launcher, laptop: Laptop, failed: Instance
) -> None:
    launch = laptop.job()["launch"]
    cloud.fault("error", "ec2", "RunInstances", code="UnauthorizedOperation", status=403, times=1)
    denied = laptop.run("retry", launch, "--yes")
    assert denied.returncode == 125 and "UnauthorizedOperation" in denied.stderr, denied
    again = laptop.run("retry", launch, "--yes")
    assert again.returncode == 0, again
    assert len(launcher.instances()) == 2
    for instance in launcher.instances():
        instance.wait("terminated", LIFE)
