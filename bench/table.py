"""Rows of the comparison, their verdicts, and how they are printed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_HEADINGS = ("what", "curfew", "baseline", "curfew/baseline", "target", "")


@dataclass(frozen=True)
class Row:
    """ours and baseline in the unit given; None: not measured, or has none. target: ours must be below it. ratio: ours
    may be at most so much of the baseline."""

    what: str
    unit: str
    ours: float
    baseline: float | None = None
    target: float | None = None
    ratio: float | None = None

    @property
    def missed(self) -> bool:
        if self.target is not None and not self.ours < self.target:
            return True
        return self.ratio is not None and not (self.baseline and self.ours <= self.ratio * self.baseline)

    def cells(self) -> tuple[str, ...]:
        def shown(value: float | None) -> str:
            return "" if value is None else f"{_digits(value)} {self.unit}".rstrip()

        ratio = self.ours / self.baseline if self.baseline else None
        targets = [] if self.target is None else [f"< {_digits(self.target)} {self.unit}".rstrip()]
        targets += [] if self.ratio is None else [f"<= {_digits(self.ratio)} x baseline"]
        verdict = "" if not targets else "MISSED" if self.missed else "ok"
        return (
            self.what,
            shown(self.ours),
            shown(self.baseline),
            "" if ratio is None else _digits(ratio),
            ", ".join(targets),
            verdict,
        )


def _digits(value: float) -> str:
    """Three significant digits, without exponents."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank: one of the values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def render(rows: Sequence[Row]) -> str:
    """A Markdown table that reads well as plain text too."""
    lines = [_HEADINGS, *(row.cells() for row in rows)]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(_HEADINGS))]

    def joined(line: Sequence[str]) -> str:
        first, *others = zip(line, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        return f"| {' | '.join(cells)} |"

    rule = ["-" * widths[0], *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    return "\n".join([joined(lines[0]), joined(rule), *(joined(line) for line in lines[1:])])
