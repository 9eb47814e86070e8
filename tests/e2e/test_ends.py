"""How a job ends, and that the machine ends with it: results saved first, the exit code known, nothing billed after."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.helpers import INSIDE, LIFE, POWER_OFF, SOON, assert_ended, objects, start, start_words

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


def test_user_data_of_a_launch(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    """As it is used: by cloud-init, at the first boot, with nothing but the endpoint of this local AWS set."""
    script = f"""#!/bin/bash
export AWS_ENDPOINT_URL={cloud.guest_endpoint}
mkdir -p /root/run/out && cd /root/run || exit
{INSIDE} run --max-time 5m --save out/=s3://{bucket}/first/ --log log --shell \
  'echo weights >out/model; read -r up _ </proc/uptime; echo $up >/root/stamp; exit 3' >stdout 2>stderr
echo $? >code; sync
"""
    instance = machine(cloud_init=True, user_data=script)
    instance.wait("terminated", LIFE)
    assert_ended(instance, float(instance.text("/root/stamp")))
    assert "the command has ended: exit code 3" in instance.text("/root/run/log")
    assert objects(cloud, bucket) == {"first/model": b"weights\n"}


# Ignores SIGTERM; its children are a stopped one, one in a session of its own, and one whose parent has gone as well.
_CLINGS = """
trap '' TERM
cling() { echo $BASHPID >>/root/pids; while :; do sleep 0.1; done; }
cling & kill -STOP $!
export -f cling
setsid bash -c 'trap "" TERM; cling' &
setsid bash -c 'trap "" TERM; (cling &) ; exit' &
echo $$ >>/root/pids
echo partial >out/model
until [ $(wc -l </root/pids) = 4 ]; do sleep 0.05; done
stamp; echo ready
while :; do sleep 0.1; done
"""


def test_the_time_limit_ends_all_that_the_command_left(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    # So that there is time to look at the machine while results are being saved.
    cloud.fault("slow", service="s3", path=f"/{bucket}/", instance=instance.id, delay=2)
    limits = [
        "--max-time",
        "8s",
        "--grace",
        "2s",
        "--save",
        f"out/=s3://{bucket}/run/",
        "--save-limit",
        "30s",
    ]
    run = start(instance, _CLINGS, *limits)
    run.wait_out("ready")
    pids = instance.text("/root/pids").split()
    assert len(set(pids)) == 4
    run.wait_err("curfew: saving, for ", LIFE)
    left = instance.sh(f"for pid in {' '.join(pids)}; do [ ! -d /proc/$pid ] || cat /proc/$pid/stat; done")
    assert not left, "processes of the job are alive while its results are saved"
    instance.wait("terminated", LIFE)
    # `ready` came before the limit; after that the grace, and a few calls of 2 s each.
    took = assert_ended(instance, run.stamp(), within=8 + 2 + 10 + POWER_OFF)
    assert took > 2
    assert run.code() == 124
    assert "time limit reached after 8s" in run.log()
    assert "still running after the grace period: SIGKILL to the whole tree" in run.log()
    assert objects(cloud, bucket) == {"run/model": b"partial\n"}


def test_a_save_that_needs_most_of_its_limit_is_let_finish(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    cloud.fault("slow", service="s3", op="PutObject", instance=instance.id, delay=9)
    limits = [
        "--max-time",
        "6s",
        "--grace",
        "1s",
        "--save",
        f"out/=s3://{bucket}/run/",
        "--save-limit",
        "14s",
    ]
    run = start(
        instance, "trap 'stamp; exit' TERM; echo weights >out/model; while :; do sleep 0.1; done", *limits
    )
    instance.wait("terminated", LIFE)
    # Not before the save could be through, and not later than the end that was promised, and the power-off.
    took = assert_ended(instance, run.stamp(), within=14 + POWER_OFF)
    assert took > 9
    assert run.code() == 124
    assert "everything is saved" in run.log()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_saving_has_its_limit(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    cloud.fault("hang", service="s3", op="PutObject", instance=instance.id)
    options = ["--save", f"out/=s3://{bucket}/run/", "--save-limit", "3s"]
    run = start(instance, "echo weights >out/model; stamp; exit 0", *options)
    instance.wait("terminated", LIFE)
    took = assert_ended(instance, run.stamp(), within=3 + POWER_OFF)
    assert took > 2, "the save ends a quarter of so short a limit before it, to tell what is missing"
    assert run.code() == 125, "an unsaved success is no success"
    assert "NOT saved: 1 file" in run.log() and "out/model" in run.log()
    assert "the limit for saving ran out" in run.err() and "not everything could be saved" in run.err()
    assert objects(cloud, bucket) == {}


def test_a_failure_keeps_its_code_where_results_are_not_saved(machine: Boot, cloud: Sandbox) -> None:
    instance = machine()
    run = start(instance, "echo weights >out/model; stamp; exit 9", "--save", "out/=s3://no-such-bucket/run/")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    assert run.code() == 9
    assert "NOT saved: 1 file" in run.err() and "out/model" in run.err() and "NoSuchBucket" in run.err()


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [("no-such-command", 127, "command not found"), ("/etc/passwd", 126, "Permission denied")],
)
def test_a_command_that_cannot_be_started_ends_the_machine_where_nobody_watches(
    machine: Boot, cloud: Sandbox, command: str, code: int, said: str
) -> None:
    """On a terminal it would end nothing; here nobody is there to type it again."""
    instance = machine()
    launched = instance.powered_on_at
    assert launched is not None
    run = start_words(instance, ["--max-time", "5m", "--", command], wait=False)
    instance.wait("terminated", SOON)
    assert_ended(instance, launched, within=SOON + POWER_OFF)
    assert run.code() == code
    assert said in run.err()
