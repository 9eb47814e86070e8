"""The training job of the examples: it learns, resumes, heeds SIGTERM; and the demo around it keeps its promises."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[2]
TRAIN = REPO / "examples/digits/train.py"
# What the demo needs of curfew: run the command, save the folder, end the machine.
STANDIN = """#!/usr/bin/env python3
import os, pathlib, subprocess, sys, urllib.request as request
command = sys.argv[sys.argv.index("--") + 1:]
folder, url = sys.argv[sys.argv.index("--save") + 1].split("=s3://")
subprocess.run(command, check=True)
for path in pathlib.Path(folder).iterdir():
    put = request.Request(f"{os.environ['AWS_ENDPOINT_URL']}/{url}/{path.name}", path.read_bytes(), method="PUT")
    put.add_header("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/s3/aws4_request")
    request.urlopen(put)
subprocess.run(@END@)
"""


def train(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(TRAIN), "--out", str(out), *options]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def metrics(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_it_learns_and_a_break_changes_nothing(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert train(whole, "--epochs", "8").returncode == 0
    assert metrics(whole)[-1]["accuracy"] > 0.93
    train(broken, "--epochs", "3")
    assert "resuming after epoch 3" in train(broken, "--epochs", "8").stdout
    assert metrics(broken) == metrics(whole)


def test_sigterm_ends_it_with_its_work_saved(tmp_path: Path) -> None:
    words = [
        sys.executable,
        str(TRAIN),
        "--out",
        str(tmp_path),
        "--epochs",
        "1000",
        "--epoch-seconds",
        "0.05",
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout
        assert "epoch 1/1000" in job.stdout.readline()
        job.send_signal(signal.SIGTERM)
        assert job.wait(timeout=20) == 143
    assert metrics(tmp_path)
    assert not list(tmp_path.glob("*.part"))


def demo(tmp_path: Path, mode: str, end: list[str], saves: bool = True) -> subprocess.CompletedProcess[str]:
    binary = tmp_path / "standin"
    text = STANDIN if saves else STANDIN.replace("    request.urlopen(put)\n", "")
    binary.write_text(text.replace("@END@", repr(end)))
    words = [
        sys.executable,
        "-m",
        "sandbox",
        "demo",
        "--binary",
        str(binary),
        "--mode",
        mode,
        "--epochs",
        "4",
    ]
    return subprocess.run(words, cwd=REPO, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("mode", ["lesser", "bare"])
def test_the_demo_keeps_its_promises(tmp_path: Path, mode: str) -> None:
    result = demo(tmp_path, mode, ["shutdown", "-h", "now"])
    assert result.returncode == 0, result.stdout + result.stderr
    for words in (
        "test accuracy",
        "terminated (Client.InstanceInitiatedShutdown)",
        "$72.43 for 72 h",
        "metrics.jsonl",
    ):
        assert words in result.stdout


def test_the_demo_says_what_is_not_as_promised(tmp_path: Path) -> None:
    """The machine ends, and nothing was saved."""
    result = demo(tmp_path, "lesser", ["shutdown", "-h", "now"], saves=False)
    assert result.returncode == 1
    assert "not as promised" in result.stdout and "the results were not saved" in result.stdout
