"""What the stages of a job bring from S3, data and code, beside `aws s3 sync` and `rclone`, from one S3 server on this host."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.machines import CURFEW, Machines
from bench.s3_server import BUCKET, Server, built, folder_for, serving
from bench.table import Row
from bench.tools import AWS, OURS, RCLONE, Took, aws_sync, fill, rclone_env, rows_of, run_whole


@dataclass(frozen=True)
class Amounts:
    """How much is brought, and how often: the real thing, or a smoke test."""

    large_mebibytes: int = 2048
    small_files: int = 5_000
    small_kibibytes: int = 64
    code_files: int = 5_000
    code_bytes: int = 4096
    rounds: int = 3
    moto: bool = False  # even where there is the faster server


QUICK = Amounts(large_mebibytes=24, small_files=40, code_files=60, rounds=1)
# From a server that bounds them all, more would tell no more.
SLOW = Amounts(large_mebibytes=256, small_files=500, code_files=500, rounds=1)


class Tools:
    """Each brings what is below a prefix of the bucket into a new folder; all by their defaults."""

    def __init__(self, server: Server, work: Path) -> None:
        self.server, self.work = server, work
        self.run: dict[str, Callable[[str, Path, Took], None]] = {
            OURS: self._curfew,
            AWS: self._aws,
            RCLONE: self._rclone,
        }

    def stages(self, folder: Path, took: Took, **stages: Any) -> None:
        """The stage runner of a launched instance, in that folder, with nothing to train."""
        home = self.work / "home"  # a new instance's: nothing is known to be there already
        logs = home / "logs"
        logs.mkdir(parents=True)
        limits = {f"{name}_limit_s": 600 for name in ("fetch", "setup", "data")}
        none: dict[str, Any] = {
            "repo": None,
            "workdir": None,
            "setup": [],
            "data": [],
            "restore": [],
            "secrets": [],
            "command": [],
        }
        file = home / "stages.json"
        file.write_text(json.dumps({"stages": {**none, "shell": "true", **limits, **stages}}))
        # It stands in the job's folder, which is its home here.
        environment = self.server.env() | {"HOME": str(folder)}
        run_whole([str(CURFEW), "run-stages", str(file), str(logs)], environment, took, work=self.work)
        shutil.rmtree(home)

    def _curfew(self, prefix: str, folder: Path, took: Took) -> None:
        data = {"from": {"bucket": BUCKET, "key": f"{prefix}/"}, "path": str(folder)}
        self.stages(folder, took, data=[data])

    def _aws(self, prefix: str, folder: Path, took: Took) -> None:
        environment = self.server.env() | {"HOME": str(self.work)}
        run_whole(aws_sync(f"s3://{BUCKET}/{prefix}", str(folder)), environment, took, work=self.work)

    def _rclone(self, prefix: str, folder: Path, took: Took) -> None:
        environment = self.server.env() | rclone_env(self.server) | {"HOME": str(self.work)}
        words = ["rclone", "copy", f"s3:{BUCKET}/{prefix}", str(folder)]
        run_whole(words, environment, took, work=self.work)


def contents(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                found[str(path.relative_to(folder))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _bring(tools: Tools, prefix: str, source: Path, rounds: int) -> dict[str, Took]:
    wanted = contents(source)
    found = {name: Took() for name in tools.run}
    for _ in range(rounds):
        for name, run in tools.run.items():
            folder = tools.work / "brought"
            folder.mkdir()
            run(prefix, folder, found[name])
            if contents(folder) != wanted:
                raise RuntimeError(f"{name} did not bring all of {prefix}/ as it was")
            shutil.rmtree(folder)
    return found


def _bring_packed(tools: Tools, source: Path, took: Took, rounds: int) -> None:
    """A packed --workdir: one object, unpacked on the instance."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(source, ".")
    archive_bytes = packed.getvalue()
    tools.server.client().put_object(Bucket=BUCKET, Key="code/workdir.tar.gz", Body=archive_bytes)
    workdir = {
        "place": {"bucket": BUCKET, "key": "code/workdir.tar.gz"},
        "sha256": hashlib.sha256(archive_bytes).hexdigest(),
        "bytes": len(archive_bytes),
    }
    for _ in range(rounds):
        folder = tools.work / "brought"
        folder.mkdir()
        tools.stages(folder, took, workdir=workdir)
        if contents(folder) != contents(source):
            raise RuntimeError("the packed folder was not unpacked as it was")
        shutil.rmtree(folder)


def measure(machines: Machines, amounts: Amounts) -> list[Row]:
    program = None if amounts.moto else built()
    if program is None and amounts.rounds > 1:
        amounts = SLOW
    large, small = amounts.large_mebibytes << 20, amounts.small_kibibytes << 10
    # The source, the object and what is brought; a part is beside it while it's written.
    room = 3 * max(large, amounts.small_files * small) + (256 << 20)
    with folder_for(room) as work:
        objects = work / "objects"
        objects.mkdir()
        with serving(machines.cloud, program, objects) as server:
            return _measure(Tools(server, work), amounts)


def _measure(tools: Tools, amounts: Amounts) -> list[Row]:
    def limit(ratio: float) -> float | None:
        return ratio if tools.server.fast else None

    def put(name: str, files: int, size: int) -> Path:
        """As people bring it there, with the parts and checksums of the AWS CLI."""
        source = tools.work / name
        fill(source, files, size)
        environment = tools.server.env() | {"HOME": str(tools.work)}
        run_whole(aws_sync(str(source), f"s3://{BUCKET}/{name}"), environment, Took(), work=tools.work)
        return source

    rows = []
    source = put("large", 1, amounts.large_mebibytes << 20)
    found = _bring(tools, "large", source, amounts.rounds)
    tools.server.client().delete_object(Bucket=BUCKET, Key=f"large/{next(iter(contents(source)))}")
    shutil.rmtree(source)
    what = f"data: {amounts.large_mebibytes / 1024:.3g} GiB in 1 object, from {tools.server.name}"
    # rclone doesn't look at what it has got where an object was sent in parts: nothing to be measured by.
    rows += rows_of(what, {name: found[name] for name in (OURS, AWS)}, limit(1), limit(1))
    rows += rows_of("  the same", {name: found[name] for name in (OURS, RCLONE)}, None, None)

    source = put("small", amounts.small_files, amounts.small_kibibytes << 10)
    found = _bring(tools, "small", source, amounts.rounds)
    shutil.rmtree(source)
    what = f"data: {amounts.small_files:,} objects of {amounts.small_kibibytes} KiB"
    rows += rows_of(what, found, limit(0.75), limit(1))

    source = put("code", amounts.code_files, amounts.code_bytes)
    tools.run.pop(OURS)
    found = _bring(tools, "code", source, amounts.rounds)
    found[OURS] = Took()
    _bring_packed(tools, source, found[OURS], amounts.rounds)
    what = (
        f"code: {amounts.code_files:,} files of {amounts.code_bytes // 1024} KiB, packed, onto the instance"
    )
    return rows + rows_of(what, found, limit(0.3), None)
