"""`curfew guard`, `curfew extend` and `curfew stop` by the name of a job, from this host, on instances of the sandbox.

curfew speaks to the sandbox's API alone; nothing of what it does can end this host.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.acting import Caller, launch, states
from tests.e2e.helpers import CURFEW, INSIDE, LIFE, SOON, assert_ended, boot, start, status, unit, wait_status
from tests.e2e.launching import Launcher, until

FOLLOWED = 30.0  # seconds in which a guard follows a tag


@pytest.fixture
def curfew(cloud: Sandbox, tmp_path: Path) -> Caller:
    return Caller(cloud, tmp_path)


@pytest.fixture
def role(cloud: Sandbox) -> Iterator[str]:
    cloud.reset()
    yield cloud.scheduler_role()
    scheduler = cloud.client("scheduler")
    for one in scheduler.list_schedules(NamePrefix="curfew-")["Schedules"]:
        scheduler.delete_schedule(Name=one["Name"])


@pytest.fixture
def launcher(cloud: Sandbox, bucket: str, role: str, tmp_path: Path) -> Launcher:
    return Launcher(cloud, bucket, tmp_path)


def deadline(instance: Instance) -> datetime:
    return datetime.fromisoformat(instance.tags()["curfew:deadline"])


def schedules(cloud: Sandbox) -> list[str]:
    return [one["Name"] for one in cloud.client("scheduler").list_schedules()["Schedules"]]


def schedule(cloud: Sandbox, instance: Instance) -> dict[str, Any]:
    return dict(cloud.client("scheduler").get_schedule(Name=f"curfew-{instance.id}"))


def scheduled_for(end: datetime) -> datetime:
    """When the schedule of a deadline begins: the minute, rounded up, and five more."""
    if end.second or end.microsecond:
        end = end.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return end + timedelta(minutes=5)


def made(cloud: Sandbox, since: int) -> set[str]:
    """The calls since then that change something."""
    changing = ("Create", "Update", "Delete", "Terminate", "Stop", "Modify", "Cancel")
    return {call["op"] for call in cloud.requests[since:] if call["op"].startswith(changing)}


def assert_moved(cloud: Sandbox, instance: Instance, to: datetime) -> None:
    """Tag, schedule, guard and L0 are all there."""
    assert deadline(instance) == to
    assert schedule(cloud, instance)["StartDate"] == scheduled_for(to)
    wait_status(instance, FOLLOWED + SOON, held_outside=to.strftime("%Y-%m-%dT%H:%M:%SZ"))
    end = datetime.fromisoformat(status(instance)["end_at"]["at"])
    assert abs((end - to).total_seconds()) <= 2, (end, to)
    l0 = (to + timedelta(seconds=60)).strftime("%Y-%m-%d %H:%M")

    def is_there() -> bool:
        return l0 in unit(instance, "curfew-l0.timer", "NextElapseUSecRealtime")["NextElapseUSecRealtime"]

    instance.until(is_there, SOON, f"L0 at {l0}")


def guarded(instance: Instance) -> None:
    """A launched one, once its guard is there; its curfew is put where the helpers look for it."""
    instance.wait_up()
    instance.until(
        lambda: unit(instance, "curfew.service", "ActiveState")["ActiveState"] == "active", LIFE, "guard"
    )
    instance.sh(f"ln -s /var/lib/curfew/bin/curfew {INSIDE}")


# ---- guard


@pytest.mark.parametrize("stdout", [">&-", ">/dev/full"])
def test_what_can_not_be_shown_is_not_done(cloud: Sandbox, curfew: Caller, role: str, stdout: str) -> None:
    def refused(*words: str) -> bool:
        result = subprocess.run(
            ["sh", "-c", f'"$0" "$@" {stdout}', CURFEW, *words],
            env=curfew.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return result.returncode == 125 and "so nothing is" in result.stderr

    instance = launch(cloud)
    before = len(cloud.requests)
    words = ["guard", instance.id, "--max-time", "10m", "--scheduler-role", role, "--yes"]
    assert refused(*words)
    assert made(cloud, before) == set() and "curfew:deadline" not in instance.tags()
    assert curfew(*words).returncode == 0
    before, at = len(cloud.requests), deadline(instance)
    assert refused("extend", instance.id, "30m")
    assert made(cloud, before) == set() and deadline(instance) == at


def test_an_instance_without_curfew_is_stopped_by_its_schedule(
    cloud: Sandbox, curfew: Caller, role: str
) -> None:
    cloud.settings(stop_bound=2)
    instance = cloud.launch(tags={"Name": "dev box"}, cloud_init=False)
    instance.wait_up()
    before = datetime.now(UTC)
    result = curfew("guard", instance.id, "--max-time", "10m", "--scheduler-role", role, "--yes")
    assert result.returncode == 0, result
    tags = instance.tags()
    assert tags["curfew:job"] == "dev box" and tags["curfew:then"] == "stop", tags
    assert tags["curfew:schedule"] == "armed" and tags["Name"] == "dev box", tags
    assert timedelta(minutes=9) < deadline(instance) - before < timedelta(minutes=11)
    assert "STOPS it" in result.stdout and "go on costing money" in result.stdout, result.stdout
    there = schedule(cloud, instance)
    assert there["StartDate"] == scheduled_for(deadline(instance))
    assert there["EndDate"] - there["StartDate"] == timedelta(hours=1)
    assert there["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:ec2:stopInstances"
    assert json.loads(there["Target"]["Input"]) == {"InstanceIds": [instance.id]}
    assert there["Target"]["RoleArn"] == role

    cloud.scheduler_advance(14 * 60)
    assert instance.state() == "running"
    cloud.scheduler_advance(3 * 60)
    instance.wait("stopped", LIFE)
    assert instance.reason() == "Client.UserInitiatedShutdown"


def test_an_instance_is_terminated_where_that_is_said(cloud: Sandbox, curfew: Caller, role: str) -> None:
    instance = launch(cloud, region="eu-west-1")
    role_there = cloud.scheduler_role()
    words = ["--max-time", "10m", "--then", "terminate", "--name", "night run"]
    result = curfew("guard", instance.id, *words, "--scheduler-role", role_there, "--yes")
    assert result.returncode == 0, result
    there = cloud.client("scheduler", region_name="eu-west-1").get_schedule(Name=f"curfew-{instance.id}")
    assert there["Target"]["Arn"].endswith(":terminateInstances")
    assert instance.tags()["curfew:job"] == "night run" and instance.tags()["curfew:then"] == "terminate"
    cloud.scheduler_advance(17 * 60)
    instance.wait("terminated", SOON)


def test_what_it_would_not_end_is_refused_and_left_alone(cloud: Sandbox, curfew: Caller, role: str) -> None:
    already, protected, stopped = launch(cloud), launch(cloud), launch(cloud)
    words = ("--scheduler-role", role, "--yes")
    assert curfew("guard", already.id, *words).returncode == 0
    end = deadline(already)
    protected.set_protection(True)
    stopped.stop()
    stopped.wait("stopped", SOON)
    since = len(cloud.requests)
    for instance, more, says in (
        (already, (), f"curfew extend {already.id} TIME"),
        (protected, ("--then", "terminate"), "protected from termination"),
        (stopped, (), "it is stopped"),
    ):
        result = curfew("guard", instance.id, *words, *more)
        assert result.returncode == 1 and says in result.stderr, result
    assert not made(cloud, since)
    assert deadline(already) == end
    protected.set_protection(False)


def test_without_a_terminal_and_yes_nothing_is_done(cloud: Sandbox, curfew: Caller, role: str) -> None:
    instance = launch(cloud)
    since = len(cloud.requests)
    result = curfew("guard", instance.id, "--scheduler-role", role)
    assert result.returncode == 125 and "--yes" in result.stderr, result
    assert not made(cloud, since)


def test_where_tags_are_refused_no_schedule_is_left(cloud: Sandbox, curfew: Caller, role: str) -> None:
    instance = launch(cloud, tags={"Name": "x"})
    refused = {"code": "UnauthorizedOperation", "status": 403}
    with cloud.failing("error", service="ec2", op="CreateTags", **refused):
        result = curfew("guard", instance.id, "--scheduler-role", role, "--yes")
    assert result.returncode == 1 and "UnauthorizedOperation" in result.stderr, result
    assert "nothing else was changed" in result.stderr, result
    assert schedules(cloud) == [] and instance.tags() == {"Name": "x"}


def test_broken_off_after_the_schedule_it_is_finished_by_the_same_command(
    cloud: Sandbox, curfew: Caller, role: str
) -> None:
    instance = launch(cloud)
    words = ["guard", instance.id, "--max-time", "10m", "--scheduler-role", role, "--yes"]
    killed_at(cloud, curfew, "CreateTags", *words)
    assert schedules(cloud) == [f"curfew-{instance.id}"] and "curfew:deadline" not in instance.tags()
    result = curfew(*words)
    assert result.returncode == 0, result
    assert schedule(cloud, instance)["StartDate"] == scheduled_for(deadline(instance))
    cloud.scheduler_advance(17 * 60)
    instance.wait("stopped", SOON)


def killed_at(cloud: Sandbox, curfew: Caller, op: str, *words: str) -> None:
    """Runs it, and kills it once it has sent that call, which nobody hears."""
    since = len(cloud.requests)
    with cloud.failing("drop-request", service="ec2", op=op), contextlib.ExitStack() as closing:
        process = curfew.start(*words)
        closing.callback(process.kill)
        until(lambda: any(call["op"] == op for call in cloud.requests[since:]), LIFE, op)
        process.kill()
        process.communicate(timeout=SOON)


# ---- extend


def test_a_launched_job_is_extended_and_shortened_in_all_its_layers(
    cloud: Sandbox, curfew: Caller, launcher: Launcher
) -> None:
    instance, _ = launcher.launch("--max-time", "20m", "--name", "digits", shell="sleep 900")
    guarded(instance)
    first = deadline(instance)
    wait_status(instance, LIFE, held_outside=first.strftime("%Y-%m-%dT%H:%M:%SZ"))
    # From the machine it's refused, and the way is told.
    inside = instance.exec([INSIDE, "extend", "2h"])
    assert inside.code == 1 and f"curfew extend {instance.id} TIME" in inside.err, inside

    result = curfew("extend", "digits", "2h")
    assert result.returncode == 0, result
    later = first + timedelta(hours=2)
    assert_moved(cloud, instance, later)

    result = curfew("extend", instance.id, "-30m")
    assert result.returncode == 0, result
    assert_moved(cloud, instance, later - timedelta(minutes=30))
    assert instance.state() == "running"
    moved = instance.sh("journalctl -u curfew --no-pager -o cat | grep 'tag curfew:deadline was moved'")
    assert len(moved.splitlines()) == 2, moved


@pytest.mark.long
def test_a_shortened_job_is_gone_by_then(cloud: Sandbox, curfew: Caller, launcher: Launcher) -> None:
    instance, _ = launcher.launch("--max-time", "20m", shell="trap '' TERM; sleep 900 & wait; sleep 900")
    guarded(instance)
    end = (datetime.now(UTC) + timedelta(seconds=150)).replace(microsecond=0)
    result = curfew("extend", instance.id, "--to", end.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert result.returncode == 0, result
    instance.wait("terminated", 150 + LIFE)
    assert datetime.now(UTC) < end + timedelta(seconds=60)
    assert instance.reason() == "Client.InstanceInitiatedShutdown"


def test_where_the_tag_is_refused_everything_stays_as_it_was(
    cloud: Sandbox, curfew: Caller, role: str
) -> None:
    instance = launch(cloud)
    assert curfew("guard", instance.id, "--scheduler-role", role, "--yes").returncode == 0
    end = deadline(instance)
    refused = {"code": "UnauthorizedOperation", "status": 403}
    for time in ("2h", "-30m"):
        with cloud.failing("error", service="ec2", op="CreateTags", **refused):
            result = curfew("extend", instance.id, time)
        assert result.returncode == 1 and "UnauthorizedOperation" in result.stderr, result
        assert deadline(instance) == end
        assert schedule(cloud, instance)["StartDate"] == scheduled_for(end)


@pytest.mark.parametrize(("time", "minutes"), [("2h", 120), ("-30m", -30)])
def test_broken_off_it_holds_the_earlier_end_and_is_finished_by_the_same_command(
    cloud: Sandbox, curfew: Caller, role: str, time: str, minutes: int
) -> None:
    instance = launch(cloud)
    assert curfew("guard", instance.id, "--scheduler-role", role, "--yes").returncode == 0
    old = deadline(instance)
    new = old + timedelta(minutes=minutes)
    if minutes > 0:
        killed_at(cloud, curfew, "CreateTags", "extend", instance.id, time)
        assert deadline(instance) == old and schedule(cloud, instance)["StartDate"] == scheduled_for(new)
    else:
        refused = {"code": "AccessDeniedException", "status": 403}
        with cloud.failing("error", service="scheduler", op="UpdateSchedule", **refused):
            assert curfew("extend", instance.id, time).returncode == 1
        assert deadline(instance) == new and schedule(cloud, instance)["StartDate"] == scheduled_for(old)
    result = curfew("extend", instance.id, time)
    assert result.returncode == 0, result
    assert deadline(instance) == new and schedule(cloud, instance)["StartDate"] == scheduled_for(new)


def test_nothing_is_moved_beyond_max_deadline(cloud: Sandbox, curfew: Caller, role: str) -> None:
    instance = launch(cloud)
    assert curfew("guard", instance.id, "--scheduler-role", role, "--yes").returncode == 0
    end = deadline(instance)
    instance.set_tag("curfew:max-deadline", (end + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    since = len(cloud.requests)
    result = curfew("extend", instance.id, "2h")
    assert result.returncode == 1 and "beyond its tag curfew:max-deadline" in result.stderr, result
    assert not made(cloud, since)
    assert curfew("extend", instance.id, "1h").returncode == 0
    assert deadline(instance) == end + timedelta(hours=1)


def test_a_tag_that_is_no_time_or_is_removed_moves_nothing(cloud: Sandbox, role: str) -> None:
    end = (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0)
    tags = {"curfew:job": "test", "curfew:deadline": end.strftime("%Y-%m-%dT%H:%M:%SZ")}
    instance = boot(cloud, tags=tags)
    run = start(instance, "known; sleep 900", "--max-time", "6h")
    wait_status(instance, SOON, held_outside=tags["curfew:deadline"])
    ends = status(instance)["end_at"]["at"]
    for value, says in (
        ("soon", "is not a time, and moves nothing"),
        (None, "was removed, which moves nothing"),
    ):
        instance.set_tag("curfew:deadline", value)
        run.wait_err(says, FOLLOWED + SOON)
    now = datetime.fromisoformat(status(instance)["end_at"]["at"])
    assert abs((now - datetime.fromisoformat(ends)).total_seconds()) <= 2
    # A guard that takes over knows what held, and follows what was moved meanwhile.
    instance.set_tag("curfew:deadline", (end - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    instance.sh("systemctl kill --signal=SIGKILL curfew.service")
    wait_status(
        instance,
        LIFE,
        held_outside=(end - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        stage="running",
    )


def test_a_deadline_in_the_tag_ends_a_job_that_runs_already(
    cloud: Sandbox, curfew: Caller, role: str
) -> None:
    instance = boot(cloud)
    run = start(instance, "known; touch out/model; sleep 900", "--max-time", "6h", "--grace", "1s")
    run.wait_err("when the job is over")
    moment = datetime.now(UTC) + timedelta(seconds=4)
    instance.set_tag("curfew:deadline", moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
    powered_on = instance.powered_on_at
    assert powered_on is not None
    assert_ended(instance, powered_on, within=FOLLOWED + LIFE, timeout=FOLLOWED + LIFE)
    assert run.code() == 124, run.err()


# ---- stop, by name


def test_a_job_is_stopped_by_its_name_and_one_of_several_never(
    cloud: Sandbox, curfew: Caller, role: str
) -> None:
    one = launch(cloud, tags={"curfew:job": "digits", "curfew:launch": "20261124-1"})
    twin = launch(cloud, region="eu-west-1", tags={"curfew:job": "digits"})
    other = launch(cloud, tags={"curfew:job": "another"})
    since = len(cloud.requests)
    result = curfew("stop", "digits", "--yes")
    assert result.returncode == 1 and one.id in result.stderr and twin.id in result.stderr, result
    result = curfew("extend", "digits", "2h")
    assert result.returncode == 1 and "name those that are meant by their ids" in result.stderr, result
    assert not made(cloud, since)

    assert curfew("stop", "20261124-1", "--yes").returncode == 0, "by its launch"
    assert states([one, twin, other]) == ["terminated", "running", "running"]
    result = curfew("stop", "digits", "--yes")
    assert result.returncode == 0 and f"terminated {twin.id}" in result.stdout, result
    result = curfew("stop", "digits", "--yes")
    assert result.returncode == 1 and "digits runs in no region" in result.stderr, result
    assert other.state() == "running"
