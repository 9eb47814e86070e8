"""Notifications: what reaches people, and that what is secret in them reaches nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sandbox import Instance, Sandbox
from tests.e2e.helpers import CURFEW, INSIDE, LIFE, SOON, assert_ended, start, start_words

Boot = Callable[..., Instance]

SECRET = "T024BE7LD-xoxb-17653"

# A webhook in the machine itself that outlives the shutdown of everything else.
_HOOK = """
import http.server, os
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open("/root/hook", "ab") as log:
            log.write(body + b"\\n"); log.flush(); os.fsync(log.fileno())
        self.send_response(200); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", 8065), Hook).serve_forever()
"""
_UNIT = """
[Unit]
DefaultDependencies=no
[Service]
ExecStart=/usr/bin/python3 /root/hook.py
KillSignal=SIGCONT
TimeoutStopSec=30
"""
URL = f"http://127.0.0.1:8065/services/{SECRET}"


def start_hook(instance: Instance) -> None:
    instance.write("/root/hook.py", _HOOK)
    instance.write("/etc/systemd/system/hook.service", _UNIT)
    instance.sh("systemctl start hook; until (</dev/tcp/127.0.0.1/8065) 2>/dev/null; do sleep 0.1; done")


def told(instance: Instance) -> list[str]:
    return [json.loads(line)["text"] for line in instance.text("/root/hook", "").splitlines()]


def topic_with_queue(cloud: Sandbox) -> tuple[str, Callable[[], list[dict[str, Any]]]]:
    """An SNS topic, and what it has delivered so far."""
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="alerts")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    seen: list[dict[str, Any]] = []

    def delivered() -> list[dict[str, Any]]:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            seen.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return seen

    return topic, delivered


def test_a_webhook_hears_of_the_start_and_the_end(machine: Boot) -> None:
    instance = machine()
    start_hook(instance)
    instance.write("/root/slack", URL + "\n", 0o600)
    costs = "until grep -q 'this machine cost[s]' log; do sleep 0.05; done"
    run = start(instance, f"known; {costs}; stamp; exit 3", "--notify", "file:/root/slack")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    assert run.code() == 3
    texts = told(instance)
    assert len(texts) == 2, texts
    assert texts[0].startswith(f"curfew started on {instance.id} (g5.xlarge, us-east-1)") or texts[
        0
    ].startswith("curfew started on ")
    assert "Training stops at: " in texts[0] and "Command: bash -c" in texts[0]
    assert texts[1].startswith(f"curfew ended the job on {instance.id} (g5.xlarge, us-east-1)")
    assert "Why: ended: job_ended, exit code 3" in texts[1]
    assert "Exit code: 3" in texts[1] and "Next: the machine is terminated" in texts[1]
    assert "Cost: $0.0" in texts[1], texts[1]


def test_a_topic_hears_of_the_end(machine: Boot, cloud: Sandbox) -> None:
    topic, delivered = topic_with_queue(cloud)
    instance = machine()
    run = start(instance, "known; stamp", "--notify", f"sns:{topic}")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    instance.until(lambda: len(delivered()) >= 2, SOON, f"two notifications: {delivered()}")
    subjects = [message["Subject"] for message in delivered()]
    assert subjects[0].startswith("curfew started on "), subjects
    assert subjects[1].startswith(f"curfew ended the job on {instance.id}"), subjects


def test_a_webhook_that_hangs_does_not_keep_the_machine(machine: Boot) -> None:
    instance = machine()
    instance.sh(
        "nohup python3 -c 'import socket,time; s=socket.create_server((\"127.0.0.1\", 8065)); time.sleep(900)' "
        ">/dev/null 2>&1 & until (</dev/tcp/127.0.0.1/8065) 2>/dev/null; do sleep 0.1; done"
    )
    run = start(instance, "known; stamp", "--notify", URL)
    instance.wait("terminated", LIFE)
    # Three seconds, and no more, are given to it.
    assert_ended(instance, run.stamp(), within=14)
    assert run.code() == 0


def test_the_secret_of_a_webhook_shows_nowhere(machine: Boot) -> None:
    instance = machine()
    start_hook(instance)
    run = start(instance, "sleep 1000", "--notify", "env:HOOK", "--notify", f"{URL}-2", env={"HOOK": URL})
    instance.until(lambda: len(told(instance)) == 2, SOON, "two notifications")
    assert "notifying http://127.0.0.1:8065/…" in run.err()
    shown = instance.sh(
        f"{INSIDE} status --json; {INSIDE} status; journalctl --no-pager -u curfew; systemctl cat curfew; "
        f"cat {run.folder}/log {run.folder}/stderr; "
        "for pid in $(pgrep -x curfew); do tr '\\0' ' ' </proc/$pid/cmdline; echo; done"
    )
    assert "curfew run --log" in shown and "--notify http://127.0.0.1:8065/***" in shown
    assert SECRET not in shown
    open_to_others = instance.sh(
        "find /var/lib/curfew /run/curfew /etc/systemd/system -type f -perm /077 -exec grep -l "
        f"{SECRET} {{}} + || true"
    )
    assert not open_to_others
    instance.terminate()


def test_what_is_no_place_is_refused_before_anything_starts(machine: Boot) -> None:
    instance = machine()
    for where, says in {
        "http://hooks.example.com/x": "http",
        f"https://169.254.169.254/latest/{SECRET}": "--notify",
        "env:NOT_SET": "NOT_SET",
        "file:/root/missing": "missing",
        "sns:arn:aws:sqs:us-east-1:123456789012:x": "--notify",
    }.items():
        run = start_words(
            instance, ["--notify", where, "--", "touch", "/root/started"], name="bad", wait=False
        )
        assert run.wait_code() == 125, where
        assert says in run.err() and SECRET not in run.err(), run.err()
        instance.sh("rm -r /root/bad; test ! -e /root/started")
    assert CURFEW.exists()
    instance.terminate()
