"""A launched job as it's lived with: followed from its launch, shown while it runs, waited for, its results brought here; with
the real binary on both sides."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

from sandbox import Sandbox
from tests.e2e.helpers import LIFE, SOON
from tests.e2e.launching import Laptop, Launcher, ended, until


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
