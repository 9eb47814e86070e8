"""`make demo` on machines that boot, with the real binary."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.demo_base import REPO
from tests.e2e.helpers import CURFEW

LIMIT = 300.0


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    return tmp_path / "curfew"


def demo(binary: Path) -> subprocess.CompletedProcess[str]:
    words = [
        sys.executable,
        "-m",
        "sandbox",
        "demo",
        "--mode",
        "booted",
        "--epochs",
        "4",
        "--binary",
        str(binary),
    ]
    return subprocess.run(words, cwd=REPO, capture_output=True, text=True, timeout=LIMIT, check=False)


def test_the_whole_way_keeps_its_promises() -> None:
    result = demo(CURFEW)
    assert result.returncode == 0, result.stdout + result.stderr
    for words in ("test accuracy", "terminated", "the job that hung   terminated", "$72.43 for 72 h"):
        assert words in result.stdout, result.stdout


def test_what_is_not_as_promised_is_said(binary: Path) -> None:
    binary.write_text(f'#!/bin/sh\n[ "$1" != setup ] || exit 3\nexec {CURFEW} "$@"\n')
    binary.chmod(0o755)
    result = demo(binary)
    assert result.returncode == 1
    assert "not as promised: curfew setup exits with 3" in result.stdout
