"""Where moto differs from S3 in what a set-up bucket is: its policy's conditions, whose bucket a caller says it is, conditional
writes, and what goes with it."""

from __future__ import annotations

import json
import threading
from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.exceptions import S3AccessDeniedError
from moto.s3.models import FakeBucket, S3Backend, s3_backends
from moto.s3.responses import S3Response

from sandbox import policies
from sandbox.patching import Replace

# Calls here come by plain HTTP on the host's own loopback; the policies of buckets are asked as if it were TLS.
_CONTEXT = {"aws:SecureTransport": "true"}
_respond = S3Response._bucket_response
_put = S3Response.put_object
_delete = S3Backend.delete_bucket
_one_write = threading.Lock()


def install(replace: Replace) -> None:
    replace(FakeBucket, "get_permission", _get_permission)
    replace(S3Response, "_bucket_response", _bucket_response)
    replace(S3Response, "put_object", _put_object)
    replace(S3Backend, "delete_bucket", _delete_bucket)


def _get_permission(self: FakeBucket, action: str, resource: str) -> PermissionResult:
    """By the statements whose conditions hold; moto takes one whose condition doesn't for a denial."""
    if self.policy is None:
        return PermissionResult.NEUTRAL
    document = json.loads(self.policy)
    if policies.allowed([document], action, resource, _CONTEXT):
        return PermissionResult.PERMITTED
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    denied = not policies.allowed([{"Statement": [everything, *statements]}], action, resource, _CONTEXT)
    return PermissionResult.DENIED if denied else PermissionResult.NEUTRAL


def _bucket_response(self: S3Response, request: Any, full_url: str) -> Any:
    """x-amz-expected-bucket-owner: S3 refuses where the bucket is another account's. Else moto lets all accounts in."""
    expected = request.headers.get("x-amz-expected-bucket-owner")
    name = self.parse_bucket_name_from_url(request, full_url)
    owner = s3_backends.bucket_accounts.get(name)
    if expected and owner and owner[1] != expected:
        if request.method == "HEAD":
            return 403, {}, ""
        raise S3AccessDeniedError
    return _respond(self, request, full_url)


def _put_object(self: S3Response) -> Any:
    """One at a time: moto looks at If-Match and If-None-Match first and writes then, so that two writers could both win."""
    with _one_write:
        return _put(self)


def _delete_bucket(self: S3Backend, bucket_name: str) -> FakeBucket | None:
    """With its tags: moto gives them to the next bucket of that name."""
    bucket = _delete(self, bucket_name)
    if bucket:
        self.tagger.delete_all_tags_for_resource(bucket.arn)
    return bucket
