"""Buckets where stock moto differs from S3: their policies' conditions, and whose they have to be."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox import Sandbox

OURS = "123456789012"


def policy(effect: str, bucket: str, secure: str) -> str:
    statement = {
        "Effect": effect,
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"Bool": {"aws:SecureTransport": secure}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def bucket(cloud: Sandbox) -> str:
    return cloud.bucket(f"bucket-{secrets.token_hex(4)}")


@pytest.mark.parametrize(("secure", "refused"), [("false", False), ("true", True)])
def test_a_denial_holds_only_where_its_condition_does(
    cloud: Sandbox, bucket: str, secure: str, refused: bool
) -> None:
    s3: Any = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    s3.put_bucket_policy(Bucket=bucket, Policy=policy("Deny", bucket, secure))
    if refused:
        with pytest.raises(ClientError):
            s3.get_object(Bucket=bucket, Key="a")
    else:
        assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"


def test_the_owner_has_to_be_the_expected_one(cloud: Sandbox, bucket: str) -> None:
    s3: Any = cloud.client("s3")
    s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=OURS)
    for call in (s3.head_bucket, s3.get_bucket_tagging, s3.delete_bucket):
        with pytest.raises(ClientError) as error:
            call(Bucket=bucket, ExpectedBucketOwner="222222222222")
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    s3.head_bucket(Bucket=bucket)


def test_tags_go_with_their_bucket(cloud: Sandbox, bucket: str) -> None:
    s3: Any = cloud.client("s3")
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    with pytest.raises(ClientError):
        s3.get_bucket_tagging(Bucket=bucket)
