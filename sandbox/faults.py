"""Which AWS call a request is, and what shall go wrong with it."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote
from xml.sax.saxutils import escape

KINDS = (
    "error",
    "throttle",
    "hang",
    "hang-reply",
    "hang-request",
    "slow",
    "drop-reply",
    "drop-request",
    "clock",
)
_BODY_LIMIT = 1 << 20
_THROTTLED = {"ec2": ("RequestLimitExceeded", 503), "s3": ("SlowDown", 503)}
_QUERY_SERVICES = {"ec2", "sts", "iam", "sns", "ses", "autoscaling", "cloudformation", "monitoring"}

_BUCKET_SETTINGS = {
    "encryption": "BucketEncryption",
    "lifecycle": "BucketLifecycleConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "publicAccessBlock": "PublicAccessBlock",
    "tagging": "BucketTagging",
}


class ApiError(Exception):
    """An error that the sandbox itself answers, as the service would."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code, self.status, self.message = code, status, message


@dataclass
class Call:
    """One API request, by AWS's names: service as in the signature's scope, op as in the API reference, key its access
    key's id."""

    service: str
    op: str
    region: str
    path: str
    source: str | None
    key: str | None = None


@dataclass
class Fault:
    """service, op, region, path (a prefix of "/bucket/key"), instance and key (who signed) limit it; None is any.
    times=None: until cleared. hits: calls that have run into it; held: those that hang in it now."""

    kind: str
    service: str | None = None
    op: str | None = None
    region: str | None = None
    path: str | None = None
    instance: str | None = None
    key: str | None = None
    code: str | None = None
    status: int | None = None
    message: str = "made to fail by the sandbox"
    times: int | None = None
    skip: int = 0
    delay: float = 0.0
    id: int = 0
    hits: int = 0
    held: int = 0

    def matches(self, call: Call) -> bool:
        return (
            self.service in (None, call.service)
            and self.op in (None, call.op)
            and self.region in (None, call.region)
            and (self.path is None or call.path.startswith(self.path))
            and self.instance in (None, call.source)
            and self.key in (None, call.key)
        )


class Faults:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._list: list[Fault] = []
        self._next = 1

    def add(self, **fields: Any) -> int:
        fault = Fault(**fields)
        if fault.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}, not {fault.kind!r}")
        with self._changed:
            fault.id, self._next = self._next, self._next + 1
            self._list.append(fault)
        return fault.id

    def clear(self, number: int | None = None) -> None:
        """Removes one fault or all; calls that hang in it are let go on."""
        with self._changed:
            self._list = [fault for fault in self._list if number not in (None, fault.id)]
            self._changed.notify_all()

    def list(self) -> list[dict[str, Any]]:
        with self._changed:
            return [asdict(fault) for fault in self._list]

    def take(self, call: Call) -> Fault | None:
        """The first fault that this call runs into, used up by one."""
        with self._changed:
            for fault in self._list:
                if not fault.matches(call):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.times is not None and fault.hits >= fault.times:
                    continue
                fault.hits += 1
                return fault
        return None

    def hold(self, fault: Fault, limit: float) -> bool:
        """Waits until the fault is cleared (True) or the limit is up."""
        with self._changed:
            fault.held += 1
            try:
                return self._changed.wait_for(lambda: fault not in self._list, limit)
            finally:
                fault.held -= 1


def identify(environ: dict[str, Any], body: bytes, source: str | None) -> Call:
    path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    scope = re.search(
        r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request",
        unquote(authorization + "&" + query).replace("X-Amz-Credential", "Credential"),
    )
    key, region, service = (scope[1], scope[2], scope[3]) if scope else (None, "", "s3")
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    method = environ["REQUEST_METHOD"]
    if target:
        op = target.rsplit(".", 1)[-1]
    elif service in _QUERY_SERVICES or (not scope and b"Action=" in body):
        op = (
            parse_qs(body.decode(errors="replace")).get("Action") or parse_qs(query).get("Action") or ["?"]
        )[0]
        service = service if scope else "?"
    elif service == "s3":
        op = _s3_op(method, path, query, environ)
    elif service == "scheduler":
        op = _scheduler_op(method, path)
    else:
        op = f"{method} {path}"
    return Call(service, op, region, path, source, key)


def _s3_op(method: str, path: str, query: str, environ: dict[str, Any]) -> str:
    keys = {key for key, _ in parse_qsl(query, keep_blank_values=True)}
    parts = path.strip("/").split("/", 1)
    if not parts[0]:
        return "ListBuckets"
    if len(parts) == 1 or not parts[1]:
        if "uploads" in keys:
            return "ListMultipartUploads"
        if method == "GET" and "location" in keys:
            return "GetBucketLocation"
        if method == "POST" and "delete" in keys:
            return "DeleteObjects"
        for setting in keys & _BUCKET_SETTINGS.keys():
            return f"{method.capitalize()}{_BUCKET_SETTINGS[setting]}"
        names = {
            "GET": "ListObjectsV2" if "list-type" in keys else "ListObjects",
            "PUT": "CreateBucket",
            "HEAD": "HeadBucket",
            "DELETE": "DeleteBucket",
        }
        return names.get(method, method)
    if "uploadId" in keys:
        return {
            "PUT": "UploadPart",
            "POST": "CompleteMultipartUpload",
            "DELETE": "AbortMultipartUpload",
            "GET": "ListParts",
        }.get(method, method)
    if "uploads" in keys:
        return "CreateMultipartUpload"
    if method == "PUT" and "HTTP_X_AMZ_COPY_SOURCE" in environ:
        return "CopyObject"
    return {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}.get(
        method, method
    )


def _scheduler_op(method: str, path: str) -> str:
    if path.startswith("/schedules/"):
        return {
            "POST": "CreateSchedule",
            "GET": "GetSchedule",
            "PUT": "UpdateSchedule",
            "DELETE": "DeleteSchedule",
        }.get(method, method)
    if path.startswith("/schedule-groups/"):
        return {
            "POST": "CreateScheduleGroup",
            "GET": "GetScheduleGroup",
            "DELETE": "DeleteScheduleGroup",
        }.get(method, method)
    return {"/schedules": "ListSchedules", "/schedule-groups": "ListScheduleGroups"}.get(
        path, f"{method} {path}"
    )


def error_reply(fault: Fault, call: Call) -> tuple[int, str, bytes]:
    """Status, content type and body of an error, as the service would word it."""
    code, status = fault.code, fault.status
    if fault.kind == "throttle":
        default_code, default_status = _THROTTLED.get(call.service, ("ThrottlingException", 400))
        code, status = code or default_code, status or default_status
    code = code or "InternalError"
    status = status or (500 if code == "InternalError" else 400)
    text = escape(fault.message)
    if call.service == "ec2":
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors><RequestID>sandbox</RequestID></Response>'
        return status, "text/xml", body.encode()
    if call.service == "s3":
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{text}</Message><RequestId>sandbox</RequestId></Error>'
        return status, "application/xml", body.encode()
    if call.service in _QUERY_SERVICES:
        body = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error><RequestId>sandbox</RequestId></ErrorResponse>"
        return status, "text/xml", body.encode()
    return (
        status,
        "application/x-amz-json-1.1",
        json.dumps({"__type": code, "Code": code, "message": fault.message}).encode(),
    )
