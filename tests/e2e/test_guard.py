"""The guard dies or hangs in mid-job: another takes over, and neither the result, nor a line, nor a time is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.helpers import (
    INSIDE,
    LIFE,
    POWER_OFF,
    SOON,
    WATCHDOG,
    assert_ended,
    guard_pid,
    objects,
    start,
    status,
    unit,
    wait_status,
)

Boot = Callable[..., Instance]

# Prints without a pause, so that lines are under way whenever the guard goes, until it is told to end.
_TALKS = """
echo weights >out/model
n=0
until [ -e /root/go ]; do n=$((n + 1)); echo line $n; [ $((n % 50)) != 0 ] || sleep 0.01; done
echo $n >/root/count
stamp; exit 7
"""


def assert_nothing_lost(instance: Instance, out: str) -> None:
    """Every line that the job printed was passed on, and is in the log of its output."""
    count = int(instance.text("/root/count"))
    wanted = [f"line {n + 1}" for n in range(count)]
    assert count > 100
    assert out.splitlines() == wanted
    assert instance.text("/var/lib/curfew/output.log").splitlines() == wanted
    record = json.loads(instance.text("/var/lib/curfew/exit.json"))
    assert (record["how"], record["number"]) == ("exited", 7)


def kill_guard(instance: Instance) -> dict[str, Any]:
    """And waits for the next one; returns what that shows."""
    killed = guard_pid(instance)
    instance.sh(f"kill -KILL {killed}")
    instance.until(lambda: guard_pid(instance) not in (0, killed), SOON, "another guard")
    shown = wait_status(instance, stage="running")
    assert shown["guard_pid"] != killed
    return shown


@pytest.mark.parametrize("times", [1, 3])
def test_a_killed_guard_is_replaced(machine: Boot, cloud: Sandbox, bucket: str, times: int) -> None:
    instance = machine()
    run = start(instance, _TALKS, "--save", f"out/=s3://{bucket}/run/")
    before = wait_status(instance, stage="running")
    l0 = unit(instance, "curfew-l0.timer", "NextElapseUSecRealtime")
    for _ in range(times):
        after = kill_guard(instance)
    for time in ("stop_at", "end_at"):
        # A second is what rounding may make of a time that is told by what is left of it.
        moved = abs(_seconds(after[time]["at"]) - _seconds(before[time]["at"]))
        assert moved <= 1, f"{time} moved from {before[time]} to {after[time]}"
    assert unit(instance, "curfew-l0.timer", "NextElapseUSecRealtime") == l0
    assert unit(instance, "curfew.service", "NRestarts")["NRestarts"] == str(times)
    instance.sh("touch /root/go")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    assert run.code() == 7
    assert run.log().count("a new guard takes over, in stage running") == times
    assert_nothing_lost(instance, run.out())
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_a_job_that_ends_while_no_guard_is_there(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start(instance, _TALKS, "--save", f"out/=s3://{bucket}/run/")
    wait_status(instance, stage="running")
    instance.sh(f"kill -KILL {guard_pid(instance)}; touch /root/go")
    instance.wait("terminated", LIFE)
    # RestartSec=1, and the start of a process.
    assert_ended(instance, run.stamp(), within=3 + POWER_OFF)
    assert run.code() == 7
    assert "a new guard takes over" in run.log()
    assert_nothing_lost(instance, run.out())
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_a_guard_that_hangs_is_replaced_by_the_watchdog(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start(instance, _TALKS, "--save", f"out/=s3://{bucket}/run/")
    wait_status(instance, stage="running")
    hung = guard_pid(instance)
    # The job ends meanwhile, and its end waits for the next guard.
    instance.sh(f"kill -STOP {hung}; touch /root/go")
    instance.wait("terminated", WATCHDOG + LIFE)
    took = assert_ended(instance, run.stamp(), within=WATCHDOG + POWER_OFF)
    assert took > 15, "it was not the watchdog that found it"
    assert run.code() == 7
    assert "a new guard takes over" in run.log()
    assert_nothing_lost(instance, run.out())
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_a_guard_killed_while_it_saves_saves_again(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    cloud.fault("slow", service="s3", op="PutObject", instance=instance.id, delay=3, times=1)
    run = start(instance, "echo weights >out/model; stamp; exit 0", "--save", f"out/=s3://{bucket}/run/")
    run.wait_err("curfew: saving, for ", LIFE)
    instance.sh(f"kill -KILL {guard_pid(instance)}")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp(), within=6 + POWER_OFF)
    assert run.code() == 0
    assert "a new guard takes over, in stage saving" in run.log()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_times_are_shown_and_each_layer_is_read_back(machine: Boot) -> None:
    instance = machine()
    start(instance, "echo ready; stamp; sleep 1000", "--max-time", "2h", "--grace", "90s")
    shown = wait_status(instance, stage="running", instance=instance.id)
    assert abs(shown["stop_at"]["left_s"] - 7200) < SOON
    assert _seconds(shown["end_at"]["at"]) - _seconds(shown["stop_at"]["at"]) in (89, 90, 91)
    assert shown["then"] == "auto" and shown["ends_machine"] and not shown["dry_run"]
    layers = shown["layers"]
    assert {name: layer["armed"] for name, layer in layers.items()} == {"L0": True, "L1": True, "L2": True}
    # L0 a minute after the end, on disk and enabled; L2 with its watchdog and its last resort.
    elapse = unit(instance, "curfew-l0.timer", "NextElapseUSecRealtime", "UnitFileState", "ActiveState")
    assert elapse["UnitFileState"] == "enabled" and elapse["ActiveState"] == "active"
    assert elapse["NextElapseUSecRealtime"] in layers["L0"]["text"]
    fires = elapse["NextElapseUSecRealtime"].split()
    late = _seconds(f"{fires[1]}T{fires[2]}Z") - _seconds(shown["end_at"]["at"])
    assert 58 <= late <= 62
    service = unit(instance, "curfew.service", "WatchdogUSec", "Restart", "StartLimitAction", "UnitFileState")
    assert service == {
        "WatchdogUSec": "30s",
        "Restart": "always",
        "StartLimitAction": "poweroff-force",
        "UnitFileState": "enabled",
    }
    text = instance.sh(f"{INSIDE} status")
    assert "NOT ARMED" not in text and f"instance {instance.id} is terminated" in text
    # An unprivileged reader of the machine learns nothing, and harms nothing.
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    refused = instance.exec([*as_nobody, INSIDE, "status"])
    assert refused.code == 125 and refused.err.startswith("curfew: ") and "denied" in refused.err
    assert instance.exec([*as_nobody, "ls", "/var/lib/curfew"]).code != 0
    # What it reads back is what is there: without its timer, L0 isn't armed.
    instance.sh("systemctl stop curfew-l0.timer")
    assert not status(instance)["layers"]["L0"]["armed"]
    instance.terminate()
    instance.wait("terminated", LIFE)


def test_a_second_guard_is_refused_and_the_first_untouched(machine: Boot) -> None:
    instance = machine()
    run = start(instance, "echo ready; until [ -e /root/go ]; do sleep 0.05; done; stamp; exit 2")
    run.wait_out("ready")
    before = wait_status(instance, stage="running")
    for words in (["--max-time", "1s"], ["--then", "none"], ["--dry-run"]):
        result = instance.exec([INSIDE, "run", *words, "--", "touch", "/root/ran"], timeout=LIFE)
        assert result.code == 125
        assert result.err.startswith("curfew: ") and len(result.err.splitlines()) == 1
        assert re.search(r"another one guards a job on this machine \(process \d+ of user 0\)", result.err)
    after = wait_status(instance, stage="running")
    for name in ("guard_pid", "job_pid", "command", "started", "then"):
        assert after[name] == before[name]
    assert instance.text("/root/ran", "missing") == "missing"
    instance.sh("touch /root/go")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    assert run.code() == 2


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())
