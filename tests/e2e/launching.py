"""`curfew launch` from this host, for the tests of what it launches. Nothing of what it does can end this host."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox import Instance, Sandbox
from tests.e2e.helpers import CURFEW, LIFE, assert_ended


class Launcher:
    """`curfew launch` on this host, with a state folder of its own. key: the id of its access key, by which its calls can be
    told from others'."""

    def __init__(self, cloud: Sandbox, bucket: str, home: Path, key: str = "launcher") -> None:
        self.cloud, self.bucket, self.home, self.key = cloud, bucket, home, key
        self.program = [str(CURFEW)]
        self.began = time.time()
        cloud.profile("trainer")
        self.role = cloud.scheduler_role()
        self.before = set(cloud.control("info")["instances"])
        # None where the program is a script that stands for it; and variables beside the sandbox's.
        self.verb = ["launch"]
        self.variables: dict[str, str] = {}

    def needs(self) -> list[str]:
        """The words that every launch here needs."""
        words = ["--instance-profile", "trainer", "--staging", f"s3://{self.bucket}/curfew"]
        return [*words, "--env", f"AWS_ENDPOINT_URL={self.cloud.guest_endpoint}"]

    def words(self, *options: str, shell: str | None = "true") -> list[str]:
        """Those that a launch here needs, the given ones, and the command, unless it's None."""
        words = self.needs()
        if "--instance-type" not in options:
            words += ["--instance-type", "g5.xlarge"]
        if "--no-schedule" not in options:
            words += ["--scheduler-role", self.role]
        if not {"--max-time", "--max-cost"} & set(options):
            words += ["--max-time", "10m"]
        return [*words, *options, *(["--shell", shell] if shell is not None else [])]

    def environment(self) -> dict[str, str]:
        return {
            **self.cloud.env(),
            "AWS_ACCESS_KEY_ID": self.key,
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
        }

    def start(self, *words: str, cwd: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.program, *self.verb, *words],
            env={**self.environment(), **self.variables},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, timeout: float = LIFE, cwd: Path | None = None) -> tuple[int, str, str]:
        process = self.start(*words, cwd=cwd)
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            process.kill()
        return process.returncode, out, err

    def launch(
        self, *options: str, shell: str | None = "true", cwd: Path | None = None
    ) -> tuple[Instance, str]:
        """Launches, and returns the instance and the plan as it was shown."""
        code, out, err = self.run(*self.words(*options, shell=shell), cwd=cwd)
        assert code == 0, f"{code}\n{out}\n{err}"
        found = re.search(r"^instance +(i-[0-9a-f]+)", out, re.MULTILINE)
        assert found, out
        return self.cloud.instance(found.group(1)), out

    def calls(self) -> list[str]:
        """The calls that it has made so far, by AWS's names."""
        return [
            call["op"]
            for call in self.cloud.requests
            if call["key"] == self.key and call["time"] >= self.began
        ]

    def records(self) -> list[Path]:
        return list(self.home.glob(".local/state/curfew/launches/*.json"))

    def instances(self) -> list[Instance]:
        """All that were made, those that have ended too."""
        names = set(self.cloud.control("info")["instances"]) - self.before
        return [self.cloud.instance(name) for name in sorted(names)]

    def end(self) -> None:
        """Takes away the schedules that it has made."""
        scheduler = self.cloud.client("scheduler")
        for name in self.schedules():
            scheduler.delete_schedule(Name=name)

    def schedules(self) -> list[str]:
        found = self.cloud.client("scheduler").list_schedules(NamePrefix="curfew-")["Schedules"]
        return [one["Name"] for one in found]


class Laptop:
    """Somebody who has credentials, and nothing else."""

    def __init__(self, cloud: Sandbox, bucket: str, folder: Path) -> None:
        self.cloud, self.bucket, self.folder = cloud, bucket, folder
        self.path = "/usr/bin:/bin"
        folder.mkdir()

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(CURFEW), *words, "--staging", f"s3://{self.bucket}/curfew"],
            env={**self.cloud.env(), "HOME": str(self.folder), "PATH": self.path},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, timeout: float = 2 * LIFE) -> subprocess.CompletedProcess[str]:
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def job(self) -> dict[str, Any]:
        """The newest, as `curfew ps` shows it."""
        shown = self.run("ps", "--format", "json")
        assert shown.returncode == 0, shown
        return dict(json.loads(shown.stdout)["jobs"][0])


def ended(instance: Instance) -> None:
    """By itself, and within a life from its power-on, which may come a moment after the launch."""
    instance.wait("terminated", LIFE)
    powered_on = instance.powered_on_at
    assert powered_on is not None
    assert_ended(instance, powered_on, within=LIFE, timeout=LIFE)


def until(holds: Callable[[], Any], timeout: float, what: str) -> Any:
    deadline = time.monotonic() + timeout
    while not (value := holds()):
        assert time.monotonic() < deadline, f"no {what} within {timeout:g} s"
        time.sleep(0.1)
    return value
