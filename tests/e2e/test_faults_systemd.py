"""A systemd that can't be used: plain processes, said so, and the machine still ends.

The front end's exit code is not asked for: the SIGTERM of a machine that goes down ends the shell that waits for it.
"""

from __future__ import annotations

import time

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.fault_helpers import FAILS, WAITS, Boot, go, guards, shadow
from tests.e2e.helpers import SOON, Run, assert_ended, objects, start

SAVED = {"run/model": b"weights\n"}
# systemctl has 20 s each time (os/systemd.hpp, k_systemctl_limit), and is asked a few times before it's given up.
HUNG_SYSTEMCTL = 100.0
VERBS = "daemon-reload|start|restart|stop|reset-failed|show|is-system-running"


def start_plain(instance: Instance, bucket: str, script: str = FAILS, *options: str) -> Run:
    shadow(instance, "systemctl", script)
    run = start(instance, WAITS, "--save", f"out/=s3://{bucket}/run/", *options, wait=False)
    run.wait_err("systemd can't be used, going on with plain processes", HUNG_SYSTEMCTL + SOON)
    run.wait_out("waiting")
    return run


@pytest.mark.parametrize("systemctl", ["exit 1", "exec sleep 1000"], ids=["fails", "hangs"])
def test_without_systemctl_plain_processes_guard(
    machine: Boot, cloud: Sandbox, bucket: str, systemctl: str
) -> None:
    instance = machine()
    run = start_plain(instance, bucket, systemctl)
    assert "the guard is a plain process" in run.err()
    assert len(guards(instance)) == 1
    assert not instance.exec(["sh", "-c", "ls /etc/systemd/system | grep curfew"]).out, "left behind"
    assert instance.exec(["test", "-e", "/run/systemd/shutdown/scheduled"]).code == 0, "no L0"
    assert_ended(instance, go(instance))
    assert objects(cloud, bucket) == SAVED
    assert "the command has ended: exit code 0" in run.log()


def test_a_plain_guard_that_is_killed_is_restarted_by_the_jobs_parent(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    run = start_plain(instance, bucket)
    (first,) = guards(instance)
    instance.sh(f"kill -9 {first}")
    run.wait_err("a new guard takes over, in stage running")
    (second,) = guards(instance)
    assert second != first
    assert_ended(instance, go(instance))
    assert objects(cloud, bucket) == SAVED
    assert "the command has ended: exit code 0" in run.log()


def test_a_plain_guard_holds_the_time_limit(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start_plain(instance, bucket, FAILS, "--max-time", "4s", "--grace", "1s")
    run.wait_err("time limit reached")
    # The job ends at once on SIGTERM; the line was seen within a poll of its being written.
    assert_ended(instance, time.monotonic() - 0.5)
    assert objects(cloud, bucket) == SAVED
