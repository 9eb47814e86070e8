"""How a run begins: two at once, one that a shell leaves behind, one that is over before the machine is known."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.fault_helpers import Boot
from tests.e2e.helpers import (
    INSIDE,
    LIFE,
    POWER_OFF,
    SOON,
    Run,
    assert_disarmed,
    assert_ended,
    assert_stays,
    objects,
    start,
)

# Its arguments: the folder, then curfew's words. It spins, so that all that wait begin in the same instant.
_AT_ONCE = """
cd "$1" || exit; shift
touch ready; until [ -e /run/go ]; do :; done
"$@" >stdout 2>stderr </dev/null
echo $? >code.new; mv code.new code; sync
"""
_JOB = """
read -r up _ </proc/uptime; echo $up >/root/begun-$1
echo job $1; sleep 1.5; echo job $1 over
echo $1 >>/root/over
read -r up _ </proc/uptime; echo $up >/root/stamp
exit $1
"""


def start_at_once(instance: Instance, codes: list[int], *options: str) -> dict[int, Run]:
    """One run for each code, which its job ends with; all wait for the same file, which then appears."""
    instance.sh("rm -f /run/go /root/over /root/begun-* /root/stamp")
    runs = {}
    for code in codes:
        runs[code] = run = Run(instance, f"run{code}")
        instance.sh(f"mkdir {run.folder}")
        words = [INSIDE, "run", "--max-time", "5m", "--log", "log", *options]
        words += ["--", "bash", "-c", _JOB, "bash", str(code)]
        instance.exec(
            ["bash", "-c", _AT_ONCE, "bash", run.folder, *words],
            detach=True,
            env={"AWS_ENDPOINT_URL": instance.cloud.guest_endpoint},
        )
    wait = (
        f"until [ $(ls /root/run*/ready | wc -l) = {len(codes)} ]; do sleep 0.05; done; rm /root/run*/ready"
    )
    instance.sh(wait, timeout=SOON)
    instance.write("/run/go", "")
    return runs


def assert_one_won(instance: Instance, runs: dict[int, Run]) -> None:
    """That one's job ran to its end, as if nobody else had been there; the others were told so, in a line."""
    won = [code for code, run in runs.items() if run.code() == code]
    assert len(won) == 1, {code: (run.code(), run.err()) for code, run in runs.items()}
    for code, run in runs.items():
        if code in won:
            assert run.out() == f"job {code}\njob {code} over\n"
            continue
        assert run.code() == 125, run.err()
        assert run.out() == ""
        assert run.err().startswith("curfew: ") and len(run.err().splitlines()) == 1, run.err()
        assert re.search(
            "another (one guards a job|`curfew run` is starting one) on this machine", run.err()
        ), run.err()
        assert instance.text(f"/root/begun-{code}", "never") == "never"
    assert instance.text("/root/over") == f"{won[0]}\n"


def test_of_two_runs_at_the_same_moment_one_wins(machine: Boot) -> None:
    instance = machine()
    for number in range(3):
        runs = start_at_once(instance, [10 + number, 20 + number], "--then", "none")
        for run in runs.values():
            run.wait_code(LIFE)
        assert_one_won(instance, runs)
        assert_disarmed(instance)
    runs = start_at_once(instance, [33, 44])
    instance.wait("terminated", LIFE)
    assert_ended(instance, next(iter(runs.values())).stamp())
    assert_one_won(instance, runs)


# A shell on a terminal, which runs its argument; the terminal goes when a file says so, as when a laptop is closed.
_TERMINAL = """
import os, pty, select, sys
os.chdir("/root/run")
pid, master = pty.fork()
if pid == 0:
    os.execv("/bin/bash", ["bash", "-c", sys.argv[1], "bash", *sys.argv[2:]])
with open("/root/run/screen", "wb", buffering=0) as screen:
    while not os.path.exists("/root/hang-up"):
        if select.select([master], [], [], 0.05)[0]:
            screen.write(os.read(master, 65536))
os.close(master)
_, status = os.waitpid(pid, 0)
print(os.waitstatus_to_exitcode(status), file=open("/root/run/shell", "w"))
"""
# What nohup starts keeps the shell's process group, which is in the foreground: the kernel's SIGHUP goes to all of it.
_NOHUP = """
nohup bash -c '"$@" & echo $! >pid; wait $!; code=$?; echo $code >code.new; mv code.new code; sync' bash "$@" &
wait
"""
_TALKS = """
mkdir -p out; echo ready
until [ -e /root/go ]; do sleep 0.05; done
for n in $(seq 1 2000); do echo line $n; done
echo weights >out/model
read -r up _ </proc/uptime; echo $up >/root/stamp
exit 6
"""


def test_nohup_outlives_its_terminal(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine(files={"/root/terminal.py": _TERMINAL})
    run = Run(instance)
    instance.sh(f"mkdir {run.folder}")
    words = [INSIDE, "run", "--max-time", "5m", "--log", "log", "--save", f"out/=s3://{bucket}/run/"]
    instance.exec(
        ["python3", "/root/terminal.py", _NOHUP, *words, "--", "bash", "-c", _TALKS],
        detach=True,
        env={"AWS_ENDPOINT_URL": cloud.guest_endpoint, "TERM": "xterm"},
    )
    told = f"{run.folder}/nohup.out"
    instance.until(lambda: "ready" in instance.text(told, ""), SOON, "job under nohup")
    front_end = run.pid()
    instance.write("/root/hang-up", "")
    instance.until(lambda: instance.text(f"{run.folder}/shell", ""), SOON, "end of the shell")
    assert_stays(instance, 2)
    assert instance.exec(["kill", "-0", str(front_end)]).code == 0, "the front end has gone with the terminal"
    assert run.code() is None
    instance.write("/root/go", "")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    assert run.code() == 6
    said = instance.text(told).splitlines()
    assert [line for line in said if line.startswith("line ")] == [f"line {n + 1}" for n in range(2000)]
    assert any("the command has ended: exit code 6" in line for line in said)
    assert "asked to stop" not in run.log()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


@pytest.mark.parametrize(
    "fault", [{"delay": 2.0}, {"error": 503}], ids=["imds-slow-at-first", "imds-failing-at-first"]
)
def test_a_job_that_is_over_before_imds_answers_ends_its_machine_as_the_tags_say(
    machine: Boot, fault: dict[str, Any]
) -> None:
    """Tagged as launched for a job, with a shutdown behaviour that would only stop it."""
    instance = machine(shutdown_behavior="stop")
    instance.imds_fails(**fault)
    run = start(instance, "stamp; exit 0", wait=False)
    instance.until(lambda: instance.text("/root/stamp", ""), SOON, "end of the job")
    time.sleep(2)  # the fault's own length, not a wait for anything
    instance.imds_fails()
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp(), within=10 + POWER_OFF, reason="Client.UserInitiatedShutdown")
    assert not [event for event in instance.events if event["event"] == "forced-off"]
    assert run.code() == 0
