"""RunInstances: what EC2 refuses, what it keeps, and a new instance that is not known everywhere at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from sandbox import Sandbox

BOUND = 40.0


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


@pytest.fixture
def run(cloud: Sandbox) -> Any:
    """RunInstances for one instance without a machine; returns its description."""
    cloud.wish(machine=False)
    cloud.client("ec2")

    def call(**more: Any) -> dict[str, Any]:
        request = {"ImageId": cloud.image_id(), "InstanceType": "g5.xlarge", "MinCount": 1, "MaxCount": 1}
        return dict(cloud.client("ec2").run_instances(**request | more)["Instances"][0])

    yield call
    cloud.wish()


def spot(**options: str) -> dict[str, Any]:
    return {"MarketType": "spot", "SpotOptions": {"SpotInstanceType": "one-time", **options}}


def tagged(*keys: str) -> list[dict[str, Any]]:
    return [{"ResourceType": "instance", "Tags": [{"Key": key, "Value": "1"} for key in keys]}]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"ClientToken": "x" * 65}, "InvalidParameterValue"),
        ({"ClientToken": "é"}, "InvalidParameterValue"),
        ({"InstanceInitiatedShutdownBehavior": "halt"}, "InvalidParameterValue"),
        ({"KeyName": "nobody"}, "InvalidKeyPair.NotFound"),
        ({"IamInstanceProfile": {"Name": "nobody"}}, "InvalidParameterValue"),
        (
            {"IamInstanceProfile": {"Arn": "arn:aws:iam::123456789012:instance-profile/nobody"}},
            "InvalidParameterValue",
        ),
        ({"InstanceMarketOptions": spot(InstanceInterruptionBehavior="stop")}, "InvalidParameterCombination"),
        ({"InstanceMarketOptions": spot(MaxPrice="cheap")}, "InvalidParameterValue"),
        ({"InstanceMarketOptions": spot(MaxPrice="0")}, "InvalidParameterValue"),
        (
            {"InstanceMarketOptions": spot(), "InstanceInitiatedShutdownBehavior": "stop"},
            "InvalidParameterCombination",
        ),
        (
            {"TagSpecifications": tagged("a b"), "MetadataOptions": {"InstanceMetadataTags": "enabled"}},
            "InvalidParameterValue",
        ),
        (
            {"TagSpecifications": tagged("a/b"), "MetadataOptions": {"InstanceMetadataTags": "enabled"}},
            "InvalidParameterValue",
        ),
        ({"TagSpecifications": tagged("aws:x")}, "InvalidParameterValue"),
        ({"TagSpecifications": tagged("x" * 129)}, "InvalidParameterValue"),
        ({"TagSpecifications": tagged(*(f"t{n}" for n in range(51)))}, "TagLimitExceeded"),
        ({"ImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound"),
        ({"InstanceType": "g5.enormous"}, "InvalidParameterValue"),
        ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
        ({"SubnetId": "subnet-0123456789abcdef0"}, "InvalidSubnetID.NotFound"),
        ({"Placement": {"AvailabilityZone": "us-east-1z"}}, "InvalidParameterValue"),
        (
            {"NetworkInterfaces": [{"DeviceIndex": 0}], "SecurityGroupIds": ["sg-1"]},
            "InvalidParameterCombination",
        ),
    ],
)
def test_what_is_refused(
    cloud: Sandbox, run: Callable[..., Any], request_: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as error:
        run(**request_)
    assert code_of(error) == code


def test_a_dry_run_launches_nothing_and_uses_no_token(cloud: Sandbox, run: Callable[..., Any]) -> None:
    before = cloud.control("info")["instances"]
    for _ in range(2):
        with pytest.raises(ClientError) as error:
            run(ClientToken="dry", DryRun=True)
        assert code_of(error) == "DryRunOperation"
    with pytest.raises(ClientError) as error:
        run(DryRun=True, IamInstanceProfile={"Name": "nobody"})
    assert code_of(error) == "InvalidParameterValue"
    assert cloud.control("info")["instances"] == before
    first = run(ClientToken="dry")
    with pytest.raises(ClientError) as error:
        run(ClientToken="dry", DryRun=True)
    assert code_of(error) == "DryRunOperation"
    assert run(ClientToken="dry")["InstanceId"] == first["InstanceId"]


def test_a_lost_reply_and_the_same_call_make_one_instance(cloud: Sandbox, run: Callable[..., Any]) -> None:
    more = {"ClientToken": "lost", "Placement": {"AvailabilityZone": "us-east-1b"}}
    cloud.fault("drop-reply", "ec2", "RunInstances", times=1)
    with pytest.raises(ConnectionClosedError):
        run(**more, TagSpecifications=tagged("curfew:launch"))
    cloud.capacity("g5.xlarge", "us-east-1b")
    again = run(**more, TagSpecifications=tagged("curfew:launch"))
    filters = [{"Name": "tag-key", "Values": ["curfew:launch"]}, {"Name": "client-token", "Values": ["lost"]}]
    answer = cloud.client("ec2").describe_instances(Filters=filters)
    assert [it["InstanceId"] for group in answer["Reservations"] for it in group["Instances"]] == [
        again["InstanceId"]
    ]
    with pytest.raises(ClientError) as error:
        run(**more)
    assert code_of(error) == "IdempotentParameterMismatch"


def test_what_is_asked_for_is_kept(cloud: Sandbox, run: Callable[..., Any]) -> None:
    root = cloud.client("ec2").describe_images(ImageIds=[cloud.image_id()])["Images"][0]["RootDeviceName"]
    arn = cloud.client("iam").get_instance_profile(InstanceProfileName=cloud.profile("trainer"))
    profile = {"Arn": arn["InstanceProfile"]["Arn"]}
    disk = {"VolumeSize": 100, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True}
    made = run(
        InstanceInitiatedShutdownBehavior="terminate",
        InstanceMarketOptions=spot(MaxPrice="2.5", InstanceInterruptionBehavior="terminate"),
        IamInstanceProfile=profile,
        MetadataOptions={"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
        BlockDeviceMappings=[{"DeviceName": root, "Ebs": disk}],
        TagSpecifications=[*tagged("curfew:job"), {**tagged("curfew:job")[0], "ResourceType": "volume"}],
    )
    instance = cloud.instance(made["InstanceId"])
    shown = instance.describe()
    assert shown["InstanceLifecycle"] == "spot"
    assert shown["IamInstanceProfile"]["Arn"] == profile["Arn"]
    options = shown["MetadataOptions"]
    assert (options["HttpTokens"], options["InstanceMetadataTags"]) == ("required", "enabled")
    (device,) = shown["BlockDeviceMappings"]
    (volume,) = cloud.client("ec2").describe_volumes(VolumeIds=[device["Ebs"]["VolumeId"]])["Volumes"]
    assert {name: volume[name] for name in ("Size", "VolumeType", "Encrypted")} == {
        "Size": 100,
        "VolumeType": "gp3",
        "Encrypted": True,
    }
    assert [tag["Key"] for tag in volume["Tags"]] == ["curfew:job"]
    assert device["Ebs"]["DeleteOnTermination"] is True


def test_a_new_instance_takes_its_time_to_be_known(cloud: Sandbox, run: Callable[..., Any]) -> None:
    cloud.settings(visible_after=60)
    ec2, new = cloud.client("ec2"), run(TagSpecifications=tagged("curfew:launch"))["InstanceId"]
    filters = [
        {"Name": "tag-key", "Values": ["curfew:launch"]},
        {"Name": "instance-state-name", "Values": ["*ing"]},
    ]
    for op, more in (
        ("describe_instances", {"InstanceIds": [new]}),
        ("create_tags", {"Resources": [new], "Tags": [{"Key": "a", "Value": "b"}]}),
        ("terminate_instances", {"InstanceIds": [new]}),
        ("describe_instance_attribute", {"InstanceId": new, "Attribute": "userData"}),
    ):
        with pytest.raises(ClientError) as error:
            getattr(ec2, op)(**more)
        assert code_of(error) == "InvalidInstanceID.NotFound"

    def listed() -> list[str]:
        groups = ec2.describe_instances(Filters=filters)["Reservations"]
        return [it["InstanceId"] for group in groups for it in group["Instances"]]

    assert new not in listed()
    cloud.settings(visible_after=0.5)
    deadline = time.monotonic() + BOUND
    while new not in listed():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    ec2.create_tags(Resources=[new], Tags=[{"Key": "a", "Value": "b"}])
    ec2.terminate_instances(InstanceIds=[new])


def test_a_new_profile_takes_its_time(cloud: Sandbox, run: Callable[..., Any]) -> None:
    cloud.settings(iam_delay=60)
    profile = {"Name": cloud.profile("young-profile")}
    with pytest.raises(ClientError, match="Invalid IAM Instance Profile name") as error:
        run(IamInstanceProfile=profile)
    assert code_of(error) == "InvalidParameterValue"
    cloud.settings(iam_delay=0.01)
    time.sleep(0.02)
    run(IamInstanceProfile=profile)
