"""`curfew launch` beside people's own scripts: seconds from the command to the moment in which RunInstances arrives."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.machines import CURFEW, HERE, Machines
from bench.s3_server import BUCKET, Server, built, folder_for, serving
from bench.table import Row
from bench.tools import AWS, OURS, RCLONE, Took, aws_sync, fill, rclone_env, run_whole
from sandbox import Sandbox

LIMIT = 300.0
CLI, BOTO3 = "an AWS CLI script", "boto3, same look-ups"
_TYPE = "g5.xlarge"
_PROFILE, _ROLE, _GROUP = "curfew-job", "curfew-scheduler", "curfew"


@dataclass(frozen=True)
class Amounts:
    """rounds: launches of each. latency: added to each call, as between a laptop and a region."""

    rounds: int = 5
    latency: float = 0.1
    files: int = 200
    file_bytes: int = 4096
    many_files: int = 5_000
    many_rounds: int = 3
    moto: bool = False  # even where there is the faster server


QUICK = Amounts(rounds=1, latency=0.02, files=20, many_files=60, many_rounds=1)


class Programs:
    """Each launches an instance of the sandbox that no machine plays, with the code of a folder."""

    def __init__(self, cloud: Sandbox, work: Path, code: Path) -> None:
        self.cloud, self.code = cloud, code
        self.home = work / "home"
        self.home.mkdir(exist_ok=True)
        self.plain = {"PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"}
        self.plain |= {"HOME": str(self.home), "AWS_EC2_METADATA_DISABLED": "true", **cloud.env()}
        self._call([str(CURFEW), "setup", "--apply"])
        user_data = work / "user-data"
        user_data.write_text("#!/bin/sh\nshutdown -h now\n")
        account = cloud.client("sts").get_caller_identity()["Account"]
        groups = cloud.client("ec2").describe_security_groups(
            Filters=[{"Name": "group-name", "Values": [_GROUP]}]
        )
        self.plain |= {
            "WORKDIR": str(code),
            "STAGING": f"s3://curfew-{account}-us-east-1",
            "IMAGE": cloud.image_id(),
            "TYPE": _TYPE,
            "GROUP": groups["SecurityGroups"][0]["GroupId"],
            "PROFILE": _PROFILE,
            "ROLE": _ROLE,
            "USER_DATA": str(user_data),
        }
        self.words: dict[str, list[str]] = {
            OURS: self.ours(),
            CLI: ["bash", str(HERE / "baseline/launch_cli.sh")],
            BOTO3: [sys.executable, str(HERE / "baseline/launch_boto3.py")],
        }

    def ours(self, *options: str) -> list[str]:
        words = [str(CURFEW), "launch", "--spot", "--instance-type", _TYPE, "--max-time", "1h"]
        return [*words, "--workdir", str(self.code), *options, "--", "true"]

    def _call(self, words: Sequence[str], more: Mapping[str, str] | None = None) -> None:
        ran = subprocess.run(
            words,
            env={**self.plain, **(more or {})},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        if ran.returncode:
            raise RuntimeError(f"{' '.join(words)}: exit code {ran.returncode}\n{ran.stderr[-2000:]}")

    def until_asked(self, words: Sequence[str], more: Mapping[str, str] | None = None) -> tuple[float, int]:
        """Seconds from just before exec to the arrival of RunInstances, and how many calls have arrived by then, this one
        among them. What it does after that, isn't in it; the instance is ended again."""
        before = len(self.cloud.requests)
        began = time.time()  # the clock of the sandbox's own record
        self._call(words, more)
        calls = self.cloud.requests[before:]
        asked = [number for number, call in enumerate(calls) if call["op"] == "RunInstances"]
        if len(asked) != 1:
            raise RuntimeError(f"{' '.join(words)}: RunInstances arrived {len(asked)} times")
        ec2 = self.cloud.client("ec2")
        states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        for group in ec2.describe_instances(Filters=states)["Reservations"]:
            ec2.terminate_instances(InstanceIds=[one["InstanceId"] for one in group["Instances"]])
        return float(calls[asked[0]]["time"]) - began, asked[0] + 1


def measure(machines: Machines, amounts: Amounts) -> list[Row]:
    cloud = machines.cloud
    cloud.wish(machine=False)
    with tempfile.TemporaryDirectory(prefix="curfew-bench-") as name:
        work = Path(name)
        fill(work / "code", amounts.files, amounts.file_bytes)
        programs = Programs(cloud, work, work / "code")
        rows = _rows(programs, amounts)
    program = None if amounts.moto else built()
    with folder_for(4 * amounts.many_files * max(4096, amounts.file_bytes)) as work:
        objects = work / "objects"
        objects.mkdir()
        with serving(cloud, program, objects) as server:
            rows += _many(cloud, server, work, amounts)
    cloud.reset()
    return rows


def _rows(programs: Programs, amounts: Amounts) -> list[Row]:
    first, _ = programs.until_asked(programs.words[OURS])
    rows: list[Row] = []
    for latency in (0.0, amounts.latency):
        slow = programs.cloud.failing("slow", delay=latency) if latency else nullcontext()
        took: dict[str, list[float]] = {name: [] for name in programs.words}
        calls: dict[str, int] = {}
        with slow:
            for _ in range(amounts.rounds):
                for name, words in programs.words.items():
                    seconds, calls[name] = programs.until_asked(words)
                    took[name].append(seconds)
        for name in (CLI, BOTO3):
            label = f"  beside {name}"
            if not latency:
                label += f" ({calls[name]})"
            elif name == CLI:
                label = f"  each call {latency * 1000:.0f} ms away, beside {name}"
            if not rows:
                label = f"command to RunInstances ({calls[OURS]} calls), beside {name} ({calls[name]})"
            rows.append(Row(label, "s", median(took[OURS]), median(took[name]), ratio=1))
        if not latency:
            rows.append(Row("  the first time, with the upload of curfew itself", "s", first))
    return rows


def _many(cloud: Sandbox, server: Server, work: Path, amounts: Amounts) -> list[Row]:
    """A folder of many small files to S3: ours, packed, with all the rest of a launch until RunInstances; theirs, the copy
    alone."""
    code = work / "code"
    fill(code, amounts.many_files, amounts.file_bytes)
    programs = Programs(cloud, work, code)
    keys = {name: server.env()[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    ours = programs.ours("--staging", f"s3://{BUCKET}/curfew")
    programs.until_asked(ours, keys | {"AWS_ENDPOINT_URL_S3": server.endpoint})  # with curfew itself
    found = {name: Took() for name in (OURS, AWS, RCLONE)}
    for number in range(amounts.many_rounds):
        seconds, _ = programs.until_asked(ours, keys | {"AWS_ENDPOINT_URL_S3": server.endpoint})
        found[OURS].seconds.append(seconds)
        environment = server.env() | {"HOME": str(work)}
        run_whole(aws_sync(str(code), f"s3://{BUCKET}/aws-{number}"), environment, found[AWS], work=work)
        words = ["rclone", "sync", str(code), f"s3:{BUCKET}/rclone-{number}"]
        run_whole(words, environment | rclone_env(server), found[RCLONE], work=work)
    rows: list[Row] = []
    for name in (AWS, RCLONE):
        label = f"  beside {name}"
        if not rows:
            files = f"{amounts.many_files:,} files of {amounts.file_bytes // 1024} KiB"
            label = f"  with {files}, to {server.name}, beside {name} of these"
        ratio = 0.5 if server.fast else None
        rows.append(Row(label, "s", median(found[OURS].seconds), median(found[name].seconds), ratio=ratio))
    return rows
