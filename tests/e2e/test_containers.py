"""Containers that the job starts: their parent is Docker's daemon, and they end with the job all the same."""

from __future__ import annotations

from collections.abc import Callable

from sandbox import Instance, Sandbox
from tests.e2e import fake_docker
from tests.e2e.helpers import (
    LIFE,
    POWER_OFF,
    SOON,
    assert_ended,
    assert_stays,
    guard_pid,
    now,
    objects,
    start,
)

Boot = Callable[..., Instance]

# How long the guard waits for an answer of docker's (guard/job_containers.hpp, k_ask_limit), and the policy for what
# SIGKILL leaves (guard/policy.hpp, k_kill_limit).
ASK_LIMIT = 5.0
KILL_LIMIT = 5.0

# A container's commands; /root/run/out is what they have mounted.
_OUT = "/root/run/out"
_SAVES_AT_THE_END = f"trap 'sleep 1; echo last >{_OUT}/model; exit 0' TERM; echo early >{_OUT}/model; while :; do sleep 0.05; done"
_DEAF = f"trap '' TERM INT; while :; do date +%s.%N >{_OUT}/alive; sleep 0.05; done"
_COUNTS_SIGNALS = (
    f"n=0; trap 'n=$((n + 1)); echo $n >{_OUT}/signals' INT TERM; echo up >{_OUT}/up; "
    f"until [ $n != 0 ]; do sleep 0.05; done; sleep 1; echo weights >{_OUT}/model; exit 3"
)


def _detached(command: str, shows: str) -> str:
    """For a job's script: a container in the background, at work."""
    return f'docker run -d -v {_OUT}:/out image "{_quoted(command)}"; until [ -e out/{shows} ]; do sleep 0.05; done; '


def _quoted(command: str) -> str:
    return command.replace("$", r"\$").replace('"', r"\"")


def test_a_container_that_the_job_left_is_stopped_before_results_are_saved(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    fake_docker.install(instance)
    run = start(
        instance,
        "known; " + _detached(_SAVES_AT_THE_END, "model") + "stamp",
        *("--save", f"out/=s3://{bucket}/run/", "--grace", "20s"),
    )
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp(), within=1 + POWER_OFF)
    assert run.code() == 0
    assert objects(cloud, bucket) == {"run/model": b"last\n"}
    assert "stopping what was started since the job began" in run.log()


def test_a_container_in_the_foreground_hears_the_stop_once(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    """By its client, as without curfew: a second signal would end many a program in the middle of its checkpoint."""
    instance = machine()
    fake_docker.install(instance)
    run = start(
        instance,
        f'known; docker run --rm -v {_OUT}:/out image "{_quoted(_COUNTS_SIGNALS)}"',
        *("--save", f"out/=s3://{bucket}/run/", "--max-time", "6s", "--grace", "20s"),
    )
    began = now(instance)
    instance.wait("terminated", LIFE)
    assert_ended(instance, began, within=6 + 1 + POWER_OFF)
    assert run.code() == 124
    assert objects(cloud, bucket) == {"run/up": b"up\n", "run/signals": b"1\n", "run/model": b"weights\n"}


def test_a_deaf_container_is_killed_before_results_are_saved(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    fake_docker.install(instance)
    run = start(
        instance,
        f'known; (until [ -e out/alive ]; do sleep 0.05; done; stamp) & docker run --rm -v {_OUT}:/out image "{_quoted(_DEAF)}"',
        *("--save", f"out/=s3://{bucket}/run/", "--max-time", "6s", "--grace", "2s"),
    )
    began = now(instance)
    instance.wait("terminated", LIFE)
    assert_ended(instance, began, within=6 + 2 + KILL_LIMIT + POWER_OFF)
    assert run.code() == 124
    assert "killing what was started since the job began" in run.log()
    assert "SIGKILL hasn't ended all" not in run.log()
    last = instance.text("/root/run/out/alive").encode()
    assert objects(cloud, bucket) == {"run/alive": last}, "it wrote on after it was saved"


def test_a_docker_that_hangs_holds_up_the_end_no_longer_than_its_limit(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    fake_docker.install(instance)
    run = start(
        instance,
        "known; echo weights >out/model; until [ -e /run/go ]; do sleep 0.05; done; stamp",
        *("--save", f"out/=s3://{bucket}/run/", "--grace", "60s"),
    )
    run.wait_err("when the job is over")
    fake_docker.hang(instance)
    instance.write("/run/go", "")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp(), within=ASK_LIMIT + POWER_OFF)
    assert run.code() == 0
    assert run.log().count("containers that the job starts can't be seen or stopped") == 1
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_where_the_machine_stays_older_containers_and_other_peoples_run_on(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    """A new guard knows as much: the first one is killed in between."""
    instance = machine()
    fake_docker.install(instance)
    older = fake_docker.run(instance, "-v", f"{_OUT}:/out", "image", "exec sleep 1000")
    run = start(
        instance,
        _detached(_SAVES_AT_THE_END, "model") + "until [ -e /run/go ]; do sleep 0.05; done",
        *("--save", f"out/=s3://{bucket}/run/", "--then", "none"),
    )
    fake_docker.wait_running(instance, 2)
    others = fake_docker.run(instance, "-v", "/home/somebody:/work", "image", "exec sleep 1000")
    first = guard_pid(instance)
    instance.sh(f"kill -9 {first}")
    instance.until(lambda: guard_pid(instance) not in (0, first), SOON, "another guard")
    run.wait_err("a new guard takes over")
    instance.write("/run/go", "")
    assert run.wait_code() == 0
    assert objects(cloud, bucket) == {"run/model": b"last\n"}
    assert sorted(fake_docker.running(instance)) == sorted([older, others])
    assert f"it may be somebody else's: container {others[:12]} " in run.log()
    assert_stays(instance)


def test_where_the_machine_stays_the_jobs_own_container_does_not(machine: Boot) -> None:
    """Deaf, and with nothing of what is saved: its client in the job's tree tells that it's the job's."""
    instance = machine()
    fake_docker.install(instance)
    instance.sh("mkdir -p /root/run/out")
    others = fake_docker.run(instance, "image", "exec sleep 1000")
    run = start(
        instance,
        f'docker run --rm image "{_quoted(_DEAF)}"; echo never',
        *("--then", "none", "--max-time", "5s", "--grace", "2s"),
    )
    assert run.wait_code(5 + 2 + KILL_LIMIT + SOON) == 124
    assert fake_docker.running(instance) == [others]
    assert "killing what was started since the job began" in run.log()
    assert "SIGKILL hasn't ended all" not in run.log()
    assert_stays(instance)


def test_docker_is_not_asked_while_the_job_runs(machine: Boot) -> None:
    instance = machine()
    fake_docker.install(instance)
    run = start(instance, "echo ready; sleep 1000", "--then", "none")
    run.wait_err("when the job is over")
    instance.until(lambda: fake_docker.calls(instance), SOON, "the question at the start")
    assert_stays(instance, 12)
    assert fake_docker.calls(instance) == ["ps --quiet --no-trunc"]
    instance.sh("/usr/local/bin/curfew stop --now")
    run.wait_code()
