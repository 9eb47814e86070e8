"""When a schedule of EventBridge Scheduler is due. Pure: no clock, no state.

AWS: "Schedule types in EventBridge Scheduler". Times are seconds since 1970.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")


class ExpressionError(ValueError):
    """Not a schedule expression, or not in that time zone."""


@dataclass(frozen=True)
class Times:
    """at: the one time, else None; every: the seconds between two times of a repeating one."""

    at: float | None = None
    every: int = 0

    def first(self, created: float, start: float | None) -> float:
        """AWS: without a StartDate a rate begins at once, with one at that time; one-time schedules ignore it."""
        if self.at is not None:
            return self.at // 60 * 60  # 60 seconds' precision: between :00 and :59 of that minute
        if start is None:
            return created
        return start + max(0, math.ceil((created - start) / self.every)) * self.every

    def after(self, due: float, end: float | None) -> float | None:
        """The next time after `due`; None: that was the last."""
        if self.at is not None or (end is not None and due + self.every >= end):
            return None
        return due + self.every


def parse(expression: str, zone_name: str | None) -> Times:
    try:
        zone = ZoneInfo(zone_name or "UTC")
    except (OSError, ValueError, KeyError) as error:
        raise ExpressionError(f"The provided timezone {zone_name!r} is invalid.") from error
    if match := _AT.fullmatch(expression):
        try:
            return Times(at=datetime.fromisoformat(match[1]).replace(tzinfo=zone).timestamp())
        except ValueError as error:
            raise ExpressionError(f"Invalid Schedule Expression {expression}.") from error
    if (match := _RATE.fullmatch(expression)) and int(match[1]) > 0:
        return Times(every=int(match[1]) * _UNITS[match[2]])
    if expression.startswith("cron("):
        raise ExpressionError("The sandbox has no cron schedules: use at(…) or rate(…).")
    raise ExpressionError(f"Invalid Schedule Expression {expression}.")
