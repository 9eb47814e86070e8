"""The call that a schedule makes: EC2 actions by "universal target", as its role, over HTTP to the sandbox's own API."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from sandbox.policies import PolicyError, allowed

SOURCE = "scheduler"
CALL_LIMIT = 5.0  # after that the target has not answered
_ACTIONS = ("terminateInstances", "stopInstances", "startInstances", "rebootInstances")
_FLAGS = ("DryRun", "Force", "SkipOsShutdown", "Hibernate")
_RETRIED = {"RequestLimitExceeded", "Throttling", "ThrottlingException", "RequestTimeout"}


@dataclass
class Outcome:
    done: bool
    code: str | None = None
    message: str | None = None
    retryable: bool = False


def _current(policy: Any) -> str:
    return next(
        str(each.document) for each in policy.versions if each.version_id == policy.default_version_id
    )


class Caller:
    """port: of the sandbox's API; sources: by its connections' local ports the front knows whose they are."""

    def __init__(self, port: Callable[[], int], sources: dict[int, str]) -> None:
        self._port, self._sources = port, sources

    def call(
        self, role: Any, account: str, region: str, service: str, action: str, given: str | None
    ) -> Outcome:
        if service != "ec2" or action not in _ACTIONS:
            return Outcome(
                False, "UnknownTarget", f"the sandbox's schedules call ec2's {', '.join(_ACTIONS)}"
            )
        try:
            fields = json.loads(given or "{}")
            ids = list(fields.pop("InstanceIds"))
            flags = {name: str(bool(fields.pop(name))).lower() for name in _FLAGS if name in fields}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return Outcome(False, "InvalidInput", f"Input is not a JSON object with InstanceIds: {error!r}")
        if fields:
            return Outcome(False, "InvalidInput", f"Input has unknown names: {', '.join(fields)}")
        name = action[0].upper() + action[1:]
        for each in ids:
            if refused := self._refused(role, account, region, name, str(each)):
                return refused
        form = {"Action": name, "Version": "2016-11-15"} | flags
        form |= {f"InstanceId.{number}": str(each) for number, each in enumerate(ids, 1)}
        return self._post(urlencode(form), role, region)

    @staticmethod
    def _refused(role: Any, account: str, region: str, name: str, instance_id: str) -> Outcome | None:
        partition = get_partition(region)
        resource = f"arn:{partition}:ec2:{region}:{account}:instance/{instance_id}"
        found = ec2_backends[account][region].get_instance_by_id(instance_id)
        context: dict[str, str | list[str]] = {"ec2:Region": region, "aws:RequestedRegion": region}
        context |= {"ec2:InstanceID": instance_id, "aws:PrincipalArn": role.arn}
        for tag in found.get_tags() if found else []:
            context |= {f"{prefix}:ResourceTag/{tag['key']}": tag["value"] for prefix in ("aws", "ec2")}
        documents = [
            *role.policies.values(),
            *(_current(policy) for policy in role.managed_policies.values()),
        ]
        try:
            if allowed(documents, f"ec2:{name}", resource, context):
                return None
        except PolicyError as error:
            return Outcome(False, "PolicyError", str(error))
        message = f"{role.arn} is not authorized to perform: ec2:{name} on resource: {resource}"
        return Outcome(False, "UnauthorizedOperation", message)

    def _post(self, body: str, role: Any, region: str) -> Outcome:
        session = sts_backends[role.account_id][get_partition(region)].assume_role(
            region_name=region,
            role_session_name=SOURCE,
            role_arn=role.arn,
            policy="",
            duration=3600,
            external_id="",
        )
        scope = f"{session.access_key_id}/{utcnow():%Y%m%d}/{region}/ec2/aws4_request"
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        }
        try:
            with self._connection() as connection:
                connection.request("POST", "/", body, headers)
                reply = connection.getresponse()
                text = reply.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return Outcome(False, "ConnectionError", repr(error), retryable=True)
        if reply.status == 200:
            return Outcome(True)
        code, message = (
            re.search(f"<{name}>(.*?)</{name}>", text, re.DOTALL) for name in ("Code", "Message")
        )
        word = code[1] if code else f"HTTP {reply.status}"
        again = reply.status >= 500 or word in _RETRIED
        return Outcome(False, word, message[1] if message else text[:200], again)

    @contextmanager
    def _connection(self) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port(), timeout=CALL_LIMIT)
        connection.connect()
        local = connection.sock.getsockname()[1]
        self._sources[local] = SOURCE
        try:
            yield connection
        finally:
            self._sources.pop(local, None)
            connection.close()
