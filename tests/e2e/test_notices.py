"""What EC2 plans for an instance is said; nothing ends because of it."""

from __future__ import annotations

from collections.abc import Callable

from sandbox import Instance
from tests.e2e.helpers import SOON, start, status

Boot = Callable[..., Instance]

_REBOOT = {
    "NotBefore": "21 Jan 2036 09:00:43 GMT",
    "Code": "system-reboot",
    "Description": "scheduled reboot",
    "EventId": "instance-event-0d59937288b749b32",
    "NotAfter": "21 Jan 2036 09:17:23 GMT",
    "State": "active",
}
_DONE = {**_REBOOT, "EventId": "instance-event-0000000000000000a", "State": "completed"}
_SAID = "EC2 will reboot this instance's host, and so the instance, not before 2036-01-21T09:00:43Z"


def test_planned_maintenance_is_said_on_any_instance(machine: Boot) -> None:
    instance = machine()
    instance.maintenance(_REBOOT, _DONE)
    run = start(instance, "echo ready; sleep 1000", "--then", "none")
    run.wait_err(_SAID)
    assert "warning" in next(line for line in run.log().splitlines() if _SAID in line)
    assert "0000000000000000a" not in run.log()
    assert status(instance)["stage"] == "running"
    instance.sh("/usr/local/bin/curfew stop --now")
    run.wait_code()


def test_planned_maintenance_is_not_asked_for_without_notices(machine: Boot) -> None:
    instance = machine()
    instance.maintenance(_REBOOT)
    run = start(instance, "sleep 3", "--then", "none", "--spot-notice", "off")
    assert run.wait_code() == 0
    assert _SAID not in run.log()


def test_an_odd_answer_is_said_and_no_more(machine: Boot) -> None:
    instance = machine()
    instance.maintenance({**_REBOOT, "Code": "\x1b[31mred"})
    run = start(instance, "echo ready; sleep 1000", "--then", "none")
    run.wait_err("maintenance that EC2 plans for this instance would not be seen")
    instance.until(lambda: "\x1b" not in run.log() and "Code is" in run.log(), SOON, "the reason")
    assert status(instance)["stage"] == "running"
    instance.sh("/usr/local/bin/curfew stop --now")
    run.wait_code()
