"""EventBridge Scheduler: what it takes, when it fires, and what comes of the call."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from sandbox import Sandbox
from sandbox.instance import Instance
from sandbox.schedule_times import ExpressionError, Times, parse

BOUND = 40.0
TERMINATE = "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"
STOP = "arn:aws:scheduler:::aws-sdk:ec2:stopInstances"
HOUR = 3600.0


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def ahead(seconds: float, zone: str = "UTC") -> str:
    return f"at({datetime.fromtimestamp(time.time() + seconds, ZoneInfo(zone)):%Y-%m-%dT%H:%M:%S})"


@pytest.fixture
def guarded(cloud: Sandbox) -> Instance:
    return cloud.launch(machine=False, tags={"curfew:job": "digits"})


@pytest.fixture
def make(cloud: Sandbox, guarded: Instance) -> Callable[..., Any]:
    """Creates a schedule that ends the guarded instance."""
    role = cloud.scheduler_role()

    def create(expression: str, name: str = "one", target: dict[str, Any] | None = None, **more: Any) -> Any:
        whole = {"Arn": TERMINATE, "RoleArn": role, "Input": json.dumps({"InstanceIds": [guarded.id]})}
        request = {"Name": name, "ScheduleExpression": expression, "FlexibleTimeWindow": {"Mode": "OFF"}}
        verb = more.pop("verb", "create_schedule")
        call = getattr(cloud.client("scheduler"), verb)
        return call(**request, Target=whole | (target or {}), **more)

    return create


def names(cloud: Sandbox) -> list[str]:
    return [each["Name"] for each in cloud.client("scheduler").list_schedules()["Schedules"]]


@pytest.mark.parametrize(
    ("expression", "zone", "expected"),
    [
        ("at(2026-11-24T18:00:30)", None, Times(at=datetime(2026, 11, 24, 18, 0, 30, tzinfo=UTC).timestamp())),
        ("at(2026-07-01T12:00:00)", "Europe/Berlin", Times(at=datetime(2026, 7, 1, 10, tzinfo=UTC).timestamp())),
        ("rate(10 minutes)", None, Times(every=600)),
        ("rate(1 hour)", "UTC", Times(every=3600)),
        ("rate(2 days)", None, Times(every=172800)),
        ("at(2026-11-24T18:00:00Z)", None, None),
        ("at(2026-11-24 18:00:00)", None, None),
        ("at(2026-13-24T18:00:00)", None, None),
        ("rate(0 minutes)", None, None),
        ("rate(-1 minutes)", None, None),
        ("rate(10 seconds)", None, None),
        ("every 10 minutes", None, None),
        ("cron(0 8 * * ? *)", None, None),
        ("rate(10 minutes)", "Europe/Nowhere", None),
        ("rate(10 minutes)", "../../etc/passwd", None),
    ],
)  # fmt: skip
def test_expressions(expression: str, zone: str | None, expected: Times | None) -> None:
    if expected:
        assert parse(expression, zone) == expected
    else:
        with pytest.raises(ExpressionError):
            parse(expression, zone)


@pytest.mark.parametrize(
    ("times", "created", "start", "end", "due"),
    [
        (Times(at=90.0), 10.0, None, None, [60.0]),
        (Times(every=60), 10.0, None, 200.0, [10.0, 70.0, 130.0, 190.0]),
        (Times(every=60), 10.0, 100.0, 220.0, [100.0, 160.0]),
        (Times(every=60), 130.0, 100.0, 300.0, [160.0, 220.0, 280.0]),
        (Times(every=60), 160.0, 100.0, 161.0, [160.0]),
    ],
)
def test_when_a_schedule_is_due(
    times: Times, created: float, start: float | None, end: float | None, due: list[float]
) -> None:
    found, following = [], times.first(created, start)
    while True:
        found.append(following)
        after = times.after(following, end)
        if after is None:
            break
        following = after
    assert found == due


def test_a_one_time_schedule_ends_a_booted_machine_and_itself(
    cloud: Sandbox, make: Callable[..., Any]
) -> None:
    instance = cloud.launch(cloud_init=False, tags={"curfew:job": "digits"}, shutdown_behavior="terminate")
    target = {"Input": json.dumps({"InstanceIds": [instance.id]})}
    make(ahead(HOUR), target=target, ActionAfterCompletion="DELETE")
    make(ahead(2 * HOUR), "kept")
    assert cloud.scheduler_advance(HOUR - 100) == 0
    assert instance.state() == "running"
    assert cloud.scheduler_advance(100) == 1
    instance.wait("terminated", BOUND)
    assert instance.reason() == "Client.UserInitiatedShutdown"
    assert instance.powered_off_at is not None
    assert names(cloud) == ["kept"]
    (done,) = cloud.invocations()
    assert (done["schedule"], done["ok"], done["code"], done["attempt"]) == ("one", True, None, 0)
    call = [each for each in cloud.requests if each["op"] == "TerminateInstances"][-1]
    assert (call["source"], call["status"]) == ("scheduler", 200)


def test_a_one_time_schedule_stays_unless_told(
    cloud: Sandbox, make: Callable[..., Any], guarded: Instance
) -> None:
    make(ahead(HOUR, "America/New_York"), ScheduleExpressionTimezone="America/New_York", target={"Arn": STOP})
    assert cloud.scheduler_advance(HOUR) == 1
    guarded.wait("stopped", BOUND)
    assert names(cloud) == ["one"]
    assert cloud.scheduler_advance(48 * HOUR) == 0


def test_a_rate_fires_between_its_start_and_end_and_goes(
    cloud: Sandbox, make: Callable[..., Any], guarded: Instance
) -> None:
    guarded.set_protection(True)
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    more = {"StartDate": start, "EndDate": start + timedelta(minutes=35), "ActionAfterCompletion": "DELETE"}
    make("rate(10 minutes)", **more)
    shown = cloud.client("scheduler").get_schedule(Name="one")
    assert (shown["StartDate"], shown["EndDate"]) == (more["StartDate"], more["EndDate"])
    assert cloud.scheduler_advance(HOUR + 700) == 2
    assert guarded.state() == "running", "termination protection holds against schedules too"
    assert {each["code"] for each in cloud.invocations()} == {"OperationNotPermitted"}
    guarded.set_protection(False)
    assert names(cloud) == ["one"]
    assert cloud.scheduler_advance(24 * HOUR) == 2
    guarded.wait("terminated", BOUND)
    assert [round(each["scheduled"] - start.timestamp()) for each in cloud.invocations()] == [
        0,
        600,
        1200,
        1800,
    ]
    assert [each["ok"] for each in cloud.invocations()] == [False, False, True, True]
    assert names(cloud) == []


def test_a_rate_without_a_start_begins_at_once(
    cloud: Sandbox, make: Callable[..., Any], guarded: Instance
) -> None:
    make("rate(1 hour)")
    guarded.wait("terminated", BOUND)


def test_what_is_deleted_or_disabled_does_not_fire(
    cloud: Sandbox, make: Callable[..., Any], guarded: Instance
) -> None:
    make(ahead(HOUR), "deleted")
    make(ahead(HOUR), "disabled", State="DISABLED", ActionAfterCompletion="DELETE")
    cloud.client("scheduler").create_schedule_group(Name="team")
    make(ahead(HOUR), "grouped", GroupName="team")
    cloud.client("scheduler").delete_schedule(Name="deleted")
    cloud.client("scheduler").delete_schedule_group(Name="team")
    cloud.scheduler_advance(2 * HOUR)
    assert cloud.invocations() == []
    assert guarded.state() == "running"
    assert names(cloud) == ["disabled"]


def test_an_update_replaces_everything(cloud: Sandbox, make: Callable[..., Any], guarded: Instance) -> None:
    retry = {"RetryPolicy": {"MaximumEventAgeInSeconds": 600, "MaximumRetryAttempts": 3}}
    make(ahead(HOUR), Description="old", State="DISABLED", ActionAfterCompletion="DELETE", target=retry)
    make(ahead(3 * HOUR), verb="update_schedule")
    shown = cloud.client("scheduler").get_schedule(Name="one")
    assert "Description" not in shown
    assert (shown["State"], shown["ActionAfterCompletion"]) == ("ENABLED", "NONE")
    assert shown["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert cloud.scheduler_advance(2 * HOUR) == 0
    assert cloud.scheduler_advance(HOUR) == 1
    guarded.wait("terminated", BOUND)
    with pytest.raises(ClientError) as error:
        make(ahead(3 * HOUR), "none", verb="update_schedule")
    assert code_of(error) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "wrong",
    [
        {"expression": "at(2020-01-01T00:00:00)"},
        {"expression": ahead(HOUR)[:-1] + "Z)"},
        {"name": "a b"},
        {"name": "a" * 65},
        {"ClientToken": "a.b"},
        {"GroupName": "a:b"},
        {"ScheduleExpressionTimezone": "Mars/Olympus"},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
        {"expression": "rate(1 hour)", "StartDate": datetime.now(UTC) - timedelta(minutes=10)},
        {"expression": "rate(1 hour)", "EndDate": datetime.now(UTC) - timedelta(minutes=1)},
        {"target": {"RetryPolicy": {"MaximumRetryAttempts": 186}}},
        {"target": {"RetryPolicy": {"MaximumEventAgeInSeconds": 59}}},
        {"target": {"Arn": "arn:aws:scheduler:::aws-sdk:ec2:describeInstances"}},
        {"target": {"Arn": "arn:aws:scheduler:::aws-sdk:ec2:TerminateInstances"}},
        {"target": {"RoleArn": "arn:aws:iam::123456789012:role/nobody"}},
        {"target": {"RoleArn": "arn:aws:iam::123456789012:user/me"}},
    ],
)
def test_what_is_refused(cloud: Sandbox, guarded: Instance, wrong: dict[str, Any]) -> None:
    from botocore.config import Config  # a client that lets wrong values through to the service

    wrong = dict(wrong)
    target = {"Arn": TERMINATE, "RoleArn": cloud.scheduler_role(), "Input": "{}"} | wrong.pop("target", {})
    request: dict[str, Any] = {"Name": wrong.pop("name", "one"), "FlexibleTimeWindow": {"Mode": "OFF"}}
    request["ScheduleExpression"] = wrong.pop("expression", ahead(HOUR))
    client = cloud.client("scheduler", parameter_validation=False)
    assert isinstance(client.meta.config, Config)
    with pytest.raises(ClientError) as error:
        client.create_schedule(**request | wrong, Target=target)
    assert code_of(error) == "ValidationException"
    assert names(cloud) == []


def test_one_client_token_creates_once(cloud: Sandbox, make: Callable[..., Any]) -> None:
    when = ahead(HOUR)
    cloud.fault("drop-reply", "scheduler", "CreateSchedule", times=1)
    with pytest.raises(ConnectionClosedError):
        make(when, ClientToken="t1")
    assert make(when, ClientToken="t1")["ScheduleArn"].endswith("schedule/default/one")
    for more in ({"ClientToken": "t2"}, {"ClientToken": "t1", "Description": "other"}):
        with pytest.raises(ClientError) as error:
            make(when, **more)
        assert code_of(error) == "ConflictException"
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    with pytest.raises(ClientError) as error:
        make(when, "two", GroupName="nowhere")
    assert code_of(error) == "ResourceNotFoundException"
    assert cloud.scheduler_advance(HOUR) == 1


@pytest.mark.parametrize(
    ("condition", "assumable"),
    [
        ({"StringEquals": {"aws:SourceAccount": "123456789012"}}, True),
        ({"StringEquals": {"aws:SourceAccount": "210987654321"}}, False),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:scheduler:us-east-1:123456789012:schedule-group/default"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/*"}}, False),
    ],
)  # fmt: skip
def test_the_roles_trust_is_checked(
    cloud: Sandbox, make: Callable[..., Any], condition: dict[str, Any], assumable: bool
) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = cloud.scheduler_role("conditional", trust={"Statement": [trust | {"Condition": condition}]})
    if assumable:
        make(ahead(HOUR), target={"RoleArn": role})
        assert cloud.scheduler_advance(HOUR) == 1
        assert cloud.invocations()[0]["ok"]
        return
    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume the role") as error:
        make(ahead(HOUR), target={"RoleArn": role})
    assert code_of(error) == "ValidationException"


def test_a_new_role_takes_its_time(cloud: Sandbox, make: Callable[..., Any]) -> None:
    cloud.settings(
        iam_delay=7 * 24 * HOUR
    )  # a machine that is held up, or whose clock is put right, is not as late
    role = cloud.scheduler_role("young")
    with pytest.raises(ClientError) as error:
        make(ahead(HOUR), target={"RoleArn": role})
    assert code_of(error) == "ValidationException"
    cloud.settings(iam_delay=0)
    make(ahead(HOUR), target={"RoleArn": role})


def test_the_roles_policy_is_checked(cloud: Sandbox, make: Callable[..., Any], guarded: Instance) -> None:
    untagged = cloud.launch(machine=False)
    target = {"Input": json.dumps({"InstanceIds": [untagged.id]})}
    make(ahead(HOUR), "untagged", target=target)
    only_stop = {"Statement": [{"Effect": "Allow", "Action": "ec2:StopInstances", "Resource": "*"}]}
    make(ahead(HOUR), "wrong-action", target={"RoleArn": cloud.scheduler_role("stopper", policy=only_stop)})
    retry = {"RoleArn": cloud.scheduler_role("gone")}
    make(ahead(HOUR), "no-role", target=retry)
    iam = cloud.client("iam")
    iam.delete_role_policy(RoleName="gone", PolicyName="given")
    iam.delete_role(RoleName="gone")
    cloud.scheduler_advance(HOUR)
    found = {each["schedule"]: (each["code"], each["again"]) for each in cloud.invocations()}
    assert found == {
        "untagged": ("UnauthorizedOperation", False),
        "wrong-action": ("UnauthorizedOperation", False),
        "no-role": ("AccessDeniedException", False),
    }
    assert (untagged.state(), guarded.state()) == ("running", "running")


def test_an_attached_policy_counts(cloud: Sandbox, make: Callable[..., Any]) -> None:
    nothing = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    role, iam = cloud.scheduler_role("attached", policy=nothing), cloud.client("iam")
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]}
    arn = iam.create_policy(PolicyName="all", PolicyDocument=json.dumps(allow))["Policy"]["Arn"]
    make(ahead(HOUR), target={"RoleArn": role})
    make(ahead(2 * HOUR), "later", target={"RoleArn": role})
    cloud.scheduler_advance(HOUR)
    iam.attach_role_policy(RoleName="attached", PolicyArn=arn)
    cloud.scheduler_advance(HOUR)
    assert [each["ok"] for each in cloud.invocations()] == [False, True]


def test_failures_that_may_pass_are_tried_again(
    cloud: Sandbox, make: Callable[..., Any], guarded: Instance
) -> None:
    retry = {"RetryPolicy": {"MaximumEventAgeInSeconds": 600, "MaximumRetryAttempts": 2}}
    make(ahead(HOUR), target=retry, ActionAfterCompletion="DELETE")
    number = cloud.fault("error", "ec2", "TerminateInstances", instance="scheduler", status=500)
    assert cloud.scheduler_advance(2 * HOUR) == 3
    assert [(each["attempt"], each["again"]) for each in cloud.invocations()] == [
        (0, True),
        (1, True),
        (2, False),
    ]
    assert names(cloud) == [], "it goes after its last try too"
    cloud.clear_faults(number)
    cloud.fault("throttle", "ec2", "TerminateInstances", instance="scheduler", times=1)
    make(ahead(3 * HOUR), target=retry)
    assert cloud.scheduler_advance(2 * HOUR) == 2
    guarded.wait("terminated", BOUND)


@pytest.mark.parametrize("kind", ["hang", "drop-request", "drop-reply"])
def test_calls_that_are_not_answered_are_tried_again(
    cloud: Sandbox, make: Callable[..., Any], guarded: Instance, kind: str
) -> None:
    make(ahead(HOUR))
    cloud.fault(kind, "ec2", "TerminateInstances", instance="scheduler", times=1)
    assert cloud.scheduler_advance(HOUR + 60) == 2
    guarded.wait("terminated", BOUND)
    first, second = cloud.invocations()
    assert (first["code"], first["again"], second["ok"]) == ("ConnectionError", True, True)
    calls = [each for each in cloud.requests if each["op"] == "TerminateInstances"][-2:]
    assert [each["fault"] for each in calls] == [kind, None]
    assert (calls[0]["status"] == 200) is (kind == "drop-reply"), "a lost reply has acted"


def test_a_denied_call_is_not_tried_again(
    cloud: Sandbox, make: Callable[..., Any], guarded: Instance
) -> None:
    make(ahead(HOUR))
    cloud.fault("error", "ec2", instance="scheduler", code="UnauthorizedOperation", status=403)
    assert cloud.scheduler_advance(2 * HOUR) == 1
    assert guarded.state() == "running"


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ({"Input": "{"}, "InvalidInput"),
        ({"Input": "{}"}, "InvalidInput"),
        ({"Input": '{"InstanceIds": ["i-0123456789abcdef0"], "Forced": true}'}, "InvalidInput"),
        ({"Arn": "arn:aws:scheduler:::aws-sdk:ec2:createImage"}, "UnknownTarget"),
        ({"Arn": "arn:aws:lambda:us-east-1:123456789012:function:end"}, "UnknownTarget"),
    ],
)
def test_a_wrong_target_shows_when_it_fires(
    cloud: Sandbox, make: Callable[..., Any], target: dict[str, Any], code: str
) -> None:
    make(ahead(HOUR), target=target)
    cloud.scheduler_advance(HOUR)
    assert cloud.invocations()[0]["code"] == code


def test_the_clock_can_run_fast_and_late(cloud: Sandbox, make: Callable[..., Any], guarded: Instance) -> None:
    cloud.scheduler(speed=600, lateness=59)
    make(ahead(900))
    guarded.wait("terminated", BOUND)
    (done,) = cloud.invocations()
    assert 59 <= done["time"] - done["scheduled"] < 300
    assert done["scheduled"] % 60 == 0
    assert done["wall_time"] < time.time() + 1
    assert cloud.scheduler(real_time=True)["now"] < time.time() + 5


def test_the_api_of_schedules_can_fail(cloud: Sandbox, make: Callable[..., Any]) -> None:
    with cloud.failing("error", "scheduler", "CreateSchedule", code="AccessDeniedException", status=403):
        with pytest.raises(ClientError) as error:
            make(ahead(HOUR))
        assert code_of(error) == "AccessDeniedException"
    assert names(cloud) == []


def test_a_reset_forgets_schedules(cloud: Sandbox, make: Callable[..., Any]) -> None:
    make(ahead(HOUR))
    cloud.scheduler_advance(10)
    cloud.reset()
    assert names(cloud) == []
    assert cloud.scheduler()["now"] == pytest.approx(time.time(), abs=5)
    assert cloud.scheduler_advance(2 * HOUR) == 0
