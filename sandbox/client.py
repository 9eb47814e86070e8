"""The sandbox as tests, the demo and the benchmarks see it: start one, launch instances in it, look at them, break things.

with Sandbox.start() as cloud:
    cloud.bucket("models")
    instance = cloud.launch("#!/bin/bash\\necho hello; shutdown -h now", shutdown_behavior="terminate")
    instance.wait("terminated", timeout=60)
    print(instance.billed_seconds(), instance.console())
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import boto3
from botocore.config import Config

from sandbox.instance import Instance

REGION = "us-east-1"
# Long enough to build the root image, which happens once.
_START_LIMIT = 1800.0
_REPO = Path(__file__).resolve().parent.parent


class SandboxError(RuntimeError):
    """The sandbox refused, or could not do, what was asked."""


class Sandbox:
    """A running sandbox. Made by start(), which begins one as a process of its own, or for one that runs already."""

    def __init__(
        self, endpoint: str, mode: str, why: str = "", process: subprocess.Popen[bytes] | None = None
    ) -> None:
        self.endpoint, self.mode, self.why = endpoint, mode, why
        self.process = process
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._images: dict[str, str] = {}

    @classmethod
    def start(cls, mode: str = "auto", port: int = 0, log: Path | IO[Any] | None = None) -> Sandbox:
        """Starts one and waits until it answers. mode: auto, booted, lesser or bare; log: for its warnings and errors
        (by default with this process's own)."""
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as closing:
            ready = Path(folder, "ready")
            errors = closing.enter_context(log.open("ab")) if isinstance(log, Path) else log
            # It ends when this process does, even by SIGKILL: the pipe to it closes.
            words = [
                "serve",
                "--port",
                str(port),
                "--mode",
                mode,
                "--ready-file",
                str(ready),
                "--while-stdin",
            ]
            process = subprocess.Popen(
                [sys.executable, "-m", "sandbox", *words],
                cwd=_REPO,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
            try:
                deadline = time.monotonic() + _START_LIMIT
                while not ready.exists():
                    if process.poll() is not None:
                        raise SandboxError(f"the sandbox ended at once, with exit code {process.returncode}")
                    if time.monotonic() > deadline:
                        raise SandboxError(f"the sandbox did not start within {_START_LIMIT:.0f} s")
                    time.sleep(0.02)
            except BaseException:
                process.terminate()
                process.wait(timeout=20)
                raise
            facts = json.loads(ready.read_text())
        return cls(facts["endpoint"], facts["mode"], facts["why"], process)

    def stop(self) -> None:
        """Ends it and all its machines; nothing is left of them."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def guest_endpoint(self) -> str:
        """Where the API is for those inside a machine: what its user data sets AWS_ENDPOINT_URL to."""
        return self.endpoint if self.mode == "bare" else "http://10.0.0.1:5000"

    def control(self, verb: str, http_timeout: float = 60, **arguments: Any) -> Any:
        """A call of /_sandbox/VERB; see Cloud in sandbox/cloud.py for the verbs."""
        request = urllib.request.Request(
            f"{self.endpoint}/_sandbox/{verb}", data=json.dumps(arguments).encode(), method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=http_timeout) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise SandboxError(f"{verb}: {json.load(error)['error']}") from None

    # AWS.

    def client(self, service: str, region: str = REGION, **config: Any) -> Any:
        """A boto3 client for this sandbox, whatever the environment says of profiles and endpoints."""
        settings = {"retries": {"total_max_attempts": 1}, "s3": {"addressing_style": "path"}, **config}
        key = (service, region, repr(sorted(settings.items())))
        if key not in self._clients:  # making one takes a third of a second
            session = boto3.session.Session(
                aws_access_key_id="sandbox", aws_secret_access_key="sandbox", region_name=region
            )
            self._clients[key] = session.client(
                service, endpoint_url=self.endpoint, config=Config(**settings)
            )
        return self._clients[key]

    def env(self, region: str = REGION) -> dict[str, str]:
        """Variables for a program on this host that is to use this sandbox instead of AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def bucket(self, name: str, region: str = REGION) -> str:
        """Makes a bucket, and returns its name."""
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self.client("s3", region).create_bucket(Bucket=name, **where)
        return name

    def profile(self, name: str = "trainer", policy: Mapping[str, Any] | None = None) -> str:
        """Makes an instance profile with a role of the same name, where there is none, and returns the name."""
        iam = self.client("iam")
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        # One may be there without the other.
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_instance_profile(InstanceProfileName=name)
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        if policy:
            iam.put_role_policy(RoleName=name, PolicyName="given", PolicyDocument=json.dumps(policy))
        return name

    def image_id(self, region: str = REGION) -> str:
        """An image that RunInstances takes here (which one does not matter: all machines have the same root)."""
        if region not in self._images:
            filters = [{"Name": "name", "Values": ["al2023-ami-2*-x86_64"]}]
            images = self.client("ec2", region).describe_images(Filters=filters)["Images"]
            images = images or self.client("ec2", region).describe_images()["Images"]
            self._images[region] = str(images[0]["ImageId"])
        return self._images[region]

    def launch(
        self,
        user_data: str | bytes = "",
        *,
        tags: Mapping[str, str] | None = None,
        shutdown_behavior: str | None = None,
        instance_type: str = "g5.xlarge",
        region: str = REGION,
        spot: bool = False,
        profile: str | None = None,
        imds_tags: bool = True,
        cloud_init: bool = True,
        machine: bool = True,
        disk: str = "512m",
        memory: str | None = None,
        boot_delay: float = 0.0,
        files: Mapping[str, bytes | str | Path] | None = None,
        wait: bool = True,
        **run_instances: Any,
    ) -> Instance:
        """Launches one instance by RunInstances, which gets all that it has words for.

        Not in the call, and so unseen by the product: cloud_init=False (boots in half a second; user data still runs),
        machine=False (an instance that only the API knows), disk (its size), memory (its limit), boot_delay (seconds in
        `pending`) and files (path inside -> content; a Path is copied with its mode). wait: return when it is up.
        """
        token = run_instances.setdefault("ClientToken", secrets.token_hex(12))
        options: dict[str, Any] = {
            "cloud_init": cloud_init,
            "machine": machine,
            "disk": disk,
            "memory": memory,
            "boot_delay": boot_delay,
        }
        options["files"] = {path: _packed(content) for path, content in (files or {}).items()}
        self.control("wish", token=token, options=options)
        request: dict[str, Any] = {
            "ImageId": run_instances.pop("ImageId", None) or self.image_id(region),
            "InstanceType": instance_type,
            "MinCount": 1,
            "MaxCount": 1,
            "UserData": user_data,
            "MetadataOptions": {
                "HttpTokens": "required",
                "InstanceMetadataTags": "enabled" if imds_tags else "disabled",
            },
        }
        if tags:
            request["TagSpecifications"] = [
                {
                    "ResourceType": "instance",
                    "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                }
            ]
        if shutdown_behavior:  # else EC2's own: stop, and terminate for spot
            request["InstanceInitiatedShutdownBehavior"] = shutdown_behavior
        if spot:
            request["InstanceMarketOptions"] = {"MarketType": "spot"}
        if profile:
            request["IamInstanceProfile"] = {"Name": profile}
        answer = self.client("ec2", region).run_instances(**(request | run_instances))
        instance = self.instance(answer["Instances"][0]["InstanceId"], region)
        if wait:
            instance.wait_up()
        return instance

    def instance(self, instance_id: str, region: str = REGION) -> Instance:
        return Instance(self, instance_id, region)

    # Quotas, capacity and prices.

    def quota(self, code: str, value: float, region: str | None = None) -> None:
        """Sets a vCPU quota of EC2 (L-DB2E81BA, …), in all regions or one."""
        self.control("quota", code=code, value=value, region=region)

    def new_account(self) -> None:
        """The quotas of an account that has asked for nothing: 5 vCPUs of the standard families, 0 of all others."""
        self.control("new_account")

    def capacity(self, instance_type: str = "*", zone: str = "*", market: str = "*", **more: Any) -> int:
        """Says which pools (patterns; market: spot or on-demand) RunInstances refuses; returns a number for clear_capacity.

        left= how many instances they still give (0), code= the refusal (InsufficientInstanceCapacity; with Unsupported the
        type isn't offered there).
        """
        more |= {"instance_type": instance_type, "zone": zone, "market": market}
        return int(self.control("capacity", **more)["id"])

    def clear_capacity(self, number: int | None = None) -> None:
        self.control("clear_capacity", id=number)

    def spot_price(self, instance_type: str, zone: str, dollars: float, **more: Any) -> None:
        """Changes a spot price from now on; ago= seconds: since then; product= other than Linux/UNIX."""
        self.control("spot_price", instance_type=instance_type, zone=zone, dollars=dollars, **more)

    # Schedules.

    def scheduler_role(self, name: str = "curfew-scheduler", **more: Any) -> str:
        """Makes a role that schedules may use on instances with a tag curfew:job, and returns its ARN.

        trust= and policy=: documents to use instead of these.
        """
        iam = self.client("iam")
        statement = {"Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
        trust = more.get("trust") or {"Statement": [{"Effect": "Allow", **statement}]}
        tagged = {"Null": {"aws:ResourceTag/curfew:job": "false"}}
        actions = ["ec2:TerminateInstances", "ec2:StopInstances"]
        allow = {"Effect": "Allow", "Action": actions, "Resource": "*", "Condition": tagged}
        policy = more.get("policy") or {"Statement": [allow]}
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_dated(trust)))
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(_dated(trust)))
        iam.put_role_policy(RoleName=name, PolicyName="given", PolicyDocument=json.dumps(_dated(policy)))
        return str(iam.get_role(RoleName=name)["Role"]["Arn"])

    def scheduler_advance(self, seconds: float) -> int:
        """Lets the scheduler's clock run ahead; returns how many invocations that made, retries included."""
        return int(self.control("scheduler_advance", http_timeout=300, seconds=seconds)["fired"])

    def scheduler(self, **settings: Any) -> dict[str, float]:
        """speed= of its clock, lateness= seconds that it uses of its minute, real_time=True puts its clock right again.
        Returns them, with now."""
        return dict(self.control("scheduler", **settings))

    def invocations(self) -> list[dict[str, Any]]:
        """What schedules did: schedule, group, region, scheduled, time (both by the scheduler's clock), wall_time,
        attempt, target, input, ok, code, message, again (will it be tried again)."""
        return list(self.control("invocations"))

    # What is to go wrong, and what was asked.

    def fault(self, kind: str, service: str | None = None, op: str | None = None, **more: Any) -> int:
        """Lets calls fail from now on; returns a number for clear_faults.

        kind: error (code=, status=, message=), throttle, slow (delay=), hang (until cleared, or delay= seconds and then
        dropped), drop-reply (carried out, but the answer is lost), drop-request (not carried out either), hang-reply and
        hang-request (the same, but the connection is dropped only once it's cleared, or after delay= seconds), clock (done,
        and the reply's Date is delay= seconds ahead).
        Limits: region=, path= a prefix of "/bucket/key", instance= an id whose calls are meant, key= an access key's id that they
        are signed with, skip= the first n go well, times= how often (else until cleared).
        """
        return int(self.control("fault", kind=kind, service=service, op=op, **more)["id"])

    def clear_faults(self, number: int | None = None) -> None:
        self.control("clear_faults", id=number)

    @contextlib.contextmanager
    def failing(
        self, kind: str, service: str | None = None, op: str | None = None, **more: Any
    ) -> Iterator[None]:
        number = self.fault(kind, service, op, **more)
        try:
            yield
        finally:
            self.clear_faults(number)

    def hanging(self, number: int) -> int:
        """How many calls hang in that fault now; for hang-reply they have been carried out."""
        return sum(int(one["held"]) for one in self.control("faults") if one["id"] == number)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """API calls so far: time, service, op, path, region, key (its id), source (an instance id or None),
        status, fault."""
        return list(self.control("requests"))

    def settings(self, **values: Any) -> dict[str, Any]:
        """stop_bound: seconds that a machine may take to shut down once the API ends it, before it is cut off (30).

        visible_after: seconds until the API knows a new instance by its id, iam_delay: until a new role or instance profile
        can be used (both 0).
        """
        return dict(self.control("settings", **values))

    def reset(self) -> None:
        """Ends all instances at once, and takes back all faults, wishes, settings, quotas and schedules. What is in S3 and so
        on stays."""
        self.control("reset")

    def wish(self, **options: Any) -> None:
        """Options (cloud_init, machine, disk, memory, boot_delay) for instances that others launch here."""
        self.control("wish", options=options)


def _dated(document: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", **document}


def _packed(content: bytes | str | Path) -> tuple[str, int]:
    if isinstance(content, Path):
        return base64.b64encode(content.read_bytes()).decode(), content.stat().st_mode & 0o7777
    data = content.encode() if isinstance(content, str) else content
    return base64.b64encode(data).decode(), 0o755 if data.startswith(b"#!") else 0o644
