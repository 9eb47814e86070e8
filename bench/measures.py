"""What is measured: each function gives rows of the table. docs/bench.md says what each of them means."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import checks as of_checks
from bench import downloads, launches
from bench.inside import fill
from bench.machines import CURFEW, Machines
from bench.table import Row, percentile
from bench.uploads import QUICK as QUICK_UPLOADS
from bench.uploads import Amounts, measure

_MS = 1e-6  # of a nanosecond
_MB = 1024 / 1e6  # of a KiB, as the kernel counts
_TEN_MINUTES = 600.0
_BASELINE_INTERVAL = 10  # guard.sh's own default, in seconds


@dataclass(frozen=True)
class Size:
    """How much of everything: the real thing, or a smoke test."""

    delays: int = 120
    service_delays: int = 5
    baseline_delays: int = 20
    baseline_interval: int = _BASELINE_INTERVAL
    starts: int = 51
    service_starts: int = 5
    settle: float = 20
    idle: float = 90
    saved_mebibytes: int = 512
    burn_millions: int = 500
    burn_rounds: int = 5
    print_bytes: int = 1_000_000_000
    print_rounds: int = 2
    uploads: Amounts = field(default_factory=Amounts)
    checks: of_checks.Amounts = field(default_factory=of_checks.Amounts)
    downloads: downloads.Amounts = field(default_factory=downloads.Amounts)
    launches: launches.Amounts = field(default_factory=launches.Amounts)


QUICK = Size(
    delays=5, service_delays=1, baseline_delays=3, baseline_interval=1, starts=3, service_starts=1, settle=1, idle=3,
    saved_mebibytes=32, burn_millions=50, burn_rounds=1, print_bytes=20_000_000, print_rounds=1, uploads=QUICK_UPLOADS,
    checks=of_checks.QUICK, downloads=downloads.QUICK, launches=launches.QUICK,
)  # fmt: skip


def binary(_: Machines, __: Size) -> list[Row]:
    return [Row("size of the binary", "MB", CURFEW.stat().st_size / 1e6, target=15)]


def delay(machines: Machines, size: Size) -> list[Row]:
    machine = machines.boot()
    ours = [ns * _MS for ns in machines.measure(machine, "delay_plain", rounds=size.delays, millis=300)]
    theirs = [
        ns * _MS
        for ns in machines.measure(
            machine, "delay_baseline", rounds=size.baseline_delays, interval=size.baseline_interval
        )
    ]
    machine.kill()
    service = []
    for _ in range(size.service_delays):
        fresh = machines.boot()
        service += [ns * _MS for ns in machines.measure(fresh, "delay_service", millis=1000)]
        fresh.kill()
    return [
        Row("end of the command to shutdown, median", "ms", median(ours), median(theirs)),
        Row("  99th percentile", "ms", percentile(ours, 99), percentile(theirs, 99), 50),
        Row("  as a service, worst", "ms", max(service), None, 50),
    ]


def start(machines: Machines, size: Size) -> list[Row]:
    machine = machines.boot()
    found = machines.measure(machine, "starts", rounds=size.starts, as_service=size.service_starts)
    machine.kill()
    ours, theirs, service = ([ns * _MS for ns in found[way]] for way in ("ours", "baseline", "service"))
    return [
        Row("start of the command, median", "ms", median(ours), median(theirs), 15),
        Row("  fastest", "ms", min(ours), min(theirs)),
        Row("  as a service, median", "ms", median(service)),
    ]


def idle(machines: Machines, size: Size) -> list[Row]:
    """Side by side in two machines, at the same time."""
    pair = [machines.boot(), machines.boot()]
    with ThreadPoolExecutor(2) as both:
        waits = [
            both.submit(machines.measure, machine, verb, settle=size.settle, seconds=size.idle)
            for machine, verb in zip(pair, ("idle_ours", "idle_baseline"), strict=True)
        ]
        ours, theirs = (each.result() for each in waits)
    for machine in pair:
        machine.kill()
    cpu = [found["cpu_us"] / 1e6 / found["seconds"] * _TEN_MINUTES for found in (ours, theirs)]
    resident, private = (
        [found["memory"][kind] * _MB for found in (ours, theirs)] for kind in ("rss", "private")
    )
    return [
        Row("CPU of guarding for 10 minutes", "s", cpu[0], cpu[1], 0.1),
        Row("memory while guarding", "MB", resident[0], resident[1], 12),
        Row("  of that, private", "MB", private[0], private[1]),
        Row("  front end, while a terminal is attached", "MB", ours["front"]["rss"] * _MB),
    ]


def saving(machines: Machines, size: Size) -> list[Row]:
    bucket = machines.cloud.bucket("bench")
    machine = machines.boot(disk=f"{size.saved_mebibytes + 512}m")
    found = machines.measure(machine, "saving", mebibytes=size.saved_mebibytes, files=4, bucket=bucket)
    machine.kill()
    saved = (
        machines.cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix="ours/part-").get("Contents", [])
    )
    if sum(item["Size"] for item in saved) != size.saved_mebibytes << 20:
        raise RuntimeError(f"not all was saved:\n{found['said']}")
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), size.saved_mebibytes, 4)
        peak = _peak_of_aws(
            machines, ["s3", "cp", "--recursive", "--only-show-errors", folder, f"s3://{bucket}/cli"]
        )
    return [
        Row(f"peak memory, saving {size.saved_mebibytes} MiB", "MB", found["peak"] * _MB, peak * _MB, 48),
    ]


def _peak_of_aws(machines: Machines, words: Sequence[str]) -> int:
    """In KiB, as the kernel has it for that process (rusage's would include what this one had before exec)."""
    command = [str(Path(sys.executable).with_name("aws")), *words]
    environment = {**os.environ, **machines.cloud.env()}
    peak = 0
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as running:
        status = Path(f"/proc/{running.pid}/status")
        while running.poll() is None:
            for line in status.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    peak = max(peak, int(line.split()[1]))
            time.sleep(0.02)
    if running.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {running.returncode}")
    return peak


def uploads(machines: Machines, size: Size) -> list[Row]:
    return measure(machines, size.uploads)


def data(machines: Machines, size: Size) -> list[Row]:
    return downloads.measure(machines, size.downloads)


def launch(machines: Machines, size: Size) -> list[Row]:
    return launches.measure(machines, size.launches)


def check(_: Machines, size: Size) -> list[Row]:
    return of_checks.measure(size.checks)


def slowdown(machines: Machines, size: Size) -> list[Row]:
    """Ratios to the bare command's own time, so both columns are of the same kind."""
    machine = machines.boot(disk="3g")

    def ratios(clock: int, found: dict[str, list[list[int]]]) -> tuple[float, float]:
        bare, ours, theirs = (
            median(run[clock] for run in found[way]) for way in ("bare", "ours", "baseline")
        )
        return ours / bare, theirs / bare

    rounds = size.burn_rounds
    found = machines.measure(
        machine, "slowdown", kind="burn", amount=size.burn_millions, to="file", rounds=rounds
    )
    rows = [
        Row("CPU time of a computing command", "x bare", *ratios(1, found), 1.02),
        Row("  its wall time", "x bare", *ratios(0, found)),
    ]
    for what, to in (
        (f"wall time of printing {size.print_bytes / 1e9:g} GB to a file", "file"),
        ("  to a pipe", "pipe"),
    ):
        found = machines.measure(
            machine, "slowdown", kind="print", amount=size.print_bytes, to=to, rounds=size.print_rounds
        )
        rows.append(Row(what, "x bare", *ratios(0, found)))
    machine.kill()
    return rows


MEASURES: dict[str, Callable[[Machines, Size], list[Row]]] = {
    each.__name__: each
    for each in (delay, start, idle, saving, uploads, data, launch, check, slowdown, binary)
}
