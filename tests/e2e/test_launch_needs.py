"""What `curfew launch` finds out before anything is made: images by name, and whether what it names is there and in reach."""

from __future__ import annotations

import re
import secrets
import subprocess
import time

import pytest

from sandbox import Sandbox
from sandbox.client import REGION
from tests.e2e.helpers import CURFEW
from tests.e2e.launching import Launcher

ARM_IMAGE = "/aws/service/deeplearning/ami/arm64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"


def register(cloud: Sandbox, name: str, source: str) -> str:
    ec2 = cloud.client("ec2")
    return str(ec2.copy_image(Name=name, SourceImageId=source, SourceRegion=REGION)["ImageId"])


def plan(launcher: Launcher, *options: str) -> tuple[int, str, str]:
    return launcher.run(*launcher.words("--dry-run", *options))


def test_takes_the_youngest_image_of_a_name_of_ones_own(cloud: Sandbox, launcher: Launcher) -> None:
    name = f"train-{secrets.token_hex(4)}"
    arm = cloud.client("ssm").get_parameter(Name=ARM_IMAGE)["Parameter"]["Value"]
    register(cloud, f"{name}-1", cloud.image_id())
    time.sleep(1.1)  # images have their date by the second
    newest = register(cloud, f"{name}-2", cloud.image_id())
    register(cloud, f"{name}-3", arm)
    code, out, err = plan(launcher, "--image", f"{name}-*")
    assert code == 0 and f"image          {newest} ({name}-2)" in out, f"{out}\n{err}"
    assert f"image          {newest} " in plan(launcher, "--image", f"self:{name}-2")[1]
    # Anybody can give an image any name.
    code, out, err = plan(launcher, "--image", f"amazon:{name}-*")
    assert code == 125 and "no image of that name for x86_64 belongs to amazon" in err, f"{out}\n{err}"
    code, out, err = plan(launcher, "--image", f"{name}-2")
    assert code == 125 and "is no image" in err, f"{out}\n{err}"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--data", "s3://{bucket}/no/such=data/"], "--data s3://{bucket}/no/such: there is nothing there"),
        (["--data", "s3://no-such-bucket-here/x=data/"], "there is no bucket no-such-bucket-here"),
        (["--save", "out/=s3://no-such-bucket-here/x"], "there is no bucket no-such-bucket-here"),
        (
            ["--secret", "KEY=ssm:/curfew/none"],
            "--secret KEY from ssm:/curfew/none: there is no such parameter in us-east-1",
        ),
        (
            ["--scheduler-role", "arn:aws:iam::123456789012:role/no-such"],
            "role/no-such: there is no such role",
        ),
    ],
    ids=["data", "data-bucket", "save-bucket", "secret", "role"],
)
def test_what_is_not_there_is_told_before_anything_is_made(
    launcher: Launcher, bucket: str, options: list[str], says: str
) -> None:
    words = [word.format(bucket=bucket) for word in options]
    if "--scheduler-role" in options:
        launcher.role = words[1]
        words = []
    code, out, err = plan(launcher, *words)
    assert code == 125 and says.format(bucket=bucket) in err, f"{out}\n{err}"
    assert "worst case" in out, "the plan is shown all the same"
    code, out, err = launcher.run(*launcher.words(*words))
    assert code == 125 and says.format(bucket=bucket) in err, f"{out}\n{err}"
    assert launcher.instances() == [] and launcher.schedules() == [] and launcher.records() == []


def test_what_may_not_be_looked_at_hinders_nothing(cloud: Sandbox, launcher: Launcher, bucket: str) -> None:
    """Whoever launches needs no right to what the instance reads."""
    cloud.client("ssm").put_parameter(Name="/curfew/needs", Value="x", Type="SecureString", Overwrite=True)
    words = ["--secret", "KEY=ssm:/curfew/needs", "--image", cloud.image_id()]
    code, out, err = plan(launcher, *words)
    assert code == 0, f"{out}\n{err}"
    for service, error in (("ssm", "AccessDeniedException"), ("s3", "AccessDenied"), ("iam", "AccessDenied")):
        with cloud.failing("error", service=service, code=error, status=403):
            code, out, err = plan(launcher, *words, "--data", f"s3://{bucket}/none=data/")
        expected = 125 if service != "s3" else 0  # the data isn't there, which only S3 can tell
        assert code == expected, f"{service}\n{out}\n{err}"


@pytest.mark.parametrize("stdout", [">&-", ">/dev/full"])
def test_a_plan_that_nobody_can_see_is_not_carried_out(launcher: Launcher, stdout: str) -> None:
    words = launcher.words("--max-time", "10m")
    result = subprocess.run(
        ["sh", "-c", f'"$0" launch "$@" {stdout}', CURFEW, *words],
        env=launcher.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 125 and "so nothing is" in result.stderr, result
    assert launcher.instances() == [] and "RunInstances" not in launcher.calls()


def test_a_dry_run_that_would_be_refused_says_so_last(launcher: Launcher) -> None:
    code, _, err = plan(launcher, "--secret", "KEY=ssm:/curfew/none")
    assert code == 125 and "EC2 would allow it" not in err, err
    *_, reason, last = err.splitlines()
    assert "there is no such parameter" in reason and "this launch would be refused" in last, err


def test_times_are_told_in_the_zone_of_whoever_asks(launcher: Launcher) -> None:
    launcher.variables["TZ"] = "<+0530>-5:30"
    code, out, err = plan(launcher)
    assert code == 0, err
    utc = r"machine gone   (\d{4})-\d\d-\d\dT(\d\d):(\d\d):(\d\d)Z = \w{3} \1-\d\d-\d\d (\d\d):(\d\d):\4 \+0530 "
    found = re.search(utc, out)
    assert found, out
    hour, minute, there_hour, there_minute = (int(found.group(i)) for i in (2, 3, 5, 6))
    assert (hour * 60 + minute + 330) % 1440 == there_hour * 60 + there_minute
    launcher.variables["TZ"] = "UTC"
    assert not re.search(r"Z = ", plan(launcher)[1])


def shown_role(out: str) -> str:
    return "".join(re.findall(r"^  it may +(.*\n)", out, re.MULTILINE))


def test_another_role_than_ours_is_not_judged(launcher: Launcher, bucket: str) -> None:
    code, out, err = plan(launcher, "--save", f"out/=s3://{bucket}/anywhere")
    assert code == 0, err
    assert shown_role(out) == "what its policies say, which aren't read here: it isn't `curfew setup`'s\n"
