"""`curfew check --enforce`: it ends what is past its own deadline, and nothing else, whatever happens meanwhile."""

from __future__ import annotations

import json
import stat
import subprocess
import time
from pathlib import Path

import pytest

from sandbox import Sandbox
from tests.e2e.acting import Caller, client_of, from_now, launch, launch_by, overdue, states
from tests.e2e.helpers import CURFEW, LIFE, SOON


@pytest.fixture
def curfew(cloud: Sandbox, tmp_path: Path) -> Caller:
    return Caller(cloud, tmp_path)


def test_a_dry_run_ends_nothing_and_yes_ends_the_overdue_alone(cloud: Sandbox, curfew: Caller) -> None:
    over = launch(cloud, tags=overdue(1, {"Name": "forgotten"}))
    elsewhere = launch(cloud, region="eu-west-1", tags=overdue(2, {"curfew:then": "stop"}))
    was_kept = launch(cloud, 50, tags=overdue(1, {"curfew:keep": "demo until 2026-01-01"}))
    kept = launch(cloud, 50, tags=overdue(1, {"curfew:keep": "demo"}))
    ahead = launch(cloud, tags={"curfew:job": "x", "curfew:deadline": from_now(1)})
    no_job = launch(cloud, tags={"curfew:deadline": from_now(-1)})
    restarted = launch(cloud, 0.5, tags=overdue())
    malformed = launch(cloud, tags={"curfew:job": "x", "curfew:deadline": "yesterday"})
    shielded = launch(cloud, tags=overdue(), DisableApiTermination=True)
    left = [kept, no_job, restarted, malformed, shielded]
    everything = [over, elsewhere, was_kept, ahead, *left]
    before = curfew.changes()

    dry = curfew("check", "--enforce")
    assert "dry run: with --yes 3 instances would be ended" in dry.stdout, dry
    assert set(states(everything)) == {"running"}
    assert curfew.changes() == before and curfew.ledger() == []

    result = curfew("check", "--enforce", "--yes", "--format", "json")
    report = json.loads(result.stdout)
    assert states([over, was_kept]) == ["terminated", "terminated"], result
    assert elsewhere.state() == "stopped"
    assert set(states([ahead, *left])) == {"running"}
    acts = {act["id"]: (act["action"], act["done"]) for act in report["acts"]}
    assert acts == {
        elsewhere.id: ("stop", True),
        over.id: ("terminate", True),
        was_kept.id: ("terminate", True),
    }
    assert report["acts"][0]["id"] == elsewhere.id, "overdue for longest"
    assert {row["id"]: row["reason"] for row in report["not_touched"]} == {
        kept.id: "kept",
        no_job.id: "no_job",
        restarted.id: "launched_after_deadline",
        malformed.id: "malformed_deadline",
        shielded.id: "protected",
    }
    attention = {row["id"] for row in report["instances"] if row["severity"] != "OK"}
    assert result.returncode == len(attention) == report["totals"]["needing_attention"]
    assert not attention & {over.id, elsewhere.id, was_kept.id} and shielded.id in attention
    assert result.stderr == ""

    again = curfew("check", "--enforce", "--yes", "--format", "json")
    assert json.loads(again.stdout)["acts"] == [], "there's nothing left to do"


def test_each_act_is_in_the_ledger_before_and_after(cloud: Sandbox, curfew: Caller) -> None:
    name = 'two\x85lines "quoted"'
    over = launch(cloud, tags=overdue(1, {"Name": name}))
    curfew("check", "--enforce", "--yes")
    intent, outcome = curfew.ledger()
    assert intent["phase"] == "intent" and outcome["phase"] == "outcome"
    for line in (intent, outcome):
        assert line["instance"] == over.id and line["name"] == name and line["account"] == "123456789012"
        assert line["by"].startswith("arn:aws:sts::123456789012:") and line["command"] == "check --enforce"
        assert "past its deadline" in line["why"] and line["action"] == "terminate"
    assert outcome["done"] is True and outcome["outcome"] == "terminated"
    path = curfew.state / "curfew/ledger.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_ledger_nothing_is_ended_unless_asked_for(cloud: Sandbox, curfew: Caller) -> None:
    over = launch(cloud, tags=overdue())
    (curfew.state / "curfew/ledger.jsonl").mkdir(parents=True)
    result = curfew("check", "--enforce", "--yes")
    assert result.returncode == 1 and over.state() == "running", result
    assert "--no-ledger" in result.stderr
    assert curfew("check", "--enforce", "--yes", "--exit-style", "zero").returncode == 101
    assert curfew("check", "--enforce", "--yes", "--no-ledger").returncode == 0
    assert over.state() == "terminated"


def test_a_deadline_that_moves_between_reading_and_ending_holds(cloud: Sandbox, curfew: Caller) -> None:
    over = launch(cloud, tags=overdue())
    # Asked between the two readings.
    cloud.fault("hang", "ec2", "DescribeInstanceAttribute", times=1)
    before = len(cloud.requests)
    process = curfew.start("check", "--enforce", "--yes", "--format", "json")
    wait_for_call(cloud, "DescribeInstanceAttribute", before)
    cloud.client("ec2").create_tags(
        Resources=[over.id], Tags=[{"Key": "curfew:deadline", "Value": from_now(2)}]
    )
    cloud.clear_faults()
    out, err = process.communicate(timeout=60)
    report = json.loads(out)
    assert report["acts"] == [] and over.state() == "running", err
    assert [row["reason"] for row in report["not_touched"]] == ["deadline_moved"]
    assert curfew.ledger() == []


def wait_for_call(cloud: Sandbox, operation: str, first: int) -> None:
    """Until it's among the calls from that one on."""
    until = time.monotonic() + LIFE
    while not any(call["op"] == operation for call in cloud.requests[first:]):
        assert time.monotonic() < until, f"no {operation}"
        time.sleep(0.05)


def test_more_than_max_kills_are_ended_only_when_asked_for(cloud: Sandbox, curfew: Caller) -> None:
    instances = [launch(cloud, tags=overdue(hours)) for hours in (1, 3, 2)]
    result = curfew("check", "--enforce", "--yes", "--max-kills", "2")
    assert states(instances) == ["running", "terminated", "terminated"], result
    assert result.returncode == 1 and "--max-kills" in result.stdout
    assert curfew("check", "--enforce", "--yes", "--yes-all").returncode == 0
    assert instances[0].state() == "terminated"


def test_what_was_done_is_told_where_the_report_can_not_be_written(cloud: Sandbox, curfew: Caller) -> None:
    over = launch(cloud, tags=overdue())
    result = curfew("check", "--enforce", "--yes", "--output", "/nonexistent/report")
    assert result.returncode == 103 and over.state() == "terminated", result
    assert f"terminated {over.id}" in result.stderr


@pytest.mark.parametrize("seconds", [300, -300])
def test_a_clock_that_differs_from_awss_ends_nothing(cloud: Sandbox, curfew: Caller, seconds: int) -> None:
    over = launch(cloud, tags=overdue(2))
    cloud.fault("clock", "ec2", "DescribeInstances", delay=seconds)
    result = curfew("check", "--enforce", "--yes")
    assert result.returncode == 1 and over.state() == "running", result
    assert "ENDED NOTHING" in result.stdout and "clock" in result.stderr
    assert curfew.ledger() == []


def test_what_can_not_be_ended_is_said_and_counts(cloud: Sandbox, curfew: Caller) -> None:
    over = launch(cloud, tags=overdue(2))
    other = launch(cloud, region="eu-west-1", tags=overdue(1))
    cloud.fault(
        "error", "ec2", "TerminateInstances", region="us-east-1", code="UnauthorizedOperation", status=403
    )
    result = curfew("check", "--enforce", "--yes", "--format", "csv")
    assert states([over, other]) == ["running", "terminated"]
    assert result.returncode == 1
    assert f"FAILED to terminate {over.id}" in result.stderr and f"terminated {other.id}" in result.stderr
    assert [line["done"] for line in curfew.ledger() if line["phase"] == "outcome"].count(False) == 1


def test_throttling_and_lost_replies_are_waited_out(cloud: Sandbox, curfew: Caller) -> None:
    over = launch(cloud, tags=overdue())
    cloud.fault("throttle", "ec2", "TerminateInstances", times=2)
    cloud.fault("drop-reply", "ec2", "TerminateInstances", times=1)
    result = curfew("check", "--enforce", "--yes")
    assert result.returncode == 0 and over.state() == "terminated", result


def test_a_region_that_is_not_read_is_still_101(cloud: Sandbox, curfew: Caller) -> None:
    over = launch(cloud, tags=overdue())
    cloud.fault(
        "error", "ec2", "DescribeInstances", region="eu-west-1", code="UnauthorizedOperation", status=403
    )
    assert curfew("check", "--enforce", "--yes").returncode == 101
    assert over.state() == "terminated"


def test_only_what_is_shown_is_ended(cloud: Sandbox, curfew: Caller) -> None:
    ours = launch(cloud, tags=overdue(1, {"team": "vision"}))
    theirs = launch(cloud, tags=overdue(1, {"team": "speech"}))
    assert curfew("check", "--enforce", "--yes", "--tag", "team=vision").returncode == 0
    assert states([ours, theirs]) == ["terminated", "running"]


def test_a_persistent_spot_request_is_cancelled_first(cloud: Sandbox, curfew: Caller) -> None:
    options = {"SpotInstanceType": "persistent", "InstanceInterruptionBehavior": "stop"}
    over = launch(
        cloud,
        tags=overdue(),
        InstanceMarketOptions={"MarketType": "spot", "SpotOptions": options},
    )
    before = len(curfew.changes())
    assert curfew("check", "--enforce", "--yes").returncode == 0
    assert curfew.changes()[before:] == ["CancelSpotInstanceRequests", "TerminateInstances"]
    assert over.state() == "terminated"
    (request,) = [
        it
        for it in cloud.client("ec2").describe_spot_instance_requests()["SpotInstanceRequests"]
        if it["InstanceId"] == over.id
    ]
    assert request["State"] == "cancelled"


def test_from_crons_environment(cloud: Sandbox) -> None:
    over = launch(cloud, tags=overdue())
    result = subprocess.run(
        [
            "unshare",
            "-m",
            "sh",
            "-c",
            'mount -t tmpfs tmpfs /var/log && "$0" check --enforce --yes >/dev/null && cat /var/log/curfew/ledger.jsonl',
            str(CURFEW),
        ],
        env={"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", **cloud.env()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0 and result.stderr == "", result
    assert [json.loads(line)["phase"] for line in result.stdout.splitlines()] == ["intent", "outcome"]
    assert over.state() == "terminated"


def test_another_accounts_instances_are_ended_by_its_role(cloud: Sandbox, curfew: Caller) -> None:
    own = launch(cloud, tags=overdue(1))
    role = "arn:aws:iam::222222222222:role/watch"
    there = client_of(cloud, role)
    over = launch_by(there, {"curfew:job": "theirs"})
    named = launch_by(there)
    # Afterwards, for its deadline is to come after its launch, however long that takes.
    soon = [{"Key": "curfew:deadline", "Value": from_now(2 / 3600)}]
    there.create_tags(Resources=[over], Tags=soon)

    def state(id: str) -> str:
        rows = there.describe_instances(InstanceIds=[id])["Reservations"]
        return str(rows[0]["Instances"][0]["State"]["Name"])

    until = time.monotonic() + SOON
    while from_now(0) <= soon[0]["Value"]:
        assert time.monotonic() < until
        time.sleep(0.1)
    result = curfew("check", "--account", role, "--enforce", "--yes")
    assert f"--account {role}" in result.stdout, "the command for the other one"
    assert own.state() in ("shutting-down", "terminated") and state(over) in ("shutting-down", "terminated")
    assert state(named) == "running"
    by = {line["instance"]: (line["account"], line["by"]) for line in curfew.ledger()}
    assert by[own.id][0] == "123456789012" and by[over][0] == "222222222222"
    assert ":assumed-role/watch/" in by[over][1] and ":222222222222:" in by[over][1], by
    assert curfew("stop", named, "--yes").returncode == 1, "it isn't in the caller's own account"
    assert state(named) == "running"
    assert curfew("stop", named, "--yes", "--account", role).returncode == 0
    assert state(named) in ("shutting-down", "terminated")


def test_what_could_not_be_read_is_not_nothing(cloud: Sandbox, curfew: Caller) -> None:
    cloud.fault("error", "ec2", "DescribeInstances", code="UnauthorizedOperation", status=403)
    for words in ([], ["--format", "csv"]):
        result = curfew("check", "--region", "us-east-1", "--enforce", "--yes", *words)
        assert result.returncode == 101, result
        told = result.stdout + result.stderr
        assert "nothing to end" not in told and "not all could be read" in told, told
