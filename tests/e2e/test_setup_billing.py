"""`curfew setup billing`: what it shows, asks, makes and leaves alone, against the API alone."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import select
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox import Sandbox
from tests.e2e.helpers import CURFEW, SOON

ACCOUNT = "123456789012"
EMAIL = "you@example.org"
# Whatever isn't one of these changes something.
READS = ("Get", "List", "Describe")
Setup = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def name() -> str:
    """Of topic, alarm and budget, which outlive a test."""
    return f"billing-{secrets.token_hex(4)}"


@pytest.fixture
def environment(cloud: Sandbox, tmp_path: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **cloud.env("eu-west-1")}


@pytest.fixture
def words(name: str) -> list[str]:
    return [str(CURFEW), "setup", "billing", "--email", EMAIL, "--name", name]


@pytest.fixture
def setup(words: list[str], environment: dict[str, str]) -> Setup:
    def run(
        *more: str, limit: str = "50", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*words, "--limit", limit, *more],
            env=dict(env or environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def writes(cloud: Sandbox, since: int) -> list[str]:
    return [call["op"] for call in cloud.requests[since:] if not call["op"].startswith(READS)]


class Account:
    """What is there of it, by another client."""

    def __init__(self, cloud: Sandbox, name: str) -> None:
        self.name = name
        self.sns, self.cloudwatch, self.budgets = (
            cloud.client(service, "us-east-1") for service in ("sns", "cloudwatch", "budgets")
        )
        self.topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:{name}"

    def alarm(self) -> dict[str, Any] | None:
        found = self.cloudwatch.describe_alarms(AlarmNames=[self.name])["MetricAlarms"]
        return found[0] if found else None

    def budget(self) -> dict[str, Any] | None:
        try:
            return dict(self.budgets.describe_budget(AccountId=ACCOUNT, BudgetName=self.name)["Budget"])
        except self.budgets.exceptions.NotFoundException:
            return None

    def told(self) -> dict[tuple[str, float], list[str]]:
        """Addresses by type and threshold of the notification."""
        of = {"AccountId": ACCOUNT, "BudgetName": self.name}
        notifications = self.budgets.describe_notifications_for_budget(**of)["Notifications"]
        return {
            (one["NotificationType"], one["Threshold"]): [
                who["Address"]
                for who in self.budgets.describe_subscribers_for_notification(Notification=one, **of)[
                    "Subscribers"
                ]
            ]
            for one in notifications
        }

    def confirm(self) -> None:
        self.sns.confirm_subscription(TopicArn=self.topic, Token=EMAIL)

    def has_topic(self) -> bool:
        return any(one["TopicArn"] == self.topic for one in self.sns.list_topics()["Topics"])

    def is_empty(self) -> bool:
        return not self.has_topic() and self.alarm() is None and self.budget() is None


@pytest.fixture
def account(cloud: Sandbox, name: str) -> Iterator[Account]:
    account = Account(cloud, name)
    yield account
    account.cloudwatch.delete_alarms(AlarmNames=[name])
    if account.has_topic():
        account.sns.delete_topic(TopicArn=account.topic)


def test_the_first_run_makes_all_and_the_second_nothing(
    setup: Setup, cloud: Sandbox, account: Account
) -> None:
    first = setup("--yes")
    assert first.returncode == 0, first
    assert first.stdout.count("TO BE CREATED") == 5 and first.stderr == ""
    alarm = account.alarm()
    assert alarm is not None
    assert alarm["Threshold"] == 50 and alarm["AlarmActions"] == [account.topic]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Billing", "EstimatedCharges")
    assert alarm["Dimensions"] == [{"Name": "Currency", "Value": "USD"}]
    budget = account.budget()
    assert budget is not None
    assert budget["BudgetLimit"] == {"Amount": "50", "Unit": "USD"} and budget["TimeUnit"] == "MONTHLY"
    wanted = [("ACTUAL", 50.0), ("ACTUAL", 80.0), ("ACTUAL", 100.0), ("FORECASTED", 100.0)]
    assert account.told() == {key: [EMAIL] for key in wanted}
    assert "Receive CloudWatch billing alerts" in first.stdout and "confirm the subscription" in first.stdout

    before = len(cloud.requests)
    second = setup("--yes")
    assert second.returncode == 0 and "Nothing to do: all of it is there." in second.stdout, second
    assert writes(cloud, before) == []
    assert "NOT YET CONFIRMED" in second.stdout and "aws sns subscribe" in second.stdout
    # Neither does it need a yes for nothing.
    assert setup().returncode == 0

    account.confirm()
    data = {"MetricName": "EstimatedCharges", "Dimensions": [{"Name": "Currency", "Value": "USD"}]}
    account.cloudwatch.put_metric_data(Namespace="AWS/Billing", MetricData=[{**data, "Value": 3.5}])
    third = setup()
    assert third.returncode == 0 and "Left for you" not in third.stdout, third
    assert {call["region"] for call in cloud.requests[before:] if call["service"] != "sts"} == {"us-east-1"}


def test_another_limit_changes_what_differs_and_no_more(
    setup: Setup, cloud: Sandbox, account: Account
) -> None:
    assert setup("--yes").returncode == 0
    pager = f"arn:aws:sns:us-east-1:{ACCOUNT}:pager"
    alarm = account.alarm()
    assert alarm is not None
    kept = ("AlarmName", "MetricName", "Namespace", "Statistic", "Dimensions", "Period", "EvaluationPeriods")
    more = {"Threshold": 50.0, "ComparisonOperator": "GreaterThanThreshold"}
    account.cloudwatch.put_metric_alarm(
        **{key: alarm[key] for key in kept}, **more, AlarmActions=[account.topic, pager]
    )
    one = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}
    account.budgets.delete_notification(
        AccountId=ACCOUNT, BudgetName=account.name, Notification=one | {"ThresholdType": "PERCENTAGE"}
    )
    before = len(cloud.requests)
    result = setup("--yes", limit="75.50")
    assert result.returncode == 0 and "limit $50.00 -> $75.50" in result.stdout, result
    assert sorted(writes(cloud, before)) == ["CreateNotification", "PutMetricAlarm", "UpdateBudget"]
    alarm, budget = account.alarm(), account.budget()
    assert alarm is not None and budget is not None
    assert alarm["Threshold"] == 75.5 and alarm["AlarmActions"] == [account.topic, pager]
    assert budget["BudgetLimit"]["Amount"] == "75.50"
    assert account.told()[("ACTUAL", 80.0)] == [EMAIL]
    assert "Nothing to do" in setup(limit="75.50").stdout


def test_a_dry_run_and_a_run_that_nobody_said_yes_to_change_nothing(
    setup: Setup, cloud: Sandbox, account: Account
) -> None:
    before = len(cloud.requests)
    shown = setup("--dry-run", "--yes")
    assert shown.returncode == 0 and "TO BE CREATED" in shown.stdout, shown
    refused = setup()
    assert refused.returncode == 2 and "--yes" in refused.stderr, refused
    assert writes(cloud, before) == [] and account.is_empty()


@pytest.mark.parametrize(
    ("service", "permission"), [("budgets", "budgets:ViewBudget"), ("sns", "sns:ListSubscriptionsByTopic")]
)
def test_without_a_permission_the_rest_is_made(
    setup: Setup, cloud: Sandbox, account: Account, service: str, permission: str
) -> None:
    code = "AuthorizationError" if service == "sns" else "AccessDeniedException"
    cloud.fault(
        "error", service, code=code, status=403 if service == "sns" else 400, message="not authorized"
    )
    result = setup("--yes")
    assert result.returncode == 1 and permission in result.stdout, result
    cloud.clear_faults()
    if service == "budgets":
        assert account.alarm() is not None and account.has_topic() and account.budget() is None
    else:
        # An alarm whose topic may not be there would tell nobody.
        assert account.alarm() is None and account.budget() is not None
    again = setup("--yes")
    assert again.returncode == 0 and account.alarm() is not None and account.budget() is not None, again


def test_what_was_made_before_a_failure_stays_and_is_completed(
    setup: Setup, cloud: Sandbox, account: Account
) -> None:
    cloud.fault("error", "monitoring", "PutMetricAlarm", code="AccessDenied", status=403, message="no")
    result = setup("--yes")
    assert result.returncode == 1, result
    assert "cloudwatch:PutMetricAlarm" in result.stderr and "run it again" in result.stderr
    assert account.has_topic() and account.alarm() is None and account.budget() is not None
    cloud.clear_faults()
    before = len(cloud.requests)
    assert setup("--yes").returncode == 0
    assert writes(cloud, before) == ["PutMetricAlarm"]


def test_without_its_topic_there_is_no_alarm(setup: Setup, cloud: Sandbox, account: Account) -> None:
    cloud.fault("error", "sns", "CreateTopic", code="AuthorizationError", status=403, message="no")
    result = setup("--yes")
    assert result.returncode == 1 and "sns:CreateTopic" in result.stderr, result
    assert account.alarm() is None and account.budget() is not None


def test_an_answer_that_was_lost_is_no_failure(setup: Setup, cloud: Sandbox, account: Account) -> None:
    for op in ("CreateTopic", "Subscribe", "PutMetricAlarm", "CreateBudget"):
        cloud.fault("drop-reply", op=op, times=1)
    result = setup("--yes")
    assert result.returncode == 0, result
    assert account.alarm() is not None and len(account.told()) == 4


def test_what_belongs_to_somebody_else_is_not_touched(setup: Setup, cloud: Sandbox, account: Account) -> None:
    account.budgets.create_budget(
        AccountId=ACCOUNT,
        Budget={
            "BudgetName": account.name,
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": "7", "Unit": "USD"},
            "CostFilters": {"Service": ["Amazon Redshift"]},
        },
    )
    result = setup("--yes")
    assert result.returncode == 1 and "counts a part of the costs only" in result.stdout, result
    budget = account.budget()
    assert budget is not None and budget["BudgetLimit"]["Amount"] == "7"
    assert account.alarm() is not None


def test_bad_usage_is_told_before_anything_is_asked(cloud: Sandbox, environment: dict[str, str]) -> None:
    before = len(cloud.requests)
    good = ["--limit", "50", "--email", EMAIL]
    for words, says in [
        (["billing", *good[:2]], "--email"),
        (["billing", *good[2:]], "--limit"),
        (["billing", "--limit", "0", *good[2:]], "more than zero"),
        (["billing", "--limit", "50.001", *good[2:]], "part of a cent"),
        (["billing", *good[:2], "--email", "you@example"], "is no e-mail address"),
        (["billing", *good, "--name", "a b"], "--name"),
        (["biling"], "is not"),
    ]:
        result = subprocess.run(
            [CURFEW, "setup", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == 125 and says in result.stderr, result
        assert result.stdout == ""
    assert len(cloud.requests) == before


def test_other_partitions_and_no_credentials_are_refused(
    setup: Setup, cloud: Sandbox, environment: dict[str, str]
) -> None:
    before = len(cloud.requests)
    for region in ("cn-north-1", "us-gov-west-1"):
        result = setup("--yes", env={**environment, "AWS_REGION": region})
        assert result.returncode == 125 and "partition aws-" in result.stderr, result
    bare = {key: value for key, value in environment.items() if "KEY" not in key}
    assert len(cloud.requests) == before
    result = setup("--yes", env=bare)
    assert result.returncode == 125 and "credentials" in result.stderr and result.stdout == "", result


def on_terminal(words: list[str], environment: dict[str, str], typed: bytes) -> tuple[int, str]:
    """Runs it on a terminal of its own, types once it asks, and returns the exit code and what was shown."""
    master, slave = os.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        words,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=take_terminal,  # noqa: PLW1509 (the child has one thread)
    )
    os.close(slave)
    shown, deadline = b"", time.monotonic() + SOON
    try:
        while time.monotonic() < deadline:
            if not select.select([master], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(master, 4096)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                data = b""
            if not data:
                break
            shown += data
            if typed and b"[y/N]" in shown:
                os.write(master, typed)
                typed = b""
        return process.wait(SOON), shown.decode()
    finally:
        process.kill()
        process.wait()
        os.close(master)


@pytest.mark.parametrize("typed", [b"n\n", b"\n", b"\x04", b"yess\n"])
def test_on_a_terminal_anything_but_yes_is_no(
    words: list[str],
    environment: dict[str, str],
    cloud: Sandbox,
    account: Account,
    typed: bytes,
) -> None:
    before = len(cloud.requests)
    code, shown = on_terminal([*words, "--limit", "50"], environment, typed)
    assert code == 2 and "nothing was done" in shown, shown
    assert writes(cloud, before) == [] and account.is_empty()


def test_ctrl_c_at_the_question_does_nothing(
    words: list[str], environment: dict[str, str], cloud: Sandbox, account: Account
) -> None:
    before = len(cloud.requests)
    code, shown = on_terminal([*words, "--limit", "50"], environment, b"\x03")
    assert code == -signal.SIGINT, shown
    assert writes(cloud, before) == [] and account.is_empty()


def test_on_a_terminal_yes_makes_it(words: list[str], environment: dict[str, str], account: Account) -> None:
    code, shown = on_terminal([*words, "--limit", "50"], environment, b"y\n")
    assert code == 0, shown
    assert account.alarm() is not None and account.budget() is not None
