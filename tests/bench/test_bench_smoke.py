"""The benchmarks run through and give their table; what the numbers are is not asserted."""

from __future__ import annotations

import re
import subprocess
import sys
from urllib.parse import urlencode

import pytest

from bench import fleet
from bench.machines import CURFEW, ROOT
from bench.measures import MEASURES
from bench.replay import Refused, Replay
from bench.s3_server import built
from bench.table import Row, percentile, render
from sandbox.mode import why_not_booted

LIMIT = 300.0


def test_a_target_is_missed_at_its_value() -> None:
    assert Row("x", "ms", 15.0, target=15).missed
    assert not Row("x", "ms", 14.9, target=15).missed
    assert not Row("x", "ms", 1e9).missed


def test_a_ratio_is_missed_beyond_its_value() -> None:
    assert not Row("x", "s", 6.0, 10.0, ratio=0.6).missed
    assert Row("x", "s", 6.1, 10.0, ratio=0.6).missed
    assert Row("x", "s", 0.1, ratio=0.6).missed  # nothing to compare with
    assert Row("x", "s", 6.0, 10.0, target=5, ratio=0.6).missed
    assert Row("x", "s", 6.0, 10.0, ratio=0.6).cells()[-2:] == ("<= 0.6 x baseline", "ok")


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


def quick(*words: str) -> list[str]:
    """The rows of a quick run. A target that is missed in one says nothing."""
    if why := why_not_booted():
        pytest.skip(f"machines can't boot here: {why}")
    if not CURFEW.exists():
        pytest.fail(f"there is no {CURFEW}: build it, or set CURFEW_BINARY")
    command = [sys.executable, "-m", "bench", "--quick", *words]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert ran.returncode in (0, 1), ran.stderr
    rows = [line for line in ran.stdout.splitlines() if line.startswith("| ")][2:]
    missed = any("MISSED" in row for row in rows)
    assert missed == (ran.returncode == 1)
    for row in rows:  # our value in each
        assert re.match(r" +[\d.,]+", row.split("|")[2]), row
    return rows


IN_MACHINES = {
    "delay": ["to shutdown"],
    "start": ["start of"],
    "idle": ["CPU of guarding", "memory while"],
    "saving": ["saving"],
    "slowdown": ["printing"],
    "binary": ["binary"],
}
ON_THIS_HOST = {
    "uploads": [
        "in 1 file, to moto",
        "40 files of 64 KiB, beside aws s3 sync",
        "40 files of 64 KiB, unchanged",
        "60 small files, unchanged",
        "beside rclone",
    ],
    "data": [
        "data: 0.0234 GiB in 1 object, from moto",
        "data: 40 objects of 64 KiB",
        "code: 60 files of 4 KiB, packed",
    ],
    "launch": ["command to RunInstances", "same look-ups", "with 60 files of 4 KiB, to moto"],
    "check": [
        "6 instances, 3 regions: time, beside the slowest",
        "2,500 instances, 2 regions",
        "beside boto3 with 30 threads",
        "CPU of the server meanwhile",
    ],
}


@pytest.mark.timeout(LIMIT + 30)
@pytest.mark.parametrize("measures", [IN_MACHINES, ON_THIS_HOST], ids=["in machines", "on this host"])
def test_quick_run_measures_everything(measures: dict[str, list[str]]) -> None:
    rows = quick("--moto", *measures)
    for what in (each for wanted in measures.values() for each in wanted):
        assert any(what in row for row in rows), "\n".join(rows)


def test_no_measure_is_left_out_of_the_quick_runs() -> None:
    assert IN_MACHINES.keys() | ON_THIS_HOST.keys() == MEASURES.keys()


@pytest.mark.timeout(LIMIT + 30)
def test_saves_are_compared_on_the_faster_server_where_it_is_built() -> None:
    if built() is None:
        pytest.skip("versitygw isn't built here: scripts/install bench does it where there is a Go")
    rows = quick("uploads")
    assert "to versitygw" in rows[0]
    for row in rows:  # theirs in each, and what is asked of all but the last case
        assert re.match(r" +[\d.,]+", row.split("|")[3]), row
    assert [bool(row.split("|")[5].strip()) for row in rows] == [True] * 12 + [False] * 2, "\n".join(rows)


def test_the_replayed_account_has_what_is_asked_for() -> None:
    replay = Replay(fleet.account(3, 2_500))
    ids: list[str] = []
    for region in replay.regions:
        form = {
            "Action": "DescribeInstances",
            "Filter.1.Name": "instance-state-name",
            "Filter.1.Value.1": "running",
        }
        while True:
            text = ask(replay, region, form)
            ids += re.findall(r"<instanceId>(i-[0-9a-f]{17})</instanceId>", text)
            token = re.search("<nextToken>(.*)</nextToken>", text)
            if not token:
                break
            form["NextToken"] = token[1]
    assert len(ids) == len(set(ids)) == 2_500
    region = next(iter(replay.regions))
    zones = [len(replay.regions[region].instances.chosen([f"{region}{letter}"], [])) for letter in "abc"]
    assert sum(zones) == len(replay.regions[region].instances.texts) and min(zones) > 200
    one = ids[0]
    form = {"Action": "DescribeInstances", "Filter.1.Name": "instance-id", "Filter.1.Value.1": one}
    assert ask(replay, region, form).count("<instanceId>") == 1
    form["Filter.1.Value.1"] = "i-*" + one[-1]
    assert ask(replay, region, form).count("<instanceId>") == sum(
        part.count(f"{one[-1]}</instanceId>")
        for part in map(bytes.decode, replay.regions[region].instances.texts)
    )
    form = {"Action": "DescribeVolumes", "Filter.1.Name": "attachment.instance-id", "Filter.1.Value.1": one}
    assert f"<instanceId>{one}</instanceId>" in ask(replay, region, form)
    assert ask(replay, region, {**form, "Filter.1.Value.1": "i-0"}).count("<volumeId>") == 0


def test_what_the_replay_does_not_play_is_refused() -> None:
    replay = Replay(fleet.account(1, 1))
    for form in ({"Action": "DescribeImages"}, {"Action": "DescribeInstances", "Filter.1.Name": "vpc-id"}):
        with pytest.raises(Refused):
            ask(replay, "us-east-1", form)
    with pytest.raises(Refused):
        ask(replay, "eu-west-1", {"Action": "DescribeInstances"})
    with pytest.raises(Refused):
        replay.answer("POST", "/", b"", b"Action=DescribeInstances")


def test_the_replay_refuses_what_it_is_told_to() -> None:
    replay = Replay(fleet.account(1, 1), ["DescribeVolumes"])
    with pytest.raises(Refused) as why:
        ask(replay, "us-east-1", {"Action": "DescribeVolumes"})
    assert why.value.code == "UnauthorizedOperation"


def ask(replay: Replay, region: str, form: dict[str, str]) -> str:
    head = f"Authorization: AWS4-HMAC-SHA256 Credential=k/20260101/{region}/ec2/aws4_request, x".encode()
    return replay.answer("POST", "/", head, urlencode(form).encode())[1].decode()


def test_unknown_measure_is_refused() -> None:
    words = [sys.executable, "-m", "bench", "nonsense"]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2 and "no such measure: nonsense" in ran.stderr
