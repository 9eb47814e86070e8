"""`curfew launch` from this host, with the real binary, to machines of the sandbox that boot, train, save and are gone.

The launcher speaks to the sandbox's API alone; nothing of what it does can end this host.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import subprocess

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.helpers import CURFEW, LIFE, SOON, assert_ended, objects, unit
from tests.e2e.launching import Launcher, ended, until

SECRET = "hunter2-is-no-good"
UNFINISHED = 300  # seconds after the boot, then the guard gives a launch up
GONE = 360  # and by then the machine is gone


def user_data(cloud: Sandbox, instance: Instance) -> str:
    ec2 = cloud.client("ec2")
    answer = ec2.describe_instance_attribute(InstanceId=instance.id, Attribute="userData")
    return base64.b64decode(answer["UserData"]["Value"]).decode()


def test_trains_saves_and_is_gone(cloud: Sandbox, bucket: str, launcher: Launcher) -> None:
    shell = 'mkdir out && echo "trained by $USER in $PWD: ${GREETING}" >out/model && uptime >/dev/null'
    instance, plan = launcher.launch(
        "--spot",
        "--max-cost",
        "3",
        "--name",
        "digits",
        "--env",
        'GREETING=it\'s "fine" $HOME',
        "--env",
        f"API_KEY={SECRET}",
        "--save",
        f"out/=s3://{bucket}/run",
        shell=shell,
    )
    tags = {one["Key"]: one["Value"] for one in instance.describe()["Tags"]}
    launch = tags["curfew:launch"]
    assert tags["curfew:job"] == tags["Name"] == "digits"
    assert tags["curfew:schedule"] == "armed"
    assert tags["curfew:owner"].startswith("arn:aws:")
    assert tags["curfew:max-cost"] == "3.000000"
    assert tags["curfew:deadline"] == tags["curfew:max-deadline"]
    assert f"machine gone   {tags['curfew:deadline']}" in plan
    described = instance.describe()
    assert described["InstanceLifecycle"] == "spot"
    assert described["MetadataOptions"]["HttpTokens"] == "required"
    volume = cloud.client("ec2").describe_volumes(
        Filters=[{"Name": "attachment.instance-id", "Values": [instance.id]}]
    )["Volumes"][0]
    assert volume["Encrypted"] and volume["VolumeType"] == "gp3" and volume["Size"] == 100
    assert all(one["Ebs"]["DeleteOnTermination"] for one in described["BlockDeviceMappings"])

    schedule = cloud.client("scheduler").get_schedule(Name=f"curfew-{instance.id}")
    assert schedule["ScheduleExpression"] == "rate(10 minutes)"
    assert schedule["ActionAfterCompletion"] == "DELETE"
    assert json.loads(schedule["Target"]["Input"]) == {"InstanceIds": [instance.id]}
    assert schedule["Target"]["RoleArn"] == launcher.role
    assert (schedule["EndDate"] - schedule["StartDate"]).total_seconds() == 6 * 3600

    ended(instance)
    saved = objects(cloud, bucket)
    assert saved["run/model"].decode() == 'trained by debian in /home/debian: it\'s "fine" $HOME\n'
    # The record is for launches that were not finished.
    assert launcher.records() == []
    # Secrets lie in the staging bucket, and nowhere else.
    assert SECRET.encode() in saved[f"curfew/jobs/{launch}/job.json"]
    assert SECRET not in user_data(cloud, instance)
    assert SECRET not in json.dumps(described, default=str)
    assert SECRET not in instance.console() and SECRET not in plan


def test_arms_l0_before_anything_is_fetched(cloud: Sandbox, launcher: Launcher) -> None:
    with cloud.failing("hang", service="s3", op="GetObject"):
        instance, plan = launcher.launch(shell="sleep 600")
        instance.until(
            lambda: any(r["op"] == "GetObject" and r["source"] == instance.id for r in cloud.requests),
            LIFE,
            "fetch",
        )
        timer = unit(instance, "curfew-l0.timer", "ActiveState", "UnitFileState", "NextElapseUSecRealtime")
        assert timer["ActiveState"] == "active" and timer["UnitFileState"] == "enabled", timer
        found = re.search(r"else L0 +(\S+)", plan)
        assert found
        assert found.group(1).replace("T", " ").replace("Z", "") in timer["NextElapseUSecRealtime"], timer
        assert instance.sh("ls /var/lib/curfew").split() == []
    # The guard takes it over, and leaves its time.
    instance.until(
        lambda: unit(instance, "curfew.service", "ActiveState")["ActiveState"] == "active", LIFE, "guard"
    )
    again = unit(instance, "curfew-l0.timer", "ActiveState", "NextElapseUSecRealtime")
    assert again["ActiveState"] == "active"
    assert again["NextElapseUSecRealtime"][:20] == timer["NextElapseUSecRealtime"][:20]
    assert instance.state() == "running"


def test_a_program_with_another_checksum_ends_the_machine(
    cloud: Sandbox, bucket: str, launcher: Launcher
) -> None:
    digest = subprocess.run(
        ["sha256sum", str(CURFEW)], check=True, capture_output=True, text=True
    ).stdout.split()[0]
    forged = b"#!/bin/sh\ntouch /root/owned\n".ljust(CURFEW.stat().st_size)
    cloud.client("s3").put_object(Bucket=bucket, Key=f"curfew/bin/curfew-{digest}", Body=forged)
    instance, _ = launcher.launch(shell="touch /var/tmp/trained")
    ended(instance)
    assert "has the SHA-256" in instance.output()
    assert instance.text("/root/owned", "none") == "none"
    assert instance.text("/var/tmp/trained", "none") == "none"


def test_a_command_that_cannot_be_started_ends_the_machine(launcher: Launcher) -> None:
    instance, _ = launcher.launch("--user", "nobody-here", shell="true")
    ended(instance)
    assert "nobody-here isn't in /etc/passwd" in instance.output().replace("the user ", "").replace(":", "")


def test_ends_the_instance_where_the_schedule_is_refused(cloud: Sandbox, launcher: Launcher) -> None:
    with cloud.failing(
        "error", service="scheduler", op="CreateSchedule", code="AccessDeniedException", status=403
    ):
        code, _, err = launcher.run(*launcher.words(shell="sleep 600"))
    assert code == 125, err
    assert "AccessDenied" in err and "was ended again" in err, err
    (instance,) = launcher.instances()
    instance.wait("terminated", LIFE)
    assert launcher.schedules() == [] and launcher.records() == []


def test_makes_one_instance_though_the_reply_is_lost(cloud: Sandbox, launcher: Launcher) -> None:
    with cloud.failing("drop-reply", service="ec2", op="RunInstances", times=1):
        instance, _ = launcher.launch(shell="sleep 600")
    assert [one.id for one in launcher.instances()] == [instance.id]


def test_goes_on_to_the_next_type(cloud: Sandbox, launcher: Launcher) -> None:
    # EC2 answers so with status 500, which is tried three times.
    more = {"code": "InsufficientInstanceCapacity", "status": 500, "times": 3}
    with cloud.failing("error", service="ec2", op="RunInstances", **more):
        instance, _ = launcher.launch("--instance-type", "g4dn.xlarge,g5.xlarge", shell="sleep 600")
    assert instance.describe()["InstanceType"] == "g5.xlarge"
    assert len(launcher.instances()) == 1


def test_a_dry_run_makes_nothing(cloud: Sandbox, bucket: str, launcher: Launcher) -> None:
    before = len(cloud.requests)
    code, out, err = launcher.run(*launcher.words("--dry-run"))
    assert code == 0, err
    assert "worst case" in out and "EC2 would allow it" in err
    assert launcher.instances() == [] and launcher.records() == [] and objects(cloud, bucket) == {}
    made = {call["op"] for call in cloud.requests[before:]}
    assert not made & {"PutObject", "CreateSchedule", "CreateTags"}, made


def test_the_schedule_ends_a_machine_on_which_nothing_runs_any_more(
    cloud: Sandbox, launcher: Launcher
) -> None:
    cloud.settings(stop_bound=2)
    instance, _ = launcher.launch("--max-time", "2m", shell="sleep 900")
    instance.wait_up()
    instance.until(
        lambda: unit(instance, "curfew.service", "ActiveState")["ActiveState"] == "active", LIFE, "guard"
    )
    instance.freeze()
    # Two minutes, one of grace, two for the logs, five until it comes: not before, and then at once.
    cloud.scheduler_advance(8 * 60)
    assert instance.state() == "running"
    cloud.scheduler_advance(4 * 60)
    instance.wait("terminated", LIFE)
    assert instance.reason() == "Client.UserInitiatedShutdown"


def killed_at_the_schedule(cloud: Sandbox, launcher: Launcher, shell: str) -> Instance:
    """An instance whose launcher was killed after RunInstances, before it had any schedule."""
    before = len(cloud.requests)
    with (
        cloud.failing("drop-request", service="scheduler", op="CreateSchedule"),
        contextlib.ExitStack() as closing,
    ):
        process = launcher.start(*launcher.words(shell=shell))
        closing.callback(process.kill)
        until(
            lambda: any(call["op"] == "CreateSchedule" for call in cloud.requests[before:]),
            LIFE,
            "CreateSchedule",
        )
        process.kill()
        process.communicate(timeout=SOON)
    (instance,) = launcher.instances()
    assert len(launcher.records()) == 1 and launcher.schedules() == []
    return instance


def test_a_launch_that_was_killed_is_cleaned_up_by_the_next(cloud: Sandbox, launcher: Launcher) -> None:
    instance = killed_at_the_schedule(cloud, launcher, "sleep 900")
    code, _, err = launcher.run("--clean-up")
    assert code == 0, err
    assert f"ending {instance.id}" in err
    instance.wait("terminated", LIFE)
    assert launcher.records() == []


@pytest.mark.long
def test_an_instance_whose_launcher_was_killed_ends_itself(cloud: Sandbox, launcher: Launcher) -> None:
    instance = killed_at_the_schedule(cloud, launcher, "mkdir out; echo half >out/model; sleep 900")
    instance.wait_up()
    booted = instance.powered_on_at
    assert booted is not None
    assert_ended(instance, booted + UNFINISHED, within=GONE - UNFINISHED, timeout=GONE + LIFE)
    assert "`curfew launch` was not finished" in instance.output()
    code, _, err = launcher.run("--clean-up")
    assert code == 0, err
    assert launcher.records() == []
