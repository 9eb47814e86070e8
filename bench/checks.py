"""`curfew check` beside what people ask AWS with today, all of them about the same account of bench/replay.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlencode, urlsplit

from bench.fleet import REGIONS
from bench.machines import CURFEW, HERE, ROOT
from bench.table import Row

LIMIT = 600.0
_STARTS_WITHIN = 60.0
_SAMPLE_EVERY = 0.01
_HOME = "us-east-1"
_MB = 1024 / 1e6  # of a KiB, as the kernel counts

OURS, CLI, SEQUENTIAL, POOL = "curfew", "AWS CLI", "boto3", "boto3 with 30 threads"
_THREADS = 30


@dataclass(frozen=True)
class Account:
    """regions, and the instances in all of them. cli: whether the AWS CLI is asked too; it takes minutes."""

    regions: int
    instances: int
    cli: bool = True

    @property
    def name(self) -> str:
        return f"{self.instances:,} instances, {self.regions} regions"


@dataclass(frozen=True)
class Amounts:
    latency: float = 0.1
    rounds: int = 3
    slow_rounds: int = 1  # of who takes a minute
    accounts: Sequence[Account] = (
        Account(30, 10),
        Account(30, 1_000),
        Account(30, 30_000, cli=False),
        Account(4, 40_000, cli=False),
    )
    judged: bool = True  # whether there is enough of it for the targets


QUICK = Amounts(latency=0.02, rounds=1, accounts=(Account(3, 6), Account(2, 2_500, cli=False)), judged=False)


@dataclass
class Took:
    """Of a whole tree of processes, an entry a run."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)  # KiB, the sum of all processes at one time


class Server:
    """bench.replay in a process of its own."""

    def __init__(self, endpoint: str, home: Path) -> None:
        self.endpoint, self.home = endpoint, home

    def env(self) -> dict[str, str]:
        """All that a program gets."""
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "benchmark",
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "AWS_REGION": _HOME,
            "AWS_DEFAULT_REGION": _HOME,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def control(self, word: str) -> object:
        request = urllib.request.Request(f"{self.endpoint}/_replay/{word}", data=b"", method="POST")
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.loads(reply.read())


@contextmanager
def serving(account: Account, latency: float, home: Path) -> Iterator[Server]:
    words = [sys.executable, "-m", "bench.replay", "--regions", str(account.regions)]
    words += ["--instances", str(account.instances), "--latency", str(latency)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as running:
        starting = threading.Timer(_STARTS_WITHIN, running.kill)
        starting.start()
        try:
            assert running.stdout
            endpoint = running.stdout.readline().decode().strip()
            starting.cancel()
            if not endpoint:
                raise RuntimeError(f"{' '.join(words)}: no endpoint within {_STARTS_WITHIN:g} s")
            yield Server(endpoint, home)
        finally:
            starting.cancel()
            running.kill()


def _signed(region: str) -> dict[str, str]:
    """As much of a signature as the server looks at: which region is meant."""
    scope = f"benchmark/20260101/{region}/ec2/aws4_request"
    return {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/x-www-form-urlencoded",
    }


def own_latency(server: Server, regions: Sequence[str]) -> float:
    """Of the slowest region: how long the shortest chain of requests takes that tells what runs in it, for a client that
    only receives: which regions there are, then the region's instances to their last page, over one connection."""

    def asked(connection: HTTPConnection, region: str, form: Mapping[str, str]) -> bytes:
        connection.request("POST", "/", urlencode({**form, "Version": "2016-11-15"}), _signed(region))
        return connection.getresponse().read()

    def chain(region: str) -> float:
        began = time.monotonic()
        connection = HTTPConnection(urlsplit(server.endpoint).netloc, timeout=30)
        asked(connection, _HOME, {"Action": "DescribeRegions"})
        form = {"Action": "DescribeInstances", "MaxResults": "1000"}
        while True:
            text = asked(connection, region, form)
            at = text.rfind(b"<nextToken>")
            if at < 0:
                connection.close()
                return time.monotonic() - began
            form["NextToken"] = text[at + len(b"<nextToken>") : text.rfind(b"</nextToken>")].decode()

    return max(chain(region) for region in regions)


# ---- one run of a program


def _family(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        with suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                children = (task / "children").read_text()
                found += [int(child) for child in children.split()]
    return found


def _resident(pid: int) -> int:
    """KiB."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


def _peak_of(pid: int) -> int:
    """KiB, as the kernel has it for that process; 0 where it has gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


def run(words: Sequence[str], environment: Mapping[str, str], out: Path, took: Took) -> int:
    """Its exit code. CPU is that of all its descendants: who waits for a child gets the child's. The peak is the kernel's for
    one process, and the largest sum seen of what is resident for several."""
    peak = 0
    over = threading.Event()

    def watch(pid: int) -> None:
        nonlocal peak
        while not over.wait(_SAMPLE_EVERY):
            family = _family(pid)
            peak = max(peak, _peak_of(pid) if len(family) == 1 else sum(_resident(each) for each in family))

    with out.open("wb") as said:
        began = time.monotonic()
        running = subprocess.Popen(
            words,
            env=environment,
            cwd=environment["HOME"],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    ended = threading.Timer(LIMIT, running.kill)
    ended.start()
    watcher = threading.Thread(target=watch, args=(running.pid,), daemon=True)
    watcher.start()
    _, status, usage = os.wait4(running.pid, 0)
    took.seconds.append(time.monotonic() - began)
    ended.cancel()
    over.set()
    watcher.join()
    running.returncode = os.waitstatus_to_exitcode(status)
    took.cpu.append(usage.ru_utime + usage.ru_stime)
    took.peak.append(peak)
    return running.returncode


class Programs:
    def __init__(self, server: Server, account: Account, work: Path) -> None:
        self.server, self.account, self.work = server, account, work
        python, baseline = sys.executable, HERE / "baseline"
        self.words: dict[str, list[str]] = {
            OURS: [str(CURFEW), "check"],
            CLI: ["bash", str(baseline / "check_cli.sh")],
            SEQUENTIAL: [python, str(baseline / "check_boto3.py")],
            POOL: [python, str(baseline / "check_boto3.py"), str(_THREADS)],
        }

    def run(self, name: str, took: Took) -> None:
        out = self.work / "said"
        code = run(self.words[name], self.server.env(), out, took)
        text = out.read_bytes()
        # 0 to 100: so many need attention. Of theirs each line is an instance.
        found = text.count(b"\ni-") + text.startswith(b"i-") if name != OURS else _listed_by_curfew(text)
        if found != self.account.instances or code > (100 if name == OURS else 0) or code < 0:
            raise RuntimeError(
                f"{name}: exit code {code}, {found} of {self.account.instances} instances\n{text[-2000:]!r}"
            )


def _listed_by_curfew(text: bytes) -> int:
    """By the sum that it tells, which is the number of its rows."""
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[1].startswith(b"instance") and words[0].isdigit():
            return int(words[0])
    return 0


# ---- the rows


def measure(amounts: Amounts) -> list[Row]:
    rows: list[Row] = []
    each_takes: dict[int, float] = {}  # our CPU by the number of instances in 30 regions
    with tempfile.TemporaryDirectory(prefix="curfew-bench-") as name:
        for number, account in enumerate(amounts.accounts):
            home = Path(name, f"home-{number}")
            home.mkdir()
            with serving(account, amounts.latency, home) as server:
                found = _measure(server, account, amounts, Path(name))
            rows += _rows(found, account, amounts)
            if account.regions == amounts.accounts[0].regions:
                each_takes[account.instances] = median(found.took[OURS].cpu)
    if amounts.judged:
        few, some, many = sorted(each_takes)
        # Beyond what ten instances take, which is what thirty regions take.
        growth = (each_takes[many] - each_takes[few]) / (each_takes[some] - each_takes[few])
        linear = (many - few) / (some - few)
        rows.append(Row(f"  growth of CPU from {some:,} to {many:,}", "x linear", growth / linear, None, 1.5))
    return rows


@dataclass
class Found:
    took: dict[str, Took]
    latency: float  # the slowest region's own
    server_cpu: float  # for one run of ours
    first: float  # the run before which no price was known


def _measure(server: Server, account: Account, amounts: Amounts, work: Path) -> Found:
    programs = Programs(server, account, work)
    first = Took()
    programs.run(OURS, first)
    latency = own_latency(server, REGIONS[: account.regions])
    took = {name: Took() for name in programs.words if name != CLI or account.cli}
    before = server.control("cpu")
    server_cpu = 0.0
    for number in range(amounts.rounds):
        for name, runs in took.items():
            if name == CLI and number >= amounts.slow_rounds:
                continue
            before = server.control("cpu")
            programs.run(name, runs)
            if name == OURS:
                server_cpu = float(str(server.control("cpu"))) - float(str(before))
    return Found(took, latency, server_cpu, first.seconds[0])


def _rows(found: Found, account: Account, amounts: Amounts) -> list[Row]:
    ours = found.took[OURS]
    seconds, cpu, peak = median(ours.seconds), median(ours.cpu), median(ours.peak) * _MB
    thousand, large = account.instances == 1_000, account.instances == 40_000
    others = {name: took for name, took in found.took.items() if name != OURS and took.seconds}

    def judged(when: bool, value: float) -> float | None:
        return value if amounts.judged and when else None

    rows = [
        Row(
            f"{account.name}: time, beside the slowest region's own",
            "s",
            seconds,
            found.latency,
            ratio=judged(thousand, 2),
        )
    ]
    rows += [Row(f"  beside {name}", "s", seconds, median(took.seconds)) for name, took in others.items()]
    rows.append(Row("  the first time, when no price is known", "s", found.first))
    rows += [
        Row(
            f"  CPU, beside {name}",
            "s",
            cpu,
            median(took.cpu),
            ratio=judged(name == POOL, 1 / 20),
        )
        for name, took in others.items()
    ]
    rows.append(Row("  CPU of the server meanwhile", "s", found.server_cpu))
    rows += [
        Row(
            f"  peak memory, beside {name}",
            "MB",
            peak,
            median(took.peak) * _MB,
            target=judged(large and name == POOL, 64),
        )
        for name, took in others.items()
    ]
    return rows
