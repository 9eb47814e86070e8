"""`curfew check` tells people (`--notify`), remembers what it told, and shows the same again and again (`--watch`)."""

from __future__ import annotations

import contextlib
import email
import email.policy
import json
import os
import pty
import re
import select
import signal
import socket
import stat
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.acting import Hook
from tests.e2e.helpers import CURFEW, SOON
from tests.e2e.test_notify import topic_with_queue

HOUR = 3600.0
Check = Callable[..., subprocess.CompletedProcess[str]]
Launch = Callable[..., Instance]


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture
def variables(cloud: Sandbox, tmp_path: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **cloud.env(), "AWS_REGION": "us-east-1"}


@pytest.fixture
def check(variables: dict[str, str]) -> Check:
    def run(*words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [CURFEW, "check", "--region", "us-east-1,eu-west-1", *words],
            env={**variables, **(env or {})},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def launch(cloud: Sandbox) -> Launch:
    def made(hours: float = 7.0, **more: Any) -> Instance:
        instance = cloud.launch(machine=False, **more)
        instance.wait("running", SOON)
        instance.age(hours * HOUR)
        return instance

    return made


@pytest.fixture
def sendmail(tmp_path: Path) -> Path:
    """A program that keeps the mail; a script of the test's may take its place."""
    program = tmp_path / "sendmail"
    program.write_text(f'#!/bin/sh\necho "$@" >{tmp_path}/words\ncat >{tmp_path}/mail\n')
    program.chmod(0o755)
    return program


def test_one_digest_however_many_need_attention(check: Check, launch: Launch, hook: Hook) -> None:
    old = launch(72.0, tags={"Name": "<!channel> & co"})
    other = launch(7.0, region="eu-west-1")
    launch(0.1, instance_type="t3.micro")
    result = check("--notify", hook.url, "--notify", hook.url)
    assert result.returncode == 2 and result.stderr == "", result
    assert len(hook.told) == 1, "once, though it was named twice"
    lines = hook.told[0].splitlines()
    assert re.match(r"curfew check: 2 CRITICAL, 3 instances for (at most )?\$[0-9.]+ an hour$", lines[0]), (
        lines
    )
    assert lines[2].startswith(
        f"CRITICAL {old.id} (&lt;!channel&gt; &amp; co, g5.xlarge, us-east-1) 72h, cost $"
    )
    assert lines[3].startswith(f"CRITICAL {other.id} (") and "running for 7h" in lines[3]
    assert len(lines) == 4


def test_nothing_to_tell_is_not_told(check: Check, launch: Launch, hook: Hook, tmp_path: Path) -> None:
    launch(0.1, instance_type="t3.micro")
    assert check("--notify", hook.url).returncode == 0
    assert check("--notify", hook.url, "--notify-state", str(tmp_path / "told")).returncode == 0
    assert hook.told == []


def test_cron_does_not_repeat_what_has_not_changed(
    check: Check, launch: Launch, hook: Hook, cloud: Sandbox, tmp_path: Path
) -> None:
    state = tmp_path / "told.json"
    words = ("--notify", hook.url, "--notify-state", str(state))
    first = launch(3.0, instance_type="t3.micro")
    assert check(*words).returncode == 1
    assert check(*words).returncode == 1
    assert len(hook.told) == 1 and f"NEW WARNING {first.id}" in hook.told[0]
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert "SECRET" not in state.read_text() and first.id in state.read_text()

    second = launch(3.0, instance_type="t3.micro")
    first.age(7 * HOUR)
    check(*words)
    assert len(hook.told) == 2 and f"WORSE CRITICAL {first.id}" in hook.told[1]
    assert f"NEW WARNING {second.id}" in hook.told[1]

    # A region that isn't read says nothing about what ran there.
    cloud.fault(
        "error", "ec2", "DescribeInstances", region="us-east-1", code="UnauthorizedOperation", status=403
    )
    assert check(*words).returncode == 101
    assert len(hook.told) == 3 and "NOT READ: us-east-1" in hook.told[2] and "GONE" not in hook.told[2]
    assert check(*words).returncode == 101 and len(hook.told) == 3
    cloud.clear_faults()

    first.terminate()
    second.terminate()
    assert check(*words).returncode == 0
    assert len(hook.told) == 4 and hook.told[3].startswith("curfew check: all clear"), hook.told[3:]
    assert f"GONE: {first.id}" in hook.told[3] and "NO LONGER UNREAD: us-east-1" in hook.told[3]
    check(*words)
    assert len(hook.told) == 4


def test_it_reminds_after_a_while(check: Check, launch: Launch, hook: Hook, tmp_path: Path) -> None:
    launch(7.0)
    words = ("--notify", hook.url, "--notify-state", str(tmp_path / "told"), "--notify-again", "3s")
    began = time.monotonic()
    check(*words)
    assert len(hook.told) == 1
    while len(hook.told) == 1 and time.monotonic() - began < SOON:
        check(*words)
    assert len(hook.told) == 2 and "STILL CRITICAL" in hook.told[1]
    # The state has whole seconds.
    assert time.monotonic() - began > 2, "told again before its time"


def test_a_broken_state_is_said_and_told_again(
    check: Check, launch: Launch, hook: Hook, tmp_path: Path
) -> None:
    state = tmp_path / "told"
    words = ("--notify", hook.url, "--notify-state", str(state))
    launch(7.0)
    check(*words)
    state.write_text('{"schema":1,')
    result = check(*words)
    assert result.returncode == 1 and "what was told before is told again" in result.stderr
    assert len(hook.told) == 2
    check(*words)
    assert len(hook.told) == 2, "it's whole again"
    result = check(*words[:3], str(tmp_path / "no/such/folder/told"))
    assert result.returncode == 101 and "no/such/folder" in result.stderr


def test_two_at_once_tell_once(launch: Launch, hook: Hook, variables: dict[str, str], tmp_path: Path) -> None:
    launch(7.0)
    words = [str(CURFEW), "check", "--region", "us-east-1", "--notify", hook.url]
    words += ["--notify-state", str(tmp_path / "told")]
    running = [
        subprocess.Popen(words, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    for each in running:
        assert each.wait(60) == 1, each.communicate()
        assert each.stderr is not None
        each.stderr.close()
    assert len(hook.told) == 1


def test_a_place_that_fails_makes_itself_known(
    check: Check, launch: Launch, hook: Hook, tmp_path: Path
) -> None:
    launch(7.0)
    broken = Hook()
    broken.answer = 404
    words = ("--notify", hook.url, "--notify", broken.url, "--notify-state", str(tmp_path / "told"))
    result = check(*words)
    assert result.returncode == 101, result
    assert "failed: it answered 404" in result.stderr and "SECRET" not in result.stderr
    assert check(*words, "--exit-style", "zero").returncode == 101
    assert check(*words, "--warn", "100h", "--crit", "200h", "--exit-style", "nagios").returncode == 3
    assert len(hook.told) == 2, "once critical, once for another reason"
    broken.answer = 200
    # What works again is told what it missed; the other one isn't told again.
    assert check(*words, "--warn", "100h", "--crit", "200h").returncode == 1
    assert len(broken.told) == 1 and len(hook.told) == 2
    broken.close()


def test_a_place_that_does_not_answer_holds_up_no_other(check: Check, launch: Launch, hook: Hook) -> None:
    launch(7.0)
    result = check("--notify", hook.url, "--notify", "http://127.0.0.1:9/x")
    assert result.returncode == 101 and "127.0.0.1:9/…" in result.stderr
    assert len(hook.told) == 1


def test_a_topic_is_told(check: Check, launch: Launch, cloud: Sandbox) -> None:
    topic, delivered = topic_with_queue(cloud)
    instance = launch(7.0)
    assert check("--notify", f"sns:{topic}").returncode == 1
    until = time.monotonic() + SOON
    while not delivered() and time.monotonic() < until:
        time.sleep(0.1)
    (message,) = delivered()
    assert message["Subject"].startswith("curfew check: 1 CRITICAL, ")
    assert instance.id in message["Message"]


def test_a_mailbox_is_told(check: Check, launch: Launch, sendmail: Path, tmp_path: Path) -> None:
    instance = launch(7.0, tags={"Name": "träin\u2028Bcc: x@y.org"})
    env = {"CURFEW_SENDMAIL": str(sendmail)}
    result = check("--notify", "mailto:team@example.com", env=env)
    assert result.returncode == 1 and result.stderr == "", result
    assert (tmp_path / "words").read_text() == "-t -i\n"
    raw = (tmp_path / "mail").read_bytes()
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["To"] == "team@example.com" and mail["Auto-Submitted"] == "auto-generated"
    assert mail["Bcc"] is None and mail.get_content_type() == "text/plain"
    assert mail["Subject"].startswith("curfew check: 1 CRITICAL, ")
    assert instance.id in mail.get_content() and "träin" in mail.get_content()

    sendmail.write_text("#!/bin/sh\necho 'postdrop: no queue' >&2\nexit 71\n")
    result = check("--notify", "mailto:team@example.com", env=env)
    assert result.returncode == 101
    assert "exit code 71: postdrop: no queue" in result.stderr
    result = check("--notify", "mailto:team@example.com", env={"CURFEW_SENDMAIL": "/nothing/there"})
    assert result.returncode == 103 and "/nothing/there" in result.stderr
    result = subprocess.run(
        [CURFEW, "run", "--dry-run", "--notify", "mailto:a@b.org", "--", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 125 and "mail could still be waiting on this machine" in result.stderr


def test_expired_credentials_are_told(check: Check, cloud: Sandbox, hook: Hook) -> None:
    cloud.fault("error", "sts", code="ExpiredToken", status=403, message="The security token is expired")
    assert check("--notify", hook.url).returncode == 102
    assert len(hook.told) == 1 and "NOTHING COULD BE READ" in hook.told[0] and "expired" in hook.told[0]


def test_what_is_no_place_is_refused_before_anything_is_read(check: Check, cloud: Sandbox) -> None:
    before = len(cloud.requests)
    for words, says in [
        (["--notify", "http://hooks.example.com/x"], "http"),
        (["--notify", "https://169.254.169.254/T0SECRET"], "metadata"),
        (["--notify", "env:NOT_SET"], "NOT_SET"),
        (["--notify", "mailto:a@b.org,c@d.org"], "mailto"),
        (["--notify-state", "/tmp/x"], "means nothing without --notify"),
        (["--watch", "5s"], "at least 10s"),
        (["--watch", "30s", "--format", "json"], "--output"),
    ]:
        result = check(*words)
        assert result.returncode == 103 and says in result.stderr, result
        assert "SECRET" not in result.stderr
    assert len(cloud.requests) == before


def config(home: Path, text: str) -> None:
    folder = home / ".config/curfew"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    (folder / "config.toml").write_text(text)


def test_a_file_sets_defaults(
    check: Check, launch: Launch, hook: Hook, variables: dict[str, str], tmp_path: Path
) -> None:
    long = launch(3.0, instance_type="t3.micro")
    launch(3.0, instance_type="t3.micro", region="eu-west-1")
    config(
        tmp_path,
        f'[check]\nwarn = "4h"\ncrit = "12h"\nignore_regions = ["eu-west-1"]\nnotify = "file:{tmp_path}/slack"\n'
        f'notify-state = "{tmp_path}/told"\n[run]\nmax-time = "8h"\n',
    )
    (tmp_path / "slack").write_text(hook.url)
    (tmp_path / "slack").chmod(0o600)

    def plain(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [CURFEW, "check", *words], env=variables, capture_output=True, text=True, timeout=60, check=False
        )

    result = plain()
    assert result.returncode == 0, result
    assert "Not read, as asked: eu-west-1" in result.stdout and hook.told == []
    result = plain("--warn", "2h")
    assert result.returncode == 1 and len(hook.told) == 1 and long.id in hook.told[0]
    assert plain("--crit", "1h", "--exit-style", "nagios").returncode == 2, "the file's warn gives way"
    assert plain("--region", "eu-west-1", "--warn", "2h").returncode == 1, "what is typed is read"
    shown = subprocess.run([CURFEW, "config"], env=variables, capture_output=True, text=True, check=False)
    assert shown.returncode == 0 and "T0SECRET" not in shown.stdout
    of_run, of_check = shown.stdout.split("\n\n")
    assert "--max-time" in of_run and re.search(r"--warn +4h +.*config.toml:2", of_check)
    assert re.search(r"--ignore_regions +eu-west-1 ", of_check) and re.search(
        r"--exit-style +count +default", of_check
    )
    for line, says in [
        ('warn = "4x"', "config.toml:2: --warn: duration '4x'"),
        ('wran = "4h"', "config.toml:2: there is no option 'wran' (did you mean warn?)"),
        ('ignore_regions = ["us-east-1.example.com"]', "config.toml:2: "),
        ('warn = "4h"\ncrit = "1h"', "comes after --crit 1h"),
    ]:
        config(tmp_path, f"[check]\n{line}\n")
        result = plain()
        assert result.returncode == 103 and says in result.stderr, result
        shown = subprocess.run([CURFEW, "config"], env=variables, capture_output=True, text=True, check=False)
        assert shown.returncode == 125 and says in shown.stderr, shown


class Terminal:
    """A pseudo-terminal with curfew on it."""

    def __init__(self, words: list[str], env: Mapping[str, str]) -> None:
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(CURFEW, ["curfew", *words], {**env, "TERM": "xterm"})
        termios.tcsetwinsize(self.fd, (30, 120))

    def read(self, limit: float) -> None:
        if select.select([self.fd], [], [], limit)[0]:
            with contextlib.suppress(OSError):
                self.text += os.read(self.fd, 65_536).decode(errors="replace")

    def until(self, words: str, limit: float = SOON) -> None:
        until = time.monotonic() + limit
        while words not in self.text:
            assert time.monotonic() < until, f"no {words!r} in {self.text!r}"
            self.read(0.2)

    def settings(self) -> list[Any]:
        return termios.tcgetattr(self.fd)

    def end(self, limit: float = 5.0) -> int:
        """Its exit code, or minus the signal that it died of."""
        until = time.monotonic() + limit
        while time.monotonic() < until:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.read(0.1)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError(f"still running: {self.text!r}")


LEFT = "\x1b[?25h\x1b[?1049l"


@pytest.fixture
def watched(variables: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    terminals: list[Terminal] = []

    def made(*words: str) -> Terminal:
        terminals.append(
            Terminal(["check", "--region", "us-east-1,eu-west-1", "--watch", "10s", *words], variables)
        )
        return terminals[-1]

    yield made
    for each in terminals:
        os.close(each.fd)


@pytest.mark.parametrize("how", ["ctrl-c", "q", "sigterm"])
def test_watching_ends_at_once_with_the_terminal_as_it_was(
    watched: Callable[..., Terminal], launch: Launch, how: str
) -> None:
    instance = launch(7.0)
    terminal = watched()
    before = terminal.settings()
    terminal.until(instance.id)
    terminal.until("next in ")
    assert terminal.text.index("\x1b[?1049h\x1b[?25l") < terminal.text.index(instance.id)
    assert not terminal.settings()[3] & (termios.ECHO | termios.ICANON)
    began = time.monotonic()
    if how == "sigterm":
        os.kill(terminal.pid, signal.SIGTERM)
    else:
        os.write(terminal.fd, b"\x03" if how == "ctrl-c" else b"q")
    assert terminal.end() == 1
    assert time.monotonic() - began < 2
    assert terminal.text.rstrip().endswith(LEFT), terminal.text[-200:]
    assert terminal.settings() == before


def test_watching_ends_at_once_while_a_region_hangs(watched: Callable[..., Terminal], cloud: Sandbox) -> None:
    cloud.fault("hang", "ec2", "DescribeInstances", region="eu-west-1")
    terminal = watched()
    before = terminal.settings()
    terminal.until("1 of 2 regions read")
    os.write(terminal.fd, b"\x03")
    assert terminal.end() == -signal.SIGINT, "nothing has been read, of which a code could tell"
    assert LEFT in terminal.text and terminal.settings() == before


def test_watching_ends_at_once_while_a_place_does_not_answer(
    watched: Callable[..., Terminal], launch: Launch
) -> None:
    instance = launch(7.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        terminal = watched("--notify", f"http://127.0.0.1:{silent.getsockname()[1]}/services/T0")
        terminal.until(instance.id)
        silent.settimeout(SOON)
        connection, _ = silent.accept()
        began = time.monotonic()
        os.write(terminal.fd, b"q")
        assert terminal.end() == 1
        assert time.monotonic() - began < 2
        connection.close()
    assert terminal.text.rstrip().endswith(LEFT), terminal.text[-200:]


def test_watching_follows_the_window_and_keeps_the_last_good_report(
    watched: Callable[..., Terminal], launch: Launch, cloud: Sandbox, hook: Hook
) -> None:
    instance = launch(7.0)
    terminal = watched("--notify", hook.url)
    terminal.until("next in ")
    terminal.text = ""
    termios.tcsetwinsize(terminal.fd, (30, 60))
    terminal.until("(too narrow for ", limit=3)
    assert len(hook.told) == 1
    termios.tcsetwinsize(terminal.fd, (30, 200))
    cloud.fault("error", "ec2", "DescribeInstances", code="UnauthorizedOperation", status=403)
    terminal.until("READ FAILED ", limit=40)
    terminal.text = ""
    terminal.until("READ FAILED ", limit=3)
    terminal.until("What follows was read ", limit=3)
    terminal.until(instance.id, limit=3)
    terminal.until("next in 3s", limit=20)
    assert len(hook.told) == 2 and "NOT READ" in hook.told[1]
    os.write(terminal.fd, b"\x03")
    assert terminal.end() == 101
    # What was told once isn't told again.
    assert len(hook.told) == 2


def test_watching_without_a_terminal_goes_on_and_on(
    launch: Launch, variables: dict[str, str], tmp_path: Path, cloud: Sandbox
) -> None:
    instance = launch(7.0)
    output = tmp_path / "curfew.json"
    words = [str(CURFEW), "check", "--region", "us-east-1", "--watch", "10s"]
    table = subprocess.Popen(words, env=variables, stdout=subprocess.PIPE, text=True)
    file = subprocess.Popen([*words, "--format", "json", "--output", str(output)], env=variables)
    assert table.stdout is not None
    lines: list[str] = []
    while "-" * 80 + "\n" not in lines:
        lines.append(table.stdout.readline())
    assert sum(line.startswith(f"CRITICAL  {instance.id}") for line in lines) == 1, lines
    assert not any("\x1b" in line for line in lines)
    first = json.loads(output.read_text())["at"]
    until = time.monotonic() + SOON
    while json.loads(output.read_text())["at"] == first and time.monotonic() < until:
        time.sleep(0.2)
    assert json.loads(output.read_text())["at"] != first and json.loads(output.read_text())["complete"]
    # An outage: whoever reads the file must see that it's no longer so.
    cloud.fault("error", "ec2", "DescribeInstances", code="UnauthorizedOperation", status=403)
    while json.loads(output.read_text())["complete"] and time.monotonic() < until + SOON:
        time.sleep(0.2)
    assert not json.loads(output.read_text())["complete"]
    for each in (table, file):
        each.send_signal(signal.SIGINT)
    assert file.wait(5) == 101
    assert table.wait(5) in (1, 101), "of its last round, before the outage or after"
    table.stdout.close()
