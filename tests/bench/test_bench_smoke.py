"""The benchmarks run through and give their table; what the numbers are is not asserted."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from bench.machines import CURFEW, ROOT
from bench.table import Row, percentile, render
from sandbox.mode import why_not_booted

LIMIT = 300.0


def test_a_target_is_missed_at_its_value() -> None:
    assert Row("x", "ms", 15.0, target=15).missed
    assert not Row("x", "ms", 14.9, target=15).missed
    assert not Row("x", "ms", 1e9).missed


def test_percentile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(1, 201)]
    assert percentile(values, 99) == 198
    assert percentile(values[::-1], 50) == 100
    assert percentile([7.0], 99) == 7


def test_table_reads_as_markdown() -> None:
    lines = render([Row("start", "ms", 5.0, 20.0, 15), Row("size", "MB", 1234.5)]).splitlines()
    assert lines[2].split("|")[1:-1] == [
        " start ",
        "     5 ms ",
        "    20 ms ",
        "            0.25 ",
        " < 15 ms ",
        "  ok ",
    ]
    assert "1,234 MB" in lines[3] or "1,235 MB" in lines[3]
    assert len({len(line) for line in lines}) == 1


@pytest.mark.timeout(LIMIT + 30)
def test_quick_run_measures_everything() -> None:
    if why := why_not_booted():
        pytest.skip(f"machines can't boot here: {why}")
    if not CURFEW.exists():
        pytest.fail(f"there is no {CURFEW}: build it, or set CURFEW_BINARY")
    words = [sys.executable, "-m", "bench", "--quick"]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert ran.returncode in (0, 1), ran.stderr
    rows = [line for line in ran.stdout.splitlines() if line.startswith("| ")][2:]
    for what in (
        "to shutdown",
        "start of",
        "CPU of guarding",
        "memory while",
        "saving",
        "printing",
        "binary",
    ):
        assert any(what in row for row in rows), ran.stdout
    missed = any("MISSED" in row for row in rows)
    assert missed == (ran.returncode == 1)
    for row in rows:  # our value in each
        assert re.match(r" +[\d.,]+", row.split("|")[2]), row


def test_unknown_measure_is_refused() -> None:
    words = [sys.executable, "-m", "bench", "nonsense"]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2 and "no such measure: nonsense" in ran.stderr
