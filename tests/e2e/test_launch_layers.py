"""What ends a launched instance when all but one of its layers are gone, each by itself; and launches that go wrong on the
instance before anything of curfew's runs there, or can't be made at all."""

from __future__ import annotations

import base64
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.acting import Caller, overdue
from tests.e2e.fault_helpers import L0_POWER_OFF, L2_POWER_OFF, go, kill_guard
from tests.e2e.helpers import CURFEW, LIFE, SOON, assert_ended, assert_no_call, assert_stays, unit
from tests.e2e.launching import Launcher, ended

PROGRAM = "/var/lib/curfew/bin/curfew"
WAITS = "while [ ! -e /run/go ]; do sleep 0.1; done"
# Of the shortest launch: a minute, one of grace, two for the logs; a minute later L0.
SHORTEST = ("--max-time", "1m")
L0_AFTER = 300
# From the launch on, with a launcher whose clock is behind: long enough for a machine to boot on a host that is busy.
L0_AHEAD = 75
# Until the schedule of the shortest launch has fired.
FIRED = 25 * 60


def delete_schedule(cloud: Sandbox, instance: Instance) -> None:
    cloud.client("scheduler").delete_schedule(Name=f"curfew-{instance.id}")


def take_l0_away(instance: Instance) -> None:
    """A guard that has just begun may arm it once more."""
    units = "/etc/systemd/system"

    def is_gone() -> bool:
        instance.sh(
            f"systemctl stop curfew-l0.timer; rm -f {units}/curfew-l0* {units}/timers.target.wants/curfew-l0*;"
            " systemctl daemon-reload; sleep 1"
        )
        return unit(instance, "curfew-l0.timer", "LoadState")["LoadState"] == "not-found"

    instance.until(is_gone, LIFE, "removal of L0")


def guarded(instance: Instance) -> None:
    instance.wait_up()
    instance.wait_output("when the job is over", LIFE)


def cut_off_before_it_has_a_guard(cloud: Sandbox, launcher: Launcher, *options: str) -> tuple[Instance, str]:
    """One whose boothook has armed L0, and whose script never got curfew: its network is cut, and cloud-init with all that
    it has started is killed. Nothing of curfew's runs there."""
    with cloud.failing("hang", service="s3", op="GetObject"):
        instance, plan = launcher.launch(*options, shell="sleep 900")
        instance.until(
            lambda: any(
                call["op"] == "GetObject" and call["source"] == instance.id for call in cloud.requests
            ),
            LIFE,
            "fetch",
        )
        instance.cut_network()
        instance.sh("systemctl kill --signal=SIGKILL cloud-final.service")
    instance.until(
        lambda: unit(instance, "cloud-final.service", "ActiveState")["ActiveState"] == "failed", SOON, "kill"
    )
    assert instance.exec(["pgrep", "-f", "curfew-start|fetch.py|lib/curfew"]).out == ""
    assert unit(instance, "curfew.service", "LoadState")["LoadState"] == "not-found"
    assert unit(instance, "curfew-l0.timer", "ActiveState")["ActiveState"] == "active"
    return instance, plan


def test_l0_alone_ends_an_instance_that_is_cut_off(cloud: Sandbox, launcher: Launcher) -> None:
    """The launcher's clock is behind, so that the deadline of the shortest launch is near."""
    clock = Path(__file__).with_name("guest_clock.py")
    launcher.program = [sys.executable, str(clock), "run", str(L0_AHEAD - L0_AFTER), str(CURFEW)]
    instance, plan = cut_off_before_it_has_a_guard(cloud, launcher, *SHORTEST)
    delete_schedule(cloud, instance)
    found = re.search(r"else L0 +(\S+)", plan)
    assert found
    left = (datetime.fromisoformat(found.group(1)) - datetime.now(UTC)).total_seconds()
    assert 0 < left <= L0_AHEAD, f"{left} s"
    fires = time.monotonic() + left
    assert_ended(instance, fires, within=L0_POWER_OFF, timeout=L0_AHEAD + LIFE)
    assert_no_call(cloud, instance, "TerminateInstances", "StopInstances")


def test_l3_alone_ends_an_instance_that_is_cut_off(cloud: Sandbox, launcher: Launcher) -> None:
    instance, _ = cut_off_before_it_has_a_guard(cloud, launcher, *SHORTEST)
    take_l0_away(instance)
    assert_stays(instance)
    cloud.scheduler_advance(FIRED)
    instance.wait("terminated", LIFE)
    assert instance.reason() == "Client.UserInitiatedShutdown"


def test_l1_alone_ends_an_instance_when_its_job_is_over(cloud: Sandbox, launcher: Launcher) -> None:
    instance, _ = launcher.launch(shell=WAITS)
    guarded(instance)
    take_l0_away(instance)
    delete_schedule(cloud, instance)
    assert_stays(instance)
    assert_ended(instance, go(instance), within=LIFE)


def test_l2_alone_ends_an_instance_whose_guard_cannot_start(cloud: Sandbox, launcher: Launcher) -> None:
    instance, _ = launcher.launch(shell=WAITS)
    guarded(instance)
    take_l0_away(instance)
    delete_schedule(cloud, instance)
    instance.write(f"{PROGRAM}.bad", "#!/bin/sh\nexit 1\n", 0o755)
    instance.sh(f"mv {PROGRAM}.bad {PROGRAM}")
    cause = time.monotonic()
    kill_guard(instance)
    assert_ended(instance, cause, within=L2_POWER_OFF)
    assert_no_call(cloud, instance, "TerminateInstances", "StopInstances")


def test_l4_alone_ends_an_instance_that_is_past_its_deadline(
    cloud: Sandbox, launcher: Launcher, tmp_path: Path
) -> None:
    cloud.settings(stop_bound=2)
    instance, _ = launcher.launch(shell=WAITS)
    guarded(instance)
    instance.freeze()
    delete_schedule(cloud, instance)
    curfew = Caller(cloud, tmp_path)
    assert instance.id not in curfew("check", "--enforce", "--yes").stderr
    assert instance.state() == "running"
    instance.set_tag("curfew:deadline", overdue()["curfew:deadline"])
    instance.age(5 * 3600)
    result = curfew("check", "--enforce", "--yes")
    instance.wait("terminated", LIFE)
    assert instance.reason() == "Client.UserInitiatedShutdown", result


# ---- an instance on which nothing of curfew's comes to run


def with_file(cloud: Sandbox, path: str, text: bytes = b"") -> None:
    cloud.wish(files={path: (base64.b64encode(text).decode(), 0o644)})


def test_an_instance_that_never_runs_its_user_data_is_ended_by_its_schedule(
    cloud: Sandbox, launcher: Launcher
) -> None:
    """An image whose cloud-init is switched off, or lacks: L0 to L2 are made by it."""
    with_file(cloud, "/etc/cloud/cloud-init.disabled")
    instance, _ = launcher.launch(*SHORTEST)
    instance.wait_up()
    instance.until(
        lambda: unit(instance, "multi-user.target", "ActiveState")["ActiveState"] == "active", LIFE, "boot"
    )
    assert instance.sh("ls /etc/systemd/system | grep curfew || true") == "" and instance.output() == ""
    assert_stays(instance)
    cloud.scheduler_advance(FIRED)
    instance.wait("terminated", LIFE)
    assert instance.reason() == "Client.UserInitiatedShutdown"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/var/lib/curfew", "L0 can't be armed: this machine is ended"),
        ("/var/lib/curfew-launch", "nothing guards a job here: this machine is ended"),
    ],
    ids=["boothook", "script"],
)
def test_user_data_that_fails_at_once_ends_the_machine(
    cloud: Sandbox, launcher: Launcher, path: str, says: str
) -> None:
    """A file where its folder should be: the first that it makes."""
    with_file(cloud, path)
    instance, _ = launcher.launch(shell="touch /var/tmp/trained")
    ended(instance)
    assert says in instance.output() + instance.console()
    assert not any(call["op"] == "GetObject" and call["source"] == instance.id for call in cloud.requests)
    assert instance.text("/var/tmp/trained", "none") == "none"


# ---- launches that can't be

ARM_IMAGE = "ssm:/aws/service/deeplearning/ami/arm64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"


@pytest.mark.parametrize(
    ("options", "answer", "says"),
    [
        (["--image", "ami-0123456789abcdef0"], None, "InvalidAMIID.NotFound"),
        (["--image", "ssm:/no/such/parameter"], None, "ParameterNotFound"),
        (["--image", ARM_IMAGE], None, "is for arm64, not x86_64"),
        (["--instance-type", "g5g.xlarge"], None, "isn't x86_64"),
        (["--disk", "10"], None, "75"),
        ([], "InvalidAMIID.NotFound", "InvalidAMIID.NotFound"),
        ([], "InvalidAMIID.Unavailable", "InvalidAMIID.Unavailable"),
    ],
    ids=["missing", "parameter", "arm-image", "arm-type", "disk", "gone-since", "unavailable"],
)
def test_an_image_that_will_not_do_is_refused_and_leaves_nothing(
    cloud: Sandbox, launcher: Launcher, options: list[str], answer: str | None, says: str
) -> None:
    """The last two are found by RunInstances alone: deregistered since, or deprecated and withdrawn."""
    if answer:
        cloud.fault("error", "ec2", "RunInstances", code=answer, status=400)
    code, out, err = launcher.run(*launcher.words(*options))
    assert code == 125 and says in err, f"{code}\n{out}\n{err}"
    assert launcher.instances() == [] and launcher.records() == [] and launcher.schedules() == []
    assert answer or "RunInstances" not in launcher.calls()
