"""`curfew setup`, `curfew teardown` and `curfew doctor`: what they show, make, mend, delete and leave alone, against the API;
and a real launch with nothing but what setting up has made."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from sandbox import Sandbox
from sandbox.policies import may_assume
from tests.e2e.helpers import CURFEW, LIFE, assert_ended, objects
from tests.e2e.launching import until

ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = f"curfew-{ACCOUNT}-{REGION}"
ROLES = ("curfew-job", "curfew-scheduler")
# Whatever isn't one of these changes something.
READS = ("Get", "List", "Describe", "Head")
Curfew = Callable[..., subprocess.CompletedProcess[str]]


class Account:
    """What is there of it, by another client."""

    def __init__(self, cloud: Sandbox) -> None:
        self.cloud = cloud
        self.s3, self.iam, self.ec2 = (cloud.client(name, REGION) for name in ("s3", "iam", "ec2"))

    def has_bucket(self) -> bool:
        return BUCKET in {one["Name"] for one in self.s3.list_buckets()["Buckets"]}

    def roles(self) -> set[str]:
        return {one["RoleName"] for one in self.iam.list_roles()["Roles"]} & set(ROLES)

    def profiles(self) -> list[str]:
        found = self.iam.list_instance_profiles()["InstanceProfiles"]
        return [one["InstanceProfileName"] for one in found if one["InstanceProfileName"] == ROLES[0]]

    def group(self) -> dict[str, Any] | None:
        found = self.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["curfew"]}])
        return found["SecurityGroups"][0] if found["SecurityGroups"] else None

    def policy(self, role: str) -> dict[str, Any]:
        return dict(self.iam.get_role_policy(RoleName=role, PolicyName="curfew")["PolicyDocument"])

    def is_empty(self) -> bool:
        return not (self.has_bucket() or self.roles() or self.profiles() or self.group())

    def clear(self) -> None:
        """Whoever made it."""
        if self.has_bucket():
            for one in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
                self.s3.delete_object(Bucket=BUCKET, Key=one["Key"])
            self.s3.delete_bucket(Bucket=BUCKET)
        for name in self.profiles():
            for role in self.iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]:
                self.iam.remove_role_from_instance_profile(
                    InstanceProfileName=name, RoleName=role["RoleName"]
                )
            self.iam.delete_instance_profile(InstanceProfileName=name)
        for role in self.roles():
            for policy in self.iam.list_role_policies(RoleName=role)["PolicyNames"]:
                self.iam.delete_role_policy(RoleName=role, PolicyName=policy)
            self.iam.delete_role(RoleName=role)
        if group := self.group():
            self.ec2.delete_security_group(GroupId=group["GroupId"])


@pytest.fixture
def account(cloud: Sandbox) -> Iterator[Account]:
    account = Account(cloud)
    account.clear()
    yield account
    cloud.reset()
    account.clear()


@pytest.fixture
def curfew(cloud: Sandbox, tmp_path: Path) -> Curfew:
    def run(*words: str, timeout: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **cloud.env(REGION), **variables}
        return subprocess.run(
            [str(CURFEW), *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


def writes(cloud: Sandbox, since: int) -> list[str]:
    return [call["op"] for call in cloud.requests[since:] if not call["op"].startswith(READS)]


def test_without_apply_it_shows_and_changes_nothing(cloud: Sandbox, account: Account, curfew: Curfew) -> None:
    before = len(cloud.requests)
    shown = curfew("setup")
    assert shown.returncode == 0 and shown.stderr == "", shown
    assert shown.stdout.count("TO BE CREATED") == 12 and "setup --apply" in shown.stdout, shown.stdout
    assert writes(cloud, before) == []
    assert account.is_empty()


def test_apply_makes_all_and_again_nothing(cloud: Sandbox, account: Account, curfew: Curfew) -> None:
    first = curfew("setup", "--apply")
    assert first.returncode == 0 and first.stderr == "", first
    of = {"Bucket": BUCKET}
    blocked = account.s3.get_public_access_block(**of)["PublicAccessBlockConfiguration"]
    assert all(blocked.values()) and len(blocked) == 4
    rule = account.s3.get_bucket_encryption(**of)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    ownership = account.s3.get_bucket_ownership_controls(**of)["OwnershipControls"]
    assert ownership["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    rules = {one["ID"]: one for one in account.s3.get_bucket_lifecycle_configuration(**of)["Rules"]}
    assert rules["curfew-jobs"]["Expiration"]["Days"] == 90
    assert rules["curfew-jobs"]["Filter"]["Prefix"] == "jobs/"
    assert rules["curfew-unfinished-uploads"]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 7
    assert json.loads(account.s3.get_bucket_policy(**of)["Policy"])["Statement"][0]["Effect"] == "Deny"
    tags = {one["Key"]: one["Value"] for one in account.s3.get_bucket_tagging(**of)["TagSet"]}
    assert tags == {"curfew:made-by": "curfew-setup"}

    profile = account.iam.get_instance_profile(InstanceProfileName="curfew-job")["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == ["curfew-job"]
    trusts = {name: account.iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"] for name in ROLES}
    assert may_assume(trusts["curfew-job"], "ec2.amazonaws.com")
    assert not may_assume(trusts["curfew-scheduler"], "ec2.amazonaws.com")
    group = account.group()
    assert group is not None and group["IpPermissions"] == []

    before = len(cloud.requests)
    second = curfew("setup", "--apply")
    assert second.returncode == 0 and "Nothing to do: all of it is there." in second.stdout, second
    assert writes(cloud, before) == []


def test_places_are_added_kept_and_removed(account: Account, curfew: Curfew) -> None:
    assert (
        curfew("setup", "--apply", "--results", "s3://models/runs", "--data", "s3://corpus").returncode == 0
    )
    text = json.dumps(account.policy("curfew-job"))
    assert "arn:aws:s3:::models/runs/*" in text and "arn:aws:s3:::corpus/*" in text
    again = curfew("setup", "--apply")
    assert "Nothing to do" in again.stdout and "s3://models/runs" in again.stdout, again.stdout
    assert (
        curfew("setup", "--apply", "--results", "s3://other", "--remove", "s3://models/runs").returncode == 0
    )
    text = json.dumps(account.policy("curfew-job"))
    assert "models" not in text and "arn:aws:s3:::other/*" in text and "arn:aws:s3:::corpus/*" in text


def drift(account: Account) -> None:
    account.s3.delete_public_access_block(Bucket=BUCKET)
    other = {"ID": "mine", "Filter": {"Prefix": "tmp/"}, "Status": "Enabled", "Expiration": {"Days": 3}}
    account.s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [other]})
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    account.iam.put_role_policy(
        RoleName="curfew-job", PolicyName="curfew", PolicyDocument=json.dumps(anything)
    )
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    account.iam.update_assume_role_policy(
        RoleName="curfew-scheduler",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    account.iam.remove_role_from_instance_profile(InstanceProfileName="curfew-job", RoleName="curfew-job")
    group = account.group()
    assert group is not None
    account.ec2.authorize_security_group_ingress(
        GroupId=group["GroupId"], IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )


def test_drift_is_shown_and_mended(cloud: Sandbox, account: Account, curfew: Curfew) -> None:
    assert curfew("setup", "--apply").returncode == 0
    policy = account.policy("curfew-job")
    drift(account)
    shown = curfew("setup")
    assert shown.stdout.count("TO BE CHANGED") == 6, shown.stdout
    assert "lets in tcp 22 from 0.0.0.0/0 -> nothing" in shown.stdout
    assert account.policy("curfew-job") != policy, "it only shows"

    mended = curfew("setup", "--apply")
    assert mended.returncode == 0, mended
    assert account.policy("curfew-job") == policy
    group = account.group()
    assert group is not None and group["IpPermissions"] == []
    rules = account.s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert {one["ID"] for one in rules} == {"curfew-jobs", "curfew-unfinished-uploads", "mine"}
    assert "Nothing to do" in curfew("setup", "--apply").stdout


def test_what_lacks_the_tag_is_never_touched(cloud: Sandbox, account: Account, curfew: Curfew) -> None:
    cloud.bucket(BUCKET)
    account.s3.put_object(Bucket=BUCKET, Key="theirs", Body=b"1")
    cloud.profile("curfew-job")
    cloud.scheduler_role("curfew-scheduler")
    account.ec2.create_security_group(GroupName="curfew", Description="theirs")
    before = len(cloud.requests)
    for words in (("setup", "--apply"), ("teardown", "--apply", "--delete-results")):
        refused = curfew(*words)
        assert writes(cloud, before) == [], words
        assert refused.stdout.count("IN THE WAY" if words[0] == "setup" else "NOT OURS") == 5, refused.stdout
    assert curfew("setup", "--apply").returncode == 1


def test_a_bucket_of_another_account_is_never_touched(
    cloud: Sandbox, account: Account, curfew: Curfew
) -> None:
    role = "arn:aws:iam::222222222222:role/other"
    keys = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    theirs = boto3.client(
        "s3",
        region_name=REGION,
        endpoint_url=cloud.endpoint,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    theirs.create_bucket(Bucket=BUCKET)
    try:
        before = len(cloud.requests)
        refused = curfew("setup", "--apply")
        assert refused.returncode == 1 and "another account's" in refused.stdout, refused
        assert not [op for op in writes(cloud, before) if "Bucket" in op or "PublicAccess" in op]
        launched = curfew("launch", "--instance-type", "g5.xlarge", "--shell", "true")
        assert launched.returncode == 125 and "another account's" in launched.stderr, launched
    finally:
        theirs.delete_bucket(Bucket=BUCKET)


def test_a_half_made_bucket_is_finished(cloud: Sandbox, account: Account, curfew: Curfew) -> None:
    with cloud.failing("error", service="s3", op="PutBucketTagging", code="AccessDenied", status=403):
        first = curfew("setup", "--apply")
    assert first.returncode == 1 and "s3:PutBucketTagging is missing" in first.stderr, first
    assert account.roles() == set(ROLES), "what doesn't need it is made"
    second = curfew("setup", "--apply")
    assert second.returncode == 0, second
    assert "Nothing to do" in curfew("setup").stdout


@pytest.mark.parametrize(
    ("service", "op", "says"),
    [
        ("iam", "CreateRole", "iam:CreateRole"),
        ("s3", "CreateBucket", "s3:CreateBucket"),
        ("ec2", "CreateSecurityGroup", "ec2:CreateSecurityGroup"),
    ],
)
def test_a_permission_that_is_missing_is_named(
    cloud: Sandbox, account: Account, curfew: Curfew, service: str, op: str, says: str
) -> None:
    code = "UnauthorizedOperation" if service == "ec2" else "AccessDenied"
    with cloud.failing("error", service=service, op=op, code=code, status=403):
        refused = curfew("setup", "--apply")
    assert refused.returncode == 1 and says in refused.stderr and "is missing" in refused.stderr, refused
    # The rest was made, and another run completes it.
    assert curfew("setup", "--apply").returncode == 0
    assert "Nothing to do" in curfew("setup").stdout


def test_what_cannot_be_read_is_not_touched(cloud: Sandbox, account: Account, curfew: Curfew) -> None:
    assert curfew("setup", "--apply").returncode == 0
    drift(account)
    before = len(cloud.requests)
    with cloud.failing("error", service="iam", op="GetRole", code="AccessDenied", status=403):
        partly = curfew("setup", "--apply")
    assert partly.returncode == 1 and "iam:GetRole is missing" in partly.stdout, partly
    assert "PutRolePolicy" not in writes(cloud, before)


def test_launches_by_the_names_alone(cloud: Sandbox, account: Account, curfew: Curfew) -> None:
    missing = curfew("launch", "--instance-type", "g5.xlarge", "--shell", "true")
    assert missing.returncode == 125 and "curfew setup --apply" in missing.stderr, missing
    assert "--staging" in missing.stderr and "--scheduler-role" in missing.stderr
    assert curfew("setup", "--apply").returncode == 0
    words = ["--instance-type", "g5.xlarge", "--max-time", "10m", "--name", "digits"]
    words += ["--env", f"AWS_ENDPOINT_URL={cloud.guest_endpoint}"]
    words += ["--save", f"out/=s3://{BUCKET}/results/digits", "--shell"]
    words += ["mkdir out; echo fine >out/model; until [ -e /tmp/go ]; do sleep 0.1; done"]
    launched = curfew("launch", *words)
    assert launched.returncode == 0, launched
    assert re.search(
        r"^by setup +staging s3://" + BUCKET + ".*curfew-job.*curfew-scheduler.*sg-",
        launched.stdout,
        re.MULTILINE,
    )
    found = re.search(r"^instance +(i-[0-9a-f]+)", launched.stdout, re.MULTILINE)
    assert found, launched.stdout
    instance = cloud.instance(found.group(1))
    described = instance.describe()
    assert described["IamInstanceProfile"]["Arn"].endswith(":instance-profile/curfew-job")
    assert [one["GroupName"] for one in described["SecurityGroups"]] == ["curfew"]
    schedule = cloud.client("scheduler").get_schedule(Name=f"curfew-{instance.id}")
    assert schedule["Target"]["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/curfew-scheduler"

    in_the_way = curfew("teardown", "--apply", "--delete-results")
    assert in_the_way.returncode == 1 and f"{instance.id} in {REGION}" in in_the_way.stdout, in_the_way
    assert account.has_bucket() and account.roles() == set(ROLES)

    instance.wait_up()
    instance.sh("touch /tmp/go")
    assert_ended(instance, instance.powered_on_at or 0.0, within=LIFE, timeout=LIFE)
    assert objects(cloud, BUCKET)["results/digits/model"] == b"fine\n"

    kept = curfew("teardown", "--apply")
    assert kept.returncode == 1 and "holds results/: " in kept.stdout, kept
    assert "--delete-results" in kept.stdout and account.has_bucket()
    before = len(cloud.requests)
    shown = curfew("teardown", "--delete-results")
    assert shown.returncode == 0 and "Lost for ever" in shown.stdout, shown
    assert writes(cloud, before) == []
    gone = curfew("teardown", "--apply", "--delete-results")
    assert gone.returncode == 0 and gone.stderr == "", gone
    assert account.is_empty()
    assert "Nothing to do" in curfew("teardown", "--apply").stdout


def test_the_plan_says_what_the_role_may_do_and_what_it_lacks(
    cloud: Sandbox, account: Account, curfew: Curfew, bucket: str
) -> None:
    assert curfew("setup", "--apply").returncode == 0
    words = ("launch", "--dry-run", "--instance-type", "g5.xlarge", "--shell", "true", "--save")
    inside = curfew(*words, f"out/=s3://{BUCKET}/results/x")
    assert inside.returncode == 0, inside
    assert f"  it may       write s3://curfew-{ACCOUNT}-*/{{jobs,results}}/\n" in inside.stdout, inside.stdout
    assert (
        "  it may       end this instance: no other, no tags, no schedules, no other role\n" in inside.stdout
    )
    outside = (*words, f"out/=s3://{bucket}/x")
    refused = curfew(*outside)
    fix = f"curfew setup --results s3://{bucket}/x --apply"
    says = "the role curfew-job may not write there, unless the bucket's policy lets it"
    assert refused.returncode == 0 and says in refused.stderr, refused
    asked = curfew(*(word for word in outside if word != "--dry-run"))
    assert asked.returncode == 125 and "may not reach all that it needs" in asked.stderr, asked
    assert "nobody can be asked" in asked.stderr
    assert f"`{fix}`" in refused.stderr
    assert curfew(*fix.split()[1:]).returncode == 0
    let = curfew(*outside)
    assert let.returncode == 0 and f"results}}/, s3://{bucket}/x\n" in let.stdout, let
    # Whoever may not see it is not hindered.
    with cloud.failing("error", service="iam", op="GetRolePolicy", code="AccessDenied", status=403):
        blind = curfew(*words, f"out/=s3://{bucket}/elsewhere")
    assert blind.returncode == 0 and re.search(
        r"^  it may +unknown: .*iam:GetRolePolicy", blind.stdout, re.MULTILINE
    )


def test_guard_takes_the_role_that_setup_has_made(cloud: Sandbox, account: Account, curfew: Curfew) -> None:
    instance = cloud.launch(tags={"Name": "dev box"}, cloud_init=False)
    words = ("guard", instance.id, "--max-time", "30m", "--yes")
    missing = curfew(*words)
    assert missing.returncode == 125 and "`curfew setup --apply` makes it" in missing.stderr, missing
    assert curfew("setup", "--apply").returncode == 0
    guarded = curfew(*words)
    assert guarded.returncode == 0, guarded
    schedule = cloud.client("scheduler").get_schedule(Name=f"curfew-{instance.id}")
    assert schedule["Target"]["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/curfew-scheduler"
    cloud.client("scheduler").delete_schedule(Name=f"curfew-{instance.id}")
    instance.terminate()


def test_a_dry_run_needs_nothing_set_up(cloud: Sandbox, account: Account, curfew: Curfew) -> None:
    words = ("launch", "--dry-run", "--instance-type", "g5.xlarge", "--shell", "true")
    bare = curfew(*words)
    assert bare.returncode == 125 and "worst case" in bare.stdout, bare
    for option in ("--staging", "--instance-profile", "--scheduler-role"):
        assert re.search(f"{option}: isn't given, and there is no .*curfew setup --apply", bare.stderr), (
            bare.stderr
        )
    assert curfew("setup", "--apply").returncode == 0
    well = curfew(*words)
    assert well.returncode == 0 and "EC2 would allow it" in well.stderr, well
    # Whoever may launch but not look at roles.
    with cloud.failing("error", service="iam", code="AccessDenied", status=403):
        blind = curfew(*words)
    assert blind.returncode == 0 and "scheduler's role curfew-scheduler" in blind.stdout, blind
    named = curfew(*words[:2], "--subnet", "subnet-12345678", *words[2:])
    assert "sg-" not in named.stdout, "a group of the default VPC doesn't fit another's subnet"


def test_the_scheduler_ends_only_what_curfew_launched(
    cloud: Sandbox, account: Account, curfew: Curfew
) -> None:
    """By the role's own policy, which the sandbox asks at each invocation."""
    assert curfew("setup", "--apply").returncode == 0
    ours = cloud.launch(tags={"curfew:job": "digits"}, machine=False)
    stopped = cloud.launch(tags={"curfew:job": "notebook", "curfew:then": "stop"}, machine=False)
    theirs = cloud.launch(machine=False)
    scheduler = cloud.client("scheduler")
    for instance in (ours, stopped, theirs):
        scheduler.create_schedule(
            Name=f"curfew-{instance.id}",
            ScheduleExpression="rate(10 minutes)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={
                "Arn": "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances",
                "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/curfew-scheduler",
                "Input": json.dumps({"InstanceIds": [instance.id]}),
            },
        )
    cloud.scheduler_advance(11 * 60)
    ours.wait("terminated", LIFE)
    assert stopped.state() == "running" and theirs.state() == "running"
    for instance in (ours, stopped, theirs):
        with contextlib.suppress(scheduler.exceptions.ResourceNotFoundException):
            scheduler.delete_schedule(Name=f"curfew-{instance.id}")


def test_teardown_keeps_roles_on_demand(account: Account, curfew: Curfew) -> None:
    assert curfew("setup", "--apply").returncode == 0
    kept = curfew("teardown", "--apply", "--keep-roles")
    assert kept.returncode == 0, kept
    assert account.roles() == set(ROLES) and account.profiles() == ["curfew-job"]
    assert not account.has_bucket() and account.group() is None


def nothing_is_left(cloud: Sandbox) -> bool:
    schedules = cloud.client("scheduler").list_schedules(NamePrefix="curfew-doctor")["Schedules"]
    return not schedules and not objects(cloud, BUCKET)


def test_doctor_finds_what_is_wrong_and_names_the_fix(
    cloud: Sandbox, account: Account, curfew: Curfew
) -> None:
    before = len(cloud.requests)
    bare = curfew("doctor")
    assert bare.returncode == 1, bare
    assert f"FAILED   bucket {BUCKET}: isn't there; curfew setup --apply" in bare.stdout, bare.stdout
    assert "FAILED   role curfew-scheduler: isn't there; curfew setup --apply" in bare.stdout
    assert curfew("setup", "--apply").returncode == 0
    well = curfew("doctor")
    assert well.returncode == 0, well.stdout
    assert "FAILED" not in well.stdout and "warning" not in well.stdout, well.stdout
    assert "ok       launch: EC2's dry run allows it" in well.stdout
    dry_run = r"EC2's dry run: allows DescribeInstances, CreateTags, TerminateInstances, StopInstances, "
    assert re.search("^ok +" + dry_run, well.stdout, re.MULTILINE), well.stdout
    # What it makes it removes.
    made = writes(cloud, before)
    assert [made.count(op) for op in ("CreateSchedule", "DeleteSchedule", "DeleteObjects")] == [1, 1, 1], made
    assert nothing_is_left(cloud)
    assert (
        cloud.client("ec2").describe_instances(
            Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}]
        )["Reservations"]
        == []
    )

    for fault, says in (
        ({"kind": "clock", "service": "sts", "delay": 100.0}, "warning  clock: is"),
        (
            {
                "kind": "error",
                "service": "ec2",
                "op": "RunInstances",
                "code": "UnauthorizedOperation",
                "status": 403,
            },
            "FAILED   launch: ",
        ),
        (
            {"kind": "error", "service": "scheduler", "code": "AccessDeniedException", "status": 403},
            "the permission scheduler:GetSchedule is missing",
        ),
        (
            {"kind": "error", "service": "sts", "code": "ExpiredToken", "status": 403},
            "FAILED   credentials: ",
        ),
    ):
        with cloud.failing(**fault):  # type: ignore[arg-type]
            found = curfew("doctor")
        assert says in found.stdout, (fault, found.stdout)
        assert found.returncode == (0 if says.startswith("warning") else 1), found.stdout
    strange = curfew("doctor", "--instance-type", "g5.nano")
    assert strange.returncode == 1 and "g5.nano" in strange.stdout, strange


@pytest.mark.parametrize(
    ("service", "op", "finds", "code"),
    [
        ("s3", "PutObject", r"FAILED   writing .*the permission s3:PutObject is missing; see curfew setup", 1),
        ("s3", "GetObject", r"FAILED   reading .*the permission s3:GetObject is missing", 1),
        ("s3", "DeleteObjects", r"warning  deleting it: .*aws s3 rm s3://.*/jobs/curfew-doctor", 0),
        ("scheduler", "CreateSchedule", r"FAILED   making schedules: .*scheduler:CreateSchedule .*iam:PassRole", 1),
        ("scheduler", "UpdateSchedule", r"warning  moving schedules: .*scheduler:UpdateSchedule is missing", 0),
        ("scheduler", "DeleteSchedule", r"warning  deleting .*aws scheduler delete-schedule --name curfew-doctor", 0),
        ("ec2", "DescribeInstanceAttribute", r"warning  ec2:DescribeInstanceAttribute: .*missing, for curfew guard and stop", 0),
        ("ec2", "DescribeRegions", r"warning  ec2:DescribeRegions: .*the permission is missing", 0),
        # Of an instance that launch has made and that has ended.
        ("ec2", "TerminateInstances", r"FAILED   ec2:TerminateInstances: .*the permission is missing", 1),
        ("ec2", "CreateTags", r"FAILED   ec2:CreateTags: .*the permission is missing", 1),
        ("ec2", "StopInstances", r"warning  ec2:StopInstances: .*missing, for curfew stop --then stop", 0),
    ],
)  # fmt: skip
def test_doctor_tries_each_permission(
    cloud: Sandbox, account: Account, curfew: Curfew, service: str, op: str, finds: str, code: int
) -> None:
    assert curfew("setup", "--apply").returncode == 0
    if service == "ec2":
        ended = cloud.launch(tags={"curfew:launch": "20261127-100000-digits"}, machine=False)
        account.ec2.terminate_instances(InstanceIds=[ended.id])
        ended.wait("terminated", LIFE)
    denial = {"ec2": "UnauthorizedOperation", "s3": "AccessDenied", "scheduler": "AccessDeniedException"}[
        service
    ]
    with cloud.failing("error", service=service, op=op, code=denial, status=403):
        found = curfew("doctor")
    assert re.search("^" + finds, found.stdout, re.MULTILINE) and found.returncode == code, found.stdout
    assert nothing_is_left(cloud) is not op.startswith("Delete"), "and it says so"
    assert curfew("doctor").returncode == 0
    assert nothing_is_left(cloud), "the next one removes what was left"


def test_doctor_never_asks_to_end_what_lives(cloud: Sandbox, account: Account, curfew: Curfew) -> None:
    """Not even by DryRun."""
    assert curfew("setup", "--apply").returncode == 0
    living = cloud.launch(tags={"curfew:launch": "20261127-100000-digits"}, machine=False)
    before = len(cloud.requests)
    assert curfew("doctor").returncode == 0
    asked = [
        call for call in cloud.requests[before:] if call["op"] in {"TerminateInstances", "StopInstances"}
    ]
    assert asked and not [call for call in asked if living.id in json.dumps(call)], asked
    assert living.state() == "running"
    account.ec2.terminate_instances(InstanceIds=[living.id])


@pytest.mark.parametrize(
    ("service", "op", "left"),
    [
        ("scheduler", "UpdateSchedule", "the schedule curfew-doctor in us-east-1 may be left"),
        ("s3", "GetObject", f"s3://{BUCKET}/jobs/curfew-doctor may be left"),
    ],
)
def test_doctor_says_what_an_interruption_leaves(
    cloud: Sandbox, account: Account, curfew: Curfew, tmp_path: Path, service: str, op: str, left: str
) -> None:
    assert curfew("setup", "--apply").returncode == 0
    hang = cloud.fault("hang", service, op)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **cloud.env(REGION)}
    doctor = subprocess.Popen(
        [str(CURFEW), "doctor"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    until(lambda: cloud.hanging(hang) > 0, 60, "the doctor at the call that hangs")
    doctor.send_signal(signal.SIGINT)
    _, said = doctor.communicate(timeout=10)
    cloud.clear_faults(hang)
    assert doctor.returncode == -signal.SIGINT and left in said and "The next curfew doctor" in said, said
    assert not nothing_is_left(cloud)
    assert curfew("doctor").returncode == 0
    assert nothing_is_left(cloud)
