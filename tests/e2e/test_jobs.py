"""`curfew ps`, `logs`, `wait`, `result` and `ssh`, with the real binary, against a staging bucket as launches and their guards
leave it, written by hand; and against a launch from its beginning to its end."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.helpers import CURFEW, LIFE, SOON
from tests.e2e.launching import until

POLL = 15.0  # seconds within which followers see what is new


def utc(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Jobs:
    """A staging place, filled by hand, and curfew's commands on it."""

    def __init__(self, cloud: Sandbox, bucket: str, folder: Path) -> None:
        self.cloud, self.bucket, self.folder = cloud, bucket, folder
        self.s3 = cloud.client("s3")
        self.count = 0
        folder.mkdir(exist_ok=True)

    def put(self, launch: str, name: str, body: str | bytes | dict[str, Any]) -> None:
        if isinstance(body, dict):
            body = json.dumps(body)
        self.s3.put_object(Bucket=self.bucket, Key=f"st/jobs/{launch}/{name}", Body=body)

    def launched(self, job: str = "digits", *, saves: tuple[str, ...] = (), **more: Any) -> str:
        """A launch of an hour ago, newer than those before it."""
        self.count += 1
        launch = f"20261127-10{self.count:04}-{'0' * 24}"
        file = {
            "version": 1,
            "launch": launch,
            "job": job,
            "region": "us-east-1",
            "owner": "arn:aws:iam::123456789012:user/me",
            "made": utc(hours=1),
            "stop_at": utc(hours=-3),
            "end_at": utc(hours=-3.3),
            "max_cost_micros": None,
            "saves": list(saves),
            "options": [["spot", "true"]],
            "command": ["true"],
            "workdir": None,
            "attempt": 1,
            "retry_of": "",
        }
        self.put(launch, "launch.json", file | more)
        return launch

    def status(self, launch: str, state: str, **more: Any) -> None:
        status = {
            "version": 1,
            "launch": launch,
            "job": "digits",
            "instance": None,
            "written": utc(seconds=1),
            "state": state,
            "interrupted": False,
            "stage": "train",
            "stages": [],
            "exit_code": None,
            "cause": None,
            "reason": None,
            "saved": None,
            "guard": {"cost": {"so_far": "$0.25", "complete": True}},
        }
        self.put(launch, "status.json", status | more)

    def instance(self, launch: str) -> Instance:
        """That only the API knows."""
        return self.cloud.launch(tags={"curfew:launch": launch, "curfew:job": "digits"}, machine=False)

    def end(self, instance: Instance) -> None:
        self.cloud.client("ec2").terminate_instances(InstanceIds=[instance.id])

    def command(self, *words: str) -> list[str]:
        return [str(CURFEW), *words, "--staging", f"s3://{self.bucket}/st"]

    def environment(self) -> dict[str, str]:
        return {**self.cloud.env(), "HOME": str(self.folder), "PATH": f"{self.folder}:/usr/bin:/bin"}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*words),
            env=self.environment(),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, timeout: float = LIFE) -> tuple[int, str, str]:
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            process.kill()
        return process.returncode, out, err

    def ps(self, *words: str) -> dict[str, Any]:
        code, out, err = self.run("ps", "--format", "json", *words)
        assert code == 0, f"{code}\n{out}\n{err}"
        return dict(json.loads(out))


@pytest.fixture
def jobs(cloud: Sandbox, bucket: str, tmp_path: Path) -> Iterator[Jobs]:
    cloud.reset()
    yield Jobs(cloud, bucket, tmp_path / "here")


# ---- ps


def test_shows_each_job_in_its_state(jobs: Jobs) -> None:
    ended, running, lost, interrupted, starting, never = (jobs.launched() for _ in range(6))
    jobs.status(ended, "ended", exit_code=3, saved=True)
    machine = jobs.instance(running)
    jobs.status(running, "running", instance=machine.id)
    jobs.status(lost, "running", instance="i-0123456789abcdef0")
    jobs.status(interrupted, "ended", interrupted=True, saved=True)
    jobs.instance(starting)
    jobs.put("not_a_launch", "launch.json", "{}")
    report = jobs.ps()
    rows = {row["launch"]: row for row in report["jobs"]}
    states = {launch: row["state"] for launch, row in rows.items()}
    assert states == {
        ended: "ended",
        running: "running",
        lost: "lost",
        interrupted: "interrupted",
        starting: "starting",
        never: "never_launched",
    }
    assert [row["launch"] for row in report["jobs"]] == sorted(rows, reverse=True)
    assert rows[ended]["exit_code"] == 3 and rows[ended]["saved"] is True
    assert rows[running]["instance"] == machine.id and rows[running]["instance_state"] == "running"
    assert rows[running]["cost"] == {"so_far": 0.25, "mark": "exact"}
    assert 2.9 * 3600 < rows[running]["left_s"] < 3.1 * 3600
    assert report["complete"] is True
    code, out, err = jobs.run("ps", "--newest", "2")
    assert code == 0 and "the newest 2 of 6 launches" in out, out + err
    assert never in out and running not in out


def test_says_what_could_not_be_read(jobs: Jobs) -> None:
    launch = jobs.launched()
    jobs.status(launch, "running")
    with jobs.cloud.failing(
        "error", service="ec2", op="DescribeInstances", code="UnauthorizedOperation", status=403
    ):
        code, out, _ = jobs.run("ps")
    assert code == 101 and "UnauthorizedOperation" in out and "running" in out, out
    jobs.put(launch, "status.json", "{")
    code, out, _ = jobs.run("ps")
    assert code == 101 and "unknown" in out and "status.json" in out, out
    code, _, err = jobs.run("ps", "--staging", "s3://there-is-no-such-bucket-here")
    assert code == 125 or code == 101, err


def test_reads_hundreds_of_launches(jobs: Jobs) -> None:
    for _ in range(60):
        jobs.status(jobs.launched(), "ended", exit_code=0, saved=True)
    assert len(jobs.ps()["jobs"]) == 30
    assert len(jobs.ps("--all")["jobs"]) == 60


# ---- logs


def test_prints_stages_in_order_and_the_guards_apart(jobs: Jobs) -> None:
    launch = jobs.launched()
    jobs.status(launch, "running")
    for name, text in (
        ("train-000001", "t1\n"),
        ("train-000002", "t2\n"),
        ("setup-000001", "s\n"),
        ("guard-000001", "g\n"),
    ):
        jobs.put(launch, f"live/{name}.log", text)
    code, out, err = jobs.run("logs", "digits")
    assert (code, out) == (0, "s\nt1\nt2\n"), err
    assert f"the newest launch of the job digits: {launch}" in err
    assert jobs.run("logs", launch, "--stage", "guard")[:2] == (0, "g\n")
    assert jobs.run("logs", launch, "--tail", "2")[:2] == (0, "t1\nt2\n")
    assert jobs.run("logs", launch, "--stage", "data")[:2] == (1, "")
    assert jobs.run("logs", "nobody")[0] == 1


def test_follows_a_job_to_its_end_through_an_outage(jobs: Jobs) -> None:
    launch = jobs.launched()
    instance = jobs.instance(launch)
    jobs.status(launch, "running")
    jobs.put(launch, "live/train-000001.log", "one\n")
    process = jobs.start("logs", "-f", launch)
    assert process.stdout and process.stderr
    lines: list[str] = []

    def read() -> None:
        assert process.stdout
        lines.extend(process.stdout)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        until(lambda: lines == ["one\n"], POLL, "first part")
        jobs.put(launch, "live/train-000002.log", "two\n")
        until(lambda: lines == ["one\n", "two\n"], POLL, "second part")
        with jobs.cloud.failing("error", service="s3", op="GetObject", code="SlowDown", status=503):
            time.sleep(8)
        jobs.put(launch, "logs/train.log", "one\ntwo\nthree\n")
        jobs.status(launch, "ended", exit_code=4, saved=True)
        jobs.end(instance)
        assert process.wait(LIFE) == 0
        reader.join(SOON)
        assert lines == ["one\n", "two\n", "three\n"]
        err = process.stderr.read()
        assert err.count("trying again") == 1 and "ended, exit code 4" in err, err
    finally:
        process.kill()
        reader.join(SOON)


def test_shows_the_boots_log_where_the_job_never_began(jobs: Jobs) -> None:
    launch = jobs.launched()
    jobs.status(launch, "failed", reason="no user nobody-here")
    jobs.put(launch, "boot.log", "curfew: nobody-here isn't in /etc/passwd\n")
    code, out, err = jobs.run("logs", launch)
    assert (code, out) == (0, "curfew: nobody-here isn't in /etc/passwd\n")
    assert "failed: no user nobody-here" in err


def on_terminal(jobs: Jobs, *words: str) -> bytes:
    """What a terminal gets."""
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        jobs.command(*words), env=jobs.environment(), stdin=inner, stdout=inner, stderr=subprocess.DEVNULL
    )
    os.close(inner)
    text = b""
    deadline = time.monotonic() + LIFE
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                text += os.read(terminal, 65536)
            except OSError:  # its other end is closed
                break
    os.close(terminal)
    process.wait(SOON)
    return text


def test_lets_nothing_act_on_a_terminal(jobs: Jobs) -> None:
    launch = jobs.launched()
    jobs.status(launch, "ended", exit_code=0, reason="a\033]0;x\007b")
    hostile = b"a\033[31mb\033]52;c;ZXZpbA==\007\033[2J\033[6nc\n"
    jobs.put(launch, "logs/train.log", hostile)
    assert on_terminal(jobs, "logs", launch) == b"a\033[31mbc\r\n\033[0m"
    assert on_terminal(jobs, "logs", launch, "--raw") == hostile.replace(b"\n", b"\r\n")
    code, out, _ = jobs.run("logs", launch)
    assert code == 0 and out.encode() == hostile
    table = on_terminal(jobs, "ps")
    assert b"digits" in table and not re.search(rb"\033(?!\[[0-9;]*m)", table), table


# ---- wait


@pytest.mark.parametrize(
    ("state", "more", "code"),
    [
        ("ended", {"exit_code": 0, "saved": True}, 0),
        ("ended", {"exit_code": 0, "saved": True, "cause": "stop_asked"}, 125),
        ("ended", {"exit_code": 0, "saved": False}, 125),
        ("ended", {"exit_code": 0, "saved": None}, 125),
        ("ended", {"exit_code": 7, "saved": True}, 7),
        ("ended", {"exit_code": 0, "saved": True, "interrupted": True}, 75),
        ("failed", {}, 125),
    ],
)
def test_waits_for_the_exit_code(jobs: Jobs, state: str, more: dict[str, Any], code: int) -> None:
    launch = jobs.launched(saves=(f"out/=s3://{jobs.bucket}/run",))
    jobs.status(launch, "running")
    instance = jobs.instance(launch)
    process = jobs.start("wait", launch)
    try:
        time.sleep(1)
        assert process.poll() is None
        jobs.status(launch, state, **{"cause": "job_ended"} | more)
        jobs.end(instance)
        assert process.wait(POLL) == code, process.communicate()
    finally:
        process.kill()


def test_a_last_word_counts_once_the_machine_goes(jobs: Jobs) -> None:
    """Until then it may be the job itself that wrote it."""
    launch = jobs.launched()
    instance = jobs.instance(launch)
    jobs.status(launch, "ended", exit_code=0, saved=True, cause="job_ended")
    process = jobs.start("wait", launch)
    try:
        time.sleep(6)
        assert process.poll() is None
        jobs.status(launch, "ended", exit_code=3, saved=True, cause="job_ended")
        jobs.end(instance)
        assert process.wait(POLL) == 3
    finally:
        process.kill()


def test_gives_up_waiting_when_asked_to(jobs: Jobs) -> None:
    launch = jobs.launched()
    jobs.status(launch, "running")
    jobs.instance(launch)
    code, _, err = jobs.run("wait", launch, "--timeout", "2s")
    assert code == 124 and "isn't over after 2s" in err, err
    code, _, err = jobs.run("wait", "nobody")
    assert code == 125, err


def test_an_instance_that_vanished_is_not_waited_for(jobs: Jobs) -> None:
    launch = jobs.launched()
    jobs.status(launch, "saving")
    code, _, err = jobs.run("wait", launch)
    assert code == 75 and "lost" in err, err


# ---- result


def test_brings_results_and_nothing_twice(jobs: Jobs) -> None:
    launch = jobs.launched(
        saves=(f"out/=s3://{jobs.bucket}/run", f"/opt/model.bin=s3://{jobs.bucket}/final/")
    )
    jobs.status(launch, "ended", exit_code=0, saved=True)
    for key, body in (
        ("run/a.txt", b"a"),
        ("run/sub/b.bin", b"b" * 100_000),
        ("final/model.bin", b"m"),
        ("runner", b"x"),
    ):
        jobs.s3.put_object(Bucket=jobs.bucket, Key=key, Body=body)
    code, out, err = jobs.run("result", "digits", "--list")
    assert code == 0 and "out/sub/b.bin" in out and "opt/model.bin" in out, out + err
    assert not (jobs.folder / "digits").exists()
    code, out, err = jobs.run("result", "digits")
    assert code == 0, out + err
    here = jobs.folder / "digits"
    found = {str(path.relative_to(here)): path.read_bytes() for path in here.rglob("*") if path.is_file()}
    assert found.pop(".curfew-result.jsonl")
    assert found == {"out/a.txt": b"a", "out/sub/b.bin": b"b" * 100_000, "opt/model.bin": b"m"}
    assert f"s3://{jobs.bucket}/run" in out
    code, out, _ = jobs.run("result", "digits")
    assert code == 0 and "3 were here already" in out, out
    # What was changed here stays, and what has changed there comes, where nothing here was.
    jobs.s3.put_object(Bucket=jobs.bucket, Key="run/a.txt", Body=b"A")
    assert jobs.run("result", "digits")[0] == 0
    assert (here / "out/a.txt").read_bytes() == b"A"
    (here / "out/a.txt").write_bytes(b"mine")
    code, _, err = jobs.run("result", "digits")
    assert code == 1 and "out/a.txt is here already" in err, err
    assert (here / "out/a.txt").read_bytes() == b"mine"
    assert jobs.run("result", "digits", "--force")[0] == 0
    assert (here / "out/a.txt").read_bytes() == b"A"


def test_never_writes_outside_its_folder(jobs: Jobs) -> None:
    jobs.s3.put_object(Bucket=jobs.bucket, Key="evil/../../owned", Body=b"x")
    jobs.s3.put_object(Bucket=jobs.bucket, Key="fine/x", Body=b"x")
    for save in (f"out=s3://{jobs.bucket}/evil", f"../owned=s3://{jobs.bucket}/fine", "no save"):
        launch = jobs.launched(saves=(save,))
        jobs.status(launch, "ended", exit_code=0, saved=True)
        code, out, err = jobs.run("result", launch, "--to", "here/dir")
        assert code == 125, out + err
    assert [path.name for path in jobs.folder.parent.rglob("*owned*")] == []


def test_tells_results_that_are_not_whole(jobs: Jobs) -> None:
    launch = jobs.launched(saves=(f"out=s3://{jobs.bucket}/run", f"more=s3://{jobs.bucket}/nothing"))
    jobs.status(launch, "ended", exit_code=0, saved=False)
    jobs.s3.put_object(Bucket=jobs.bucket, Key="run/a", Body=b"a")
    code, _, err = jobs.run("result", launch, "--to", "out")
    assert code == 1 and "NOT ALL SAVED" in err and "nothing is saved of more" in err, err
    assert (jobs.folder / "out/out/a").read_bytes() == b"a"


def test_says_of_a_lost_job_what_is_known_and_brings_what_is_there(jobs: Jobs) -> None:
    jobs.count = 900  # EC2 still shows the machines of other tests' launches
    launch = jobs.launched(saves=(f"out=s3://{jobs.bucket}/run",))
    machine = jobs.instance(launch)
    jobs.status(launch, "running", instance=machine.id, guard={"saving": {"last_good_age_s": 600}})
    jobs.s3.put_object(Bucket=jobs.bucket, Key="run/a", Body=b"a")
    jobs.end(machine)
    machine.wait("terminated", LIFE)
    code, _, err = jobs.run("result", launch, "--to", "out")
    assert code == 1, err
    assert (jobs.folder / "out/out/a").read_bytes() == b"a"
    gone = rf"lost: {machine.id} is terminated since [^ ]+Z \([^)]*Client\.UserInitiatedShutdown\)"
    words = re.search(gone + r"; last heard of at [^ ]+Z in stage train; last saved at [^ ]+Z, 10m", err)
    assert words, err
    waited = jobs.run("wait", launch)
    assert waited[0] == 75 and words.group(0) in waited[2], waited


# ---- ssh


# Stands for the program of its name: tells its words, and what it was given to read.
_STANDS_IN = """#!/bin/sh
echo "$(basename "$0")"; for word; do echo "$word"; done; cat; exit 9
"""


def test_opens_a_shell_by_words_that_no_shell_reads(jobs: Jobs) -> None:
    keyed = [["key-name", "my key"], ["image", "ami-0123456789abcdef0"]]
    launches = {"aws": jobs.launched(), "ssh": jobs.launched(options=keyed)}
    machines = {program: jobs.instance(launch) for program, launch in launches.items()}
    address = machines["ssh"].describe()["PublicIpAddress"]
    (jobs.folder / ".ssh").mkdir()
    key = jobs.folder / ".ssh/my key.pem"
    key.write_text("no key")
    expected = {
        "aws": ["aws", "ssm", "start-session", "--target", machines["aws"].id, "--region", "us-east-1"],
        "ssh": ["ssh", "-i", str(key), f"ubuntu@{address}"],
    }
    if shutil.which("aws", path="/usr/bin:/bin") is None:
        code, _, err = jobs.run("ssh", launches["aws"])
        assert code == 125 and "Session Manager plugin" in err, err
    for program, launch in launches.items():
        code, out, err = jobs.run("ssh", launch, "--print")
        assert (code, shlex.split(out)) == (0, expected[program]), out + err
        stand_in = jobs.folder / program
        stand_in.write_text(_STANDS_IN)
        stand_in.chmod(0o755)
        code, shown, err = jobs.run("ssh", machines[program].id)
        # What --print prints, said on stderr, and that program's own exit code.
        assert (code, shown.splitlines()) == (9, expected[program]), shown + err
        assert f"curfew: {out.strip()}" in err.splitlines(), err
    jobs.end(machines["aws"])
    machines["aws"].wait("terminated", SOON)
    code, _, err = jobs.run("ssh", launches["aws"])
    assert code == 1 and "doesn't run" in err, err


def test_finds_a_job_by_an_instance_of_another_region(jobs: Jobs) -> None:
    jobs.launched("other")
    launch = jobs.launched(region="eu-west-1")
    machine = jobs.cloud.launch(tags={"curfew:launch": launch}, machine=False, region="eu-west-1")
    code, out, err = jobs.run("ssh", machine.id, "--print")
    assert code == 0 and out.split()[-2:] == ["--region", "eu-west-1"] and launch in err, out + err
    code, _, err = jobs.run("ssh", "i-0123456789abcdef0", "--print")
    assert code == 1 and "in us-east-1, eu-west-1" in err and "--region" in err, err
