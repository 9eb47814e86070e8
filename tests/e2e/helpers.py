"""What the end-to-end tests share: machines with curfew in them, jobs under curfew, and how a machine's end is judged.

Everything that can end a machine runs inside the sandbox's machines, never on this host.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pytest

from sandbox import Instance, Sandbox

ROOT = Path(__file__).resolve().parents[2]
CURFEW = Path(os.environ.get("CURFEW_BINARY", ROOT / "build/release/curfew")).absolute()
INSIDE = "/usr/local/bin/curfew"

# From the cause of a machine's end until its power is off. On an idle machine it's about half a second (an orderly
# shutdown by systemd); the bound is for one that builds and tests at the same time.
POWER_OFF = 10.0
# For what happens at once inside a machine: a program that starts, a line that is printed.
SOON = 20.0
# For whole lives of machines: boot, job, saving, end.
LIFE = 60.0
# The watchdog finds a stopped guard after 30 s (WatchdogSec), kills it, and starts another after 1 s.
WATCHDOG = 45.0

JOB_TAG = {"curfew:job": "test"}


def cannot_be_tested(why: str) -> NoReturn:
    """A failure, for tests that don't run must not pass for tests that do, unless somebody has asked for less."""
    if os.environ.get("CURFEW_E2E_MODE") == "lesser":
        pytest.skip(why)
    pytest.fail(f"{why}. CURFEW_E2E_MODE=lesser skips what can't be tested here", pytrace=False)


# Written by the job (`stamp`) in the instant that is the cause of the machine's end: seconds since the host's boot,
# which is the clock of the sandbox's events too.
_STAMP = "stamp() { read -r up _ </proc/uptime; echo $up >/root/stamp; }\n"
# Until curfew knows what it runs on, as it does within a second; a shorter job ends by what is known without IMDS.
_KNOWN = (
    "known() { until grep -q 'when the job is ove[r] this\\|dry run: nothin[g]' log; do sleep 0.05; done; }\n"
)
# A job's script, then: results in out/ of its own folder.
_PRELUDE = _STAMP + _KNOWN + "mkdir -p out\n"


def boot(
    cloud: Sandbox,
    *,
    tags: Mapping[str, str] | None = None,
    shutdown_behavior: str = "terminate",
    cloud_init: bool = False,
    user_data: str = "",
    files: Mapping[str, bytes | str | Path] | None = None,
    **more: Any,
) -> Instance:
    """A machine with curfew in it and a role's credentials, launched for a job (its tag says so) unless tags are given."""
    return cloud.launch(
        user_data,
        tags=JOB_TAG if tags is None else tags,
        shutdown_behavior=shutdown_behavior,
        cloud_init=cloud_init,
        profile=cloud.profile(),
        files={INSIDE: CURFEW, **(files or {})},
        **more,
    )


class Run:
    """A `curfew run` in the background of a machine, with what it printed and its exit code; readable after the end."""

    def __init__(self, instance: Instance, name: str = "run") -> None:
        self.instance, self.folder = instance, f"/root/{name}"

    def __repr__(self) -> str:
        return f"<Run {self.folder} in {self.instance.id}>"

    def out(self) -> str:
        """What the job printed, as the front end passed it on."""
        return self.instance.text(f"{self.folder}/stdout", "")

    def err(self) -> str:
        """The lines of curfew's own (and the job's stderr)."""
        return self.instance.text(f"{self.folder}/stderr", "")

    def log(self) -> str:
        """The file that --log names."""
        return self.instance.text(f"{self.folder}/log", "")

    def code(self) -> int | None:
        """The front end's exit code; None as long as it runs, or when it could not tell any more."""
        text = self.instance.text(f"{self.folder}/code", "").strip()
        return int(text) if text else None

    def pid(self) -> int:
        """The front end's."""
        path = f"{self.folder}/pid"
        self.instance.until(lambda: self.instance.text(path, "").strip(), SOON, "front end")
        return int(self.instance.text(path))

    def wait_out(self, text: str, timeout: float = SOON) -> None:
        """Until the job has printed that."""
        self.instance.until(lambda: text in self.out(), timeout, f"{text!r} from the job:\n{self.err()}")

    def wait_err(self, text: str, timeout: float = SOON) -> None:
        """Until curfew has said that."""
        self.instance.until(lambda: text in self.err(), timeout, f"{text!r} from curfew")

    def wait_code(self, timeout: float = SOON) -> int:
        """Until the front end has ended."""
        self.instance.until(lambda: self.code() is not None, timeout, "end of the front end")
        code = self.code()
        assert code is not None
        return code

    def stamp(self) -> float:
        """When the job called `stamp` last, on the clock of the sandbox's events."""
        return float(self.instance.text("/root/stamp"))


# Its arguments: the folder, then the words to run. `sync`, so that a power-off by force doesn't lose the code.
_WRAPPER = """
cd "$1" || exit; shift
"$@" >stdout 2>stderr </dev/null &
echo $! >pid
wait $!; code=$?
echo $code >code.new; mv code.new code; sync
"""


def start(
    instance: Instance,
    script: str,
    *options: str,
    name: str = "run",
    env: Mapping[str, str] | None = None,
    wait: bool = True,
) -> Run:
    """Starts `curfew run OPTIONS -- bash -c SCRIPT` in a folder of its own, and waits until the guard guards it.

    The script may call `stamp` where it causes the machine's end, and `known` to wait until IMDS has answered; it finds a
    folder out/ for its results. Options that
    aren't given: a limit of 5 minutes, and the log in the run's folder.
    """
    words = [*options]
    if not {"--max-time", "--max-hours", "--deadline"} & set(words):
        words += ["--max-time", "5m"]
    return start_words(
        instance, [*words, "--", "bash", "-c", _PRELUDE + script], name=name, env=env, wait=wait
    )


def start_words(
    instance: Instance,
    words: Sequence[str],
    *,
    name: str = "run",
    env: Mapping[str, str] | None = None,
    wait: bool = True,
    program: str = INSIDE,
) -> Run:
    """As start(), with the words after `curfew run` as they are, but for a log in the run's folder."""
    argv = [program, "run", "--log", f"{Run(instance, name).folder}/log", *words]
    return start_argv(instance, argv, name=name, env=env, wait=wait)


def start_argv(
    instance: Instance,
    argv: Sequence[str],
    *,
    name: str = "run",
    env: Mapping[str, str] | None = None,
    wait: bool = True,
) -> Run:
    """Runs these words, a `curfew run` or what becomes one, in a folder of its own."""
    run = Run(instance, name)
    instance.sh(f"mkdir -p {run.folder}")
    environment = {"HOME": "/root", "AWS_ENDPOINT_URL": instance.cloud.guest_endpoint, **(env or {})}
    instance.exec(["bash", "-c", _WRAPPER, "bash", run.folder, *argv], detach=True, env=environment)
    if wait:
        run.wait_err("curfew: guarding ")
    return run


# ---- how it ended


def ended_at(instance: Instance) -> float:
    """When billing and running ended, whichever came last, on the clock of time.monotonic() and /proc/uptime."""
    off = instance.powered_off_at
    assert off is not None, f"{instance.id} was never powered off: {instance.events}"
    billed = [e["monotonic"] for e in instance.events if e.get("state") in ("shutting-down", "stopping")]
    assert billed, f"{instance.id} never left `running`: {instance.events}"
    return max(off, float(billed[-1]))


def assert_ended(
    instance: Instance,
    cause: float,
    *,
    state: str = "terminated",
    within: float = POWER_OFF,
    timeout: float = LIFE,
    reason: str | None = "Client.InstanceInitiatedShutdown",
) -> float:
    """The machine reaches that state, by itself unless another reason is given, powered off (not before the cause, and
    within so many seconds after it), and no longer billed. Returns the seconds from the cause to the end."""
    instance.wait(state, timeout)
    facts = instance.facts()
    assert instance.describe()["State"]["Name"] == state
    assert not facts["alive"], "EC2 says that it has ended, and it still runs"
    if reason is not None:
        assert facts["reason"] == reason, facts["events"]
    kinds = [event["event"] for event in facts["events"]]
    if reason == "Client.InstanceInitiatedShutdown":
        assert "forced-off" not in kinds and "crash" not in kinds, facts["events"]
    took = ended_at(instance) - cause
    assert -0.5 < took < within, f"{instance.id} ended {took:.1f} s after its cause, bound {within:g} s"
    powered_on = instance.powered_on_at
    assert powered_on is not None
    if kinds.count("power-on") == 1 and "reboot" not in kinds:
        least, most = cause - powered_on, cause + within - powered_on
        running = float(facts["running_seconds"])
        assert least - 1 < running < most + 1, f"{running:.1f} s were billed, not {least:.1f} to {most:.1f}"
    return took


def assert_stays(instance: Instance, seconds: float = 3.0) -> None:
    """The machine is up, and is still up so much later: nothing inside has asked for its end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        facts = instance.facts()
        assert facts["state"] == "running" and facts["alive"], facts["events"]
        time.sleep(0.2)
    jobs = instance.sh("systemctl list-jobs --no-legend; ls /run/systemd/shutdown 2>/dev/null || true")
    assert not re.search(r"poweroff|shutdown|scheduled", jobs), jobs
    assert instance.describe()["State"]["Name"] == "running"


def assert_stays_past(instance: Instance, moment: float) -> None:
    """It is up until that time of time.monotonic(), which is at most minutes ahead, and a little longer."""
    left = moment - time.monotonic()
    assert 0 < left < 300, f"{moment} is not ahead"
    assert_stays(instance, left + 5)


def assert_disarmed(instance: Instance) -> None:
    """No layer is left that could end it: no timer, no service, not even the files of one."""
    look = "ls -d /etc/systemd/system/curfew* /etc/systemd/system/*.wants/curfew* /run/systemd/system/curfew* 2>/dev/null"
    instance.until(lambda: not instance.sh(f"{look} || true"), SOON, "disarming")
    # The guard itself takes a moment to leave.
    units = "systemctl list-units --all --plain --no-legend 'curfew*'"
    instance.until(lambda: " active " not in instance.sh(units), SOON, "end of the guard")
    assert "curfew" not in instance.sh("systemctl list-timers --all --no-legend")


def objects(cloud: Sandbox, bucket: str) -> dict[str, bytes]:
    """What is in a bucket, but for the logs."""
    return {key: body for key, body in _all_objects(cloud, bucket).items() if "_curfew/" not in key}


def saved_logs(cloud: Sandbox, bucket: str) -> dict[str, bytes]:
    """The logs that curfew has brought there: "run/_curfew/i-…/20261124T180000Z/output-000001.log"."""
    return {key: body for key, body in _all_objects(cloud, bucket).items() if "_curfew/" in key}


def _all_objects(cloud: Sandbox, bucket: str) -> dict[str, bytes]:
    s3 = cloud.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def assert_no_call(cloud: Sandbox, instance: Instance, *operations: str) -> None:
    """None of these API calls came from that machine."""
    made = [call for call in cloud.requests if call["source"] == instance.id and call["op"] in operations]
    assert not made, made


# ---- curfew, inside


def status(instance: Instance) -> dict[str, Any]:
    """`curfew status --json`."""
    result = instance.exec([INSIDE, "status", "--json"])
    assert result.code in (0, 3), result
    return dict(json.loads(result.out))


def wait_status(machine: Instance, /, timeout: float = SOON, **wanted: Any) -> dict[str, Any]:
    """Until `curfew status` shows these values, such as stage="running"."""
    found: dict[str, Any] = {}

    def holds() -> bool:
        result = machine.exec([INSIDE, "status", "--json"])
        if result.code:
            return False
        found.update(json.loads(result.out))
        return all(found.get(key) == value for key, value in wanted.items())

    machine.until(holds, timeout, f"status {wanted}, but {found}")
    return found


def unit(instance: Instance, name: str, *properties: str) -> dict[str, str]:
    """Properties of a systemd unit."""
    shown = instance.sh(f"systemctl show {name} --property={','.join(properties)}")
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def guard_pid(instance: Instance) -> int:
    """The guard's process, which systemd runs."""
    found = instance.until(
        lambda: int(unit(instance, "curfew.service", "MainPID").get("MainPID", "0")), SOON, "guard"
    )
    return int(found)


def now(instance: Instance) -> float:
    """Its clock of boot time, which is the host's, and so that of the sandbox's events."""
    return float(instance.sh("cat /proc/uptime").split()[0])
