"""`curfew check`, on instances that exist in the API only: what it shows, what it tells by its exit code, what it survives."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pty
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.acting import client_of, launch_by
from tests.e2e.helpers import CURFEW, SOON

HOUR = 3600.0
Check = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def check(cloud: Sandbox, tmp_path: Path) -> Check:
    """Runs it with the sandbox's variables and nothing else of ours."""

    def run(
        *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [CURFEW, "check", *words],
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **cloud.env()} if env is None else env,
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def launch(cloud: Sandbox) -> Callable[..., Instance]:
    """An instance that has run for `hours`; no machine plays it."""

    def made(hours: float = 0.1, **more: Any) -> Instance:
        instance = cloud.launch(machine=False, **more)
        instance.wait("running", SOON)
        instance.age(hours * HOUR)
        return instance

    return made


def found(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON report's instances by id."""
    return {row["id"]: row for row in json.loads(result.stdout)["instances"]}


def ahead(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_where_nothing_runs_it_says_so(check: Check) -> None:
    result = check()
    assert result.returncode == 0, result
    assert "No running instances found" in result.stdout


def test_the_incident(check: Check, cloud: Sandbox, launch: Callable[..., Instance], tmp_path: Path) -> None:
    instance = launch(72.0, tags={"Name": "forgotten"})
    result = check("--region", "us-east-1")
    assert result.returncode == 1, result
    assert "CRITICAL" in result.stdout and instance.id in result.stdout
    assert "Prices by: Pricing API (1)" in result.stdout
    assert f"aws ec2 terminate-instances --region us-east-1 --instance-ids {instance.id}" in result.stdout
    cost = found(check("--format", "json"))[instance.id]["cost"]
    assert f"{cost['so_far']:.2f}" == "72.43", "1.006 dollars an hour for 72 hours"
    assert cost["mark"] == "exact" and cost["total_so_far"] > cost["so_far"], "disk and address beside it"
    # After a week it's asked for anew, and kept again.
    kept = tmp_path / ".cache/curfew/prices.json"
    kept.write_text(re.sub(r'"read_at":"[^"]*"', '"read_at":"2026-01-01T00:00:00Z"', kept.read_text()))
    check()
    assert "2026-01-01" not in kept.read_text() and "g5.xlarge" in kept.read_text()
    # The price is kept for a week; without it and without the right to ask, the list that is built in has to do.
    cloud.fault("error", "pricing", code="AccessDeniedException", status=400)
    again = found(check("--format", "json"))[instance.id]["cost"]
    assert again["source"].startswith("Pricing API") and again["hourly"] == 1.006
    shutil.rmtree(tmp_path / ".cache")
    listed = check("--format", "json")
    assert found(listed)[instance.id]["cost"]["source"] == "list price of 2025-05-28"
    assert listed.returncode == 1, "a price of another date isn't a region that wasn't read"
    assert "pricing:GetProducts" in listed.stdout


def test_one_of_each_severity_in_three_regions(check: Check, launch: Callable[..., Instance]) -> None:
    fine = launch(0.5, instance_type="t3.micro")
    long = launch(3.0, instance_type="t3.micro", region="eu-west-1")
    longer = launch(7.0, instance_type="t3.micro", region="ap-northeast-1", spot=True)
    unguarded = launch(0.2, instance_type="g5.xlarge")
    over = launch(1.0, instance_type="t3.micro", tags={"curfew:deadline": ahead(-0.5)})
    kept = launch(50.0, tags={"curfew:keep": "demo"})
    was_kept = launch(50.0, tags={"curfew:keep": "demo until 2026-01-01"})
    result = check("--format", "json")
    severities = {id: row["severity"] for id, row in found(result).items()}
    assert severities == {
        fine.id: "OK",
        long.id: "WARNING",
        longer.id: "CRITICAL",
        unguarded.id: "WARNING",
        over.id: "CRITICAL",
        kept.id: "OK",
        was_kept.id: "CRITICAL",
    }
    assert result.returncode == 5
    assert found(result)[longer.id]["lifecycle"] == "spot"
    assert found(result)[longer.id]["region"] == "ap-northeast-1"
    assert check("--exit-style", "nagios").returncode == 2
    assert check("--exit-style", "zero").returncode == 0
    assert check("--exclude-region", "ap-northeast-1,us-east-1").returncode == 1
    assert set(found(check("--format", "json", "--tag", "curfew:keep=demo"))) == {kept.id}
    assert set(found(check("--format", "json", "--older-than", "6h"))) == {longer.id, kept.id, was_kept.id}


def test_a_spot_instance_costs_what_its_own_zone_asked(
    check: Check, cloud: Sandbox, launch: Callable[..., Instance]
) -> None:
    instance = launch(10.0, spot=True, Placement={"AvailabilityZone": "us-east-1a"})
    for zone, dollars, ago in (
        ("us-east-1a", 0.30, 100 * HOUR),
        ("us-east-1a", 0.60, 4 * HOUR),  # doubled while it ran
        ("us-east-1b", 0.90, 4 * HOUR),
        ("us-east-1b", 0.10, 1.0),
    ):
        cloud.spot_price("g5.xlarge", zone, dollars, ago=ago)
    cloud.spot_price("g5.xlarge", "us-east-1a", 5.00, ago=5 * HOUR, product="Windows")
    cost = found(check("--format", "json", "--region", "us-east-1"))[instance.id]["cost"]
    assert cost["source"] == "spot price history" and cost["hourly"] == 0.6, cost
    assert cost["so_far"] == pytest.approx(6 * 0.30 + 4 * 0.60, abs=0.01), (
        "not the price of now times ten hours"
    )
    cloud.fault("error", "ec2", "DescribeSpotPriceHistory", code="UnauthorizedOperation", status=403)
    table = check("--region", "us-east-1")
    assert "at most" in table.stdout and "no permission for ec2:DescribeSpotPriceHistory" in table.stdout
    assert table.returncode == 1 and "<=$1.006" in table.stdout, table


def test_a_deadline_without_its_schedule_is_told(
    cloud: Sandbox, check: Check, launch: Callable[..., Instance]
) -> None:
    tags = {"curfew:job": "digits", "curfew:deadline": ahead(2)}
    with_schedule = launch(tags=tags)
    without = launch(tags=tags)
    on_purpose = launch(tags={**tags, "curfew:schedule": "none"})
    cloud.client("scheduler").create_schedule(
        Name=f"curfew-{with_schedule.id}",
        ScheduleExpression="rate(10 minutes)",
        StartDate=tags["curfew:deadline"],
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances",
            "RoleArn": cloud.scheduler_role(),
            "Input": json.dumps({"InstanceIds": [with_schedule.id]}),
        },
    )
    rows = found(check("--format", "json"))
    assert [rows[it.id]["severity"] for it in (with_schedule, without, on_purpose)] == ["OK", "WARNING", "OK"]
    cloud.fault("error", "scheduler", code="AccessDeniedException", status=403)
    result = check("--format", "json")
    assert result.returncode == 0, "what may not be asked for isn't alarmed about"
    assert found(result)[without.id]["schedule"] == "refused"


def test_a_region_that_is_refused_fails_the_check(
    cloud: Sandbox, check: Check, launch: Callable[..., Instance]
) -> None:
    seen = launch(7.0)
    launch(7.0, region="eu-west-1")
    message = "You are not authorized to perform this operation"
    cloud.fault(
        "error",
        "ec2",
        "DescribeInstances",
        region="eu-west-1",
        code="UnauthorizedOperation",
        status=403,
        message=message,
    )
    result = check()
    assert result.returncode == 101
    assert seen.id in result.stdout and "eu-west-1" in result.stdout and message in result.stdout
    assert check("--exit-style", "zero").returncode == 101
    assert check("--allow-denied").returncode == 101, "an implicit denial may be a mistake"
    cloud.clear_faults()
    cloud.fault(
        "error",
        "ec2",
        "DescribeInstances",
        region="eu-west-1",
        code="UnauthorizedOperation",
        status=403,
        message=message + " with an explicit deny in a service control policy",
    )
    assert check().returncode == 101
    result = check("--allow-denied")
    assert result.returncode == 1 and "eu-west-1" in result.stdout


def test_a_region_that_hangs_holds_up_no_other(
    cloud: Sandbox, check: Check, launch: Callable[..., Instance]
) -> None:
    seen = launch(7.0)
    cloud.fault("hang", "ec2", "DescribeInstances", region="eu-west-1")
    began = time.monotonic()
    result = check("--limit", "5s")
    assert time.monotonic() - began < SOON
    assert result.returncode == 101
    assert seen.id in result.stdout and "eu-west-1: not read within 3s" in result.stdout


def test_throttling_is_waited_out(cloud: Sandbox, check: Check, launch: Callable[..., Instance]) -> None:
    seen = launch(7.0)
    cloud.fault("throttle", "ec2", "DescribeInstances", region="us-east-1", times=2)
    result = check()
    assert result.returncode == 1 and seen.id in result.stdout, result


def test_without_credentials_nothing_is_zero(check: Check, cloud: Sandbox, tmp_path: Path) -> None:
    env = {key: value for key, value in cloud.env().items() if "KEY" not in key}
    result = check(env={**env, "HOME": str(tmp_path)})
    assert result.returncode == 102
    assert result.stderr.startswith("curfew: ") and "credentials" in result.stderr and not result.stdout
    cloud.fault("error", "sts", code="ExpiredToken", status=403, message="The security token is expired")
    result = check()
    assert result.returncode == 102 and "expired" in result.stderr, result


def test_no_network_fails(check: Check, cloud: Sandbox, tmp_path: Path) -> None:
    env = {**cloud.env(), "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "HOME": str(tmp_path)}
    result = check("--limit", "5s", env=env)
    assert result.returncode == 101, result
    assert "Nothing could be read" in result.stdout


def test_bad_usage_is_told_before_anything_is_read(check: Check, cloud: Sandbox) -> None:
    before = len(cloud.requests)
    for words, says in [
        (["--regoin", "x"], "did you mean --region?"),
        (["--region", "us-east-1.example.com"], "is no region's name"),
        (["--warn", "8h", "--crit", "2h"], "comes after --crit"),
        (["--format", "yaml"], "--format"),
        (["--account", "123"], "is no role's ARN"),
    ]:
        result = check(*words)
        assert result.returncode == 103 and says in result.stderr, result
    assert check("--exit-style", "nagios", "--regoin", "x").returncode == 3
    assert check("--exit-style=nagios", "--warn", "8h", "--crit", "2h").returncode == 3
    assert len(cloud.requests) == before


def test_three_hundred_are_a_hundred(check: Check, cloud: Sandbox) -> None:
    cloud.control("wish", options={"machine": False})
    ec2 = cloud.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, InstanceType="g5.xlarge", MinCount=300, MaxCount=300)["Instances"]
    result = check("--format", "json", "--region", "us-east-1")
    assert result.returncode == 100
    assert set(found(result)) == {row["InstanceId"] for row in made}
    assert sum(row["severity"] == "WARNING" for row in found(result).values()) == 300, (
        "GPUs without a deadline"
    )


def test_names_are_shown_harmlessly(check: Check, launch: Callable[..., Instance], tmp_path: Path) -> None:
    # Other control characters can't stand in XML; this one is the CSI of a terminal in one.
    name = '\x9b31mred,"<script>alert(1)</script>\n=cmd()'
    instance = launch(7.0, tags={"Name": name})
    table = check()
    assert "\x9b" not in table.stdout and "<script>" in table.stdout
    assert found(check("--format", "json"))[instance.id]["name"] == name
    rows = list(csv.DictReader(io.StringIO(check("--format", "csv").stdout)))
    assert [row["instance_id"] for row in rows] == [instance.id] and "\x9b" not in rows[0]["name"]
    output = tmp_path / "curfew.prom"
    assert check("--format", "prometheus", "--output", str(output), "--exit-style", "zero").returncode == 0
    for line in output.read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(
            r'[a-z_]+(\{([a-z_]+="(\\.|[^"\\\n])*",?)*\})? -?[0-9.e+]+', line
        ), line
    assert instance.id in output.read_text()


def test_an_output_that_can_not_be_written_is_told(check: Check, cloud: Sandbox, tmp_path: Path) -> None:
    result = check("--output", "/nonexistent/folder/file")
    assert result.returncode == 103 and "/nonexistent/folder/file" in result.stderr
    style = ("--exit-style", "nagios")
    assert check("--output", "/nonexistent/folder/file", *style).returncode == 3
    for words in (["--help"], ["--format", "json"], []):
        full = subprocess.run(
            ["sh", "-c", '"$0" check "$@" >/dev/full', CURFEW, *words],
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **cloud.env()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert full.returncode == (125 if words == ["--help"] else 103), full


def test_what_is_filtered_is_said(check: Check, launch: Callable[..., Instance]) -> None:
    launch(7.0)
    result = check("--tag", "team=\x1b[31m", "--older-than", "24h", "--state", "running,stopped")
    assert result.returncode == 0
    assert (
        "Only what has: the tag team=\\x1b[31m; a start more than 24h ago; the state running or stopped"
        in (" ".join(result.stdout.split()))
    )
    assert json.loads(check("--tag", "team=x", "--format", "json").stdout)["filters"] == ["the tag team=x"]
    assert "Only what has" not in check().stdout


def test_the_mode_of_an_output_is_its_owners(check: Check, tmp_path: Path) -> None:
    output = tmp_path / "report"
    before = os.umask(0o077)
    try:
        assert check("--output", str(output)).returncode == 0
        assert stat.S_IMODE(output.stat().st_mode) == 0o600
    finally:
        os.umask(before)
    output.chmod(0o640)
    assert check("--output", str(output)).returncode == 0
    assert stat.S_IMODE(output.stat().st_mode) == 0o640
    told = check(
        "--notify", "mailto:a@example.com", env={"PATH": "/usr/bin:/bin", "CURFEW_SENDMAIL": str(tmp_path)}
    )
    assert told.returncode == 103 and "is no program" in told.stderr, told


def test_an_output_that_is_no_file_stays_what_it_is(check: Check, cloud: Sandbox, tmp_path: Path) -> None:
    before = len(cloud.requests)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    result = check("--output", str(pipe))
    assert result.returncode == 103 and "is no regular file" in result.stderr, result
    assert pipe.is_fifo() and len(cloud.requests) == before
    target, link = tmp_path / "folder" / "report", tmp_path / "link"
    target.parent.mkdir()
    target.write_text("old")
    link.symlink_to(target)
    assert check("--output", str(link)).returncode == 0
    assert link.is_symlink() and "No running instances found" in target.read_text()
    assert [each.name for each in target.parent.iterdir()] == ["report"]
    later = tmp_path / "later"
    later.symlink_to("folder/not-yet")
    assert check("--output", str(later)).returncode == 0
    assert later.is_symlink() and "No running" in (target.parent / "not-yet").read_text()


@pytest.mark.parametrize(
    ("more", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_and_progress_are_for_terminals_that_want_them(
    cloud: Sandbox, launch: Callable[..., Instance], tmp_path: Path, more: dict[str, str], coloured: bool
) -> None:
    instance = launch(7.0)
    words = ["setsid", "--ctty", CURFEW, "check", "--region", "us-east-1"]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **cloud.env(), **more}
    for on in ("stdout", "stderr"):
        master, slave = pty.openpty()
        pipes: dict[str, int] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, on: slave}
        process = subprocess.Popen(words, env=env, stdin=slave, **pipes)  # type: ignore[call-overload]
        os.close(slave)
        said = b""
        with contextlib.suppress(OSError):  # the terminal is closed
            while data := os.read(master, 65_536):
                said += data
        os.close(master)
        other = (process.stderr if on == "stdout" else process.stdout).read()
        assert process.wait(timeout=SOON) == 1
        assert b"\x1b" not in other
        if on == "stdout":
            assert instance.id.encode() in said
            assert (b"\x1b[1;31m" in said) == coloured, said
        else:
            assert (b"1 of 1 regions read" in said) == (more["TERM"] != "dumb"), said
            assert (b"\x1b[K" in said) == (more["TERM"] != "dumb"), said


def test_where_every_region_is_denied_all_is_not_well(check: Check, cloud: Sandbox) -> None:
    cloud.fault(
        "error",
        "ec2",
        "DescribeInstances",
        code="UnauthorizedOperation",
        status=403,
        message="not authorized, with an explicit deny in a service control policy",
    )
    result = check("--region", "us-east-1", "--allow-denied")
    assert result.returncode == 101, result
    assert "No running instances" not in result.stdout and "Nothing could be read" in result.stdout
    told = check("--region", "us-east-1", "--allow-denied", "--format", "prometheus")
    assert "curfew_check_complete 0" in told.stdout


def test_a_token_that_expires_on_the_way_is_no_missing_permission(
    check: Check, cloud: Sandbox, launch: Callable[..., Instance]
) -> None:
    launch(0.1, tags={"curfew:job": "x", "curfew:deadline": ahead(5)})
    cloud.fault("error", "scheduler", "ListSchedules", code="ExpiredTokenException", status=403)
    result = check("--region", "us-east-1")
    assert result.returncode == 101 and "the schedules in us-east-1 could not be read" in result.stdout


def test_from_crons_environment(
    check: Check, cloud: Sandbox, launch: Callable[..., Instance], tmp_path: Path
) -> None:
    instance = launch(7.0)
    result = check(env={"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", **cloud.env()}, cwd=tmp_path)
    assert result.returncode == 1 and instance.id in result.stdout, result
    assert result.stderr == ""
    assert list(tmp_path.iterdir()) == [], "without a home nothing is written"


def test_another_account_by_a_role(check: Check, cloud: Sandbox, launch: Callable[..., Instance]) -> None:
    own = launch(7.0)
    role = "arn:aws:iam::222222222222:role/watch"
    there = client_of(cloud, role)
    other = launch_by(there)
    result = check("--format", "json", "--account", role)
    assert result.returncode == 2
    accounts = {id: row["account"] for id, row in found(result).items()}
    assert accounts == {own.id: "123456789012", other: "222222222222"}
    cloud.fault(
        "error", "sts", "AssumeRole", code="AccessDenied", status=403, message="not authorized to assume"
    )
    result = check("--account", role)
    assert result.returncode == 101 and own.id in result.stdout and "222222222222" in result.stdout
    there.terminate_instances(InstanceIds=[other])


def test_nothing_is_changed(check: Check, cloud: Sandbox, launch: Callable[..., Instance]) -> None:
    instance = launch(100.0, tags={"curfew:job": "x", "curfew:deadline": ahead(-50)})
    before = len(cloud.requests)
    check()
    made = {(call["service"], call["op"]) for call in cloud.requests[before:]}
    assert all(
        re.match(r"Describe|Get|List", op) for service, op in made if service in ("ec2", "sts", "scheduler")
    ), made
    assert instance.state() == "running"
