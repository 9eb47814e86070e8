"""The part of the benchmarks that runs within a machine of the sandbox, by its own Python: standard library only.

`inside.py VERB JSON` prints what it measured as JSON. Times are in nanoseconds of CLOCK_MONOTONIC, noted by the probe
(bench/probe.c), which here also stands where `shutdown` does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

CURFEW, GUARD, PROBE = "/usr/local/bin/curfew", "/usr/local/bin/guard.sh", "/usr/local/bin/probe"
NOTES = Path("/run/bench")  # in memory
DISK = Path("/var/tmp/bench")
SHUTDOWN = NOTES / "shutdown"
USER = 65534
LIMIT = 60.0
SERVICES = Path("/sys/fs/cgroup/system.slice")


def until(holds: Callable[[], Any], what: str, limit: float = LIMIT) -> Any:
    deadline = time.monotonic() + limit
    while not (value := holds()):
        if time.monotonic() > deadline:
            said = (DISK / "said").read_text() if (DISK / "said").exists() else ""
            raise TimeoutError(f"no {what} within {limit:g} s\n{said[-2000:]}")
        time.sleep(0.005)
    return value


def prepare() -> None:
    for folder in (NOTES, DISK):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o1777)


def noted(path: Path) -> list[int]:
    """The numbers of its last line; none where nothing is there yet."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [int(word) for word in lines[-1].split()] if lines else []


def asked(path: Path = SHUTDOWN) -> int:
    """When a shutdown now was asked for; 0: not yet. The layer below the guard asks for one later (`-h +N`)."""
    for line in path.read_text().splitlines() if path.exists() else []:
        when, *words = line.split()
        if words == ["-h", "now"]:
            return int(when)
    return 0


@contextmanager
def process(words: Sequence[str], **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Killed at the end of the block. What it says is kept for the report of a failure."""
    with (DISK / "said").open("wb") as said:
        more = {"stdout": said, "stderr": said, "stdin": subprocess.DEVNULL, **more}
        running = subprocess.Popen(words, **more)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


# ---- from the command's end to the shutdown request


def delay_plain(rounds: int, millis: int) -> list[int]:
    """curfew as plain processes. The machine has a systemd, so each round has namespaces of its own that hide it; the
    kernel ends them with all their processes once `shutdown` has been called."""
    script = 'mount -t tmpfs none /run/systemd && "$@"; sleep 100'
    apart = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "sh",
        "-c",
        script,
        "sh",
    ]
    end = NOTES / "end"
    delays = []
    for _ in range(rounds):
        for folder in ("/var/lib/curfew", "/run/curfew"):
            shutil.rmtree(folder, ignore_errors=True)
        for path in (SHUTDOWN, end):
            path.unlink(missing_ok=True)
        guarded = [CURFEW, "run", "--then", "terminate", "--max-time", "5m", "--", PROBE, "end", str(millis)]
        with process([*apart, *guarded, str(end)]):
            delays.append(until(asked, "shutdown") - noted(end)[0])
    return delays


def delay_service(millis: int) -> list[int]:
    """curfew as systemd's service: one round a machine, which is not the same afterwards."""
    end = NOTES / "end"
    guarded = [
        CURFEW,
        "run",
        "--then",
        "terminate",
        "--max-time",
        "5m",
        "--",
        PROBE,
        "end",
        str(millis),
        str(end),
    ]
    with process(guarded):
        return [until(asked, "shutdown") - noted(end)[0]]


def delay_baseline(rounds: int, interval: int) -> list[int]:
    """Side by side, for it mostly sleeps: started one after the other, with ends spread evenly over its interval."""
    running = []
    for number in range(rounds):
        end, shutdown = NOTES / f"end-{number}", NOTES / f"shutdown-{number}"
        millis = 1000 + number * 7 % rounds * interval * 1000 // rounds
        words = [GUARD, "-e", "-i", str(interval), "-l", str(DISK / f"log-{number}"), "--"]
        words += [PROBE, "end", str(millis), str(end)]
        environment = {**os.environ, "PROBE_SHUTDOWN": str(shutdown), "AWS": "true"}
        quiet = subprocess.DEVNULL
        running.append((subprocess.Popen(words, env=environment, stdout=quiet, stderr=quiet), end, shutdown))
        time.sleep(interval / rounds)
    delays = []
    for one, end, shutdown in running:
        delays.append(until(partial(asked, shutdown), "shutdown by the baseline") - noted(end)[0])
        one.wait()
    return delays


# ---- from exec to the command's first instruction


def all_left() -> bool:
    """Guard and job's parent go a moment after the front end, and the next `curfew run` would wait for them."""
    names = []
    for comm in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):
            names.append(comm.read_text().strip())
    return "curfew" not in names


def _start(words: Sequence[str], user: int | None) -> int:
    until(all_left, "end of the guard before")
    before, first = NOTES / "before", NOTES / "first"
    for path in (before, first):
        path.unlink(missing_ok=True)
    home = DISK / f"home-{user}"
    home.mkdir(exist_ok=True)
    who: dict[str, Any] = {}
    if user is not None:
        os.chown(home, user, user)
        who = {"user": user, "group": user, "extra_groups": []}
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    words = [PROBE, "exec", str(before), *words, PROBE, "now", str(first)]
    with process(words, env=environment, cwd=home, **who) as running:
        running.wait(LIMIT)
    if not noted(first):
        raise RuntimeError(f"{words} did not start: {(DISK / 'said').read_text()}")
    return noted(first)[0] - noted(before)[0]


def starts(rounds: int, as_service: int) -> dict[str, list[int]]:
    plain = [CURFEW, "run", "--then", "none", "--"]
    found: dict[str, list[int]] = {"ours": [], "baseline": [], "service": []}
    for _ in range(rounds):
        found["ours"].append(_start(plain, USER))
        found["baseline"].append(_start([GUARD, "-i", "0.05", "--"], USER))
    for _ in range(as_service):
        found["service"].append(_start(plain, None))
    return found


# ---- what it takes while the command runs


def _main_pid(unit: str) -> int:
    shown = subprocess.run(
        ["systemctl", "show", "-P", "MainPID", unit], capture_output=True, text=True, check=True
    )
    return int(shown.stdout)


def _memory(pid: int) -> dict[str, int]:
    """KiB: all that is resident, and what no other process shares."""
    sizes = {"rss": 0, "private": 0}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, *words = line.split()
        if name == "Rss:":
            sizes["rss"] += int(words[0])
        if name in ("Private_Clean:", "Private_Dirty:"):
            sizes["private"] += int(words[0])
    return sizes


def _sum_memory(pids: Sequence[int]) -> dict[str, int]:
    each = [_memory(pid) for pid in pids]
    return {name: sum(one[name] for one in each) for name in ("rss", "private")}


def _cpu(units: Sequence[str]) -> int:
    """Microseconds of all that ran in them, also of processes that have ended."""
    total = 0
    for unit in units:
        stat = dict(line.split() for line in (SERVICES / unit / "cpu.stat").read_text().splitlines())
        total += int(stat["usage_usec"])
    return total


def _idle(
    units: Sequence[str], pids: Callable[[], Sequence[int]], settle: float, seconds: float
) -> dict[str, Any]:
    time.sleep(settle)
    before, began = _cpu(units), time.monotonic()
    time.sleep(seconds)
    used, took = _cpu(units) - before, time.monotonic() - began
    return {"cpu_us": used, "seconds": took, "memory": _sum_memory(pids())}


def idle_ours(settle: float, seconds: float) -> dict[str, Any]:
    """Guard and job's parent, each a service; the job sleeps."""
    units = ["curfew.service", "curfew-job.service"]
    with process([CURFEW, "run", "--max-time", "4h", "--", "sleep", "100000"]) as front:
        until(lambda: all(_main_pid(unit) for unit in units), "guard")
        found = _idle(units, lambda: [_main_pid(unit) for unit in units], settle, seconds)
        return {**found, "front": _memory(front.pid)}


def idle_baseline(settle: float, seconds: float) -> dict[str, Any]:
    """The same for the script and the `sleep` that it waits by."""
    unit = "baseline.service"
    words = ["systemd-run", "-q", f"--unit={unit}", GUARD, "-l", str(DISK / "log"), "--", "sleep", "100000"]
    subprocess.run(words, check=True)

    def pids() -> list[int]:
        main = str(_main_pid(unit))
        members = (SERVICES / unit / "cgroup.procs").read_text().split()
        return [
            int(pid)
            for pid in members
            if b"100000" not in Path(f"/proc/{pid}/cmdline").read_bytes() or pid == main
        ]

    return _idle([unit], pids, settle, seconds)


def saving(mebibytes: int, files: int, bucket: str) -> dict[str, Any]:
    """The guard's largest size once all is saved: it waits for the machine's end, which doesn't come."""
    out = DISK / "out"
    fill(out, mebibytes, files)
    words = [
        CURFEW,
        "run",
        "--max-time",
        "5m",
        "--then",
        "terminate",
        "--save",
        f"{out}/=s3://{bucket}/ours/",
    ]
    began = time.monotonic()
    with process([*words, "--", "true"]):
        until(asked, "shutdown after saving", 500)
        took = time.monotonic() - began
        status = Path(f"/proc/{_main_pid('curfew.service')}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    return {"peak": peak, "seconds": took, "said": (DISK / "said").read_text()}


def fill(folder: Path, mebibytes: int, files: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        piece = os.urandom(1 << 20)
        with (folder / f"part-{number}").open("wb") as file:
            for _ in range(mebibytes // files):
                file.write(piece)


# ---- how much the command itself is slowed down


def _slowed(kind: str, way: str, amount: int, to: str) -> list[int]:
    """Wall and CPU time that the command itself counted, with its output going to a file or to a pipe."""
    home, times, out = DISK / "home", NOTES / "times", DISK / "output"
    home.mkdir(exist_ok=True)
    os.chown(home, USER, USER)
    for path in (times, out):
        path.unlink(missing_ok=True)
    if to == "file":
        out.touch()
        os.chown(out, USER, USER)
    target = str(out) if to == "file" else "/dev/stdout"
    guards = {
        "bare": [],
        "ours": [CURFEW, "run", "--then", "none", "--quiet", "--"],
        "baseline": [GUARD, "-i", "0.2", "-l", target, "--"],
    }
    words = [*guards[way], PROBE, kind, str(amount), str(times)]
    script = 'exec "$@" >>"$OUT"' if to == "file" else '"$@" | wc -c'
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "OUT": str(out)}
    ran = subprocess.run(
        ["sh", "-c", script, "sh", *words],
        check=False,
        env=environment,
        cwd=home,
        user=USER,
        group=USER,
        extra_groups=[],
        capture_output=True,
        timeout=300,
    )
    found = noted(times)
    printed = out.stat().st_size if to == "file" else int(ran.stdout or b"0")
    if not found or printed < (amount if kind == "print" else 0):
        raise RuntimeError(f"{words}: {printed} bytes came, {ran.stderr.decode()}")
    with suppress(FileNotFoundError):
        out.unlink()
    return found


def slowdown(kind: str, amount: int, to: str, rounds: int) -> dict[str, list[list[int]]]:
    found: dict[str, list[list[int]]] = {"bare": [], "ours": [], "baseline": []}
    for _ in range(rounds):
        for way, runs in found.items():
            runs.append(_slowed(kind, way, amount, to))
    return found


VERBS: dict[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        delay_plain, delay_service, delay_baseline, starts, idle_ours, idle_baseline, saving, slowdown,
    )
}  # fmt: skip


if __name__ == "__main__":
    prepare()
    print(json.dumps(VERBS[sys.argv[1]](**json.loads(sys.argv[2]))))
