"""Jobs that make trouble while they run: stopped, with thousands of children, or with a gigabyte of output a minute."""

from __future__ import annotations

import re
import time

from sandbox import Instance, Sandbox
from tests.e2e.fault_helpers import Boot
from tests.e2e.helpers import (
    INSIDE,
    LIFE,
    POWER_OFF,
    SOON,
    Run,
    assert_ended,
    guard_pid,
    objects,
    start,
    status,
    unit,
    wait_status,
)

# What neither guard nor the job's parent may grow by, whatever the job does. They are small: some 6 MiB together.
FLAT = 4 << 20
# The guard, while it sends the output to S3: it holds a few parts of 4 MiB (save/log_ship.cpp), however much there is.
SENDING = 6 * (4 << 20)


def private_memory(instance: Instance, pid: int) -> int:
    """In bytes, without what of its program is in memory; 0 once it has ended."""
    found = re.search(r"RssAnon:\s+(\d+) kB", instance.text(f"/proc/{pid}/status", ""))
    return int(found[1]) * 1024 if found else 0


class Memory:
    """Of the guard and the job's parent; grown(): the most that either has grown since."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        parent = int(unit(instance, "curfew-job.service", "MainPID")["MainPID"])
        self.pids = {"guard": guard_pid(instance), "shim": parent}
        self.first = self._read()
        self.most = dict(self.first)

    def _read(self) -> dict[str, int]:
        return {name: private_memory(self.instance, pid) for name, pid in self.pids.items()}

    def look(self) -> None:
        self.most = {name: max(self.most[name], size) for name, size in self._read().items()}

    def grown(self) -> dict[str, int]:
        return {name: self.most[name] - self.first[name] for name in self.pids}


def test_a_job_that_stops_itself_is_woken_to_end(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    """SIGTERM alone would wait for ever in a stopped process, and its checkpoint would be lost."""
    instance = machine()
    job = """
trap 'echo step 9 >out/checkpoint; exit 3' TERM
(trap 'echo loader >out/loader; exit' TERM; kill -STOP $BASHPID; while :; do sleep 0.1; done) &
stamp; kill -STOP $$; while :; do sleep 0.1; done
"""
    limits = ("--max-time", "8s", "--grace", "30s")
    run = start(instance, job, *limits, "--save", f"out/=s3://{bucket}/run/")
    instance.until(lambda: status(instance).get("job_pid"), SOON, "the job's process")
    pid = status(instance)["job_pid"]
    instance.until(lambda: ") T" in instance.text(f"/proc/{pid}/stat", ""), SOON, "a stopped job")
    instance.wait("terminated", LIFE)
    # Far less than its grace.
    assert_ended(instance, run.stamp(), within=8 + POWER_OFF)
    assert run.code() == 124
    assert objects(cloud, bucket) == {"run/checkpoint": b"step 9\n", "run/loader": b"loader\n"}


# Each child leaves one of its own behind, which ends a little later: orphans, which come to the job's parent. A thousand
# in fifteen seconds are four thousand a minute. Then it goes on for ever, as fast as it can, and ignores SIGTERM.
_FORKS = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
began = time.monotonic()
n = 0
while True:
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            time.sleep(0.05)
        os._exit(0)
    os.waitpid(child, 0)
    n += 1
    if n == 1000:
        print("a thousand", flush=True)
    if n < 1000:
        time.sleep(max(0, began + n * 0.012 - time.monotonic()))
"""


def test_a_job_that_forks_without_end(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine(files={"/root/forks.py": _FORKS})
    limits = ("--max-time", "30s", "--grace", "1s")
    job = "echo weights >out/model; stamp; exec python3 /root/forks.py"
    run = start(instance, job, *limits, "--save", f"out/=s3://{bucket}/run/")
    wait_status(instance, stage="running")
    memory = Memory(instance)
    run.wait_out("a thousand", 25)
    memory.look()
    assert max(memory.grown().values()) < FLAT, (memory.first, memory.most)
    left = instance.sh(f"ps -o stat= --ppid {memory.pids['shim']} | grep -c ^Z || true")
    assert int(left) < 50, "orphans aren't reaped"
    asked = time.monotonic()
    assert status(instance)["stage"] == "running"
    assert time.monotonic() - asked < SOON
    instance.wait("terminated", LIFE)
    took = assert_ended(instance, run.stamp(), within=30 + 1 + 2 + POWER_OFF)
    assert took > 28
    assert run.code() == 124
    assert "still running after the grace period: SIGKILL to the whole tree" in run.log()
    assert objects(cloud, bucket) == {"run/model": b"weights\n"}


# Numbered lines of 100 bytes, a sixtieth of a gigabyte each second, for so many seconds; then a word, and silence.
_FLOODS = """
import sys, time
out, began, n = sys.stdout.buffer, time.monotonic(), 0
for tenth in range(int(sys.argv[1]) * 10):
    out.write(b"".join(b"%010d %s\\n" % (n + i, b"x" * 88) for i in range(16_667)))
    out.flush()
    n += 16_667
    time.sleep(max(0, began + tenth / 10 - time.monotonic()))
out.write(b"the flood is over\\n")
out.flush()
time.sleep(1000)
"""
# Of the lines that it reads: how many, where the first one is missing, and the last word.
_COUNTS = """
import sys
n, gap, last = 0, None, ""
for line in sys.stdin.buffer:
    if len(line) == 100:
        if int(line[:10]) != n and gap is None:
            gap = n
        n += 1
    else:
        last = line.decode().strip()
print(n, gap, last, flush=True)
"""
# The lines that are kept on disk: the first and last number of an unbroken row, the size, and the last word.
_KEPT = """
import os
files = [f"/var/lib/curfew/output.log{end}" for end in (".1", "")]
first = last = None
begun = b""  # a line that goes on in the next file
for path in files:
    for line in open(path, "rb"):
        line, begun = begun + line, b""
        if not line.endswith(b"\\n"):
            begun = line
        elif len(line) == 100:
            number = int(line[:10])
            assert last is None or number == last + 1, f"{last} is followed by {number}"
            first = number if first is None else first
            last = number
print(first, last, sum(map(os.path.getsize, files)), line.decode().strip())
"""
SECONDS = 12
LINES = SECONDS * 10 * 16_667


def test_a_job_that_floods_its_output_loses_no_line_and_costs_no_memory(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    """Through the front end all of it; on disk the newest; and the word at its end is seen by the guard, which ends."""
    instance = machine(files={"/root/floods.py": _FLOODS, "/root/counts.py": _COUNTS, "/root/kept.py": _KEPT})
    run = Run(instance)
    script = f"""
mkdir -p {run.folder}/out; cd {run.folder}; echo weights >out/model
{INSIDE} run --max-time 5m --log log --save out/=s3://{bucket}/run/ --done-pattern '^the flood is over$' \\
  --before-end 'python3 /root/kept.py >out/kept 2>&1' -- python3 /root/floods.py {SECONDS} 2>stderr |
  python3 /root/counts.py >counted
echo ${{PIPESTATUS[0]}} >code; sync
"""
    instance.exec(["bash", "-c", script], detach=True, env={"AWS_ENDPOINT_URL": cloud.guest_endpoint})
    run.wait_err("curfew: guarding ")
    memory = Memory(instance)
    began = time.monotonic()
    while "the work is done" not in run.log():
        assert time.monotonic() - began < SECONDS + LIFE, "the word at the end of the flood wasn't seen"
        memory.look()
        time.sleep(0.5)
    grown = memory.grown()
    assert grown["shim"] < FLAT and grown["guard"] < FLAT + SENDING, (memory.first, memory.most)
    # What is kept is looked through first.
    assert_ended(instance, time.monotonic() - 1, within=SOON)
    assert instance.text(f"{run.folder}/counted").strip() == f"{LINES} None the flood is over"
    assert run.code() == 0
    assert len(run.log()) < 16 << 10, "the log is about decisions"
    found = objects(cloud, bucket)
    assert found["run/model"] == b"weights\n"
    first, last, size, word = found["run/kept"].decode().split(maxsplit=3)
    assert (int(last), word.strip()) == (LINES - 1, "the flood is over")
    # The newest 64 MiB at least, and at most twice that and a read more.
    assert LINES - int(first) >= (64 << 20) // 100
    assert 64 << 20 <= int(size) <= (128 << 20) + (1 << 20)
