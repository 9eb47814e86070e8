"""Bad usage: one clear line, exit code 125, nothing started, nothing ended."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.helpers import INSIDE, assert_disarmed, assert_stays, boot


@pytest.fixture(scope="module")
def bystander(shared_cloud: Sandbox) -> Iterator[Instance]:
    """A machine that one could end: tagged for a job, and set to terminate."""
    instance = boot(shared_cloud)
    yield instance
    assert_disarmed(instance)
    assert_stays(instance, 2)
    shared_cloud.reset()


_RAN = ["--", "touch", "/root/ran"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--max-tme", "1h", *_RAN], "did you mean --max-time?"),
        (["--savelimit", "1h", *_RAN], "did you mean --save-limit?"),
        (["--then=terminat", *_RAN], "terminat"),
        ([], "no command to run"),
        (["--max-time", "1h"], "no command to run"),
        (["--max-time", "1h", "--"], "no command to run"),
        (["--", ""], "no command to run"),
        (["touch", "/root/ran"], "put -- before the command"),
        (["--max-time", "0s", *_RAN], "at least 1s"),
        (["--max-time", "-5m", *_RAN], "--max-time"),
        (["--max-time=-5m", *_RAN], "negative"),
        (["--max-time", "5", *_RAN], "without a unit"),
        (["--max-time", "", *_RAN], "--max-time"),
        (["--max-time", "99999999999999999h", *_RAN], "longer than a year"),
        (["--max-time", "1e9h", *_RAN], "unit"),
        (["--max-hours", "nan", *_RAN], "not a positive number"),
        (["--max-hours", "0", *_RAN], "at least 1s"),
        (["--max-time", "1h", "--max-hours", "1", *_RAN], "same thing"),
        (["--grace", "0s", *_RAN], "--grace"),
        (["--deadline", "2020-01-01T00:00Z", *_RAN], "has passed"),
        (["--deadline", "tomorrow", *_RAN], "not a time"),
        (["--deadline", "2099-01-01T00:00", *_RAN], "zone"),
        (["--deadline", "2099-02-30T00:00Z", *_RAN], "not a time"),
        (["--save", "out/", *_RAN], "names no place in S3"),
        (["--save", "out/=s3://", *_RAN], "no bucket"),
        (["--save", "out/=s3:///key", *_RAN], "no bucket"),
        (["--save", "out/=s3://Bad_Bucket/key", *_RAN], "bucket's name"),
        (["--save", "=s3://bucket/key", *_RAN], "what to save"),
        (["--save", "/=s3://bucket/key", *_RAN], "whole machine"),
        (["--save-limit", "5m", *_RAN], "needs a --save"),
        (["--log", "/no/such/folder/log", *_RAN], "--log"),
        (["--log", "/root", *_RAN], "--log"),
        (["--log-format", "xml", *_RAN], "neither text nor json"),
        (["--shell", "true", *_RAN], "can't both be run"),
        (["--then", "explode", *_RAN], "explode"),
        (["--max-time", "1h\x1b[2J", *_RAN], "--max-time"),
    ],
    ids=lambda value: "_".join(value)[:40].replace("/", ".") if isinstance(value, list) else "",
)
def test_one_clear_line_and_nothing_done(bystander: Instance, words: list[str], said: str) -> None:
    result = bystander.exec([INSIDE, "run", *words])
    assert result.code == 125
    assert result.out == ""
    assert result.err.startswith("curfew: ") and result.err.endswith("\n")
    assert len(result.err.splitlines()) == 1, "one line"
    assert said in result.err
    assert "\x1b" not in result.err, "what was typed does not reach the terminal raw"
    assert bystander.text("/root/ran", "missing") == "missing", "the command was run"
    assert bystander.text("/var/lib/curfew/guard.json", "missing") == "missing", "a guard was prepared"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rum"], "did you mean run?"),
        (["--max-time", "1h", "--", "true"], "unknown command"),
        (["status", "--jsno"], "unknown option"),
        ([], "Usage: curfew"),
    ],
)
def test_what_is_no_command(bystander: Instance, words: list[str], said: str) -> None:
    result = bystander.exec([INSIDE, *words])
    assert result.code == 125 and result.out == ""
    assert said in result.err


def test_help_is_no_error(bystander: Instance) -> None:
    for words in (
        ["--help"],
        ["run", "--help"],
        ["run", "--max-time", "nonsense", "-h"],
        ["status", "--help"],
    ):
        result = bystander.exec([INSIDE, *words])
        assert (result.code, result.err) == (0, ""), words
        assert result.out.startswith("Usage: curfew")
        assert max(map(len, result.out.splitlines())) <= 120


def test_help_of_a_command_is_its_own_help(bystander: Instance) -> None:
    listed = bystander.exec([INSIDE, "--help"]).out
    commands = re.findall(r"^  ([a-z]+) {3,}", listed, re.MULTILINE)
    assert len(commands) > 15 and "launch" in commands
    for command in commands:
        if command == "version":
            continue
        asked, own = bystander.exec([INSIDE, "help", command]), bystander.exec([INSIDE, command, "--help"])
        assert (asked.code, asked.err) == (0, ""), command
        assert asked.out == own.out and asked.out != listed, command
    for words in (["help"], ["help", "help"], ["help", "version"]):
        assert bystander.exec([INSIDE, *words]).out == listed, words
    wrong = bystander.exec([INSIDE, "help", "lunch"])
    assert wrong.code == 125 and "did you mean launch" in wrong.err, wrong


def test_status_without_a_guard(bystander: Instance) -> None:
    result = bystander.exec([INSIDE, "status"])
    assert result.code == 3 and "no guard is running" in result.out
