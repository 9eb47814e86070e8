"""Whole programs that bring something to an S3 server or from it, timed side by side, with the most memory that they took."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.s3_server import Server
from bench.table import Row

OURS, AWS, RCLONE = "curfew", "aws s3 sync", "rclone"
LIMIT = 300.0
_LEAVES_WITHIN = 30.0
_SAMPLE_EVERY = 0.01
_PER_FOLDER = 100
_MB = 1024 / 1e6  # of a KiB, as the kernel counts


@dataclass
class Took:
    """Of whole processes, one entry a run: from their start to their end, and the peaks of their memory, summed."""

    seconds: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)  # KiB


def aws_sync(source: str, to: str) -> list[str]:
    return [str(Path(sys.executable).with_name("aws")), "s3", "sync", "--only-show-errors", source, to]


def rclone_env(server: Server) -> dict[str, str]:
    """Of its remote `s3:`."""
    settings = {
        "TYPE": "s3",
        "PROVIDER": "Other",  # path-style, as a server without names for its buckets wants it
        "ENV_AUTH": "true",
        "ENDPOINT": server.endpoint,
        "REGION": server.env()["AWS_REGION"],
    }
    environment = {f"RCLONE_CONFIG_S3_{name}": value for name, value in settings.items()}
    environment["RCLONE_CONFIG"] = os.devnull
    # It asks before it sends ("Expect: 100-Continue"), and versitygw doesn't know that spelling: 1 s lost a part.
    environment["RCLONE_EXPECT_CONTINUE_TIMEOUT"] = "1ms"
    return environment


def run_whole(
    words: Sequence[str],
    environment: Mapping[str, str],
    took: Took,
    *,
    work: Path,
    user: int | None = None,
) -> None:
    """From its start to its end, and to that of all processes of `user`, where one is given. It stands in its HOME."""
    said = work / "said"
    with said.open("wb") as out:
        began = time.monotonic()
        running = subprocess.Popen(
            words,
            env=dict(environment),
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


def fill(folder: Path, files: int, size: int) -> None:
    """Files of yesterday: one that may still change within its timestamp's last digit is sent again, by curfew too."""
    yesterday = time.time() - 86_400
    for number in range(files):
        below = folder / f"{number // _PER_FOLDER:04}"
        below.mkdir(parents=True, exist_ok=True)
        path = below / f"part-{number:06}"
        piece = os.urandom(min(size, 1 << 20))  # nothing that could be packed smaller
        with path.open("wb") as file:
            for _ in range(size // len(piece)):
                file.write(piece)
        os.utime(path, (yesterday, yesterday))


def rows_of(what: str, found: dict[str, Took], ratio: float | None, memory_ratio: float | None) -> list[Row]:
    ours = found[OURS]
    others = {name: took for name, took in found.items() if name != OURS and took.seconds}
    rows: list[Row] = []
    for name, theirs in others.items():
        label = f"  beside {name}" if rows else f"{what}, beside {name}"
        rows.append(Row(label, "s", median(ours.seconds), median(theirs.seconds), ratio=ratio))
    for name, theirs in others.items():
        peak, their_peak = (median(took.peak) * _MB for took in (ours, theirs))
        rows.append(Row(f"  peak memory, beside {name}", "MB", peak, their_peak, ratio=memory_ratio))
    return rows
