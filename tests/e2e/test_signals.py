"""Who asks for the end: the front end's user, someone else's shutdown, a reboot, EC2 itself. Nobody's wish is lost, and
nothing that only concerns the terminal ends anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.helpers import (
    INSIDE,
    LIFE,
    POWER_OFF,
    SOON,
    Run,
    assert_ended,
    assert_no_call,
    assert_stays,
    guard_pid,
    now,
    objects,
    start,
    unit,
    wait_status,
)

Boot = Callable[..., Instance]

# On the signal it saves a checkpoint, as a good trainer does.
_CHECKPOINTS = """
trap 'echo step 41 >out/checkpoint; stamp; exit 5' TERM INT
trap 'echo hung up >out/wrong' HUP
echo ready; while :; do sleep 0.1; done
"""
_UNTIL_TOLD = (
    "echo ready; until [ -e /root/go ]; do sleep 0.05; done; echo weights >out/model; echo over; stamp"
)


@pytest.mark.parametrize("signal", ["TERM", "INT"])
def test_a_signal_to_the_front_end_stops_the_job_in_order(
    machine: Boot, cloud: Sandbox, bucket: str, signal: str
) -> None:
    instance = machine()
    run = start(instance, _CHECKPOINTS, "--save", f"out/=s3://{bucket}/run/")
    run.wait_out("ready")
    instance.sh(f"kill -{signal} {run.pid()}")
    asked = now(instance)
    instance.wait("terminated", LIFE)
    assert_ended(instance, asked)
    assert run.code() == 5, "its own code, for it ended by itself"
    assert f"asked to stop with SIG{signal}" in run.log()
    assert objects(cloud, bucket) == {"run/checkpoint": b"step 41\n"}


def test_a_second_interrupt_kills_at_once(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    script = "echo weights >out/model; trap '' INT TERM; echo ready; while :; do sleep 0.1; done"
    run = start(instance, script, "--grace", "5m", "--save", f"out/=s3://{bucket}/run/")
    run.wait_out("ready")
    instance.sh(f"kill -INT {run.pid()}")
    run.wait_err("asked to stop with SIGINT")
    assert_stays(instance, 2)
    assert run.code() is None, "five minutes of grace are not over"
    instance.sh(f"kill -INT {run.pid()}")
    asked = now(instance)
    instance.wait("terminated", LIFE)
    assert_ended(instance, asked)
    assert run.code() == 128 + 9
    assert "asked to stop at once: SIGKILL to the whole tree" in run.log()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_a_killed_front_end_changes_nothing(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    run = start(instance, _UNTIL_TOLD, "--save", f"out/=s3://{bucket}/run/")
    run.wait_out("ready")
    instance.sh(f"kill -KILL {run.pid()}")
    run.wait_code()
    assert_stays(instance, 2)
    assert wait_status(instance, stage="running")["cause"] is None
    instance.sh("touch /root/go")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    assert "the command has ended: exit code 0" in run.log()
    assert instance.text("/var/lib/curfew/output.log") == "ready\nover\n"
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


# Runs its arguments on a terminal, until a file says that the terminal is to go, as when a laptop is closed.
_TERMINAL = """
import os, pty, select, sys
os.chdir("/root/run")
pid, master = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
with open("/root/run/screen", "wb", buffering=0) as screen:
    while not os.path.exists("/root/hang-up"):
        if select.select([master], [], [], 0.05)[0]:
            screen.write(os.read(master, 65536))
os.close(master)
_, status = os.waitpid(pid, 0)
print(os.waitstatus_to_exitcode(status), file=open("/root/run/code", "w"))
"""


def test_a_terminal_that_goes_away_changes_nothing(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine(files={"/root/terminal.py": _TERMINAL})
    run = Run(instance)
    script = (
        "trap 'echo hung up >out/wrong' HUP; stamp() { read -r up _ </proc/uptime; echo $up >/root/stamp; }\n"
    )
    script += "mkdir -p out; [ -t 1 ] && echo on a terminal;" + _UNTIL_TOLD
    words = [INSIDE, "run", "--max-time", "5m", "--log", "log", "--save", f"out/=s3://{bucket}/run/", "--"]
    instance.sh(f"mkdir {run.folder}")
    instance.exec(
        ["python3", "/root/terminal.py", *words, "bash", "-c", script],
        detach=True,
        env={"AWS_ENDPOINT_URL": cloud.guest_endpoint, "TERM": "xterm"},
    )
    screen = f"{run.folder}/screen"
    instance.until(lambda: "ready" in instance.text(screen, ""), SOON, "job on a terminal")
    assert "on a terminal" in instance.text(screen)
    instance.sh("touch /root/hang-up")
    assert run.wait_code() in (129, -1), "the front end goes with its terminal"
    assert_stays(instance, 2)
    instance.sh("touch /root/go")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    assert "the command has ended: exit code 0" in run.log()
    assert "asked to stop" not in run.log()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


def test_sigterm_to_the_guard_finishes_in_order(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    """As by `systemctl stop curfew`: the job isn't left alone, and the machine does not go on without a guard."""
    instance = machine()
    run = start(instance, _CHECKPOINTS, "--save", f"out/=s3://{bucket}/run/")
    run.wait_out("ready")
    instance.sh(f"kill -TERM {guard_pid(instance)}")
    asked = now(instance)
    instance.wait("terminated", LIFE)
    assert_ended(instance, asked)
    assert run.code() == 5
    assert objects(cloud, bucket) == {"run/checkpoint": b"step 41\n"}


@pytest.mark.parametrize("by", ["shutdown", "console"])
def test_another_hand_ends_the_machine(machine: Boot, cloud: Sandbox, bucket: str, by: str) -> None:
    """`shutdown -h now` in it, or TerminateInstances: the job's last checkpoint is saved, and nobody's ladder climbed."""
    instance = machine()
    run = start(instance, _CHECKPOINTS, "--save", f"out/=s3://{bucket}/run/")
    run.wait_out("ready")
    asked = now(instance)
    if by == "shutdown":
        instance.power_off()
    else:
        instance.terminate()
    instance.wait("terminated", LIFE)
    # Behind the API's request the machine is cut off after a bound; an orderly end needs far less.
    reason = {"shutdown": "Client.InstanceInitiatedShutdown", "console": "Client.UserInitiatedShutdown"}[by]
    off = instance.powered_off_at
    assert off is not None and off - asked < POWER_OFF
    assert not [event for event in instance.events if event["event"] == "forced-off"]
    if by == "shutdown":
        assert_ended(instance, asked)
    assert instance.reason() == reason
    assert "going down by another's hand" in run.log()
    assert "ending this machine" not in run.log() and "ending the machine" not in run.log()
    assert_no_call(cloud, instance, "TerminateInstances", "StopInstances")
    assert [event["event"] for event in instance.events].count("off") == 1
    assert objects(cloud, bucket) == {"run/checkpoint": b"step 41\n"}


def test_an_orderly_reboot_ends_the_machine_after_it(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    """The checkpoint is saved while the old boot goes down; the new one finds the job over, and ends."""
    instance = machine()
    run = start(instance, _CHECKPOINTS, "--save", f"out/=s3://{bucket}/run/")
    run.wait_out("ready")
    asked = now(instance)
    instance.exec(["systemctl", "reboot"])
    instance.wait_event("reboot", SOON)
    assert objects(cloud, bucket) == {"run/checkpoint": b"step 41\n"}
    instance.wait("terminated", LIFE)
    # Down, up again (which takes a second or two here), and down.
    assert_ended(instance, asked, within=2 * POWER_OFF)
    assert "the machine came back after it went down" in run.log()
    assert objects(cloud, bucket) == {"run/checkpoint": b"step 41\n"}


def elapse_time(text: str) -> datetime:
    """As systemctl shows it: "Tue 2026-11-24 17:31:07 UTC"."""
    return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S UTC")


def test_a_sudden_reboot_saves_what_is_there_and_ends_the_machine(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    """As after a kernel panic: the job is gone; what it left is saved by the guard of the new boot, under the old times."""
    instance = machine()
    run = start(
        instance,
        "echo weights >out/model; sync; echo ready; sleep 1000",
        *("--save", f"out/=s3://{bucket}/run/", "--save-limit", "40s"),
    )
    run.wait_out("ready")
    before = wait_status(instance, stage="running")
    elapses = ("NextElapseUSecRealtime", "UnitFileState", "ActiveState")
    l0 = unit(instance, "curfew-l0.timer", *elapses)
    assert l0["ActiveState"] == "active"
    l0_at = elapse_time(l0.pop("NextElapseUSecRealtime"))
    # So that the new boot can be looked at before it is over.
    fault = cloud.fault("hang", service="s3", instance=instance.id)
    instance.exec(["systemctl", "reboot", "-ff"])
    instance.wait_event("reboot", SOON)
    instance.wait_up()
    after = wait_status(instance, stage="saving")
    assert after["cause"] == "rebooted"
    assert after["stop_at"]["at"][:-4] == before["stop_at"]["at"][:-4], (
        "times are absolute: a reboot moves none"
    )
    rearmed = unit(instance, "curfew-l0.timer", *elapses)
    # Whole seconds, rounded anew from what is left.
    assert abs(elapse_time(rearmed.pop("NextElapseUSecRealtime")) - l0_at) <= timedelta(seconds=2)
    assert rearmed == l0
    cleared = now(instance)
    cloud.clear_faults(fault)
    instance.wait("terminated", LIFE)
    # A call that hung is given up and tried again.
    assert_ended(instance, cleared, within=10 + POWER_OFF)
    assert "found after a reboot in stage running: the job is gone" in run.log()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}
