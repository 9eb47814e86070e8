"""Saving beside what people save with today, `aws s3 sync` and `rclone sync`, to one S3 server on this host."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.machines import CURFEW, Machines
from bench.s3_server import BUCKET, Server, built, folder_for, serving
from bench.table import Row

# curfew runs as a user that nobody else is: all processes of that user are its own, wherever they went, and none of them
# has a right over this host, where it is never more than plain processes with `--then none`.
USER = 54_321
LIMIT = 300.0
_LEAVES_WITHIN = 30.0
_SAMPLE_EVERY = 0.01
_PER_FOLDER = 100
_MB = 1024 / 1e6  # of a KiB, as the kernel counts


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


@dataclass
class Took:
    """Of whole processes, one entry a run: from their start to their end, and the peaks of their memory, summed."""

    seconds: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)  # KiB


class Tools:
    """Each brings a folder below a prefix of the bucket; all by their defaults."""

    def __init__(self, server: Server, work: Path, apart: Sequence[str]) -> None:
        self.server, self.work, self.apart = server, work, apart
        self.curfew = work / "curfew"  # where USER can read it, wherever the repository lies
        shutil.copy(CURFEW, self.curfew)
        self.curfew.chmod(0o755)
        self.run: dict[str, Callable[[Path, str, Took], None]] = {
            "curfew": self._curfew,
            "aws s3 sync": self._aws,
            "rclone": self._rclone,
        }

    def _curfew(self, source: Path, prefix: str, took: Took) -> None:
        """With a guard and all: the command is `true`. Its record of what S3 has lies in its home, one for each prefix."""
        home = self.work / f"home-{prefix}"
        home.mkdir(exist_ok=True)
        os.chown(home, USER, USER)
        words = [*self.apart, str(self.curfew), "run", "--then", "none", "--quiet"]
        words += ["--save", f"{source}/=s3://{BUCKET}/{prefix}/", "--", "true"]
        self._measure(words, {"HOME": str(home)}, took, USER)

    def _aws(self, source: Path, prefix: str, took: Took) -> None:
        program = str(Path(sys.executable).with_name("aws"))
        words = [program, "s3", "sync", "--only-show-errors", str(source), f"s3://{BUCKET}/{prefix}"]
        self._measure(words, {"HOME": str(self.work)}, took)

    def _rclone(self, source: Path, prefix: str, took: Took) -> None:
        settings = {
            "TYPE": "s3",
            "PROVIDER": "Other",  # path-style, as a server without names for its buckets wants it
            "ENV_AUTH": "true",
            "ENDPOINT": self.server.endpoint,
            "REGION": self.server.env()["AWS_REGION"],
        }
        environment = {f"RCLONE_CONFIG_S3_{name}": value for name, value in settings.items()}
        environment |= {"RCLONE_CONFIG": os.devnull, "HOME": str(self.work)}
        # It asks before it sends ("Expect: 100-Continue"), and versitygw doesn't know that spelling: 1 s lost a part.
        environment["RCLONE_EXPECT_CONTINUE_TIMEOUT"] = "1ms"
        self._measure(["rclone", "sync", str(source), f"s3:{BUCKET}/{prefix}"], environment, took)

    def _measure(
        self, words: Sequence[str], environment: dict[str, str], took: Took, user: int | None = None
    ) -> None:
        said = self.work / "said"
        with said.open("wb") as out:
            began = time.monotonic()
            running = subprocess.Popen(
                words,
                env=self.server.env() | environment,
                cwd=environment["HOME"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        ended = threading.Timer(LIMIT, running.kill)
        ended.start()
        with _watching(running.pid, user) as peaks:
            code = running.wait()  # without a limit of its own, for then it polls
            seconds = time.monotonic() - began
            ended.cancel()
            _until_gone(user)
        if code:
            why = said.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(words)}: exit code {code} after {seconds:.0f} s\n{why}")
        took.seconds.append(seconds)
        took.peak.append(sum(peaks.values()))


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


def _of(user: int) -> list[int]:
    found = []
    for entry in os.scandir("/proc"):
        with suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == user:
                found.append(int(entry.name))
    return found


def _until_gone(user: int | None) -> None:
    """Guard and job's parent leave a moment after the front end."""
    deadline = time.monotonic() + _LEAVES_WITHIN
    while user is not None and _of(user):
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes of user {user} are still there after {_LEAVES_WITHIN:g} s")
        time.sleep(0.005)


@contextmanager
def _watching(pid: int, user: int | None) -> Iterator[dict[int, int]]:
    """KiB by process: its peak as the kernel has it (rusage's would include what this one had before exec)."""
    peaks: dict[int, int] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_SAMPLE_EVERY):
            for each in [pid] if user is None else _of(user):
                with suppress(OSError):
                    for line in Path(f"/proc/{each}/status").read_text().splitlines():
                        if line.startswith("VmHWM:"):
                            peaks[each] = int(line.split()[1])

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peaks
    finally:
        over.set()
        watcher.join()


# ---- what is saved, and what came of it


def fill(folder: Path, files: int, size: int) -> None:
    """Files of yesterday: one that may still change within its timestamp's last digit is sent again, by curfew too."""
    yesterday = time.time() - 86_400
    piece = os.urandom(min(size, 1 << 20))
    for number in range(files):
        below = folder / f"{number // _PER_FOLDER:04}"
        below.mkdir(parents=True, exist_ok=True)
        path = below / f"part-{number:06}"
        with path.open("wb") as file:
            for _ in range(size // len(piece)):
                file.write(piece)
        os.utime(path, (yesterday, yesterday))


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


def _rows(what: str, found: dict[str, Took], ratio: float | None, memory_ratio: float | None) -> list[Row]:
    ours = found["curfew"]
    others = {name: took for name, took in found.items() if name != "curfew" and took.seconds}
    rows: list[Row] = []
    for name, theirs in others.items():
        label = f"  beside {name}" if rows else f"{what}, beside {name}"
        rows.append(Row(label, "s", median(ours.seconds), median(theirs.seconds), ratio=ratio))
    for name, theirs in others.items():
        peak, their_peak = (median(took.peak) * _MB for took in (ours, theirs))
        rows.append(Row(f"  peak memory, beside {name}", "MB", peak, their_peak, ratio=memory_ratio))
    return rows


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
    rows += _rows(what, first, limit(1), limit(0.5))

    size, files = amounts.small_kibibytes << 10, amounts.small_files
    source = made("small", files, size)
    first, again = _save_and_save_again(tools, source, (files, files * size), amounts.rounds)
    shutil.rmtree(source)
    what = f"{files:,} files of {amounts.small_kibibytes} KiB"
    rows += _rows(what, first, limit(0.6), limit(0.5))
    rows += _rows(f"{what}, unchanged", again, limit(0.2), limit(0.5))

    # Who saves so many the first time waits for the server; here that is done once, and by curfew for both.
    source = made("many", amounts.many_files, amounts.many_bytes)
    found = {name: Took() for name in tools.run}
    tools.run["curfew"](source, "many", Took())
    before = _stored(server, "many")
    for _ in range(amounts.rounds):
        tools.run["curfew"](source, "many", found["curfew"])
    tools.run["aws s3 sync"](source, "many", found["aws s3 sync"])
    if before[0] != amounts.many_files or _stored(server, "many") != before:
        raise RuntimeError(f"{amounts.many_files} files were not left alone once they were stored")
    return rows + _rows(f"{amounts.many_files:,} small files, unchanged", found, None, None)
