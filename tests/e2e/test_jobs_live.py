"""A launched job as it's lived with: followed from its launch, shown while it runs, waited for, its results brought here; with
the real binary on both sides."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

from sandbox import Sandbox
from tests.e2e.helpers import CURFEW, LIFE, SOON
from tests.e2e.launching import Launcher, ended, until


class Laptop:
    """Somebody who has credentials, and nothing else."""

    def __init__(self, cloud: Sandbox, bucket: str, folder: Path) -> None:
        self.cloud, self.bucket, self.folder = cloud, bucket, folder
        folder.mkdir()

    def run(self, *words: str, timeout: float = 2 * LIFE) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(CURFEW), *words, "--staging", f"s3://{self.bucket}/curfew"],
            env={**self.cloud.env(), "HOME": str(self.folder), "PATH": "/usr/bin:/bin"},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def job(self) -> dict[str, Any]:
        """The newest, as `curfew ps` shows it."""
        shown = self.run("ps", "--format", "json")
        assert shown.returncode == 0, shown
        return dict(json.loads(shown.stdout)["jobs"][0])


def test_a_job_is_followed_from_its_launch_to_its_results(
    cloud: Sandbox, bucket: str, launcher: Launcher, tmp_path: Path
) -> None:
    laptop = Laptop(cloud, bucket, tmp_path / "laptop")
    shell = 'echo "training as $USER"; mkdir out; echo weights >out/model; until [ -e go ]; do sleep 0.1; done; exit 3'
    words = launcher.words(
        "--follow",
        "--name",
        "digits",
        "--setup",
        "echo setting up",
        "--save",
        f"out/=s3://{bucket}/run",
        shell=shell,
    )
    process = launcher.start(*words)
    assert process.stdout and process.stderr
    lines: list[str] = []

    def read() -> None:
        assert process.stdout
        lines.extend(process.stdout)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        until(lambda: "training as debian\n" in lines, 2 * LIFE, "line of the job's")
        assert "setting up\n" in lines
        job = laptop.job()
        assert (job["job"], job["state"], job["stage"]) == ("digits", "running", "train"), job
        assert job["instance_state"] == "running" and job["left_s"] > 0
        (instance,) = launcher.instances()
        assert job["instance"] == instance.id
        shown = laptop.run("ssh", "digits", "--print")
        assert instance.id in shown.stdout, shown
        instance.sh("touch ~debian/go")
        assert process.wait(2 * LIFE) == 3, process.stderr.read()
        reader.join(SOON)
        text = "".join(lines)
        assert text.count("training as debian") == 1 and lines.count("setting up\n") == 1, text
        assert "ended, exit code 3" in process.stderr.read()
    finally:
        process.kill()
        reader.join(SOON)
    ended(instance)
    job = laptop.job()
    assert (job["state"], job["exit_code"], job["saved"], job["over"]) == ("ended", 3, True, True), job
    assert laptop.run("wait", "digits").returncode == 3
    logs = laptop.run("logs", instance.id)
    assert logs.returncode == 0 and logs.stdout.count("training as debian") == 1, logs
    guard = laptop.run("logs", "digits", "--stage", "guard")
    assert guard.returncode == 0 and "exit" in guard.stdout, guard
    result = laptop.run("result", "digits")
    assert result.returncode == 0, result
    assert (laptop.folder / "digits/out/model").read_text() == "weights\n"


def test_ctrl_c_ends_the_following_and_not_the_job(
    cloud: Sandbox, bucket: str, launcher: Launcher, tmp_path: Path
) -> None:
    laptop = Laptop(cloud, bucket, tmp_path / "laptop")
    process = launcher.start(*launcher.words("--follow", "--name", "digits", shell="echo at it; sleep 20"))
    assert process.stdout and process.stderr
    stderr = process.stderr
    try:
        until(lambda: "digits: " in stderr.readline(), LIFE, "state")
        process.send_signal(signal.SIGINT)
        assert process.wait(SOON) == 130
        err = process.stderr.read()
        assert "its machine ends by itself" in err and "curfew stop" in err and "curfew logs" in err, err
    finally:
        process.kill()
    assert laptop.run("wait", "digits").returncode == 0


def test_a_spot_instance_that_is_taken_back_is_no_success(
    cloud: Sandbox, bucket: str, launcher: Launcher, tmp_path: Path
) -> None:
    laptop = Laptop(cloud, bucket, tmp_path / "laptop")
    instance, _ = launcher.launch("--spot", "--name", "digits", shell="sleep 600")
    until(lambda: laptop.job()["state"] == "running", 2 * LIFE, "running job")
    instance.spot_notice(seconds=20)
    assert laptop.run("wait", "digits").returncode == 75
    assert laptop.job()["state"] == "interrupted"


def test_a_machine_that_fails_before_its_job_tells_why(
    cloud: Sandbox, bucket: str, launcher: Launcher, tmp_path: Path
) -> None:
    laptop = Laptop(cloud, bucket, tmp_path / "laptop")
    instance, _ = launcher.launch("--user", "nobody-here", "--name", "digits", shell="true")
    ended(instance)
    waited = laptop.run("wait", "digits")
    assert waited.returncode == 125 and "failed" in waited.stderr, waited
    logs = laptop.run("logs", "digits")
    assert logs.returncode == 0 and "nobody-here" in logs.stdout, logs
