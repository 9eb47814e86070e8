"""python -m bench [--quick] [--moto] [MEASURE…]: curfew beside the baseline, as a table. Exit code 1 where a target is missed."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench.machines import CURFEW, Machines, build_probe
from bench.measures import MEASURES, QUICK, Size
from bench.table import Row, render
from sandbox import Sandbox
from sandbox.mode import why_not_booted


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute's smoke test: numbers mean little")
    parser.add_argument("--moto", action="store_true", help="S3 is moto, even where there is versitygw")
    parser.add_argument("measure", nargs="*", help=f"only these of: {', '.join(MEASURES)}")
    options = parser.parse_args()
    if unknown := set(options.measure) - set(MEASURES):
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    if not CURFEW.exists():
        return _refuse(f"there is no {CURFEW}: build it, or set CURFEW_BINARY")
    if why := why_not_booted():
        return _refuse(f"machines can't boot here: {why}")

    # Gigabytes in memory are cleared away then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    size = QUICK if options.quick else Size()
    size = replace(
        size,
        uploads=replace(size.uploads, moto=options.moto),
        downloads=replace(size.downloads, moto=options.moto),
        launches=replace(size.launches, moto=options.moto),
    )
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        probe = build_probe(Path(folder))
        with Sandbox.start("booted", log=Path(folder, "log")) as cloud:
            machines = Machines(cloud, probe)
            for name in options.measure or MEASURES:
                began = time.monotonic()
                found = MEASURES[name](machines, size)
                rows += found
                took = f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}"
                print(f"bench: {name} ({took})\n{render(found)}", file=sys.stderr)
    print(f"\n{_where()}\n\n{render(rows)}")
    return 1 if any(row.missed for row in rows) else 0


def _where() -> str:
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    busy = " (busy with other work: times are worse than they need be)" if load > cores else ""
    return f"{platform.machine()}, Linux {platform.release()}, {cores} cores, load {load:.1f}{busy}"


def _refuse(why: str) -> int:
    print(f"bench: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
