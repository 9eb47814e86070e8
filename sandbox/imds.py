"""The instance metadata service of one machine, version 2 only: a token by PUT, then the tree.

AWS: "Use the Instance Metadata Service", "Instance metadata categories". What has no value is 404, as there.
"""

from __future__ import annotations

import http.server
import json
import secrets
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

_TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
_TOKEN_HEADER = "X-aws-ec2-metadata-token"
_MAX_TTL = 21600
Node = str | bytes | dict[str, Any] | None


def stamp(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Metadata(Protocol):
    """What the service says, asked anew at each request, so that tags, notices and credentials are live."""

    @property
    def hop_limit(self) -> int: ...
    @property
    def enabled(self) -> bool: ...
    @property
    def imds_delay(self) -> float: ...
    @property
    def imds_errors(self) -> dict[str, int]: ...
    @property
    def imds_tokens_since(self) -> float: ...
    def tree(self) -> dict[str, Any]: ...


class Credentials:
    """The role's temporary keys; rotate() gives new ones, as AWS does some time before they expire."""

    def __init__(self, profile: str, role: str, lifetime: float = 6 * 3600) -> None:
        self.profile, self.role = profile, role
        self.rotate(lifetime)

    def rotate(self, lifetime: float = 6 * 3600) -> None:
        now = datetime.now(UTC)
        self.document = {
            "Code": "Success",
            "LastUpdated": stamp(now),
            "Type": "AWS-HMAC",
            "AccessKeyId": "ASIA" + secrets.token_hex(8).upper(),
            "SecretAccessKey": secrets.token_urlsafe(30),
            "Token": secrets.token_urlsafe(60),
            "Expiration": stamp(now + timedelta(seconds=lifetime)),
        }

    def tree(self, account: str, profile_id: str) -> dict[str, Any]:
        info = {
            "Code": "Success",
            "LastUpdated": self.document["LastUpdated"],
            "InstanceProfileArn": f"arn:aws:iam::{account}:instance-profile/{self.profile}",
            "InstanceProfileId": profile_id,
        }
        return {"info": json.dumps(info), "security-credentials": {self.role: json.dumps(self.document)}}


def _look_up(tree: dict[str, Any], path: str) -> Node:
    """The node at a path whose first part is the version (any is taken). Tag keys may hold anything but a slash."""
    node: Any = tree
    for part in path.strip("/").split("/")[1:]:
        node = node.get(part) if isinstance(node, dict) else None
    return node  # type: ignore[no-any-return]


def handler(metadata: Metadata) -> type[http.server.BaseHTTPRequestHandler]:
    tokens: dict[str, tuple[float, float]] = {}  # when it was given, and until when it holds

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def reply(self, code: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(code)
            self.send_header("Server", "EC2ws")
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def version_string(self) -> str:
            return "EC2ws"

        def refused(self) -> bool:
            """Slow or failing because a test wants it, or switched off for the instance."""
            time.sleep(metadata.imds_delay)
            inner = self.path.strip("/").partition("/")[2]
            code = next(
                (code for path, code in metadata.imds_errors.items() if inner.startswith(path)),
                0 if metadata.enabled else 403,
            )
            if code:
                self.reply(code)
            return bool(code)

        def do_PUT(self) -> None:
            ttl = self.headers.get(_TTL_HEADER, "")
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(min(length, 4096))
            if self.refused():
                return None
            if self.headers.get("X-Forwarded-For"):
                return self.reply(403)
            if self.path.rstrip("/") != "/latest/api/token":
                return self.reply(404)
            if not ttl.isdigit() or not 1 <= int(ttl) <= _MAX_TTL:
                return self.reply(400)
            # A container behind one more hop never sees a reply that leaves with a time to live of 1.
            self.connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, metadata.hop_limit)
            token = secrets.token_urlsafe(40)
            now = time.monotonic()
            tokens[token] = (now, now + int(ttl))
            self.reply(200, token.encode(), X_aws_ec2_metadata_token_ttl_seconds=ttl)
            return None

        def do_GET(self) -> None:
            if self.refused():
                return None
            given, until = tokens.get(self.headers.get(_TOKEN_HEADER, ""), (0.0, 0.0))
            if until < time.monotonic() or given < metadata.imds_tokens_since:
                return self.reply(401)
            node = _look_up(metadata.tree(), self.path)
            if isinstance(node, dict):
                node = "\n".join(
                    key + "/" * isinstance(value, dict) for key, value in node.items() if value is not None
                )
            if node is None:
                return self.reply(404)
            self.reply(200, node.encode() if isinstance(node, str) else node)
            return None

        do_HEAD = do_GET

    return Handler
