"""EventBridge Scheduler's API as AWS checks it, and the schedules firing: moto keeps them, but takes anything and calls nobody.

A due schedule calls the sandbox's own API as its role, over HTTP like anybody else, so that faults and the log see it; the
call's source is "scheduler". Its clock can be moved ahead, or run fast: what is due then fires in its order.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.iam.models import iam_backends
from moto.scheduler import responses
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule, scheduler_backends
from moto.utilities.utils import get_partition

from sandbox import schedule_calls
from sandbox.patching import Replace
from sandbox.policies import PolicyError, may_assume
from sandbox.schedule_times import ExpressionError, Times, parse

SERVICE = "scheduler.amazonaws.com"
_NAME = re.compile(r"[0-9a-zA-Z\-_.]{1,64}")
_TOKEN = re.compile(r"[a-zA-Z0-9\-_]{1,64}")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/([\w+=,.@/-]+)")
_UNIVERSAL = re.compile(r"arn:aws[a-z-]*:scheduler:::aws-sdk:([a-z0-9]+):([a-z]\w*)")
_READS = re.compile(
    r"(get|describe|list|poll|receive|search|scan|query|select|read|lookup|validate)([A-Z]|$)"
)
_START_MAY_BE_OLD = 300.0
_MOST_FIRED_AT_ONCE = 20_000
_LONGEST_WAIT = 1.0
_LONGEST_BACK_OFF = 60.0
_LOG_LIMIT = 100_000


class ApiError(JsonRESTError):
    def __init__(self, kind: str, message: str, code: int = 400) -> None:
        super().__init__(kind, message)
        self.code = code


def invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


class Clock:
    """Real time, shifted and perhaps faster."""

    def __init__(self) -> None:
        self.speed = 1.0
        self.reset()

    def reset(self) -> None:
        self.set(time.time(), 1.0)

    def now(self) -> float:
        return self._base + (time.monotonic() - self._since) * self.speed

    def set(self, now: float, speed: float | None = None) -> None:
        self._base, self._since = now, time.monotonic()
        self.speed = speed if speed is not None else self.speed


@dataclass
class Due:
    """An invocation to be made. attempt: 0 the first; since: when that was."""

    when: float
    schedule: Schedule
    scheduled: float
    attempt: int = 0
    since: float = 0.0


class Scheduler:
    def __init__(self, caller: schedule_calls.Caller) -> None:
        self.caller, self.clock = caller, Clock()
        self.invocations: deque[dict[str, Any]] = deque(maxlen=_LOG_LIMIT)
        self.lateness = 0.0  # within the minute that AWS may take
        self.role_delay = 0.0  # until a new role can be assumed
        self._due: list[Due] = []
        self._tokens: dict[tuple[str, ...], tuple[str, Schedule]] = {}
        self._changed = threading.Condition(threading.RLock())
        self._firing = threading.Lock()
        threading.Thread(target=self._run, name="scheduler", daemon=True).start()

    # The clock.

    def advance(self, seconds: float) -> int:
        """Moves the clock ahead; returns how many invocations that made, all of them done."""
        with self._firing:
            target, fired = self.clock.now() + seconds, 0
            while due := self._take(target):
                with self._changed:
                    self.clock.set(max(self.clock.now(), due.when))
                self._fire(due)
                if (fired := fired + 1) > _MOST_FIRED_AT_ONCE:
                    raise ValueError(f"more than {_MOST_FIRED_AT_ONCE} invocations in {seconds:.0f} s")
            with self._changed:
                self.clock.set(max(self.clock.now(), target))
                self._changed.notify_all()
        return fired

    def settings(
        self,
        speed: float | None = None,
        lateness: float | None = None,
        real_time: bool = False,
    ) -> dict[str, float]:
        with self._changed:
            if real_time:
                self.clock.reset()
            if speed is not None:
                self.clock.set(self.clock.now(), speed)
            self.lateness = self.lateness if lateness is None else lateness
            self._changed.notify_all()
            return {"now": self.clock.now(), "speed": self.clock.speed, "lateness": self.lateness}

    def reset(self) -> None:
        """Forgets all schedules and invocations; the clock is right again."""
        with self._changed:
            self._due.clear()
            self._tokens.clear()
            self.invocations.clear()
            self.clock.reset()
            self.lateness = self.role_delay = 0.0
            for account in list(scheduler_backends.values()):
                for backend in list(account.values()):
                    for group in backend.schedule_groups.values():
                        group.schedules.clear()

    # Firing.

    def _run(self) -> None:
        while True:
            with self._changed:
                first = min((due.when for due in self._due), default=None)
                now = self.clock.now()
                if first is None or first > now:
                    left = _LONGEST_WAIT if first is None else (first - now) / self.clock.speed
                    self._changed.wait(max(0.001, min(left, _LONGEST_WAIT)))
                    continue
            with self._firing:
                if due := self._take(self.clock.now()):
                    self._fire(due)

    def _take(self, until: float) -> Due | None:
        with self._changed:
            due = min(self._due, key=lambda each: each.when, default=None)
            if due is None or due.when > until:
                return None
            self._due.remove(due)
            return due

    def _plan(self, schedule: Schedule, scheduled: float) -> None:
        window = schedule.flexible_time_window
        late = 60.0 * window["MaximumWindowInMinutes"] if window["Mode"] == "FLEXIBLE" else self.lateness
        with self._changed:
            self._due.append(Due(scheduled + late, schedule, scheduled))
            self._changed.notify_all()

    def _fire(self, due: Due) -> None:
        schedule = due.schedule
        region, account = schedule.arn.split(":")[3:5]
        times, end = (
            parse(schedule.schedule_expression, schedule.schedule_expression_timezone),
            schedule.end_date,
        )
        following = times.after(due.scheduled, float(end) if end is not None else None)
        if due.attempt == 0:
            if following is not None:
                self._plan(schedule, following)
            if schedule.state != "ENABLED":
                return
            due.since = self.clock.now()
        entry = {
            "schedule": schedule.name,
            "group": schedule.group_name,
            "region": region,
            "scheduled": due.scheduled,
            "time": self.clock.now(),
            "wall_time": time.time(),
            "attempt": due.attempt,
            "target": schedule.target["Arn"],
            "input": schedule.target.get("Input"),
        }
        outcome = self._invoke(schedule, account, region)
        retry = None if outcome.done or not outcome.retryable else self._retry(due)
        entry |= {
            "ok": outcome.done,
            "code": outcome.code,
            "message": outcome.message,
            "again": retry is not None,
        }
        self.invocations.append(entry)
        with self._changed:
            if retry:
                self._due.append(retry)
            elif following is None and schedule.action_after_completion == "DELETE":
                self._remove(schedule, account, region)
            self._changed.notify_all()

    def _retry(self, due: Due) -> Due | None:
        policy = due.schedule.target["RetryPolicy"]
        when = self.clock.now() + min(2.0**due.attempt, _LONGEST_BACK_OFF)
        if due.attempt >= policy["MaximumRetryAttempts"]:
            return None
        if when > due.since + policy["MaximumEventAgeInSeconds"]:
            return None
        return Due(when, due.schedule, due.scheduled, due.attempt + 1, due.since)

    def _invoke(self, schedule: Schedule, account: str, region: str) -> schedule_calls.Outcome:
        target = schedule.target
        service, action = self._action(target["Arn"])
        try:
            role = self._role(target["RoleArn"], schedule.group_name, account, region)
        except JsonRESTError as error:
            return schedule_calls.Outcome(False, "AccessDeniedException", str(error.message))
        return self.caller.call(role, account, region, service, action, target.get("Input"))

    @staticmethod
    def _action(arn: str) -> tuple[str, str]:
        match = _UNIVERSAL.fullmatch(arn)
        return (match[1], match[2]) if match else ("", "")

    @staticmethod
    def _remove(schedule: Schedule, account: str, region: str) -> None:
        group = scheduler_backends[account][region].schedule_groups.get(schedule.group_name)
        if group and group.schedules.get(schedule.name) is schedule:
            group.schedules.pop(schedule.name)

    # What the API asks for.

    def create(self, backend: EventBridgeSchedulerBackend, name: str, body: dict[str, Any]) -> Schedule:
        group_name = body.get("GroupName") or "default"
        with self._changed:
            token = self._token("create", backend, body)
            made = Schedule(**self._fields(backend, name, group_name, body))
            seen = self._tokens.get(token) if token else None
            if seen and self._is_there(backend, seen[1]):
                if seen[0] == _digest(name, body):
                    return seen[1]
                raise _conflict("The client token was used before, with other parameters.")
            group = backend.get_schedule_group(group_name)
            if name in group.schedules:
                raise _conflict(f"Schedule {name} already exists.")
            group.add_schedule(made)
            if token:
                self._tokens[token] = (_digest(name, body), made)
            self._start(made)
        return made

    def update(self, backend: EventBridgeSchedulerBackend, name: str, body: dict[str, Any]) -> Schedule:
        """AWS: replaces everything; what the call does not say falls back to its default, as if made anew."""
        group_name = body.get("GroupName") or "default"
        with self._changed:
            old = backend.get_schedule(group_name, name)
            made = Schedule(**self._fields(backend, name, group_name, body))
            self.forget(old)
            backend.schedule_groups[group_name].add_schedule(made)
            self._start(made)
            made.creation_date = old.creation_date
        return made

    def forget(self, schedule: Schedule) -> None:
        with self._changed:
            self._due = [due for due in self._due if due.schedule is not schedule]

    def _start(self, schedule: Schedule) -> None:
        now = schedule.creation_date = schedule.last_modified_date = self.clock.now()
        times = parse(schedule.schedule_expression, schedule.schedule_expression_timezone)
        start = None if schedule.start_date is None else float(schedule.start_date)
        self._plan(schedule, times.first(now, start))

    @staticmethod
    def _is_there(backend: EventBridgeSchedulerBackend, schedule: Schedule) -> bool:
        group = backend.schedule_groups.get(schedule.group_name)
        return group is not None and group.schedules.get(schedule.name) is schedule

    def _token(
        self, verb: str, backend: EventBridgeSchedulerBackend, body: dict[str, Any]
    ) -> tuple[str, ...] | None:
        token = body.get("ClientToken")
        if token is not None and not _TOKEN.fullmatch(str(token)):
            raise invalid(f"ClientToken {token!r} does not match [a-zA-Z0-9-_]+ of 1 to 64 characters.")
        return (verb, backend.account_id, backend.region_name, token) if token else None

    def _fields(
        self, backend: EventBridgeSchedulerBackend, name: str, group_name: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        """What moto's Schedule is made of, checked."""
        for what, text in (("Name", name), ("GroupName", group_name)):
            if not _NAME.fullmatch(text):
                raise invalid(f"{what} {text!r} does not match [0-9a-zA-Z-_.]+ of 1 to 64 characters.")
        times = self._times(body)
        action = body.get("ActionAfterCompletion") or "NONE"
        state = body.get("State") or "ENABLED"
        if action not in ("NONE", "DELETE") or state not in ("ENABLED", "DISABLED"):
            raise invalid(f"ActionAfterCompletion {action!r} or State {state!r} is not one of its values.")
        target = self._target(body.get("Target"), group_name, backend.account_id, backend.region_name)
        return {
            "region": backend.region_name,
            "account_id": backend.account_id,
            "group_name": group_name,
            "name": name,
            "description": body.get("Description"),
            "schedule_expression": body["ScheduleExpression"],
            "schedule_expression_timezone": body.get("ScheduleExpressionTimezone"),
            "flexible_time_window": _window(body.get("FlexibleTimeWindow")),
            "target": target,
            "state": state,
            "kms_key_arn": body.get("KmsKeyArn"),
            "start_date": None if times.at is not None else body.get("StartDate"),
            "end_date": None if times.at is not None else body.get("EndDate"),
            "action_after_completion": action,
        }

    def _times(self, body: dict[str, Any]) -> Times:
        expression = str(body.get("ScheduleExpression") or "")
        try:
            times = parse(expression, body.get("ScheduleExpressionTimezone"))
        except ExpressionError as error:
            raise invalid(str(error)) from error
        now = self.clock.now()
        if times.at is not None:
            if times.at <= now:
                raise invalid(f"Invalid Schedule Expression {expression}: the time is in the past.")
            return times
        dates = [body.get("StartDate"), body.get("EndDate")]
        if any(date is not None and not isinstance(date, int | float) for date in dates):
            raise ApiError("SerializationException", "StartDate and EndDate are numbers: seconds since 1970.")
        start, end = (None if date is None else float(date) for date in dates)
        if start is not None and start < now - _START_MAY_BE_OLD:
            raise invalid("The StartDate you specify cannot be earlier than 5 minutes ago.")
        if end is not None and end <= max(now, start or 0.0):
            raise invalid("The EndDate you specify must be in the future, and after the StartDate.")
        return times

    def _target(self, target: Any, group_name: str, account: str, region: str) -> dict[str, Any]:
        if not isinstance(target, dict) or not target.get("Arn") or not target.get("RoleArn"):
            raise invalid("The Target needs an Arn and a RoleArn.")
        if ":aws-sdk:" in target["Arn"]:
            _, action = self._action(target["Arn"])
            if not action or _READS.match(action):
                raise invalid(f"{target['Arn']} is not a supported target: an action that changes something.")
        policy = {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185} | (
            target.get("RetryPolicy") or {}
        )
        bounds = {"MaximumEventAgeInSeconds": (60, 86400), "MaximumRetryAttempts": (0, 185)}
        for name, (least, most) in bounds.items():
            if not least <= policy[name] <= most:
                raise invalid(f"{name} is from {least} to {most}, not {policy[name]}.")
        self._role(target["RoleArn"], group_name, account, region)
        return target | {"RetryPolicy": policy}

    def _role(self, arn: str, group_name: str, account: str, region: str) -> Any:
        """The role, if the scheduler may assume it; AWS asks that at creation, too."""
        refused = invalid(
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        )
        match = _ROLE.fullmatch(arn)
        if not match:
            raise invalid(f"RoleArn {arn!r} is not a role's ARN.")
        partition = get_partition(region)
        role = next(
            (each for each in iam_backends[account][partition].roles.values() if each.arn == arn), None
        )
        if role is None or time.time() - _seconds(role.create_date) < self.role_delay:
            raise refused
        context: dict[str, str | list[str]] = {
            "aws:SourceAccount": account,
            "aws:SourceArn": f"arn:{partition}:scheduler:{region}:{account}:schedule-group/{group_name}",
        }
        try:
            if not may_assume(role.assume_role_policy_document, SERVICE, context):
                raise refused
        except PolicyError as error:
            raise invalid(str(error)) from error
        return role


def _seconds(naive_utc: Any) -> float:
    return float(naive_utc.replace(tzinfo=UTC).timestamp())


def _window(window: Any) -> dict[str, Any]:
    mode = window.get("Mode") if isinstance(window, dict) else None
    minutes = window.get("MaximumWindowInMinutes") if isinstance(window, dict) else None
    if mode == "OFF" and minutes is None:
        return {"Mode": "OFF"}
    if mode == "FLEXIBLE" and isinstance(minutes, int) and 1 <= minutes <= 1440:
        return {"Mode": mode, "MaximumWindowInMinutes": minutes}
    raise invalid("FlexibleTimeWindow is OFF, or FLEXIBLE with MaximumWindowInMinutes from 1 to 1440.")


def _conflict(message: str) -> ApiError:
    return ApiError("ConflictException", message, 409)


def _digest(name: str, body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([name, body], sort_keys=True).encode()).hexdigest()


# moto's answers, replaced.


def install(scheduler: Scheduler, replace: Replace) -> None:
    kind = responses.EventBridgeSchedulerResponse

    def name_of(self: Any) -> str:
        return str(self.uri.split("?")[0].split("/")[-1])

    def create(self: Any) -> str:
        made = scheduler.create(self.scheduler_backend, name_of(self), json.loads(self.body))
        return json.dumps({"ScheduleArn": made.arn})

    def update(self: Any) -> str:
        made = scheduler.update(self.scheduler_backend, name_of(self), json.loads(self.body))
        return json.dumps({"ScheduleArn": made.arn})

    def delete(self: Any) -> str:
        group_name, name = self._get_param("groupName"), name_of(self)
        scheduler.forget(self.scheduler_backend.get_schedule(group_name, name))
        self.scheduler_backend.delete_schedule(group_name, name)
        return "{}"

    def delete_group(self: Any) -> str:
        group = self.scheduler_backend.get_schedule_group(name_of(self))
        if group.name == "default":
            raise invalid("The default schedule group cannot be deleted.")
        for schedule in group.schedules.values():
            scheduler.forget(schedule)
        self.scheduler_backend.delete_schedule_group(group.name)
        return "{}"

    def create_group(self: Any) -> str:
        name = name_of(self)
        if not _NAME.fullmatch(name):
            raise invalid(f"Name {name!r} does not match [0-9a-zA-Z-_.]+ of 1 to 64 characters.")
        if name in self.scheduler_backend.schedule_groups:
            raise _conflict(f"Schedule group {name} already exists.")
        group = self.scheduler_backend.create_schedule_group(
            name, json.loads(self.body or "{}").get("Tags") or []
        )
        return json.dumps({"ScheduleGroupArn": group.arn})

    for verb, method in (
        ("create_schedule", create),
        ("update_schedule", update),
        ("delete_schedule", delete),
        ("create_schedule_group", create_group),
        ("delete_schedule_group", delete_group),
    ):
        replace(kind, verb, method)
    replace(Schedule, "to_dict", _to_dict)


_SUMMARY = ("Arn", "CreationDate", "GroupName", "LastModificationDate", "Name", "State")
_whole = Schedule.to_dict


def _to_dict(self: Schedule, short: bool = False) -> dict[str, Any]:
    """AWS leaves out what is not set, and a list has but the summaries."""
    whole = _whole(self)
    if short:
        return {name: whole[name] for name in _SUMMARY} | {"Target": {"Arn": self.target["Arn"]}}
    return {name: value for name, value in whole.items() if value is not None}
