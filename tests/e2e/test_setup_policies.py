"""The policies that `curfew setup` gives out, asked by the sandbox's evaluator: what they allow, and what they must not; and
that the docs show them as they are. Nothing here speaks to any AWS."""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from typing import Any

import pytest

from sandbox.policies import allowed, may_assume
from tests.e2e.helpers import CURFEW, ROOT

ACCOUNT = "123456789012"
PLACES = ("--results", "s3://models/runs", "--data", "s3://corpus/images")
OWN = f"arn:aws:s3:::curfew-{ACCOUNT}-us-east-1"
MINE = f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/i-0123456789abcdef0"
SIBLING = f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/i-0fedcba9876543210"
# What the instance's credentials say of where they are.
ITSELF = {"ec2:SourceInstanceARN": MINE, "aws:ResourceAccount": ACCOUNT}
# It stands in ARNs with a * for everything: the evaluator is asked by names.
DANGEROUS = (
    "ec2:CreateTags", "ec2:DeleteTags", "ec2:RunInstances", "ec2:ModifyInstanceAttribute", "ec2:StartInstances",
    "ec2:StopInstances", "scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:UpdateSchedule",
    "scheduler:GetSchedule", "iam:PassRole", "iam:PutRolePolicy", "sts:AssumeRole", "s3:DeleteObject",
    "s3:DeleteBucket", "s3:PutBucketPolicy", "s3:PutLifecycleConfiguration",
)  # fmt: skip


@cache
def printed(*words: str) -> str:
    run = subprocess.run(
        [str(CURFEW), "setup", "--print-policy", *words, "--account", ACCOUNT, "--region", "us-east-1"],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert run.returncode == 0 and run.stderr == "", run
    return run.stdout


def policy(name: str, *places: str) -> dict[str, Any]:
    return dict(json.loads(printed(name, *places)))


@pytest.mark.parametrize(
    ("action", "resource", "more", "holds"),
    [
        ("ec2:TerminateInstances", MINE, {"ec2:InstanceID": MINE[-19:]}, True),
        # A sibling by its own id, from this instance.
        ("ec2:TerminateInstances", SIBLING, {"ec2:InstanceID": SIBLING[-19:]}, False),
        (
            "ec2:TerminateInstances",
            MINE.replace(ACCOUNT, "222222222222"),
            {"ec2:InstanceID": MINE[-19:]},
            False,
        ),
        ("s3:GetObject", f"{OWN}/bin/curfew-0", {}, True),
        ("s3:PutObject", f"{OWN}/bin/curfew-0", {}, False),
        ("s3:GetObject", f"{OWN}/jobs/1/job.json", {}, True),
        ("s3:PutObject", f"{OWN}/jobs/1/log", {}, True),
        ("s3:PutObject", f"{OWN}/jobs/1/launch.json", {}, False),
        ("s3:PutObject", f"{OWN}/jobs/1/retried.json", {}, False),
        ("s3:PutObject", f"{OWN}/results/model", {}, True),
        ("s3:PutObject", f"{OWN}/other", {}, False),
        ("s3:PutObject", f"{OWN}/jobs/1/log", {"aws:ResourceAccount": "222222222222"}, False),
        ("s3:ListBucket", OWN, {"s3:prefix": "results/run7"}, True),
        ("s3:ListBucket", OWN, {"s3:prefix": ""}, False),
        ("s3:PutObject", "arn:aws:s3:::models/runs/7/model", {}, True),
        ("s3:PutObject", "arn:aws:s3:::models/other", {}, False),
        ("s3:PutObject", "arn:aws:s3:::models/runs-of-others/7", {}, False),
        ("s3:GetObject", "arn:aws:s3:::corpus/images/1.png", {}, True),
        ("s3:PutObject", "arn:aws:s3:::corpus/images/1.png", {}, False),
        ("s3:ListBucket", "arn:aws:s3:::corpus", {"s3:prefix": "images/"}, True),
        ("s3:ListBucket", "arn:aws:s3:::corpus", {"s3:prefix": "secret/"}, False),
        ("ec2:DescribeVolumes", "*", {}, True),
    ],
)
def test_what_a_job_may_do(action: str, resource: str, more: dict[str, str], holds: bool) -> None:
    assert allowed([policy("instance", *PLACES)], action, resource, {**ITSELF, **more}) is holds


@pytest.mark.parametrize("action", DANGEROUS)
@pytest.mark.parametrize(
    "resource", ["*", MINE, SIBLING, f"{OWN}/jobs/1/log", f"arn:aws:iam::{ACCOUNT}:role/curfew-job"]
)
def test_what_no_job_may_do(action: str, resource: str) -> None:
    context = {**ITSELF, "ec2:InstanceID": MINE[-19:]}
    assert not allowed([policy("instance", *PLACES)], action, resource, context)


@pytest.mark.parametrize(
    ("action", "tags", "holds"),
    [
        ("ec2:TerminateInstances", {"curfew:job": "digits"}, True),
        ("ec2:TerminateInstances", {}, False),
        ("ec2:TerminateInstances", {"Name": "digits"}, False),
        ("ec2:TerminateInstances", {"curfew:job": "notebook", "curfew:then": "stop"}, False),
        ("ec2:StopInstances", {"curfew:job": "notebook", "curfew:then": "stop"}, True),
        ("ec2:StopInstances", {}, False),
        ("ec2:StartInstances", {"curfew:job": "digits"}, False),
        ("ec2:CreateTags", {"curfew:job": "digits"}, False),
        ("iam:PassRole", {"curfew:job": "digits"}, False),
    ],
)
def test_what_a_schedule_may_do(action: str, tags: dict[str, str], holds: bool) -> None:
    context = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    assert allowed([policy("scheduler")], action, MINE, context) is holds


def test_who_may_take_which_role() -> None:
    ours = {
        "aws:SourceAccount": ACCOUNT,
        "aws:SourceArn": f"arn:aws:scheduler:eu-west-1:{ACCOUNT}:schedule-group/default",
    }
    other = {
        "aws:SourceAccount": "222222222222",
        "aws:SourceArn": ours["aws:SourceArn"].replace(ACCOUNT, "222222222222"),
    }
    group = {**ours, "aws:SourceArn": f"arn:aws:scheduler:eu-west-1:{ACCOUNT}:schedule-group/theirs"}
    trust = policy("scheduler-trust")
    assert may_assume(trust, "scheduler.amazonaws.com", ours)
    assert not may_assume(trust, "scheduler.amazonaws.com", other)
    assert not may_assume(trust, "scheduler.amazonaws.com", group)
    assert not may_assume(trust, "ec2.amazonaws.com", ours)
    assert may_assume(policy("instance-trust"), "ec2.amazonaws.com")
    assert not may_assume(policy("instance-trust"), "lambda.amazonaws.com")


def test_the_bucket_is_closed_to_plain_http() -> None:
    everything = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    for secure, holds in (("true", True), ("false", False)):
        for resource in (OWN, f"{OWN}/results/model"):
            assert (
                allowed(
                    [everything, policy("bucket")], "s3:GetObject", resource, {"aws:SecureTransport": secure}
                )
                is holds
            )


@pytest.mark.parametrize("name", ["launcher", "setup"])
def test_roles_are_passed_by_name_only(name: str) -> None:
    passes = [one for one in policy(name)["Statement"] if "iam:PassRole" in str(one["Action"])]
    assert passes
    for one in passes:
        assert one["Resource"] in (
            f"arn:aws:iam::{ACCOUNT}:role/curfew-job",
            f"arn:aws:iam::{ACCOUNT}:role/curfew-scheduler",
        )
    for one in policy(name)["Statement"]:
        assert one["Effect"] == "Allow" and "*" not in str(one["Action"]), "no wildcard in an action"
        if one["Resource"] == "*":
            reads = [action for action in one["Action"] if ":Describe" not in action and ":Get" not in action]
            assert reads == [] or one["Action"] == "ec2:RunInstances", one


@pytest.mark.parametrize(
    ("action", "resource", "context", "holds"),
    [
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/curfew-job", {"iam:PassedToService": "ec2.amazonaws.com"}, True),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/curfew-job", {"iam:PassedToService": "lambda.amazonaws.com"}, False),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin", {"iam:PassedToService": "ec2.amazonaws.com"}, False),
        ("ec2:TerminateInstances", MINE, {"aws:ResourceTag/curfew:launch": "1"}, True),
        ("ec2:TerminateInstances", MINE, {}, False),
        ("ec2:CreateTags", MINE, {"ec2:CreateAction": "RunInstances"}, True),
        ("ec2:CreateTags", MINE, {"aws:ResourceTag/curfew:launch": "1"}, True),
        ("ec2:CreateTags", MINE, {}, False),
        ("scheduler:CreateSchedule", f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/curfew-i-0", {}, True),
        ("scheduler:CreateSchedule", f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/theirs", {}, False),
        ("s3:PutObject", f"{OWN}/jobs/1/job.json", {"aws:ResourceAccount": ACCOUNT}, True),
        ("s3:PutObject", f"{OWN}/results/model", {"aws:ResourceAccount": ACCOUNT}, False),
        # What `curfew doctor` tries.
        ("scheduler:CreateSchedule", f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/curfew-doctor", {}, True),
        ("s3:PutObject", f"{OWN}/jobs/curfew-doctor", {"aws:ResourceAccount": ACCOUNT}, True),
        ("s3:DeleteObject", f"{OWN}/jobs/curfew-doctor", {"aws:ResourceAccount": ACCOUNT}, True),
        ("s3:DeleteObject", f"{OWN}/jobs/1/job.json", {"aws:ResourceAccount": ACCOUNT}, False),
        ("s3:GetObject", f"{OWN}/jobs/1/live/train-000001.log", {"aws:ResourceAccount": ACCOUNT}, True),
        ("s3:GetObject", f"{OWN}/results/model", {"aws:ResourceAccount": ACCOUNT}, True),
        ("s3:GetObject", f"{OWN}/results/model", {"aws:ResourceAccount": "999999999999"}, False),
        ("s3:ListBucket", OWN, {"aws:ResourceAccount": ACCOUNT, "s3:prefix": "jobs/"}, True),
        ("ec2:DescribeInstances", "*", {}, True),
    ],
)  # fmt: skip
def test_what_a_launcher_may_do(action: str, resource: str, context: dict[str, str], holds: bool) -> None:
    assert allowed([policy("launcher")], action, resource, context) is holds


def test_other_partitions_are_named_rightly() -> None:
    for region, partition, service in (
        ("cn-north-1", "aws-cn", "ec2.amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "ec2.amazonaws.com"),
    ):
        words = [str(CURFEW), "setup", "--print-policy", "--account", ACCOUNT, "--region", region]
        run = subprocess.run(words, capture_output=True, text=True, timeout=20, check=True)
        found = json.loads(run.stdout)
        assert set(re.findall(r"arn:([a-z-]+):", run.stdout)) == {partition}
        assert found["instance-trust"]["Statement"][0]["Principal"]["Service"] == service


def blocks() -> dict[str, Any]:
    """The JSON documents in docs/setup.md, each by the name in the heading above it."""
    text = (ROOT / "docs/setup.md").read_text()
    found = re.findall(r"^### `([a-z-]+)`.*?^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return {name: json.loads(body) for name, body in found}


def test_the_docs_show_the_policies_as_they_are() -> None:
    shown = blocks()
    assert set(shown) == {
        "instance",
        "instance-trust",
        "scheduler",
        "scheduler-trust",
        "bucket",
        "launcher",
        "setup",
    }
    for name, document in shown.items():
        assert document == policy(name), f"docs/setup.md differs from `curfew setup --print-policy {name}`"


def test_the_docs_explain_each_statement() -> None:
    text = (ROOT / "docs/setup.md").read_text()
    for name, document in blocks().items():
        section = text.split(f"### `{name}`\n", 1)[1].split("```json", 1)[0]
        rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
        explained = set(re.findall(r"`([A-Za-z]+)`", "".join(rows))) - {"OtherResults", "OtherData"}
        assert explained == {one["Sid"] for one in document["Statement"] if "Sid" in one}, name


def test_all_are_one_document_too() -> None:
    whole = json.loads(printed())
    assert whole["names"] == {
        "bucket": f"curfew-{ACCOUNT}-us-east-1",
        "instance-profile": "curfew-job",
        "instance-role": "curfew-job",
        "scheduler-role": "curfew-scheduler",
        "security-group": "curfew",
    }
    assert {name: whole[name] for name in blocks()} == blocks()
