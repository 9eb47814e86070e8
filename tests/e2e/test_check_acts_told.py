"""What `curfew check --enforce --yes` did is told (`--notify`): each act for sure, and none that only fails again."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.acting import Hook
from tests.e2e.helpers import CURFEW, SOON


@pytest.fixture
def hooks() -> Iterator[tuple[Hook, Hook]]:
    with contextlib.closing(Hook()) as first, contextlib.closing(Hook()) as second:
        yield first, second


class Enforcer:
    """`curfew check --enforce` with an instance that is past its deadline."""

    def __init__(self, cloud: Sandbox, home: Path) -> None:
        self.cloud, self.home = cloud, home
        an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        tags = {"curfew:job": "digits", "curfew:deadline": an_hour_ago}
        self.instance: Instance = cloud.launch(machine=False, tags=tags)
        self.instance.wait("running", SOON)
        self.instance.age(7 * 3600.0)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": "/usr/bin:/bin", "HOME": str(self.home), **self.cloud.env()}
        return subprocess.run(
            [CURFEW, "check", "--region", "us-east-1", "--enforce", *words],
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def enforcer(cloud: Sandbox, tmp_path: Path) -> Enforcer:
    return Enforcer(cloud, tmp_path)


def test_what_was_ended_is_told(enforcer: Enforcer, hooks: tuple[Hook, Hook]) -> None:
    hook, _ = hooks
    enforcer.run("--notify", hook.url)
    assert len(hook.told) == 1 and "TERMINATED" not in hook.told[0], "nothing was ended yet"
    result = enforcer.run("--yes", "--notify", hook.url)
    assert len(hook.told) == 2, result
    says = f"TERMINATED {enforcer.instance.id} (us-east-1): past its deadline"
    assert says in hook.told[1], hook.told


def test_who_reads_no_further_keeps_nothing_from_being_told(
    enforcer: Enforcer, hooks: tuple[Hook, Hook]
) -> None:
    hook, _ = hooks
    env = {"PATH": "/usr/bin:/bin", "HOME": str(enforcer.home), **enforcer.cloud.env()}
    reader, writer = os.pipe()
    os.close(reader)
    words = ["check", "--region", "us-east-1", "--enforce", "--yes", "--notify", hook.url]
    result = subprocess.run([CURFEW, *words], env=env, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert result.returncode == 103 and enforcer.instance.id in result.stderr.decode(), result
    assert enforcer.instance.state() == "terminated"
    assert len(hook.told) == 1 and f"TERMINATED {enforcer.instance.id}" in hook.told[0], hook.told


def test_stop_tells_what_it_ended(enforcer: Enforcer, hooks: tuple[Hook, Hook]) -> None:
    hook, other = hooks
    env = {"PATH": "/usr/bin:/bin", "HOME": str(enforcer.home), **enforcer.cloud.env()}
    other.answer = 404
    second = enforcer.cloud.launch(machine=False)
    second.wait("running", SOON)
    for instance, place, code in ((enforcer.instance, hook, 0), (second, other, 1)):
        result = subprocess.run(
            [CURFEW, "stop", instance.id, "--yes", "--notify", place.url],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == code and instance.state() == "terminated", result
    assert len(hook.told) == 1 and f"TERMINATED {enforcer.instance.id} (us-east-1)" in hook.told[0], hook.told
    assert "asked for by curfew stop" in hook.told[0]
    assert hook.told[0].startswith("curfew stop: ended 1 of 1 instance\n"), hook.told
    assert "404" in result.stderr


def test_a_place_that_failed_is_told_next_time_what_was_ended(
    enforcer: Enforcer, hooks: tuple[Hook, Hook], tmp_path: Path
) -> None:
    broken, well = hooks
    words = ("--yes", "--notify", broken.url, "--notify", well.url, "--notify-state", str(tmp_path / "told"))
    broken.answer = 404
    result = enforcer.run(*words)
    assert result.returncode == 101 and broken.told == [], result
    ended = f"TERMINATED {enforcer.instance.id} "
    assert len(well.told) == 1 and ended in well.told[0] and "not told then" not in well.told[0]
    broken.answer = 200
    result = enforcer.run(*words)
    assert result.returncode == 0, result
    at = r"\(at 20[-0-9]+T[:0-9]+Z, not told then\)"
    assert len(broken.told) == 1 and re.search(
        rf"{ended}.*; (shutting-down|terminated) {at}", broken.told[0]
    ), broken.told
    enforcer.run(*words)
    assert len(broken.told) == 1, "told once"
    assert not any(ended in text for text in well.told[1:])


def test_an_act_that_fails_each_time_is_told_once(
    enforcer: Enforcer, hooks: tuple[Hook, Hook], tmp_path: Path
) -> None:
    hook, _ = hooks
    enforcer.cloud.fault("error", "ec2", "TerminateInstances", code="UnauthorizedOperation", status=403)
    words = ("--yes", "--exit-style", "zero", "--notify", hook.url, "--notify-state", str(tmp_path / "told"))
    for _ in range(3):
        assert enforcer.run(*words).returncode == 101
    assert len(hook.told) == 1, hook.told
    assert f"FAILED TO TERMINATE {enforcer.instance.id} " in hook.told[0], hook.told
    enforcer.cloud.clear_faults()
    assert enforcer.run(*words).returncode == 0
    assert len(hook.told) == 2 and f"TERMINATED {enforcer.instance.id} " in hook.told[1], hook.told
