"""Where the secrets of a launched job are, and where they aren't: searched for on the laptop, in what EC2, S3 and the scheduler
keep, on the instance's disks, and by another user of the instance who looks at every process all the time."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from sandbox import Instance, Sandbox
from tests.e2e.fault_helpers import go
from tests.e2e.helpers import LIFE, SOON, assert_ended
from tests.e2e.launching import Launcher, until
from tests.e2e.test_stages import Repository, code, everything, put_parameter

__all__ = ["code"]


@dataclass(frozen=True)
class Secrets:
    """By --secret, by --repo-token and by --env."""

    secret: str = "s3cret-of-the-command"
    token: str = "t0ken-of-the-repository"
    value: str = "v4lue-of-a-variable"

    def found_in(self, text: str | bytes) -> set[str]:
        data = text.encode() if isinstance(text, str) else text
        forms = {one: (one.encode(), base64.b64encode(one.encode())) for one in vars(self).values()}
        return {one for one, written in forms.items() if any(form in data for form in written)}


SECRETS = Secrets()
# Another user of the machine, and all that such a one may see of processes, until it's told to stop.
OTHER = "www-data"
_WATCHES = """
while [ ! -e /run/go ]; do
  ps axwweo pid,user,args; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; sleep 0.1
done >/var/tmp/watched; touch /var/tmp/watched.done
"""
_STARTS = 'setsid bash -c "$0" </dev/null >/dev/null 2>&1 &'
# As with a server that asks for a password, which the folder behind the URL doesn't: git asks its helpers, and they may
# be looked at for a while.
_GIT = r"""#!/bin/bash
rest=("$@") head=()
while [[ ${rest[0]} == -C || ${rest[0]} == -c ]]; do head+=("${rest[@]:0:2}"); rest=("${rest[@]:2}"); done
if [[ ${rest[0]} == fetch ]]; then
  printf 'url=%s\n\n' URL |
    /usr/lib/itself/git "${head[@]}" credential fill | grep ^password= | sha256sum >~/helper
  sleep 1
fi
exec /usr/lib/itself/git "$@"
"""
_TRAINS = """
printf %s "$KEY" | sha256sum >hashes; printf %s "$VALUE" | sha256sum >>hashes; cat ~/helper >>hashes
while [ ! -e /run/go ]; do sleep 0.1; done
"""


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def on_disk(instance: Instance, text: str) -> list[str]:
    """The files that hold it, those in memory too. What looks for it reads it from its stdin."""
    look = (
        "grep -rlF --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev -f - / /dev/shm 2>/dev/null || true"
    )
    return instance.exec(["bash", "-c", look], stdin=text + "\n").out.split()


def test_secrets_are_nowhere_that_others_read(
    cloud: Sandbox, bucket: str, launcher: Launcher, code: Path, tmp_path: Path
) -> None:
    put_parameter(cloud, "/job/key", SECRETS.secret)
    put_parameter(cloud, "/git/token", f"user:{SECRETS.token}")
    repository = Repository(cloud, code, tmp_path, _GIT.replace("URL", Repository.url))
    words = ["--repo", repository.url, "--repo-token", "ssm:/git/token", "--secret", "KEY=ssm:/job/key"]
    words += [
        "--env",
        f"VALUE={SECRETS.value}",
        "--setup",
        "sleep 1",
        "--save",
        f"hashes=s3://{bucket}/run/hashes",
    ]
    scheduling = cloud.fault("hang", "scheduler", "CreateSchedule")
    fetching = cloud.fault("hang", "s3", "GetObject")
    process = launcher.start(*launcher.words(*words, shell=_TRAINS))
    with contextlib.ExitStack() as closing:
        closing.callback(process.kill)
        until(lambda: cloud.hanging(scheduling), LIFE, "CreateSchedule")
        # On the laptop, while there is a record of the launch.
        assert len(launcher.records()) == 1
        for path in launcher.home.rglob("*"):
            assert not path.is_file() or not SECRETS.found_in(path.read_bytes()), path
        cloud.clear_faults(scheduling)
        out, err = process.communicate(timeout=LIFE)
    assert process.returncode == 0 and not SECRETS.found_in(out + err), f"{out}\n{err}"
    (instance,) = launcher.instances()
    instance.wait_up()
    instance.exec(["bash", "-c", _STARTS, _WATCHES], user=OTHER)
    instance.until(lambda: instance.text("/var/tmp/watched", ""), SOON, "watcher")
    cloud.clear_faults(fetching)

    hashes = "/home/debian/job/hashes"
    instance.until(lambda: instance.text(hashes, "").count("\n") == 3, 3 * LIFE, "training")
    assert on_disk(instance, SECRETS.secret) == [] and on_disk(instance, SECRETS.token) == []
    # The job's variables are kept for a guard that takes over, by root for root.
    kept = on_disk(instance, SECRETS.value)
    assert kept and all(path.startswith("/var/lib/curfew/") for path in kept), kept
    for one in kept:
        assert instance.sh(f"stat -c '%U %a' {one}").split() == ["root", "600"], one
        assert instance.exec(["cat", one], user=OTHER).code != 0
    assert not SECRETS.found_in(instance.sh("journalctl --no-pager --output=verbose"))
    cause = go(instance)
    instance.until(lambda: instance.text("/var/tmp/watched.done", "none") == "", SOON, "watcher's end")
    watched = instance.read("/var/tmp/watched")
    assert b"run-stages" in watched and b"credential.https://git.example.com" in watched
    assert not SECRETS.found_in(watched)
    assert_ended(instance, cause, within=3 * LIFE)

    # It was had where it belongs, or all this shows nothing.
    saved = everything(cloud, bucket)
    wanted = [SECRETS.secret, SECRETS.value, f"password={SECRETS.token}\n"]
    assert [line.split()[0] for line in saved["run/hashes"].decode().splitlines()] == [
        digest(one) for one in wanted
    ]
    for key, body in saved.items():
        # Whose bucket it is may read what was asked for.
        allowed = {SECRETS.value} if key.endswith(("/job.json", "/launch.json")) else set()
        assert SECRETS.found_in(body) <= allowed, key
    ec2 = cloud.client("ec2")
    data = ec2.describe_instance_attribute(InstanceId=instance.id, Attribute="userData")["UserData"]["Value"]
    for text in (
        base64.b64decode(data).decode(),
        json.dumps(instance.describe(), default=str),
        json.dumps(cloud.client("scheduler").get_schedule(Name=f"curfew-{instance.id}"), default=str),
        instance.console(),
        instance.output(),
    ):
        assert not SECRETS.found_in(text), text
