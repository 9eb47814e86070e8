"""What the tests of acting on instances share: instances that exist in the API only, and the ledger."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

from sandbox import Instance, Sandbox
from tests.e2e.helpers import CURFEW, SOON

CHANGES = {
    "TerminateInstances",
    "StopInstances",
    "CancelSpotInstanceRequests",
    "ModifyInstanceAttribute",
    "CreateTags",
}


def launch(cloud: Sandbox, hours: float = 5.0, **more: Any) -> Instance:
    """One that has run for so long; no machine plays it."""
    instance = cloud.launch(machine=False, **more)
    instance.wait("running", SOON)
    instance.age(hours * 3600)
    return instance


def client_of(cloud: Sandbox, role: str) -> Any:
    """EC2 as that role's account sees it; its instances exist in the API only."""
    keys = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    cloud.control("wish", options={"machine": False})
    return boto3.client(
        "ec2",
        region_name="us-east-1",
        endpoint_url=cloud.endpoint,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def launch_by(ec2: Any, tags: Mapping[str, str] | None = None) -> str:
    """The id of an instance in that client's account."""
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    marked = [{"Key": key, "Value": value} for key, value in (tags or {}).items()]
    made = ec2.run_instances(
        ImageId=image,
        InstanceType="g5.xlarge",
        MinCount=1,
        MaxCount=1,
        **({"TagSpecifications": [{"ResourceType": "instance", "Tags": marked}]} if marked else {}),
    )
    return str(made["Instances"][0]["InstanceId"])


def from_now(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def overdue(hours: float = 1.0, tags: Mapping[str, str] | None = None) -> dict[str, str]:
    """Tags of an instance that was launched under curfew and is past its deadline."""
    return {"curfew:job": "test", "curfew:deadline": from_now(-hours), **(tags or {})}


class Caller:
    """Runs curfew on this host with the sandbox's variables and a home of its own."""

    def __init__(self, cloud: Sandbox, home: Path) -> None:
        self.cloud, self.state = cloud, home / "state"
        self.env = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(home),
            "XDG_STATE_HOME": str(self.state),
            **cloud.env(),
        }

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=150)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [CURFEW, *words],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ledger(self) -> list[dict[str, Any]]:
        path = self.state / "curfew/ledger.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def changes(self) -> list[str]:
        """The calls so far that change something."""
        return [call["op"] for call in self.cloud.requests if call["op"] in CHANGES]


def states(instances: Sequence[Instance]) -> list[str]:
    return [instance.state() for instance in instances]


class Hook:
    """A webhook on loopback that answers as it's told, and keeps what came."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.answer = 200
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.answer == 200:
                    hook.told.append(json.loads(body)["text"])
                self.send_response(hook.answer)
                self.end_headers()

            def log_message(self, *words: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0SECRET"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
