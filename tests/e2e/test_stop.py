"""`curfew stop ID...`: instances are found wherever they are, asked for once, and ended each by itself."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

from sandbox import Sandbox
from tests.e2e.acting import Caller, launch, states
from tests.e2e.helpers import CURFEW, SOON

UNKNOWN = "i-0123456789abcdef0"


@pytest.fixture
def curfew(cloud: Sandbox, tmp_path: Path) -> Caller:
    return Caller(cloud, tmp_path)


def at_a_terminal(curfew: Caller, words: list[str], keys: str) -> tuple[int, str]:
    """Runs it with a terminal of its own, types `keys` when it asks, and returns its exit code and what it said."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", CURFEW, *words],
        env=curfew.env,
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    said, typed, until = "", False, time.monotonic() + 60
    try:
        while time.monotonic() < until:
            if not select.select([master], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(master, 65536)
            except OSError:  # the terminal is closed: it has ended
                break
            said += data.decode()
            if not typed and "[y/N]" in said:
                typed = True
                os.write(master, keys.encode())
        return process.wait(timeout=SOON), said
    finally:
        process.kill()
        os.close(master)


def test_ids_are_found_in_any_region_and_ended(cloud: Sandbox, curfew: Caller) -> None:
    here = launch(cloud, tags={"Name": "train-7b", "owner": "vision"})
    there = launch(cloud, region="eu-west-1", tags={"curfew:then": "stop"})
    other = launch(cloud)
    result = curfew("stop", here.id, there.id, "--yes")
    assert result.returncode == 0 and result.stderr == "", result
    assert states([here, there, other]) == ["terminated", "stopped", "running"]
    assert (
        "train-7b" in result.stdout and "owner vision" in result.stdout and "running for 5h" in result.stdout
    )
    assert f"terminated {here.id}" in result.stdout and f"stopped {there.id}" in result.stdout
    assert [line["phase"] for line in curfew.ledger()].count("outcome") == 2
    assert {line["why"] for line in curfew.ledger()} == {"asked for by curfew stop"}
    again = curfew("stop", here.id, "--yes")
    assert again.returncode == 0 and "nothing is to be done" in again.stdout, again


def test_then_is_over_the_tag(cloud: Sandbox, curfew: Caller) -> None:
    instance = launch(cloud, tags={"curfew:then": "stop"})
    assert (
        curfew("stop", instance.id, "--yes", "--then", "terminate", "--region", "us-east-1").returncode == 0
    )
    assert instance.state() == "terminated"


def test_without_a_terminal_and_yes_nothing_is_done(cloud: Sandbox, curfew: Caller) -> None:
    instance = launch(cloud)
    before = len(cloud.requests)
    result = curfew("stop", instance.id)
    assert result.returncode == 125 and "--yes" in result.stderr and instance.state() == "running"
    assert not curfew.changes()[before:] and curfew.ledger() == []


@pytest.mark.parametrize("keys", ["n\n", "\n", "yep\n", "\x04"])
def test_only_yes_is_yes(cloud: Sandbox, curfew: Caller, keys: str) -> None:
    instance = launch(cloud)
    code, said = at_a_terminal(curfew, ["stop", instance.id], keys)
    assert code == 1 and "nothing is done" in said, said
    assert instance.state() == "running" and curfew.ledger() == []


def test_yes_ends_it(cloud: Sandbox, curfew: Caller) -> None:
    instance = launch(cloud)
    code, said = at_a_terminal(curfew, ["stop", instance.id], "y\n")
    assert code == 0 and "Terminate 1 instance?" in said, said
    assert instance.state() == "terminated"


def test_ctrl_c_at_the_question_does_nothing(cloud: Sandbox, curfew: Caller) -> None:
    instance = launch(cloud)
    code, said = at_a_terminal(curfew, ["stop", instance.id], "\x03")
    assert code in (-signal.SIGINT, 130), said
    assert instance.state() == "running" and curfew.ledger() == []


@pytest.mark.parametrize("stdout", [">&-", ">/dev/full"])
def test_what_can_not_be_shown_is_not_ended(cloud: Sandbox, curfew: Caller, stdout: str) -> None:
    instance = launch(cloud)
    before = curfew.changes()
    for words in (
        ["stop", instance.id, "--yes"],
        ["setup", "billing", "--limit", "5", "--email", "a@b.cd", "--yes"],
    ):
        result = subprocess.run(
            ["sh", "-c", f'"$0" "$@" {stdout}', CURFEW, *words],
            env=curfew.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 125 and result.stderr != "", result
    assert instance.state() == "running" and curfew.ledger() == [] and curfew.changes() == before
    if stdout == ">&-":
        closed = subprocess.run(
            ["sh", "-c", '"$0" check --enforce --yes >&-', CURFEW],
            env=curfew.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert closed.returncode == 103 and "stdout is closed" in closed.stderr, closed


def test_each_is_told_at_once_and_a_signal_says_where_the_rest_is(cloud: Sandbox, curfew: Caller) -> None:
    quick, slow = launch(cloud), launch(cloud, region="eu-west-1")
    cloud.fault("hang", "ec2", "TerminateInstances", region="eu-west-1")
    process = curfew.start("stop", quick.id, slow.id, "--yes")
    assert process.stdout is not None and process.stderr is not None
    for line in process.stdout:
        if line.startswith(f"terminated {quick.id}"):
            break
    else:
        raise AssertionError("it told nothing before the other had ended")
    process.send_signal(signal.SIGINT)
    assert process.wait(SOON) == -signal.SIGINT
    said = process.stderr.read()
    assert "interrupted: what was asked for goes on" in said and "ledger.jsonl" in said, said
    open_acts = [line["instance"] for line in curfew.ledger() if line["phase"] == "intent"]
    assert slow.id in open_acts
    process.stdout.close()
    process.stderr.close()


def test_an_unknown_id_is_said_and_keeps_no_other(cloud: Sandbox, curfew: Caller) -> None:
    instance = launch(cloud)
    result = curfew("stop", UNKNOWN, instance.id, "--yes")
    assert result.returncode == 1 and f"{UNKNOWN} runs in no region" in result.stderr, result
    assert instance.state() == "terminated"


def test_a_region_that_can_not_be_read_is_named_where_it_matters(cloud: Sandbox, curfew: Caller) -> None:
    instance = launch(cloud)
    cloud.fault(
        "error", "ec2", "DescribeInstances", region="eu-west-1", code="UnauthorizedOperation", status=403
    )
    result = curfew("stop", UNKNOWN, instance.id, "--yes")
    assert result.returncode == 1 and "not read: eu-west-1" in result.stderr, result
    assert instance.state() == "terminated"
    other = launch(cloud)
    result = curfew("stop", other.id, "--yes")
    assert result.returncode == 0 and result.stderr == "", "all that were asked for were found elsewhere"


def test_what_is_protected_is_left_alone_and_the_others_are_not(cloud: Sandbox, curfew: Caller) -> None:
    shielded = launch(cloud, DisableApiTermination=True)
    instance = launch(cloud)
    result = curfew("stop", shielded.id, instance.id, "--yes")
    assert result.returncode == 1 and states([shielded, instance]) == ["running", "terminated"], result
    assert f"--instance-id {shielded.id} --no-disable-api-termination" in result.stdout


def test_one_that_is_refused_keeps_no_other(cloud: Sandbox, curfew: Caller) -> None:
    refused = launch(cloud)
    ended = launch(cloud, region="eu-west-1")
    cloud.fault(
        "error", "ec2", "TerminateInstances", region="us-east-1", code="UnauthorizedOperation", status=403
    )
    result = curfew("stop", refused.id, ended.id, "--yes")
    assert result.returncode == 1 and states([refused, ended]) == ["running", "terminated"]
    assert f"FAILED to terminate {refused.id}" in result.stderr


def test_a_persistent_spot_request_is_cancelled_first(cloud: Sandbox, curfew: Caller) -> None:
    options = {"SpotInstanceType": "persistent", "InstanceInterruptionBehavior": "stop"}
    persistent = launch(cloud, InstanceMarketOptions={"MarketType": "spot", "SpotOptions": options})
    one_time = launch(cloud, spot=True)
    before = len(curfew.changes())
    assert curfew("stop", one_time.id, "--yes").returncode == 0
    assert curfew.changes()[before:] == ["TerminateInstances"]
    result = curfew("stop", persistent.id, "--yes")
    assert result.returncode == 0 and "is cancelled first" in result.stdout
    assert curfew.changes()[before + 1 :] == ["CancelSpotInstanceRequests", "TerminateInstances"]
    # Where that fails, terminating would only launch the next one.
    another = launch(cloud, InstanceMarketOptions={"MarketType": "spot", "SpotOptions": options})
    cloud.fault("error", "ec2", "CancelSpotInstanceRequests", code="UnauthorizedOperation", status=403)
    result = curfew("stop", another.id, "--yes")
    assert result.returncode == 1 and "would launch another" in result.stderr and another.state() == "running"


def test_a_group_that_brings_it_back_is_said(cloud: Sandbox, curfew: Caller) -> None:
    autoscaling = cloud.client("autoscaling")
    cloud.wish(machine=False)
    autoscaling.create_launch_configuration(
        LaunchConfigurationName="workers", ImageId=cloud.image_id(), InstanceType="g5.xlarge"
    )
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="workers",
        LaunchConfigurationName="workers",
        MinSize=1,
        MaxSize=1,
        AvailabilityZones=["us-east-1a"],
    )
    try:
        (group,) = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        result = curfew("stop", group["Instances"][0]["InstanceId"], "--yes")
        assert result.returncode == 0, result
        assert "aws autoscaling update-auto-scaling-group --region us-east-1" in result.stdout
        assert "WILL REPLACE IT" in result.stdout
    finally:
        autoscaling.delete_auto_scaling_group(AutoScalingGroupName="workers", ForceDelete=True)
        autoscaling.delete_launch_configuration(LaunchConfigurationName="workers")


def test_without_a_ledger_it_warns_and_goes_on(cloud: Sandbox, curfew: Caller) -> None:
    instance = launch(cloud)
    (curfew.state / "curfew/ledger.jsonl").mkdir(parents=True)
    result = curfew("stop", instance.id, "--yes")
    assert result.returncode == 0 and instance.state() == "terminated", result
    assert "THE LEDGER CAN'T BE WRITTEN" in result.stderr


def test_without_credentials(cloud: Sandbox, curfew: Caller) -> None:
    curfew.env = {key: value for key, value in curfew.env.items() if "KEY" not in key}
    result = curfew("stop", UNKNOWN, "--yes")
    assert result.returncode == 102 and "credentials" in result.stderr, result


def test_bad_usage_reaches_neither_aws_nor_this_machine(cloud: Sandbox, curfew: Caller) -> None:
    before = len(cloud.requests)
    for words in (["--yes"], [UNKNOWN, "--now"], ["nwo"], ["--region", "us-east-1"], [UNKNOWN, "--force"]):
        result = curfew("stop", *words)
        assert result.returncode == 125 and result.stderr.startswith("curfew: "), result
    assert len(cloud.requests) == before
    shown = curfew("stop", "--help").stdout
    assert "curfew stop [--now]" in shown and "curfew stop ID|JOB..." in shown
