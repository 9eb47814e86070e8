"""The demo on machines that boot: set up an account, launch a training, follow it, look at what runs, fetch the result; then a
job that hangs for ever, which ends at its limit. All of it by the commands that a user types, on the real binary."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sandbox import meter
from sandbox.client import REGION, Sandbox
from sandbox.demo_base import (
    ACCURACY_EXPECTED,
    FORGOTTEN_HOURS,
    INSTANCE_TYPE,
    REPO,
    Failed,
    accuracy_in,
    dollars,
    say,
)
from sandbox.instance import Instance

ACCOUNT = "123456789012"
BUCKET = f"curfew-{ACCOUNT}-{REGION}"
HANG_LIMIT = "30s"
_LIMIT = 240.0
_POLL = 0.2


class Curfew:
    """Runs `curfew` on this host as a user would, and shows it."""

    def __init__(self, cloud: Sandbox, binary: Path, home: Path) -> None:
        self.cloud, self.binary, self.home = cloud, binary.resolve(), home
        self.environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), **cloud.env(REGION)}
        self.environment["TERM"] = os.environ.get("TERM", "dumb")

    def start(self, *words: str, shown: tuple[str, ...] | None = None) -> subprocess.Popen[str]:
        say()
        say(f"  $ curfew {' '.join(shown or words)}")
        return subprocess.Popen(
            [str(self.binary), *words],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def run(self, *words: str, expected: int = 0, shown: tuple[str, ...] | None = None) -> str:
        """What it printed, which is shown as it comes."""
        lines: list[str] = []
        with self.running(*words, shown=shown) as process:
            code = relay(process, lines.append)
        if code != expected:
            raise Failed(f"curfew {words[0]} exits with {code}, not {expected}")
        return "\n".join(lines)

    @contextlib.contextmanager
    def running(self, *words: str, shown: tuple[str, ...] | None = None) -> Iterator[subprocess.Popen[str]]:
        process = self.start(*words, shown=shown)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def relay(process: subprocess.Popen[str], keep: Callable[[str], None]) -> int:
    """Shows what it prints, line by line, to its end."""
    assert process.stdout
    timer = threading.Timer(_LIMIT, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            say(f"  | {line.rstrip()}")
            keep(line.rstrip())
        return process.wait()
    finally:
        timer.cancel()


def until(holds: Callable[[], Any], what: str, limit: float = _LIMIT) -> Any:
    deadline = time.monotonic() + limit
    while not (value := holds()):
        if time.monotonic() > deadline:
            raise Failed(f"no {what} within {limit:.0f} s")
        time.sleep(_POLL)
    return value


def instances(cloud: Sandbox) -> list[Instance]:
    return [cloud.instance(name) for name in cloud.control("info")["instances"]]


def train(cloud: Sandbox, curfew: Curfew, epochs: int) -> tuple[Instance, float]:
    """Launches the example, follows it to its end, and looks at what runs meanwhile. And when it said its last word."""
    words = ["launch", "job.toml", "--follow", "--max-time", "5m"]
    words += ["--save", f"model/=s3://{BUCKET}/results/digits", "--env"]
    command = ["--", "python3", "train.py", "--out", "model/", "--epochs", str(epochs)]
    command += ["--epoch-seconds", "0.5"]
    shown = (*words[:-1], *command)
    lines: list[str] = []
    with curfew.running(*words, f"AWS_ENDPOINT_URL={cloud.guest_endpoint}", *command, shown=shown) as process:
        codes: list[int] = []
        follower = threading.Thread(target=lambda: codes.append(relay(process, lines.append)))
        follower.start()
        try:
            until(lambda: instances(cloud) or process.poll() is not None, "instance")
            if not (made := instances(cloud)):
                raise Failed("curfew launch made no instance")
            (instance,) = made
            until(
                lambda: "epoch 1/" in instance.output() or process.poll() is not None, "training", limit=120
            )
            curfew.run("check", "--exit-style", "zero")
            until(lambda: "done:" in instance.output() or process.poll() is not None, "end of the training")
            done_at = time.monotonic()
        finally:
            if process.poll() is None and not lines:
                process.kill()
            follower.join(_LIMIT)
    if codes != [0]:
        raise Failed(f"curfew launch --follow exits with {codes}, not 0")
    instance.wait("terminated", 60)
    return instance, done_at


def hang(cloud: Sandbox, curfew: Curfew) -> tuple[Instance, float]:
    """A job that never ends by itself; the seconds from its launch until its instance was off."""
    before = {each.id for each in instances(cloud)}
    words = ["launch", "--instance-type", INSTANCE_TYPE, "--spot", "--name", "hangs"]
    words += ["--max-time", HANG_LIMIT, "--env"]
    command = ["--", "sleep", "infinity"]
    started = time.monotonic()
    curfew.run(*words, f"AWS_ENDPOINT_URL={cloud.guest_endpoint}", *command, shown=(*words[:-1], *command))
    (instance,) = [each for each in instances(cloud) if each.id not in before]
    instance.wait("terminated", _LIMIT)
    return instance, _off_at(instance) - started


def _off_at(instance: Instance) -> float:
    for event in instance.facts()["events"]:
        if event["event"] == "off":
            return float(event["monotonic"])
    raise Failed(f"{instance.id} never powered off")


def play(cloud: Sandbox, binary: Path, epochs: int) -> None:
    with tempfile.TemporaryDirectory(prefix="curfew-demo.") as folder:
        home = Path(folder)
        for name in ("train.py", "job.toml"):
            (home / name).write_bytes((REPO / "examples/digits" / name).read_bytes())
        curfew = Curfew(cloud, binary, home)
        curfew.run("setup", "--apply")
        trained, done_at = train(cloud, curfew, epochs)
        curfew.run("ps")
        curfew.run("result", "digits", "--to", "results")
        reached = accuracy_in((home / "results/model/metrics.jsonl").read_text())
        hung, lasted = hang(cloud, curfew)
        waited = curfew.run("wait", "hangs", expected=124)
        if not re.search(r"time limit|deadline", waited):
            raise Failed("curfew wait doesn't say that the job reached its limit")
        left = curfew.run("check")
        if "No running instances found" not in left:
            raise Failed("curfew check still shows an instance")
    say()
    say(
        f"training -> off     {max(0.0, _off_at(trained) - done_at):.1f} s from the training's last word to power-off"
    )
    report(cloud, reached, trained, hung, lasted)


def report(cloud: Sandbox, reached: float, trained: Instance, hung: Instance, lasted: float) -> None:
    hourly = meter.hourly_micros(INSTANCE_TYPE, REGION)
    assert hourly is not None
    facts = trained.facts()
    stored = cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="results/digits/").get("Contents", [])
    say(f"accuracy reached    {reached:.4f}, from the metrics that curfew result has brought")
    for number, item in enumerate(stored):
        say(f"{'saved to S3' if number == 0 else '':<20}s3://{BUCKET}/{item['Key']} ({item['Size']:,} bytes)")
    say(f"instance            {facts['state']} ({facts['reason']})")
    say(f"ran                 {facts['running_seconds']:.1f} s, billed {facts['billed_seconds']} s")
    ran_as = trained.describe()["InstanceType"]
    say(f"cost                {dollars(facts['cost_micros'], 4)} ({ran_as}, spot, {REGION})")
    say(
        f"the job that hung   {hung.facts()['state']} {lasted:.0f} s after its launch, with --max-time {HANG_LIMIT}"
    )
    say(f"if forgotten        {dollars(hourly * FORGOTTEN_HOURS)} for {FORGOTTEN_HOURS} h")
    schedules = cloud.client("scheduler").list_schedules(NamePrefix="curfew-")["Schedules"]
    for instance in (trained, hung):
        if (state := instance.state()) != "terminated":
            raise Failed(f"{instance.id} is {state}, not terminated")
    if reached < ACCURACY_EXPECTED:
        raise Failed(f"accuracy {reached:.4f} is below {ACCURACY_EXPECTED}")
    if others := [each.id for each in instances(cloud) if each.state() != "terminated"]:
        raise Failed(f"still there: {', '.join(others)}")
    say(f"left                {len(schedules)} schedules that find nothing to end, and go by themselves")
