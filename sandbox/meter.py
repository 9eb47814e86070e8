"""What an instance costs: seconds in `running`, and dollars at the dated list price in data/.

AWS: "On-Demand Instances": billed by the second, 60 s at the least for each start, only while running.
"""

from __future__ import annotations

import csv
import functools
import math
import time
from pathlib import Path

_DATA = Path(__file__).resolve().parent.parent / "data"
MINIMUM_SECONDS = 60


@functools.cache
def _table(name: str) -> list[dict[str, str]]:
    with (_DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


@functools.cache
def hourly_micros(instance_type: str, region: str, spot: bool = False) -> int | None:
    """Micro-dollars an hour; None where the list has no price (unknown, never free). Spot: list price less average saving."""
    row = next(
        (
            row
            for row in _table("ec2-linux-on-demand-2025-05-28.csv")
            if row["instance_type"] == instance_type
        ),
        {},
    )
    if not (price := row.get(region)):
        return None
    if not spot:
        return int(price)
    for row in _table("ec2-spot-advisor-gpu-2025-05-28.csv"):
        if row["instance_type"] == instance_type and row["region"] == region:
            return round(int(price) * (100 - int(row["savings_over_on_demand_pct"])) / 100)
    return None


def cost_micros(seconds: int, hourly: int | None) -> int | None:
    return None if hourly is None else (seconds * hourly + 1800) // 3600


class Meter:
    """Runs while the instance is in `running`. aged(s) pretends that it has already run s seconds longer."""

    def __init__(self) -> None:
        self._spans: list[list[float]] = []
        self._open: float | None = None

    def start(self) -> None:
        if self._open is None:
            self._open = time.monotonic()

    def stop(self) -> None:
        if self._open is not None:
            self._spans.append([self._open, time.monotonic()])
            self._open = None

    def aged(self, seconds: float) -> None:
        if self._open is not None:
            self._open -= seconds

    def _lengths(self) -> list[float]:
        spans = [end - start for start, end in self._spans]
        return spans if self._open is None else [*spans, time.monotonic() - self._open]

    def running_seconds(self) -> float:
        return sum(self._lengths())

    def billed_seconds(self) -> int:
        return sum(max(MINIMUM_SECONDS, math.ceil(length)) for length in self._lengths())
