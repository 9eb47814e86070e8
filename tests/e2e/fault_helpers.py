"""What the tests of faults share: programs that lie, layers taken away one by one, runs of another user, and bounds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime

from sandbox import Instance, Sandbox
from tests.e2e.helpers import INSIDE, POWER_OFF, SOON, Run, start

Boot = Callable[..., Instance]

# Each rung of the ladder has this long (guard/policy.hpp, k_rung_time).
RUNG = 30.0
# L2: five starts within ten minutes, a second apart, then systemd's own forced power-off; a front end that is told to
# end while there is no guard holds that up for some seconds.
L2_POWER_OFF = 30.0
# L0: its timer is exact to a second; then an orderly shutdown, which such a front end holds up as well.
L0_POWER_OFF = 20.0
# What is saved is small here: beyond a limit of saving, the end takes no longer than without.
SAVE_LIMIT = 8
SAVE_GIVEN_UP = SAVE_LIMIT + POWER_OFF

# A job that waits for its test: `go` ends it. /run is a file system of its own, so this works on a full disk.
WAITS = "echo weights >out/model; echo waiting; while [ ! -e /run/go ]; do sleep 0.05; done; "
LIES = "exit 0"
FAILS = "echo broken >&2; exit 1"
HANGS = "exec sleep 1000"


def go(instance: Instance) -> float:
    """Lets a job that WAITS go on; the time, on the clock of the sandbox's events."""
    at = time.monotonic()
    instance.write("/run/go", "")
    return at


def shadow(instance: Instance, name: str, script: str) -> None:
    """Another program of that name, found before the system's own in the path that curfew uses."""
    instance.write(f"/usr/local/sbin/{name}", f"#!/bin/sh\n{script}\n", 0o755)


def shadow_systemctl(instance: Instance, verbs: str, script: str) -> None:
    """systemctl that does as the script says for these words (a|b), and else what it should."""
    shadow(
        instance, "systemctl", f'case " $* " in *" {verbs} "*) {script} ;; esac; exec /usr/bin/systemctl "$@"'
    )


def deny(cloud: Sandbox, instance: Instance, op: str = "TerminateInstances") -> None:
    cloud.fault("error", "ec2", op, code="UnauthorizedOperation", status=403, instance=instance.id)


def start_waiting(
    instance: Instance,
    bucket: str | None,
    *options: str,
    then: str = "exit 0",
    env: Mapping[str, str] | None = None,
) -> Run:
    """A job that WAITS, with a result that is to be saved where there is a bucket."""
    saves = ["--save", f"out/=s3://{bucket}/run/"] if bucket else []
    run = start(instance, WAITS + then, *saves, *options, env=env)
    run.wait_out("waiting")
    return run


def kill_guard(instance: Instance) -> None:
    instance.sh("kill -9 $(systemctl show curfew.service --property=MainPID --value)")


def seconds_of(moment: Mapping[str, str]) -> float:
    """The time that `curfew status` tells as {"at": …}; a second more or less is what rounding makes of it."""
    return datetime.fromisoformat(moment["at"]).timestamp()


def take_l2_away(instance: Instance) -> None:
    """No curfew.service any more, and no guard: what is left is L0."""
    instance.sh(
        "rm /etc/systemd/system/curfew.service /etc/systemd/system/multi-user.target.wants/curfew.service;"
        " pid=$(systemctl show curfew.service --property=MainPID --value); systemctl daemon-reload; kill -9 $pid"
    )
    instance.until(lambda: not guards(instance), SOON, "end of the guard")


def guards(instance: Instance) -> list[int]:
    """Processes that are guards."""
    return [int(pid) for pid in instance.exec(["pgrep", "-f", "curfew guard --state"]).out.split()]


def l0_fires_at(instance: Instance) -> float:
    """By the record that L0 keeps, on the clock of the sandbox's events."""
    return float(json.loads(instance.text("/var/lib/curfew/l0.json"))["at_boot_ms"]) / 1000


def wait_until(moment: float) -> None:
    """Until that time of time.monotonic(), which is at most minutes ahead."""
    assert moment - time.monotonic() < 300
    while (left := moment - time.monotonic()) > 0:
        time.sleep(min(left, 1.0))


def assert_nothing_started(instance: Instance) -> None:
    """No guard, no job's parent, no timer, no shutdown that is scheduled."""
    assert not instance.exec(["pgrep", "-f", "curfew (guard|shim)"]).out
    assert instance.exec(["systemctl", "is-active", "curfew-l0.timer", "curfew.service"]).code != 0
    assert not instance.exec(["sh", "-c", "ls /etc/systemd/system | grep curfew"]).out
    assert instance.exec(["test", "-e", "/run/systemd/shutdown/scheduled"]).code != 0


# ---- another user


class UserRun(Run):
    """A run of somebody who isn't root."""

    def __init__(self, instance: Instance, user: str) -> None:
        super().__init__(instance)
        self.user, self.folder = user, f"/home/{user}/run"


_WRAPPER = """
umask 022; mkdir -p "$1"; cd "$1" || exit; shift
"$@" >stdout 2>stderr </dev/null &
wait $!; code=$?
echo $code >code.new; mv code.new code; sync
"""


def add_user(instance: Instance, name: str = "alice", groups: str = "") -> None:
    instance.sh(f"useradd --create-home --shell /bin/bash {'--groups ' + groups if groups else ''} {name}")


def start_as(
    instance: Instance,
    user: str,
    script: str,
    *options: str,
    env: Mapping[str, str] | None = None,
    wait: bool = True,
) -> UserRun:
    """As helpers.start, by that user in that user's folder."""
    run = UserRun(instance, user)
    environment = {"AWS_ENDPOINT_URL": instance.cloud.guest_endpoint, **(env or {})}
    words = [
        INSIDE,
        "run",
        "--max-time",
        "5m",
        "--log",
        f"{run.folder}/log",
        *options,
        "--",
        "bash",
        "-c",
        script,
    ]
    instance.exec(
        [
            "bash",
            "-c",
            'setsid bash -c "$0" bash "$@" </dev/null >/dev/null 2>&1 &',
            _WRAPPER,
            run.folder,
            *words,
        ],
        user=user,
        env={**environment, "HOME": f"/home/{user}"},
    )
    if wait:
        run.wait_err("curfew: guarding ")
    return run
