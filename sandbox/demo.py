"""The demo: a real training job on an instance of a local AWS, under curfew, which ends the machine when the job is done.
On machines that boot it's the whole way, by `curfew setup` and `curfew launch` (demo_launch.py); elsewhere `curfew run` alone.

python -m sandbox demo [--binary build/release/curfew] [--mode auto] [--epochs 12]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from sandbox import demo_launch, meter
from sandbox.client import REGION, Sandbox, SandboxError
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

BUCKET = "curfew-demo"
PREFIX = "digits/model"
_LIMIT = 240.0  # from launch to the end; well below the job's own limit of 5 minutes
_POLL = 0.1
_MODES = {
    "booted": "machines that really boot: a systemd and cloud-init of their own, in systemd-nspawn",
    "lesser": "machines without systemd: processes in namespaces of their own, and a stand-in for `shutdown`",
    "bare": "no machines at all: plain processes, and a stand-in for `shutdown`",
}
_USER_DATA = """#!/bin/bash
export HOME=/root AWS_ENDPOINT_URL={endpoint} AWS_REGION={region}
cd "$(mktemp -d)"
fetch() {{ python3 -c 'import sys, urllib.request as u; u.urlretrieve(sys.argv[1], sys.argv[2])' "$@"; }}
fetch '{binary}' curfew
fetch '{train}' train.py
chmod +x curfew
./curfew run --max-time 5m --save model/=s3://{bucket}/{prefix} -- \\
    python3 train.py --out model/ --epochs {epochs} --epoch-seconds 0.5
"""


def upload(cloud: Sandbox, binary: Path, epochs: int) -> str:
    """Puts the binary and the training script into the bucket; returns the user data that fetches them."""
    s3 = cloud.client("s3")
    cloud.bucket(BUCKET)
    for path, key in ((binary, "bin/curfew"), (REPO / "examples/digits/train.py", "digits/train.py")):
        s3.upload_file(str(path), BUCKET, key)
    urls = {
        name: s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": key}, ExpiresIn=900).replace(
            cloud.endpoint, cloud.guest_endpoint
        )
        for name, key in (("binary", "bin/curfew"), ("train", "digits/train.py"))
    }
    return _USER_DATA.format(
        endpoint=cloud.guest_endpoint, region=REGION, bucket=BUCKET, prefix=PREFIX, epochs=epochs, **urls
    )


class Relay:
    """Shows what the user data prints as it comes, and remembers when the training said that it was done."""

    def __init__(self, instance: Instance) -> None:
        self.instance, self.shown, self.done_at = instance, 0, None  # type: Instance, int, float | None

    def lines(self) -> list[str]:
        text = self.instance.output()
        if "running 'modules:final'" in text:
            text = text.partition("running 'modules:final'")[2].partition("\n")[2]
        elif self.instance.cloud.mode == "booted":
            return []
        text = text[: text.rfind("\n") + 1]  # a line that is still being written comes whole the next time
        return [line for line in text.splitlines() if not line.startswith(("Cloud-init v.", "ci-info:"))]

    def show(self) -> None:
        for line in (lines := self.lines())[self.shown :]:
            say(f"  | {line}")
            if "done:" in line and self.done_at is None:
                self.done_at = time.monotonic()
        self.shown = max(self.shown, len(lines))


def watch(instance: Instance) -> tuple[Relay, dict[str, Any]]:
    """Until the instance is terminated."""
    relay, deadline = Relay(instance), time.monotonic() + _LIMIT
    while True:
        facts = instance.facts()
        relay.show()
        if facts["state"] in ("terminated", "stopped"):
            return relay, facts
        if not facts["alive"] and facts["state"] == "running":
            raise Failed(f"{instance.id} has halted or crashed, and goes on costing money")
        if time.monotonic() > deadline:
            raise Failed(f"{instance.id} is still {facts['state']} after {_LIMIT:.0f} s")
        time.sleep(_POLL)


def objects(cloud: Sandbox) -> list[tuple[str, int]]:
    found = cloud.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=PREFIX).get("Contents", [])
    return [(item["Key"], item["Size"]) for item in found]


def accuracy(cloud: Sandbox) -> float:
    """Of the last epoch, as the metrics in S3 have it."""
    key = f"{PREFIX}/metrics.jsonl"
    s3 = cloud.client("s3")
    try:
        text = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    except s3.exceptions.NoSuchKey:
        raise Failed(f"s3://{BUCKET}/{key} is not there: the results were not saved") from None
    return accuracy_in(text)


def report(cloud: Sandbox, instance: Instance, relay: Relay, facts: dict[str, Any]) -> None:
    reached = accuracy(cloud)
    off = next((event["monotonic"] for event in facts["events"] if event["event"] == "off"), None)
    hourly = meter.hourly_micros(INSTANCE_TYPE, REGION)
    assert hourly is not None
    forgotten = dollars(hourly * FORGOTTEN_HOURS)
    say()
    say(f"accuracy reached    {reached:.4f}, from the metrics in S3")
    for number, (key, size) in enumerate(objects(cloud)):
        say(f"{'saved to S3' if number == 0 else '':<20}s3://{BUCKET}/{key} ({size:,} bytes)")
    say(f"instance            {facts['state']} ({facts['reason']})")
    if relay.done_at is not None and off is not None:
        say(
            f"training -> off     {max(0.0, off - relay.done_at):.1f} s from the training's last word to power-off"
        )
    say(f"ran                 {facts['running_seconds']:.1f} s, billed {facts['billed_seconds']} s")
    cost = facts["cost_micros"]
    say(
        f"cost                {dollars(cost, 4)} on demand ({INSTANCE_TYPE}, {REGION}, {dollars(hourly, 3)} an hour)"
    )
    say(f"if forgotten        {forgotten} for {FORGOTTEN_HOURS} h")
    if facts["state"] != "terminated":
        raise Failed(f"{instance.id} is {facts['state']}, not terminated")
    if reached < ACCURACY_EXPECTED:
        raise Failed(f"accuracy {reached:.4f} is below {ACCURACY_EXPECTED}")
    others = [
        name for name in cloud.control("info")["instances"] if cloud.instance(name).state() != "terminated"
    ]
    if others:
        raise Failed(f"still there: {', '.join(others)}")


def play(cloud: Sandbox, binary: Path, epochs: int) -> None:
    say(f"A local AWS, with {_MODES[cloud.mode]}.")
    say(f"(Not machines that boot: {cloud.why}. So `curfew run` alone, in user data of its own.)")
    user_data = upload(cloud, binary, epochs)
    instance = cloud.launch(
        user_data,
        instance_type=INSTANCE_TYPE,
        shutdown_behavior="terminate",
        tags={"Name": "digits", "curfew:job": "digits"},
        profile=cloud.profile("trainer"),
        wait=False,
    )
    say(f"Launched {instance.id}, a pretended {INSTANCE_TYPE} in {REGION}. Its user data runs, for real:")
    say()
    job = user_data.partition("./curfew")
    for line in (job[1] + job[2]).splitlines():
        say(f"  $ {line}")
    say()
    relay, facts = watch(instance)
    report(cloud, instance, relay, facts)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox demo", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--binary", type=Path, default=REPO / "build/release/curfew", help="build/release/curfew"
    )
    parser.add_argument("--mode", choices=("auto", "booted", "lesser", "bare"), default="auto")
    parser.add_argument("--epochs", type=int, default=12)
    options = parser.parse_args(arguments)
    if not options.binary.is_file():
        say(f"demo: {options.binary} is not there: build it first (make build)")
        return 2
    try:
        with Sandbox.start(options.mode, log=sys.stderr) as cloud:
            if cloud.mode == "booted":
                say(f"A local AWS, with {_MODES[cloud.mode]}.")
                demo_launch.play(cloud, options.binary, options.epochs)
            else:
                play(cloud, options.binary, options.epochs)
    except (Failed, SandboxError, TimeoutError) as error:
        say(f"\ndemo: not as promised: {error}")
        return 1
    except KeyboardInterrupt:
        say("\ndemo: interrupted; the sandbox and its machines are gone")
        return 130
    say("\nAll as promised. The sandbox and its machines are gone.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
