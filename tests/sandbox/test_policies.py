"""The policy evaluator, by table. It needs no sandbox."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.policies import PolicyError, allowed, may_assume

MINE = "arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0"
OTHER = "arn:aws:ec2:us-east-1:123456789012:instance/i-0fedcba9876543210"
TAGGED = {"Condition": {"Null": {"aws:ResourceTag/curfew:job": "false"}}}
ITSELF = {"Condition": {"ArnEquals": {"ec2:SourceInstanceARN": "arn:aws:ec2:*:*:instance/${ec2:InstanceID}"}}}


def statement(**more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "ec2:TerminateInstances", "Resource": "*", **more}


@pytest.mark.parametrize(
    ("statements", "context", "holds"),
    [
        ([statement()], {}, True),
        ([], {}, False),
        ([statement(Action="EC2:terminate*")], {}, True),
        ([statement(Action=["s3:*", "ec2:Stop*"])], {}, False),
        ([statement(Resource="arn:aws:ec2:*:*:instance/*")], {}, True),
        ([statement(Resource="arn:aws:ec2:*:*:volume/*")], {}, False),
        ([statement(Resource=OTHER)], {}, False),
        ([statement(Resource="arn:aws:ec2:*:*:instance/i-[0-9]*")], {}, False),
        ([statement(), statement(Effect="Deny")], {}, False),
        ([statement(), statement(Effect="Deny", Resource=OTHER)], {}, True),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], {}, True),
        ([{"Effect": "Allow", "Action": "*", "NotResource": MINE}], {}, False),
        ([statement(**TAGGED)], {"AWS:resourcetag/curfew:job": "digits"}, True),
        ([statement(**TAGGED)], {}, False),
        ([statement(Condition={"StringEquals": {"aws:ResourceTag/a": ["1", "2"]}})], {"aws:ResourceTag/a": "2"}, True),
        ([statement(Condition={"StringEquals": {"aws:ResourceTag/a": "*"}})], {"aws:ResourceTag/a": "2"}, False),
        ([statement(Condition={"StringLike": {"aws:ResourceTag/a": "x*"}})], {"aws:ResourceTag/a": "xy"}, True),
        ([statement(Condition={"StringNotEquals": {"a:b": "1"}})], {}, True),
        ([statement(Condition={"StringNotLike": {"a:b": "1*"}})], {"a:b": "12"}, False),
        ([statement(Condition={"StringEqualsIfExists": {"a:b": "1"}})], {}, True),
        ([statement(Condition={"StringEquals": {"a:b": "1"}})], {}, False),
        ([statement(Condition={"StringEquals": {"a:b": "1", "a:c": "1"}})], {"a:b": "1", "a:c": "2"}, False),
        ([statement(Condition={"Bool": {"aws:SecureTransport": "false"}})], {"aws:SecureTransport": "true"}, False),
        ([statement(Condition={"NumericLessThan": {"a:n": "10"}})], {"a:n": "9"}, True),
        ([statement(Condition={"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}})], {"aws:TagKeys": ["b", "a"]}, True),
        ([statement(Condition={"ForAllValues:StringEquals": {"aws:TagKeys": "a"}})], {"aws:TagKeys": ["b", "a"]}, False),
        ([statement(**ITSELF)], {"ec2:SourceInstanceARN": MINE, "ec2:InstanceID": MINE[-19:]}, True),
        ([statement(**ITSELF)], {"ec2:SourceInstanceARN": OTHER, "ec2:InstanceID": MINE[-19:]}, False),
        ([statement(**ITSELF)], {"ec2:SourceInstanceARN": MINE}, False),
        ([statement(**ITSELF)], {"ec2:SourceInstanceARN": MINE, "ec2:InstanceID": "*"}, False),
    ],
)  # fmt: skip
def test_what_policies_allow(statements: list[dict[str, Any]], context: dict[str, Any], holds: bool) -> None:
    document = {"Version": "2012-10-17", "Statement": statements}
    assert allowed([document], "ec2:TerminateInstances", MINE, context) is holds
    assert allowed([json.dumps(document)], "ec2:TerminateInstances", MINE, context) is holds


@pytest.mark.parametrize(
    "broken",
    [
        {"Effect": "Maybe"},
        {"Condition": {"StringSortOf": {"a:b": "1"}}},
        {"Condition": {"ForSomeValues:StringEquals": {"a:b": "1"}}},
        {"Condition": {"StringEquals": {"aws:TagKeys": "a"}}},
    ],
)
def test_what_it_does_not_know_is_an_error(broken: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        allowed(
            [{"Statement": statement(**broken)}], "ec2:TerminateInstances", MINE, {"aws:TagKeys": ["a", "b"]}
        )


def test_an_arn_is_compared_part_by_part() -> None:
    condition = {"ArnLike": {"aws:SourceArn": "arn:aws:scheduler:*:schedule-group/default"}}
    document = {"Statement": statement(Condition=condition)}
    arn = "arn:aws:scheduler:us-east-1:123456789012:schedule-group/default"
    assert not allowed([document], "ec2:TerminateInstances", MINE, {"aws:SourceArn": arn})


@pytest.mark.parametrize(
    ("more", "holds"),
    [
        ({}, True),
        ({"Principal": {"Service": ["ec2.amazonaws.com", "scheduler.amazonaws.com"]}}, True),
        ({"Principal": {"Service": "events.amazonaws.com"}}, False),
        ({"Principal": {"AWS": "scheduler.amazonaws.com"}}, False),
        ({"Action": "sts:TagSession"}, False),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}, True),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}}, False),
    ],
)
def test_who_may_assume_a_role(more: dict[str, Any], holds: bool) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    document = {"Statement": [trust | more]}
    assert may_assume(document, "scheduler.amazonaws.com", {"aws:SourceAccount": "123456789012"}) is holds
