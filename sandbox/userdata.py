"""User data as EC2 takes it: base64 on the wire, perhaps gzip, a script or MIME parts. For machines without cloud-init."""

from __future__ import annotations

import base64
import binascii
import email
import gzip
from dataclasses import dataclass, field

MAX_BYTES = 16384


def decode(value: object) -> bytes:
    """What moto keeps (base64, in one of several types) as the bytes that were given."""
    if not value:
        return b""
    data = value if isinstance(value, bytes) else str(value).encode()
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        return data


@dataclass
class Parts:
    """What to run: boothooks at each boot and first, scripts once and last. Other parts are only counted."""

    boothooks: list[bytes] = field(default_factory=list)
    scripts: list[bytes] = field(default_factory=list)
    ignored: int = 0


def split(data: bytes) -> Parts:
    parts = Parts()
    _add(parts, data, "")
    return parts


def _add(parts: Parts, data: bytes, kind: str) -> None:
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if kind == "text/cloud-boothook" or data.startswith(b"#cloud-boothook"):
        parts.boothooks.append(data.removeprefix(b"#cloud-boothook").lstrip(b"\r\n"))
    elif kind == "text/x-shellscript" or data.startswith(b"#!"):
        parts.scripts.append(data)
    elif data[:200].lower().find(b"content-type: multipart/") >= 0 or data[:200].lower().startswith(
        b"mime-version"
    ):
        for part in email.message_from_bytes(data).walk():
            payload = part.get_payload(decode=True)
            if not part.is_multipart() and isinstance(payload, bytes):
                _add(parts, payload, part.get_content_type())
    elif data.strip():
        parts.ignored += 1
