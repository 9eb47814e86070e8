"""Jobs that waste a machine without ending: idle, never at work on a GPU, stalled, or done and still there."""

from __future__ import annotations

from collections.abc import Callable

from sandbox import Instance, Sandbox
from tests.e2e.helpers import (
    LIFE,
    POWER_OFF,
    SOON,
    assert_ended,
    assert_stays,
    now,
    objects,
    start,
    status,
)

Boot = Callable[..., Instance]

# The guard asks nvidia-smi every ten seconds.
_LOOK = 10.0
_HANGS = "echo weights >out/model; echo ready; while :; do sleep 1000; done"


def test_gpus_that_fall_idle_end_the_machine(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    instance.set_gpu({"utilization.gpu": 97}, {"utilization.gpu": 0})
    run = start(instance, _HANGS, "--idle-gpu", "15s", "--save", f"out/=s3://{bucket}/run/")
    instance.until(lambda: "GPU 0" in str(status(instance).get("gpus")), SOON, "a reading")
    assert_stays(instance, 2 * _LOOK)
    idle = now(instance)
    instance.set_gpu({"utilization.gpu": 4}, {"utilization.gpu": 0})
    instance.wait("terminated", LIFE)
    took = assert_ended(instance, idle, within=15 + 2 * _LOOK + POWER_OFF)
    assert took > 14
    assert run.code() == 124
    assert "the GPUs have been below 5% for" in run.log()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_gpus_that_cannot_be_read_are_not_idle(machine: Boot) -> None:
    instance = machine()
    instance.set_gpu({"utilization.gpu": 97})
    run = start(instance, _HANGS, "--idle-gpu", "5s")
    instance.until(lambda: "97%" in str(status(instance).get("gpus")), SOON, "a reading")
    instance.set_gpu({"utilization.gpu": 0}, hang=True)
    assert_stays(instance, 3 * _LOOK)
    assert status(instance)["stage"] == "running"
    assert run.code() is None


def test_a_gpu_that_was_never_used_ends_the_machine(machine: Boot) -> None:
    instance = machine()
    instance.set_gpu({"utilization.gpu": 0})
    began = now(instance)
    run = start(instance, _HANGS, "--gpu-start", "15s")
    instance.wait("terminated", LIFE)
    assert_ended(instance, began, within=15 + 2 * _LOOK + POWER_OFF)
    assert run.code() == 124
    assert "no GPU was ever busy" in run.log()


def test_a_stall_ends_the_machine_and_output_does_not(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start(
        instance,
        "echo weights >out/model; for i in {1..12}; do echo step $i; sleep 1; done; stamp; sleep 1000",
        *("--stall", "5s", "--save", f"out/=s3://{bucket}/run/"),
    )
    instance.wait("terminated", LIFE)
    took = assert_ended(instance, run.stamp(), within=5 + 3 + POWER_OFF)
    assert took > 2
    assert "step 12" in run.out()
    assert run.code() == 124
    assert "nothing was written to stdout or stderr for" in run.log()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_what_curfew_says_below_the_path_is_no_progress(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    # The log and stderr are files in the job's folder, as under nohup, and each save is told in them.
    run = start(
        instance,
        "echo 1 >out/model; stamp; sleep 1000",
        *("--stall", "15s", "--stall-path", ".", "--save", f"out/=s3://{bucket}/run/", "--save-every", "10s"),
    )
    instance.wait("terminated", LIFE)
    assert "while the job runs: saved" in run.log(), "else nothing was said while it stalled"
    assert "nothing was written to stdout or stderr or below" in run.log()
    assert run.code() == 124


def test_what_is_written_below_the_path_is_no_stall(machine: Boot) -> None:
    instance = machine()
    run = start(
        instance,
        "mkdir -p logs/deep; for i in {1..15}; do echo $i >>logs/deep/metrics; sleep 1; done; stamp; sleep 1000",
        *("--stall", "6s", "--stall-path", "logs"),
    )
    instance.wait("terminated", LIFE)
    # The path is looked at every five seconds.
    took = assert_ended(instance, run.stamp(), within=6 + 2 * 5 + 3 + POWER_OFF)
    assert took > 0
    assert "or below /root/run/logs for" in run.log()


def test_a_file_says_that_the_work_is_done(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    instance.sh("mkdir -p /root/run && touch /root/run/done")  # by an earlier run, so not this one's
    job = "known; echo ready; until [ -e /root/go ]; do sleep 0.05; done; echo weights >out/model; rm done; touch done; stamp; "
    run = start(instance, job + "sleep 1000", "--done-file", "done", "--save", f"out/=s3://{bucket}/run/")
    run.wait_out("ready")
    assert_stays(instance)
    instance.sh("touch /root/go")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp(), within=2 + POWER_OFF)
    assert run.code() == 0
    assert "the work is done: /root/run/done is there" in run.log()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_a_line_says_that_the_work_is_done(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    job = "known; seq 200000; echo weights >out/model; stamp; echo 'epoch 50/50 finished'; sleep 1000"
    run = start(instance, job, "--done-pattern", "^epoch (\\d+)/50 fin", "--save", f"out/=s3://{bucket}/run/")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp(), within=4 + POWER_OFF)
    assert run.code() == 0
    assert "the work is done: a line matched" in run.log()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}
