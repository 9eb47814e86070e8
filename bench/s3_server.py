"""The S3 server that saves are compared on: versitygw where `scripts/install bench` could build it, else the sandbox's."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from sandbox import Sandbox

VERSION = Path(__file__).with_name("versitygw-version").read_text().strip()  # scripts/install reads it too
REGION = "us-east-1"
BUCKET = "bench"
_KEY = "benchmark"  # of a server on loopback, for as long as it runs
_STARTS_WITHIN = 30.0


@dataclass(frozen=True)
class Server:
    """fast: so fast that what is measured is who talks to it."""

    name: str
    endpoint: str
    fast: bool

    def env(self) -> dict[str, str]:
        """All that a program gets: what the caller has (AWS_CA_BUNDLE: rclone 1.60 doesn't start with it) stays out."""
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": _KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def client(self) -> Any:
        return boto3.session.Session(
            aws_access_key_id=_KEY, aws_secret_access_key=_KEY, region_name=REGION
        ).client("s3", endpoint_url=self.endpoint, config=Config(s3={"addressing_style": "path"}))


def built() -> Path | None:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    program = cache / "curfew" / f"versitygw-{VERSION}"
    return program if os.access(program, os.X_OK) else None


@contextmanager
def folder_for(size: int) -> Iterator[Path]:
    """In memory where there is that much and half as much again, so that no disk has a say in it."""
    memory = Path("/dev/shm")
    free = shutil.disk_usage(memory).free if memory.is_dir() else 0
    lines = Path("/proc/meminfo").read_text().splitlines()
    available = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    where = memory if min(free, available) > size * 3 // 2 else None
    with tempfile.TemporaryDirectory(prefix="curfew-bench-", dir=where) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def serving(cloud: Sandbox, program: Path | None, root: Path) -> Iterator[Server]:
    """With an empty bucket. program: versitygw, which keeps the objects below root."""
    if program is None:
        server = Server("moto (slow)", cloud.endpoint, fast=False)
        server.client().create_bucket(Bucket=BUCKET)
        yield server
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    words = [
        str(program),
        "--quiet",
        "--keep-alive",
        "--port",
        address,
        "--region",
        REGION,
        "posix",
        str(root),
    ]
    environment = {"PATH": os.environ["PATH"], "ROOT_ACCESS_KEY": _KEY, "ROOT_SECRET_KEY": _KEY}
    with (root.parent / "versitygw.log").open("wb") as said:
        running = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        _until_listening(running, port, root.parent / "versitygw.log")
        server = Server(f"versitygw {VERSION}", f"http://127.0.0.1:{port}", fast=True)
        server.client().create_bucket(Bucket=BUCKET)
        yield server
    finally:
        running.kill()
        running.wait()


def _until_listening(running: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < deadline and running.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(
        f"versitygw does not listen on port {port}:\n{log.read_text(errors='replace')[-2000:]}"
    )
