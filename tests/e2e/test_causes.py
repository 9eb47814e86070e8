"""What else ends a job, and what people may ask of its guard: EC2's notices, signals before the end, commands before the
end, machines that are kept, and extending, stopping and disarming by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sandbox import Instance, Sandbox
from tests.e2e.helpers import (
    INSIDE,
    LIFE,
    POWER_OFF,
    SOON,
    assert_ended,
    assert_stays,
    now,
    objects,
    start,
    start_words,
    status,
    unit,
    wait_status,
)

Boot = Callable[..., Instance]

# The guard asks IMDS every five seconds.
_LOOK = 5.0

_CHECKPOINTS = """
trap 'echo step 41 >out/checkpoint; exit 5' TERM
echo ready; while :; do sleep 0.1; done
"""


def test_a_spot_notice_stops_saves_and_ends_in_time(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine(spot=True)
    run = start(instance, _CHECKPOINTS, "--save", f"out/=s3://{bucket}/run/")
    run.wait_out("ready")
    run.wait_err("when the job is over")
    noticed = now(instance)
    instance.spot_notice(seconds=120)
    instance.wait("terminated", LIFE)
    assert_ended(instance, noticed, within=2 * _LOOK + POWER_OFF)
    assert run.code() == 75
    assert "EC2 takes this spot instance back in" in run.log()
    assert objects(cloud, bucket) == {"run/checkpoint": b"step 41\n"}


def test_a_spot_notice_leaves_a_deaf_job_a_third(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    """Its grace of ten minutes would outlast the instance: what is left is shared out, and the save has its part."""
    instance = machine(spot=True)
    job = "trap '' TERM; echo weights >out/model; echo ready; while :; do sleep 0.1; done"
    run = start(instance, job, "--save", f"out/=s3://{bucket}/run/", "--grace", "10m")
    run.wait_out("ready")
    run.wait_err("when the job is over")
    noticed = now(instance)
    instance.spot_notice(seconds=30)
    instance.wait("terminated", LIFE)
    assert_ended(instance, noticed, within=30)
    assert run.code() == 75
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_a_notice_is_not_looked_for_where_that_is_off(machine: Boot, cloud: Sandbox) -> None:
    instance = machine(spot=True)
    run = start(instance, "echo ready; sleep 1000", "--spot-notice", "off")
    run.wait_err("when the job is over")
    instance.spot_notice(seconds=600)
    assert_stays(instance, 2 * _LOOK)
    assert status(instance)["stage"] == "running"


def test_the_command_before_the_end_is_the_jobs_and_its_results_are_saved(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    run = start(
        instance,
        "known; echo weights >out/model; stamp; exit 3",
        *("--save", f"out/=s3://{bucket}/run/"),
        *(
            "--before-end",
            "tr a-z A-Z <out/model >out/converted; echo because of $CURFEW_CAUSE; echo $SECRET_SIZE",
        ),
        env={"SECRET_SIZE": "of the caller"},
    )
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    assert run.code() == 3
    assert "--before-end: because of job_ended" in run.log()
    assert "--before-end: of the caller" in run.log()
    assert objects(cloud, bucket) == {"run/model": b"weights\n", "run/converted": b"WEIGHTS\n"}


def test_a_command_before_the_end_that_hangs_is_killed(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start(
        instance,
        "known; echo weights >out/model; stamp",
        *("--save", f"out/=s3://{bucket}/run/"),
        *("--before-end", "yes | head -c 1000000; trap '' TERM; sleep 1000", "--before-end-limit", "3s"),
    )
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp(), within=3 + POWER_OFF)
    assert run.code() == 0
    assert "the command of --before-end took too long" in run.log()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_a_failed_command_keeps_the_machine_until_it_is_stopped(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    run = start(
        instance,
        "known; echo weights >out/model; exit 3",
        *("--save", f"out/=s3://{bucket}/run/", "--keep-on-failure", "10m"),
    )
    assert run.wait_code() == 3, "the front end need not wait for it"
    assert status(instance)["stage"] == "holding"
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}
    assert_stays(instance)
    stopped = now(instance)
    instance.sh(f"{INSIDE} stop")
    assert_ended(instance, stopped)


def test_a_machine_is_kept_only_as_long_as_was_asked(machine: Boot) -> None:
    instance = machine()
    run = start(instance, "known; stamp; exit 3", "--keep-on-failure", "5s")
    instance.wait("terminated", LIFE)
    took = assert_ended(instance, run.stamp(), within=5 + POWER_OFF)
    assert took > 4.5
    assert "the machine is kept for 5s" in run.log()


def test_a_success_keeps_nothing(machine: Boot) -> None:
    instance = machine()
    run = start(instance, "known; stamp", "--keep-on-failure", "10m")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())


def test_the_command_is_signalled_before_it_is_stopped(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start(
        instance,
        "trap 'echo early >out/checkpoint; echo $SECONDS' USR1; sleep 1000 & while :; do wait; done",
        *("--max-time", "9s", "--signal", "USR1@5s", "--save", f"out/=s3://{bucket}/run/"),
    )
    instance.wait("terminated", LIFE)
    assert run.code() == 124
    assert "sending the command SIGUSR1, 5s before it's stopped" in run.log()
    assert int(run.out().split()[0]) in range(3, 9)
    assert objects(cloud, bucket) == {"run/checkpoint": b"early\n"}


def test_extend_moves_the_job_and_every_layer(machine: Boot) -> None:
    instance = machine()
    run = start(instance, "echo ready; sleep 1000", "--max-time", "20s", "--grace", "1s")
    run.wait_err("when the job is over")
    before = unit(instance, "curfew-l0.timer", "NextElapseUSecRealtime")
    said = instance.exec([INSIDE, "extend", "1h"])
    assert said.code == 0 and "extended by 1h: stop at " in said.out, said
    left = status(instance)["stop_at"]["left_s"]
    assert 3500 < left <= 3620
    instance.until(
        lambda: unit(instance, "curfew-l0.timer", "NextElapseUSecRealtime") != before, SOON, "L0's move"
    )
    assert_stays(instance, 22)
    assert status(instance)["stage"] == "running"
    stopped = now(instance)
    instance.sh(f"{INSIDE} stop --now")
    assert_ended(instance, stopped)
    assert run.code() == 128 + 9
    assert "asked to stop at once" in run.log()


def test_a_deadline_that_others_hold_cannot_be_moved_from_here(machine: Boot) -> None:
    held = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    instance = machine(tags={"curfew:job": "test", "curfew:deadline": held})
    run = start(instance, "echo ready; sleep 1000")
    run.wait_err("when the job is over")
    said = instance.exec([INSIDE, "extend", "10m"])
    assert said.code == 0, "up to it the guard's times are its own"
    before = status(instance)["stop_at"]["at"]
    for words in (["extend", "2h"], ["disarm"]):
        said = instance.exec([INSIDE, *words])
        assert said.code == 1 and "is held outside this machine" in said.err, said
        assert f"curfew extend {instance.id} TIME --region us-east-1" in said.err, "what to do elsewhere"
    said = instance.exec([INSIDE, "extend", "50d"])
    assert said.code == 125 and "is more than 31 days" in said.err, said
    assert status(instance)["stop_at"]["at"][:-4] == before[:-4]
    assert unit(instance, "curfew-l0.timer", "ActiveState") == {"ActiveState": "active"}


def test_disarmed_nothing_ends_but_results_are_saved(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start(
        instance,
        "echo ready; until [ -e /root/go ]; do sleep 0.05; done; echo weights >out/model",
        *("--save", f"out/=s3://{bucket}/run/", "--max-time", "20s"),
    )
    run.wait_err("when the job is over")
    said = instance.exec([INSIDE, "disarm"])
    assert said.code == 0 and "NOTHING ENDS THIS MACHINE" in said.out, said
    assert "NOTHING ENDS THIS MACHINE" in run.log()
    shown = status(instance)
    assert shown["disarmed"] and not shown["ends_machine"] and "DISARMED" in shown["ending"], shown
    instance.until(
        lambda: unit(instance, "curfew-l0.timer", "ActiveState")["ActiveState"] != "active", SOON, "L0's end"
    )
    # What isn't there any more needn't be taken off: asked again, and at the end of the job, nothing fails.
    said = instance.exec([INSIDE, "disarm"])
    assert said.code == 0 and "NOTHING ENDS THIS MACHINE" in said.out, said
    assert_stays(instance, 22)
    instance.sh("touch /root/go")
    assert run.wait_code() == 0
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}
    assert_stays(instance)
    assert "disarm L0" not in run.log() and "Failed to stop" not in run.log(), run.log()


def test_a_process_that_runs_already_is_guarded(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    job = "mkdir -p /root/out; echo $$ >/root/job; until [ -e /root/go ]; do sleep 0.05; done"
    instance.exec(
        [
            "bash",
            "-c",
            job + "; echo weights >/root/out/model; read -r up _ </proc/uptime; echo $up >/root/stamp",
        ],
        detach=True,
    )
    pid = str(instance.until(lambda: instance.text("/root/job", "").strip(), SOON, "job"))
    run = start_words(instance, ["--pid", pid, "--save", f"/root/out/=s3://{bucket}/run/"])
    run.wait_err("when the job is over")
    wait_status(instance, stage="running")
    instance.sh("touch /root/go")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    assert run.code() == 0
    assert f"process {pid} has ended; how can't be known" in run.out()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_a_deaf_process_that_runs_already_is_killed_with_its_children(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    job = """trap '' TERM; mkdir -p /root/out; echo $$ >/root/job
    bash -c 'trap "" TERM; while :; do date +%s.%N >/root/out/alive; sleep 0.1; done' & wait; wait"""
    instance.exec(["bash", "-c", job], detach=True)
    pid = str(instance.until(lambda: instance.text("/root/job", "").strip(), SOON, "job"))
    run = start_words(
        instance,
        [
            "--pid",
            pid,
            "--save",
            f"/root/out/=s3://{bucket}/run/",
            "--max-time",
            "3s",
            "--grace",
            "3s",
        ],
    )
    began = now(instance)
    instance.wait("terminated", LIFE)
    assert_ended(instance, began, within=8 + POWER_OFF)
    assert run.code() == 124
    assert list(objects(cloud, bucket)) == ["run/alive"], "nothing changed it while it was saved"
