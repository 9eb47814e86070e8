"""How a job ends, and that the machine ends with it: results saved first, the exit code known, nothing billed after."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.helpers import assert_ended, objects, start

Boot = Callable[..., Instance]


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("stamp; exit 0", 0, "exit code 0"),
        ("stamp; exit 1", 1, "exit code 1"),
        ("stamp; exit 77", 77, "exit code 77"),
        ("stamp; kill -SEGV $$", 139, "signal 11"),
        ("stamp; kill -KILL $$", 137, "SIGKILL"),
    ],
    ids=["success", "exit-1", "exit-77", "segfault", "sigkill"],
)
def test_the_command_ends(
    machine: Boot, cloud: Sandbox, bucket: str, script: str, code: int, said: str
) -> None:
    instance = machine()
    run = start(
        instance, f"echo weights >out/model; echo trained; {script}", "--save", f"out/=s3://{bucket}/run/"
    )
    instance.wait("terminated")
    assert_ended(instance, run.stamp())
    assert run.code() == code
    assert f"the command has ended: {said}" in run.log() or f"killed by {said}" in run.log()
    assert run.out() == "trained\n"
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}
