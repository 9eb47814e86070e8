"""`curfew run` without a command: a notebook or SSH machine, which ends when nobody and nothing uses it."""

from __future__ import annotations

import re
import time

import pytest

from sandbox import Instance
from tests.e2e.fault_helpers import Boot, assert_nothing_started
from tests.e2e.helpers import (
    INSIDE,
    LIFE,
    POWER_OFF,
    SOON,
    Run,
    assert_ended,
    assert_stays,
    now,
    start_words,
    status,
    wait_status,
)

IDLE = 15.0
# GPUs and Jupyter are looked at every ten seconds, terminals every five, and the kernel notes input to eight.
LOOK = 10.0
INPUT = 8.0
WITHIN = IDLE + 2 * LOOK + POWER_OFF
TOKEN = "f00dfacef00dface"

# Somebody at a terminal: types a line a second, which `read` in it reads, until told to go away. The terminal stays.
_TYPIST = """
import os, pathlib, pty, time, tty
outer, inner = pty.openpty()
tty.setraw(inner)
print(os.ttyname(inner), flush=True)
while not pathlib.Path("/run/go").exists():
    os.write(outer, b"x")
    os.read(inner, 1)
    time.sleep(1)
pathlib.Path("/root/stamp").write_text(pathlib.Path("/proc/uptime").read_text().split()[0])
time.sleep(1000)
"""

# A Jupyter server: one kernel, busy until told otherwise.
_JUPYTER = """
import http.server, json, pathlib, sys
class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        good = self.headers["Authorization"] == "token " + pathlib.Path("/root/token").read_text()
        state = "idle" if pathlib.Path("/run/go").exists() else "busy"
        kernel = {"id": "a", "execution_state": state, "last_activity": "2026-11-24T18:00:00.5Z"}
        body = json.dumps([kernel] if self.path.startswith("/api/kernels") else []).encode()
        self.send_response(200 if good else 403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8888), Server).serve_forever()
"""


def _start(instance: Instance, *options: str, **more: object) -> Run:
    run = start_words(instance, ["--idle-gpu", f"{IDLE:g}s", *options], **more)  # type: ignore[arg-type]
    run.wait_err("when the job is over this machine will")
    return run


def _start_python(instance: Instance, program: str) -> None:
    instance.write("/root/program.py", program)
    instance.exec(["python3", "/root/program.py"], detach=True)


def _serve_jupyter(instance: Instance) -> None:
    instance.write("/root/token", TOKEN, 0o600)
    _start_python(instance, _JUPYTER)
    answers = "curl -s -o /dev/null http://127.0.0.1:8888/"
    instance.until(lambda: instance.exec(["sh", "-c", answers]).code == 0, SOON, "Jupyter server")


def _assert_token_is_nowhere(instance: Instance, run: Run) -> None:
    for text in (run.out(), run.err(), run.log()):
        assert TOKEN not in text
    assert TOKEN not in instance.sh(f"{INSIDE} status; {INSIDE} status --json")
    assert TOKEN not in instance.sh("journalctl --no-pager --all 2>/dev/null")
    # Its own words can't hold what they look for, so it's put together in the machine.
    look = f"token={TOKEN[:8]}; token=${{token}}{TOKEN[8:]}; "
    assert not instance.sh(look + "grep -laF $token /proc/[0-9]*/cmdline || true")
    folders = "/var/lib/curfew /run /var/log /etc /tmp /root/run"
    assert not instance.sh(
        look + f"find {folders} -type f -perm /o+r -print0 | xargs -0 grep -laF $token || true"
    )
    # It is in what only root may read, or this search finds nothing ever.
    assert "guard.json" in instance.sh(look + "grep -rlaF $token /var/lib/curfew || true")
    assert instance.sh("stat -c %a /var/lib/curfew /var/lib/curfew/guard.json").split() == ["700", "600"]


def test_a_machine_that_nobody_uses_ends(machine: Boot) -> None:
    instance = machine()
    instance.set_gpu({"utilization.gpu": 60}, {"utilization.gpu": 0})
    run = _start(instance)
    assert "guarding this machine" in run.log()
    assert "this machine is idle after 15s of: GPUs below 5%, no terminal input" in run.log()
    assert_stays(instance, IDLE + LOOK)
    shown = status(instance)
    assert shown["command"] == "this machine" and shown["stage"] == "running"
    assert "60%" in shown["gpus"] and shown["idle"] == "for 0s of 15s", shown
    assert "no input for " in shown["terminals"] and shown["jupyter"] is None, shown
    text = instance.sh(f"{INSIDE} status")
    assert "60%" in text and "no input for " in text and "for 0s of 15s" in text
    idle = now(instance)
    instance.set_gpu({"utilization.gpu": 4}, {"utilization.gpu": 0})
    instance.wait("terminated", LIFE)
    assert assert_ended(instance, idle, within=WITHIN) > IDLE
    assert run.code() == 0
    # GPUs are idle for as long as lies between their readings.
    assert re.search(r"idle for (1[5-9]|2\d)s: GPUs below 5%, no terminal input since 2\d{3}-", run.log())


def test_a_machine_without_a_gpu_ends_when_nobody_is_at_it(machine: Boot) -> None:
    instance = machine()
    began = now(instance)
    run = _start(instance)
    run.wait_err("this machine has no GPU: terminals alone tell its use")
    instance.wait("terminated", LIFE)
    assert assert_ended(instance, began, within=WITHIN) > IDLE
    assert run.code() == 0
    assert "(this machine has no GPU)" in run.log()
    assert "no accelerator readings" not in run.log()


def test_input_at_a_terminal_keeps_the_machine(machine: Boot) -> None:
    instance = machine()
    instance.set_gpu({"utilization.gpu": 0})
    run = _start(instance)
    _start_python(instance, _TYPIST)
    assert_stays(instance, 2 * IDLE)
    assert "no input for " in status(instance)["terminals"]
    instance.write("/run/go", "")
    instance.wait("terminated", LIFE)
    took = assert_ended(instance, run.stamp(), within=WITHIN)
    assert took > IDLE - INPUT
    assert run.code() == 0


@pytest.mark.parametrize("given", ["variable", "url"])
def test_a_busy_kernel_keeps_the_machine_and_its_token_stays_secret(machine: Boot, given: str) -> None:
    instance = machine()
    instance.set_gpu({"utilization.gpu": 0})
    _serve_jupyter(instance)
    # Not through words of the test's own, which `ps` would show.
    url = "http://127.0.0.1:8888/lab" + (f"?token={TOKEN}" if given == "url" else "")
    variable = f"JUPYTER_TOKEN={TOKEN}" if given == "variable" else ""
    instance.write("/root/url", url, 0o600)
    instance.write("/root/variable", variable, 0o600)
    instance.write(
        "/root/curfew",
        f'#!/bin/bash\nexport $(cat /root/variable)\nexec {INSIDE} "$@" --jupyter "$(cat /root/url)"\n',
        0o755,
    )
    run = _start(instance, program="/root/curfew")
    wait_status(instance, jupyter="1 kernel, 1 busy, 0 terminals, not used for 0s", timeout=SOON)
    assert_stays(instance, 2 * IDLE)
    _assert_token_is_nowhere(instance, run)
    idle = now(instance)
    instance.write("/run/go", "")
    instance.wait("terminated", LIFE)
    assert assert_ended(instance, idle, within=WITHIN) > IDLE - 1
    assert run.code() == 0
    assert "no Jupyter kernel used since 2" in run.log()


def test_a_server_that_wants_another_token_is_never_idle(machine: Boot) -> None:
    instance = machine()
    instance.set_gpu({"utilization.gpu": 0})
    _serve_jupyter(instance)
    instance.write("/run/go", "")
    run = _start(instance, "--jupyter", "http://127.0.0.1:8888/", env={"JUPYTER_TOKEN": "wrong-0123"})
    run.wait_err("the server wants another token (HTTP 403)")
    assert "doesn't count as idle" in run.err()
    assert_stays(instance, 2 * IDLE)
    shown = status(instance)
    assert shown["jupyter"].startswith("unknown: ") and shown["idle"] == "for 0s of 15s", shown
    assert "wrong-0123" not in run.err() + run.log() + str(shown)


def test_a_machine_stays_guarded_where_the_process_that_waits_is_killed(machine: Boot) -> None:
    instance = machine()
    instance.set_gpu({"utilization.gpu": 97})
    run = _start(instance)
    waits = wait_status(instance, stage="running")["job_pid"]
    instance.sh(f"kill -9 {waits}")
    run.wait_err("this machine is guarded without it")
    assert_stays(instance)
    assert status(instance)["stage"] == "running"
    idle = now(instance)
    instance.set_gpu({"utilization.gpu": 0})
    instance.wait("terminated", LIFE)
    assert assert_ended(instance, idle, within=WITHIN) > IDLE
    assert run.code() == 0


def test_a_reboot_in_order_ends_no_machine_that_is_used(machine: Boot) -> None:
    instance = machine()
    instance.set_gpu({"utilization.gpu": 97})
    # As from a session of sshd's: `curfew run` is told to end with all that is in it, and passes that on to the guard.
    instance.write("/root/session", f'#!/bin/bash\nexec systemd-run --scope --quiet {INSIDE} "$@"\n', 0o755)
    run = _start(instance, program="/root/session")
    wait_status(instance, stage="running")
    instance.exec(["systemctl", "reboot"])
    instance.wait_event("reboot", SOON)
    instance.wait_up()
    wait_status(instance, stage="running", cause=None)
    assert "going down by another's hand" in run.log()
    assert_stays(instance)
    idle = now(instance)
    instance.set_gpu({"utilization.gpu": 0})
    instance.wait("terminated", LIFE)
    assert assert_ended(instance, idle, within=WITHIN) > IDLE - 1


def test_a_file_ends_a_machine_without_a_command(machine: Boot) -> None:
    instance = machine()
    run = start_words(instance, ["--done-file", "/root/DONE", "--max-time", "5m"])
    run.wait_err("when the job is over this machine will")
    assert_stays(instance)
    done = time.monotonic()
    instance.write("/root/DONE", "")
    instance.wait("terminated", LIFE)
    assert_ended(instance, done, within=2 + POWER_OFF)
    assert run.code() == 0


def test_its_time_limit_holds_while_it_is_used(machine: Boot) -> None:
    instance = machine()
    instance.set_gpu({"utilization.gpu": 97})
    began = now(instance)
    run = _start(instance, "--max-time", "10s")
    instance.wait("terminated", LIFE)
    assert assert_ended(instance, began, within=10 + SOON) > 9
    assert run.code() == 124


def test_nothing_starts_without_a_command_and_an_end(machine: Boot) -> None:
    instance = machine()
    for words in (["--max-time", "5m"], ["--idle-gpu", "5m", "--"], ["--gpu-start", "5m"]):
        run = start_words(instance, words, wait=False)
        assert run.wait_code() == 125
        assert "no command to run" in run.err()
        instance.sh("rm -r /root/run")
    assert_nothing_started(instance)
