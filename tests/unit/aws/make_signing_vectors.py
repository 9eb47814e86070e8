"""Signs generated requests with botocore, for signer_test.cpp to compare with.

    .venv/bin/python tests/unit/aws/make_signing_vectors.py > tests/unit/aws/data/signing_vectors.jsonl

A line is one request and the Authorization header that botocore gave it. The same seed gives the same lines.
"""

from __future__ import annotations

import datetime
import json
import random
import sys
from typing import Any
from unittest import mock
from urllib.parse import quote

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

COUNT = 400
KEYS = [
    "plain.txt",
    "a b.txt",
    "plus+plus",
    "100%",
    "%41%2f",
    "~tilde~",
    "//double//slash",
    "dir/",
    "./dot/../up",
    "..",
    "ünïcödé/日本/🙂",
    "quote\"'apostrophe",
    "semi;colon:colon",
    "a=b&c=d?e#f",
    "(parens)[brackets]{braces}",
    "star*bang!dollar$comma,at@",
    "back\\slash|pipe^caret`tick",
    "tab\tnew\nline",
    "checkpoint/epoch=3-step=1000.ckpt",
    "\u0001\u007f",
    "",
]
VALUES = [
    "",
    "1",
    "a b",
    "a+b",
    "ü",
    "x/y",
    "~",
    "=",
    "&",
    "100%",
    "2016-11-15",
    "*",
    '"quoted"',
    "tok/en+==",
]
HEADER_VALUES = [
    "plain",
    "  padded  ",
    "two  spaces",
    "tab\tinside",
    "a,b ,c",
    "",
    "MiXed",
    "x" * 300,
    '"quoted  q"',
]
REGIONS = ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "ap-southeast-4", "eusc-de-east-1"]


def query_of(chance: random.Random) -> str:
    pairs = []
    for _ in range(chance.choice([0, 0, 1, 2, 3, 6])):
        name = chance.choice(
            ["prefix", "list-type", "uploads", "partNumber", "uploadId", "A", "a", "Z", "ä", "x y"]
        )
        value = chance.choice(VALUES)
        pair = quote(name, safe="-_.~")
        # A name alone, with and without its "=", are signed alike.
        pairs.append(pair if not value and chance.random() < 0.5 else pair + "=" + quote(value, safe="-_.~"))
    return "&".join(pairs)


def vector(chance: random.Random) -> dict[str, Any]:
    service = chance.choice(["s3", "s3", "ec2", "sts", "scheduler"])
    region = chance.choice(REGIONS)
    scheme = chance.choice(["https", "https", "http"])
    host = chance.choice(
        [f"{service}.{region}.amazonaws.com", "bucket.s3.amazonaws.com", "127.0.0.1", "[fd00::1]"]
    )
    port = chance.choice([None, None, 443 if scheme == "https" else 80, 5000])
    path = "/" + quote(chance.choice(KEYS), safe="/~")
    query = query_of(chance)
    target = path + ("?" + query if query else "")
    url = f"{scheme}://{host}{f':{port}' if port else ''}{target}"
    method = chance.choice(["GET", "PUT", "POST", "HEAD", "DELETE"])
    body = chance.choice(
        [b"", b"", b"Action=DescribeInstances&Version=2016-11-15", b"\x00\xff" * 40, "ü".encode()]
    )
    headers = []
    for name in chance.sample(
        [
            "Content-Type",
            "x-amz-meta-A",
            "X-Amz-Checksum-Sha256",
            "If-None-Match",
            "User-Agent",
            "Expect",
            "x-amz-Z",
        ],
        chance.choice([0, 1, 2, 4]),
    ):
        headers.append([name, chance.choice(HEADER_VALUES)])
    credentials = Credentials(
        "AKIA" + "".join(chance.choices("ABCDEFGHIJKLMNOP234567", k=16)),
        "".join(chance.choices("abcdefghABCDEFGH0123456789+/", k=40)),
        chance.choice([None, "IQoJ" + "".join(chance.choices("abcXYZ019+/=", k=120))]),
    )
    when = datetime.datetime(2015, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(
        seconds=chance.randrange(20 * 365 * 86400)
    )
    request = AWSRequest(method=method, url=url, data=body)
    for name, value in headers:
        request.headers[name] = value
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials, service, region)
    with mock.patch("botocore.auth.get_current_datetime", lambda: when):
        signer.add_auth(request)
    return {
        "service": service,
        "region": region,
        "time": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "access_key": credentials.access_key,
        "secret_key": credentials.secret_key,
        "token": credentials.token or "",
        "method": method,
        "url": url,
        "headers": headers,
        "body": body.hex(),
        "authorization": request.headers["Authorization"],
    }


def main() -> None:
    chance = random.Random(20261124)
    for _ in range(COUNT):
        json.dump(vector(chance), sys.stdout, separators=(",", ":"))
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
