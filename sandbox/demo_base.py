"""What both demos share: what they promise, and how they say it."""

from __future__ import annotations

import json
from pathlib import Path

INSTANCE_TYPE = "g5.xlarge"
FORGOTTEN_HOURS = 72
ACCURACY_EXPECTED = 0.9
REPO = Path(__file__).resolve().parent.parent


class Failed(Exception):
    """Something is not as the demo promises."""


def say(line: str = "") -> None:
    print(line, flush=True)


def dollars(micros: int, digits: int = 2) -> str:
    return f"${micros / 1e6:,.{digits}f}"


def accuracy_in(metrics: str) -> float:
    """Of the last epoch."""
    try:
        return float(json.loads(metrics.splitlines()[-1])["accuracy"])
    except (IndexError, ValueError, KeyError):
        raise Failed(f"there are no metrics in what was saved: {metrics[-200:]!r}") from None
