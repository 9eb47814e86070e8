"""`curfew launch` that dies, or is interrupted, at each of its calls to AWS: there is never a second instance, and the one
that there is ends by itself, is ended by `curfew launch --clean-up`, or was launched to the end.

How many calls a launch makes, and which, is counted in one that goes well.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.helpers import LIFE, SOON, assert_ended, assert_stays, unit
from tests.e2e.launching import Launcher, until

# In the order in which they are asked for, which is that of their prices too.
FULL, FREE = "g4dn.xlarge", "g6.xlarge"
CLOCK = "/root/guest_clock.py"
# The guard waits so long from the boot on for the launch to be finished (guard/launch_watch.hpp, k_launch_patience), and
# looks every ten seconds.
PATIENCE = 300
LOOK = 10.0
SHUT = {"shutting-down", "terminated"}
# Until a schedule of a launch of ten minutes has fired, and until it has deleted itself.
FIRED, DELETED = 40 * 60, 8 * 3600


class Cuts:
    """Launches of the same job to two pools, of which the first has no instance to give; each by a user of its own."""

    def __init__(self, cloud: Sandbox, bucket: str, folder: Path, *options: str) -> None:
        self.cloud, self.bucket, self.folder = cloud, bucket, folder
        self.options = ["--instance-type", f"{FULL},{FREE}", *options]
        self.number = 0
        cloud.capacity(FULL)
        self.launcher("upload").launch(*self.options)
        whole = self.launcher("whole")
        whole.launch(*self.options)
        self.calls = whole.calls()
        assert self.calls.count("RunInstances") > 1, self.calls

    def launcher(self, name: str) -> Launcher:
        return Launcher(self.cloud, self.bucket, self.folder / name, key=f"{self.bucket}-{name}")

    def start(self, number: int, fault: str) -> tuple[Launcher, subprocess.Popen[str], int]:
        """A launch whose call of that number hangs by now, and the fault's number."""
        launcher = self.launcher(f"{number}-{fault}")
        hanging = self.cloud.fault(fault, key=launcher.key, skip=number, times=1)
        process = launcher.start(*launcher.words("--name", launcher.key, *self.options, shell="sleep 900"))
        try:
            until(
                lambda: self.cloud.hanging(hanging) or process.poll() is not None,
                LIFE,
                f"call {number} ({self.calls[number]})",
            )
            assert process.poll() is None, (self.calls, launcher.calls(), process.communicate())
        except BaseException:
            process.kill()
            raise
        return launcher, process, hanging

    def kill(self, number: int, fault: str) -> Launcher:
        """A launcher that was killed at its call of that number."""
        launcher, process, hanging = self.start(number, fault)
        process.kill()
        process.communicate(timeout=SOON)
        self.cloud.clear_faults(hanging)
        return launcher

    def interrupt(self, number: int) -> tuple[Launcher, int, str]:
        """One that has got SIGINT at its call of that number, with its exit code and what it said."""
        launcher, process, hanging = self.start(number, "hang")
        with contextlib.ExitStack() as closing:
            closing.callback(process.kill)
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            said = ""
            while "interrupted" not in said:
                line = process.stderr.readline()
                assert line, f"{self.calls[number]}: {said}"
                said += line
            self.cloud.clear_faults(hanging)
            said += process.stderr.read()
            return launcher, process.wait(LIFE), said


def made_by(cloud: Sandbox, launcher: Launcher) -> list[dict[str, Any]]:
    """Its instances, those that have ended too."""
    mine = [{"Name": "tag:curfew:job", "Values": [launcher.key]}]
    found = cloud.client("ec2").describe_instances(Filters=mine)["Reservations"]
    return [instance for reservation in found for instance in reservation["Instances"]]


def is_finished(instance: dict[str, Any]) -> bool:
    return {"Key": "curfew:schedule", "Value": "armed"} in instance["Tags"]


def is_shut(instance: dict[str, Any]) -> bool:
    return instance["State"]["Name"] in SHUT


def assert_nothing_is_left(cloud: Sandbox, launchers: list[Launcher], finished: set[str]) -> None:
    """Nothing but what was launched to its end, and that ends at its time; its schedule then, too."""
    for launcher in launchers:
        instances = made_by(cloud, launcher)
        left = [one["InstanceId"] for one in instances if not is_shut(one)]
        assert set(left) <= finished, f"{launcher.key} has left {left}"
    schedules = {name.removeprefix("curfew-") for name in launchers[0].schedules()}
    assert finished <= schedules
    others = {one["InstanceId"] for launcher in launchers for one in made_by(cloud, launcher)} - finished
    assert not schedules & others
    cloud.scheduler_advance(FIRED)
    for launcher in launchers:
        assert all(is_shut(one) for one in made_by(cloud, launcher)), launcher.key
    cloud.scheduler_advance(DELETED)
    assert launchers[0].schedules() == []


@pytest.mark.parametrize("fault", ["hang-request", "hang-reply"], ids=["before", "after"])
def test_killed_at_any_call_it_leaves_nothing_that_is_not_cleaned_up(
    cloud: Sandbox, bucket: str, tmp_path: Path, fault: str
) -> None:
    """before: the call never arrives. after: it's carried out, and its answer never comes."""
    cloud.reset()
    cloud.wish(machine=False)
    cuts = Cuts(cloud, bucket, tmp_path)
    launchers, finished, with_instance = [], set(), 0
    for number, op in enumerate(cuts.calls):
        launcher = cuts.kill(number, fault)
        launchers.append(launcher)
        instances = made_by(cloud, launcher)
        assert len(instances) <= 1, f"{op}: {instances}"
        with_instance += len(instances)
        finished |= {one["InstanceId"] for one in instances if is_finished(one)}
        code, _, err = launcher.run("--clean-up")
        assert code == 0, f"{op}: {err}"
        for one in made_by(cloud, launcher):
            assert is_shut(one) != is_finished(one), f"{op}: {one}\n{err}"
            assert launcher.records() == [], op
    # After RunInstances, and after the schedule at least; and what came after the tag is a launch as any other.
    assert with_instance >= 3 and finished
    assert_nothing_is_left(cloud, launchers, finished)


def test_interrupted_at_any_call_it_leaves_nothing(cloud: Sandbox, bucket: str, tmp_path: Path) -> None:
    cloud.reset()
    cloud.wish(machine=False)
    cuts = Cuts(cloud, bucket, tmp_path)
    launchers, ended_again = [], 0
    for number, op in enumerate(cuts.calls):
        launcher, code, said = cuts.interrupt(number)
        launchers.append(launcher)
        assert code == 130, f"{op}: {code}\n{said}"
        assert launcher.records() == [], op
        instances = made_by(cloud, launcher)
        assert len(instances) <= 1 and all(is_shut(one) for one in instances), f"{op}: {instances}\n{said}"
        assert ("was ended again" if instances else "nothing was made") in said, f"{op}: {said}"
        ended_again += len(instances)
    assert ended_again >= 3
    assert_nothing_is_left(cloud, launchers, set())


def test_killed_while_it_uploads_it_has_made_nothing(cloud: Sandbox, bucket: str, tmp_path: Path) -> None:
    cloud.reset()
    cloud.wish(machine=False)
    launcher = Launcher(cloud, bucket, tmp_path)
    hanging = cloud.fault("hang-request", "s3", "PutObject", key=launcher.key)
    process = launcher.start(*launcher.words())
    with contextlib.ExitStack() as closing:
        closing.callback(process.kill)
        until(lambda: cloud.hanging(hanging), LIFE, "upload")
    process.communicate(timeout=SOON)
    cloud.clear_faults(hanging)
    assert launcher.instances() == [] and launcher.records() == []


def test_a_call_that_arrives_after_its_launcher_died_is_cleaned_up_by_the_next(
    cloud: Sandbox, bucket: str, tmp_path: Path
) -> None:
    """RunInstances was on its way, and is carried out when the first clean-up has found nothing."""
    cloud.reset()
    cloud.wish(machine=False)
    cuts = Cuts(cloud, bucket, tmp_path)
    last = len(cuts.calls) - 1 - cuts.calls[::-1].index("RunInstances")
    launcher, process, hanging = cuts.start(last, "hang")
    process.kill()
    process.communicate(timeout=SOON)
    code, _, err = launcher.run("--clean-up")
    assert code == 0 and "may still show an instance" in err, err
    cloud.clear_faults(hanging)
    until(lambda: made_by(cloud, launcher), SOON, "instance")
    code, _, err = launcher.run("--clean-up")
    assert code == 0, err
    assert_nothing_is_left(cloud, [launcher], set())
    assert launcher.records() == []


@dataclass
class Lost:
    """What becomes of the calls of RunInstances: the faults in their order, the types without capacity, the seconds until
    DescribeInstances shows a new instance, and the type that the one instance is of in the end."""

    faults: list[dict[str, Any]]
    full: list[str]
    taken: str
    shown_after: float = 0.0


NOT_FOR_YOU = {"kind": "error", "code": "UnauthorizedOperation", "status": 403}
NONE_LEFT = {"kind": "error", "code": "InsufficientInstanceCapacity", "status": 500}
REPLY = {"kind": "drop-reply", "times": 1}


@pytest.mark.parametrize(
    "lost",
    [
        Lost([REPLY], [FREE], FULL),
        Lost([REPLY | {"times": 4}], [FREE], FULL),
        Lost([REPLY, NONE_LEFT], [], FULL),
        Lost([REPLY | {"times": 2}], [FULL], FREE),
        Lost([{"kind": "drop-request", "times": 1}], [FULL], FREE),
        Lost([REPLY, NOT_FOR_YOU], [], FULL, shown_after=3),
    ],
    ids=["elsewhere-none", "for-long", "then-none", "of-none", "not-made", "then-refused"],
)
def test_whatever_replies_are_lost_there_is_one_instance(
    cloud: Sandbox, launcher: Launcher, lost: Lost
) -> None:
    cloud.wish(machine=False)
    cloud.settings(visible_after=lost.shown_after)
    for instance_type in lost.full:
        cloud.capacity(instance_type)
    for fault in lost.faults:
        cloud.fault(service="ec2", op="RunInstances", key=launcher.key, **fault)
    instance, _ = launcher.launch("--instance-type", f"{FULL},{FREE}", "--name", launcher.key)
    assert [one.id for one in launcher.instances()] == [instance.id]
    assert instance.describe()["InstanceType"] == lost.taken
    assert launcher.schedules() == [f"curfew-{instance.id}"] and launcher.records() == []


def test_machines_whose_launcher_was_killed_end_themselves(
    cloud: Sandbox, bucket: str, tmp_path: Path
) -> None:
    """Killed at each call between RunInstances and the tag, and at the tag itself: that one is launched to its end. The
    guards' clock of boot time is put five minutes ahead; with the true one, test_launch.py waits for one of them."""
    cloud.reset()
    cloud.wish(machine=False)
    cuts = Cuts(cloud, bucket, tmp_path, "--max-time", "30m")
    first = len(cuts.calls) - 1 - cuts.calls[::-1].index("RunInstances")
    last = len(cuts.calls) - 1 - cuts.calls[::-1].index("CreateTags")
    cloud.wish(machine=True)
    launchers = [cuts.kill(number, "hang-reply") for number in range(first, last + 1)]
    assert len(launchers) >= 3
    instances = []
    for launcher in launchers:
        (made,) = made_by(cloud, launcher)
        assert is_finished(made) == (launcher is launchers[-1])
        instances.append(cloud.instance(made["InstanceId"]))
    causes = [put_the_guard_ahead(instance) for instance in instances]
    *unfinished, finished = instances
    for launcher, instance, cause in zip(launchers, unfinished, causes, strict=False):
        assert_ended(instance, cause, within=LIFE)
        assert "`curfew launch` was not finished" in instance.output()
        code, _, err = launcher.run("--clean-up")
        assert code == 0 and launcher.records() == [], err
    assert_stays(finished, LOOK + 1)
    code, _, err = launchers[-1].run("--clean-up")
    assert code == 0 and launchers[-1].records() == [], err
    assert_stays(finished, 1)
    schedules = set(launchers[-1].schedules())
    assert {f"curfew-{one.id}" for one in instances} & schedules == {f"curfew-{finished.id}"}
    cloud.settings(stop_bound=2)
    cloud.scheduler_advance(FIRED + 30 * 60)
    finished.wait("terminated", LIFE)


def put_the_guard_ahead(instance: Instance) -> float:
    """As if the machine had been up for five minutes more, once its guard is there. The time of that."""
    instance.wait_up()
    instance.until(
        lambda: unit(instance, "curfew.service", "ActiveState")["ActiveState"] == "active", LIFE, "guard"
    )
    instance.write(CLOCK, Path(__file__).with_name("guest_clock.py"))
    pid = unit(instance, "curfew.service", "MainPID")["MainPID"]
    cause = time.monotonic()
    instance.sh(f"python3 {CLOCK} shift {pid} {PATIENCE} boot")
    return cause
