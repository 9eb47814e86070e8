"""`curfew install`: a machine that people keep is guarded from each boot on, until `curfew uninstall`."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import Instance
from sandbox.instance import Result
from tests.e2e.fault_helpers import L0_POWER_OFF, Boot, add_user, assert_nothing_started
from tests.e2e.helpers import (
    INSIDE,
    LIFE,
    POWER_OFF,
    assert_disarmed,
    assert_ended,
    assert_stays,
    now,
    start_words,
    status,
    unit,
    wait_status,
)

IDLE = 15.0
# GPUs are looked at every ten seconds; a boot takes a second or two.
WITHIN = IDLE + 20 + POWER_OFF
PROGRAM = "/var/lib/curfew/bin/curfew"
OPTIONS = ("--idle-gpu", f"{IDLE:g}s", "--max-time", "5m", "--then", "stop")


def _install(instance: Instance, *options: str, user: str | None = None) -> Result:
    home = f"/home/{user}" if user else "/root"
    environment = {"HOME": home, "AWS_ENDPOINT_URL": instance.cloud.guest_endpoint}
    return instance.exec([INSIDE, "install", *options], env=environment, user=user)


def _wait_guarded(instance: Instance) -> dict[str, Any]:
    # With what IMDS tells: before that, nothing can be taken off.
    shown = wait_status(instance, stage="running", installed=True, instance=instance.id)
    assert shown["command"] == "this machine"
    assert shown["layers"]["L0"]["armed"] and shown["layers"]["L2"]["armed"], shown["layers"]
    return shown


def _idle_machine(machine: Boot) -> Instance:
    """One that its owner keeps: nothing tells curfew that it was launched for a job."""
    instance = machine(tags={}, shutdown_behavior="stop")
    instance.set_gpu({"utilization.gpu": 0})
    return instance


@pytest.mark.long
def test_a_machine_that_was_ended_and_started_again_is_guarded_anew(machine: Boot) -> None:
    instance = _idle_machine(machine)
    began = now(instance)
    said = _install(instance, *OPTIONS)
    assert said.code == 0, said
    assert "installed: this machine is guarded now" in said.out and "at boot" in said.out
    first = _wait_guarded(instance)
    assert unit(instance, "curfew.service", "StartLimitAction") == {"StartLimitAction": "none"}
    instance.wait("stopped", LIFE)
    assert assert_ended(instance, began, state="stopped", within=WITHIN) > IDLE

    instance.start()
    on = instance.powered_on_at
    assert on is not None
    second = _wait_guarded(instance)
    assert second["started"] > first["started"] and second["stop_at"]["left_s"] > 280, second
    instance.wait("stopped", LIFE)
    assert assert_ended(instance, on, state="stopped", within=WITHIN) > IDLE


def test_what_is_uninstalled_leaves_nothing_behind(machine: Boot) -> None:
    instance = _idle_machine(machine)
    assert instance.exec([INSIDE, "uninstall"]).out.startswith("curfew is not installed")
    before = instance.sh("find /etc /var/lib /run -xdev | grep -i curfew || true")
    assert _install(instance, *OPTIONS).code == 0
    shown = _wait_guarded(instance)
    said = instance.exec([INSIDE, "uninstall"])
    assert said.code == 0 and "NOTHING ENDS THIS MACHINE ANY MORE" in said.out, said
    assert_disarmed(instance)
    assert instance.sh("find /etc /var/lib /run -xdev | grep -i curfew || true") == before
    assert "curfew" not in instance.sh("systemctl list-units --all --plain --no-legend 'curfew*'")
    assert instance.exec(["test", "-e", f"/proc/{shown['guard_pid']}"]).code != 0
    assert not instance.exec(["pgrep", "-f", "curfew (guard|shim|wait)"]).out
    assert status(instance) == {"version": 1, "guard_pid": None, "installed": False, "last": None}
    assert_stays(instance, IDLE + 20)
    boot_id = _boot_id(instance)
    instance.reboot()
    # Nothing is run in a machine that goes down: systemd would wait for it.
    instance.wait_event("reboot", LIFE)
    instance.until(lambda: _boot_id(instance) not in ("", boot_id), LIFE, "the other boot")
    assert_stays(instance, 5)
    assert status(instance)["guard_pid"] is None


def test_a_reboot_begins_anew_and_a_job_is_refused(machine: Boot) -> None:
    instance = _idle_machine(machine)
    instance.set_gpu({"utilization.gpu": 97})
    assert _install(instance, *OPTIONS).code == 0
    first = _wait_guarded(instance)
    for words in ([INSIDE, "run", "--", "true"], [INSIDE, "install", *OPTIONS]):
        said = instance.exec(words)
        assert said.code == 125 and "guarded from each boot on, by `curfew install`" in said.err, said
    boot_id = _boot_id(instance)
    instance.reboot()
    # Nothing is run in a machine that goes down: systemd would wait for it.
    instance.wait_event("reboot", LIFE)
    instance.until(lambda: _boot_id(instance) not in ("", boot_id), LIFE, "the other boot")
    second = _wait_guarded(instance)
    assert second["started"] > first["started"] and second["stage"] == "running"
    assert_stays(instance, IDLE)
    idle = now(instance)
    instance.set_gpu({"utilization.gpu": 0})
    assert_ended(instance, idle, state="stopped", within=WITHIN)


def _boot_id(instance: Instance) -> str:
    try:
        return instance.exec(["cat", "/proc/sys/kernel/random/boot_id"]).out
    except RuntimeError:  # it's just going down or coming up
        return ""


@pytest.mark.long
def test_l0_holds_from_boot_on_where_nothing_of_curfew_starts(machine: Boot) -> None:
    """The program is broken after the machine was ended, and its mark is there: the timer alone counts from the boot."""
    instance = _idle_machine(machine)
    assert _install(instance, *OPTIONS[:2], "--max-time", "20s", "--grace", "1s", "--then", "stop").code == 0
    _wait_guarded(instance)
    instance.wait("stopped", LIFE)
    assert instance.text("/var/lib/curfew/ended", "")
    instance.write(PROGRAM, "", 0o644)
    instance.start()
    on = instance.powered_on_at
    assert on is not None
    timer = unit(instance, "curfew-l0.timer", "ActiveState", "UnitFileState")
    assert timer == {"ActiveState": "active", "UnitFileState": "enabled"}
    took = assert_ended(instance, on, state="stopped", within=81 + L0_POWER_OFF, timeout=130)
    assert took > 80


def test_what_cannot_be_installed_starts_nothing(machine: Boot) -> None:
    instance = _idle_machine(machine)
    add_user(instance)
    cases = [
        ((), "needs something that tells when nobody uses this machine"),
        (("--max-time", "5m"), "--idle-gpu 30m, or --done-file PATH"),
        ((*OPTIONS, "--", "train"), "takes no command"),
        ((*OPTIONS, "--deadline", "2126-01-01T00:00Z"), "--max-time counts from each boot"),
        ((*OPTIONS, "--dry-run"), "--dry-run: would be kept for each boot"),
        ((*OPTIONS[:4], "--then", "none"), "--then none: would be kept for each boot"),
        ((*OPTIONS, "--save", "out"), "--save"),
        ((*OPTIONS, "--log", "/nowhere/log"), "--log"),
    ]
    for options, says in cases:
        said = _install(instance, *options)
        assert said.code == 125 and says in said.err, said
    said = _install(instance, *OPTIONS, user="alice")
    assert said.code == 125 and "this is not root" in said.err, said
    assert_nothing_started(instance)
    # A job's guard keeps its machine.
    run = start_words(instance, ["--max-time", "5m", "--then", "none", "--", "sleep", "1000"])
    said = _install(instance, *OPTIONS)
    assert said.code == 125 and "another one guards a job on this machine" in said.err, said
    assert run.code() is None and status(instance)["installed"] is False
