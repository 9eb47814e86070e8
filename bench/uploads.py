"""Saving beside what people save with today, `aws s3 sync` and `rclone sync`, to one S3 server on this host."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machines import CURFEW, Machines
from bench.s3_server import BUCKET, Server, built, folder_for, serving
from bench.table import Row
from bench.tools import AWS, OURS, RCLONE, Took, aws_sync, fill, rclone_env, rows_of, run_whole

# curfew runs as a user that nobody else is: all processes of that user are its own, wherever they went, and none of them
# has a right over this host, where it is never more than plain processes with `--then none`.
USER = 54_321


@dataclass(frozen=True)
class Amounts:
    """How much is saved, and how often: the real thing, or a smoke test."""

    large_mebibytes: int = 2048
    small_files: int = 5_000
    small_kibibytes: int = 64
    many_files: int = 100_000
    many_bytes: int = 100
    rounds: int = 3
    moto: bool = False  # even where there is the faster server


QUICK = Amounts(large_mebibytes=24, small_files=40, many_files=60, rounds=1)
# To a server that bounds them all, more would tell no more.
SLOW = Amounts(large_mebibytes=256, small_files=500, many_files=1_000, rounds=1)


class Tools:
    """Each brings a folder below a prefix of the bucket; all by their defaults."""

    def __init__(self, server: Server, work: Path, apart: Sequence[str]) -> None:
        self.server, self.work, self.apart = server, work, apart
        self.curfew = work / "curfew"  # where USER can read it, wherever the repository lies
        shutil.copy(CURFEW, self.curfew)
        self.curfew.chmod(0o755)
        self.run: dict[str, Callable[[Path, str, Took], None]] = {
            OURS: self._curfew,
            AWS: self._aws,
            RCLONE: self._rclone,
        }

    def _curfew(self, source: Path, prefix: str, took: Took) -> None:
        """With a guard and all: the command is `true`. Its record of what S3 has lies in its home, one for each prefix."""
        home = self.work / f"home-{prefix}"
        home.mkdir(exist_ok=True)
        os.chown(home, USER, USER)
        words = [*self.apart, str(self.curfew), "run", "--then", "none", "--quiet"]
        words += ["--save", f"{source}/=s3://{BUCKET}/{prefix}/", "--", "true"]
        environment = self.server.env() | {"HOME": str(home)}
        run_whole(words, environment, took, work=self.work, user=USER)

    def _aws(self, source: Path, prefix: str, took: Took) -> None:
        environment = self.server.env() | {"HOME": str(self.work)}
        run_whole(aws_sync(str(source), f"s3://{BUCKET}/{prefix}"), environment, took, work=self.work)

    def _rclone(self, source: Path, prefix: str, took: Took) -> None:
        environment = self.server.env() | rclone_env(self.server) | {"HOME": str(self.work)}
        words = ["rclone", "sync", str(source), f"s3:{BUCKET}/{prefix}"]
        run_whole(words, environment, took, work=self.work)


@contextmanager
def apart() -> Iterator[list[str]]:
    """What puts a program, as USER, among processes of its own: one guard a machine, and from here those in the machines
    of other tests are to be seen. There sh is the first process: it takes in the orphans."""
    words = [
        "unshare",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "sh",
        "-c",
        "echo; sleep 100000; :",
    ]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as outer:
        try:
            assert outer.stdout
            if not outer.stdout.readline():
                raise RuntimeError(f"{' '.join(words)}: exit code {outer.wait()}")
            inner = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()[0]
            user = str(USER)
            yield ["nsenter", "--target", inner, "--pid", "--mount", "--setuid", user, "--setgid", user, "--"]
        finally:
            outer.kill()


# ---- what is saved, and what came of it


def _stored(server: Server, prefix: str) -> tuple[int, int, str]:
    """Objects, their bytes, and when the newest was stored; without curfew's own logs, which go there too."""
    pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/")
    logs = f"{prefix}/_curfew/"
    found = [item for page in pages for item in page.get("Contents", []) if not item["Key"].startswith(logs)]
    newest = max((item["LastModified"] for item in found), default="")
    return len(found), sum(item["Size"] for item in found), str(newest)


def _remove(server: Server, prefix: str) -> None:
    client = server.client()
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{prefix}/"):
        names = [{"Key": item["Key"]} for item in page.get("Contents", [])]
        client.delete_objects(Bucket=BUCKET, Delete={"Objects": names, "Quiet": True})


def _save_and_save_again(
    tools: Tools, source: Path, amount: tuple[int, int], rounds: int
) -> tuple[dict[str, Took], dict[str, Took]]:
    """What the first save of a folder takes each of them, and what the next one, of the same."""
    first: dict[str, Took] = {name: Took() for name in tools.run}
    again: dict[str, Took] = {name: Took() for name in tools.run}
    for number in range(rounds):
        for place, (name, run) in enumerate(tools.run.items()):
            prefix = f"{source.name}-{place}-{number}"
            run(source, prefix, first[name])
            *stored, newest = _stored(tools.server, prefix)
            if tuple(stored) != amount:
                raise RuntimeError(f"{name} stored {stored} files and bytes, not {amount}")
            run(source, prefix, again[name])
            if _stored(tools.server, prefix) != (*stored, newest):
                raise RuntimeError(f"{name} did not leave alone what it had stored")
            _remove(tools.server, prefix)
    return first, again


def measure(machines: Machines, amounts: Amounts) -> list[Row]:
    program = None if amounts.moto else built()
    if program is None and amounts.rounds > 1:
        amounts = SLOW
    large, small = amounts.large_mebibytes << 20, amounts.small_kibibytes << 10
    room = 3 * large + 2 * amounts.small_files * small + 2 * amounts.many_files * 4096
    with folder_for(room) as work:
        objects = work / "objects"
        objects.mkdir()
        with serving(machines.cloud, program, objects) as server, apart() as among:
            return _measure(Tools(server, work, among), amounts, server, work)


def _measure(tools: Tools, amounts: Amounts, server: Server, work: Path) -> list[Row]:
    def limit(ratio: float) -> float | None:
        return ratio if server.fast else None

    def made(name: str, files: int, size: int) -> Path:
        source = work / name
        fill(source, files, size)
        return source

    rows = []
    size = amounts.large_mebibytes << 20
    source = made("large", 1, size)
    first, _ = _save_and_save_again(tools, source, (1, size), amounts.rounds)
    shutil.rmtree(source)
    what = f"{amounts.large_mebibytes / 1024:.3g} GiB in 1 file, to {server.name}"
    rows += rows_of(what, first, limit(1), limit(0.5))

    size, files = amounts.small_kibibytes << 10, amounts.small_files
    source = made("small", files, size)
    first, again = _save_and_save_again(tools, source, (files, files * size), amounts.rounds)
    shutil.rmtree(source)
    what = f"{files:,} files of {amounts.small_kibibytes} KiB"
    rows += rows_of(what, first, limit(0.6), limit(0.5))
    rows += rows_of(f"{what}, unchanged", again, limit(0.2), limit(0.5))

    # Who saves so many the first time waits for the server; here that is done once, and by curfew for both.
    source = made("many", amounts.many_files, amounts.many_bytes)
    found = {name: Took() for name in tools.run}
    tools.run[OURS](source, "many", Took())
    before = _stored(server, "many")
    for _ in range(amounts.rounds):
        tools.run[OURS](source, "many", found[OURS])
    tools.run[AWS](source, "many", found[AWS])
    if before[0] != amounts.many_files or _stored(server, "many") != before:
        raise RuntimeError(f"{amounts.many_files} files were not left alone once they were stored")
    return rows + rows_of(f"{amounts.many_files:,} small files, unchanged", found, None, None)
