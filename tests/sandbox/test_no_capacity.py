"""Quotas, pools without capacity, spot prices, and the images that public parameters name."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox import Sandbox
from sandbox.quotas import quota_of, vcpus

G5, ZONE = "g5.xlarge", "us-east-1b"
G_AND_VT, G_AND_VT_SPOT, STANDARD = "L-DB2E81BA", "L-3819A6DF", "L-1216C47A"
GPU = "/aws/service/deeplearning/ami/{}/base-oss-nvidia-driver-gpu-{}/latest/ami-id"


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def status_of(error: pytest.ExceptionInfo[ClientError]) -> int:
    return int(error.value.response["ResponseMetadata"]["HTTPStatusCode"])


@pytest.fixture
def only_api(cloud: Sandbox) -> Iterator[Sandbox]:
    """A sandbox whose instances have no machines."""
    cloud.wish(machine=False)
    yield cloud
    cloud.wish()


def run(
    cloud: Sandbox, instance_type: str = G5, zone: str | None = None, spot: str | None = None, **more: Any
) -> str:
    """The zone of a launch. spot: the most that is offered; "" for no limit."""
    request: dict[str, Any] = {"ImageId": cloud.image_id(), "MinCount": 1, "MaxCount": 1}
    if zone:
        request["Placement"] = {"AvailabilityZone": zone}
    if spot is not None:
        options = {"SpotOptions": {"MaxPrice": spot}} if spot else {}
        request["InstanceMarketOptions"] = {"MarketType": "spot", **options}
    answer = cloud.client("ec2").run_instances(**request | more, InstanceType=instance_type)
    return str(answer["Instances"][0]["Placement"]["AvailabilityZone"])


def end_all(cloud: Sandbox, instance_type: str = "*") -> None:
    """What earlier tests have left counts against a quota, too."""
    running = cloud.client("ec2").describe_instances(
        Filters=[
            {"Name": "instance-type", "Values": [instance_type]},
            {"Name": "instance-state-name", "Values": ["pending", "running"]},
        ]
    )
    ids = [it["InstanceId"] for group in running["Reservations"] for it in group["Instances"]]
    if not ids:
        return
    cloud.client("ec2").terminate_instances(InstanceIds=ids)
    waiter = cloud.client("ec2").get_waiter("instance_terminated")
    waiter.wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 40})


@pytest.mark.parametrize(
    ("instance_type", "on_demand", "spot"),
    [
        ("t3.micro", "L-1216C47A", "L-34B43A08"),
        ("im4gn.large", "L-1216C47A", "L-34B43A08"),
        ("g5.xlarge", "L-DB2E81BA", "L-3819A6DF"),
        ("gr6.4xlarge", "L-DB2E81BA", "L-3819A6DF"),
        ("vt1.3xlarge", "L-DB2E81BA", "L-3819A6DF"),
        ("p3.2xlarge", "L-417A185B", "L-7212CCBC"),
        ("p4d.24xlarge", "L-417A185B", "L-7212CCBC"),
        ("p5en.48xlarge", "L-417A185B", "L-C4BD4855"),
        ("inf2.xlarge", "L-1945791B", "L-B5D1601B"),
        ("trn1.2xlarge", "L-2C3B7624", "L-6B0D517C"),
        ("dl1.24xlarge", "L-6E869C2A", "L-85EED4F7"),
        ("hpc6a.48xlarge", "L-F7808C92", None),
        ("x2idn.16xlarge", "L-7295265B", "L-E3A00192"),
        ("f2.6xlarge", "L-74FC7D96", "L-88CF9481"),
        ("u-6tb1.56xlarge", "L-43DA4232", None),
        ("mac2.metal", None, None),
    ],
)
def test_each_type_has_its_quota(instance_type: str, on_demand: str | None, spot: str | None) -> None:
    found = [quota_of(instance_type, market) for market in (False, True)]
    assert [quota.code if quota else None for quota in found] == [on_demand, spot]


def test_quotas_can_be_asked_for(cloud: Sandbox) -> None:
    quotas = cloud.client("service-quotas")
    cloud.quota(G_AND_VT, 8)
    cloud.quota(G_AND_VT, 4, region="eu-west-1")
    shown = quotas.get_service_quota(ServiceCode="ec2", QuotaCode=G_AND_VT)["Quota"]
    assert (shown["Value"], shown["QuotaName"]) == (8.0, "Running On-Demand G and VT instances")
    there = cloud.client("service-quotas", "eu-west-1")
    assert there.get_service_quota(ServiceCode="ec2", QuotaCode=G_AND_VT)["Quota"]["Value"] == 4.0
    default = quotas.get_aws_default_service_quota(ServiceCode="ec2", QuotaCode=STANDARD)["Quota"]
    assert default["Value"] == 5.0
    with pytest.raises(ClientError) as error:
        quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-00000000")
    assert code_of(error) == "NoSuchResourceException"
    with cloud.failing("error", "servicequotas", "GetServiceQuota", code="AccessDeniedException", status=403):
        with pytest.raises(ClientError) as error:
            quotas.get_service_quota(ServiceCode="ec2", QuotaCode=G_AND_VT)
        assert code_of(error) == "AccessDeniedException"
    assert quotas.list_aws_default_service_quotas(ServiceCode="vpc")["Quotas"], "moto's own are still there"


def test_quotas_are_listed_by_pages(cloud: Sandbox) -> None:
    quotas, seen = cloud.client("service-quotas"), []
    token: dict[str, str] = {}
    while True:
        page = quotas.list_service_quotas(ServiceCode="ec2", MaxResults=7, **token)
        assert len(page["Quotas"]) <= 7
        seen += [quota["QuotaCode"] for quota in page["Quotas"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert {G_AND_VT, G_AND_VT_SPOT, STANDARD} < set(seen)
    assert len(seen) == len(set(seen)) == 19


def test_a_launch_beyond_the_quota_is_refused(only_api: Sandbox) -> None:
    cloud = only_api
    end_all(cloud)
    cloud.quota(G_AND_VT, 8)
    run(cloud)
    with pytest.raises(ClientError, match="your current vCPU limit of 8 allows") as error:
        run(cloud, "g5.2xlarge")
    assert (code_of(error), status_of(error)) == ("VcpuLimitExceeded", 400)
    run(cloud, "g4dn.xlarge")
    run(cloud, spot="")
    cloud.quota(G_AND_VT_SPOT, 4)
    with pytest.raises(ClientError) as error:
        run(cloud, spot="")
    assert (code_of(error), status_of(error)) == ("MaxSpotInstanceCountExceeded", 400)
    run(cloud, "t3.micro")
    end_all(cloud, G5)
    run(cloud)
    assert vcpus(G5) == 4


def test_a_new_account_has_no_gpus(only_api: Sandbox) -> None:
    only_api.new_account()
    run(only_api, "t3.micro")
    for instance_type in (G5, "p4d.24xlarge", "trn1.2xlarge"):
        with pytest.raises(ClientError) as error:
            run(only_api, instance_type)
        assert code_of(error) == "VcpuLimitExceeded"
    with pytest.raises(ClientError) as error:
        run(only_api, DryRun=True)
    assert code_of(error) == "DryRunOperation", "a dry run looks at permissions, not at quotas"


def test_pools_without_capacity(only_api: Sandbox) -> None:
    cloud = only_api
    first = run(cloud)
    assert first == "us-east-1a"
    number = cloud.capacity(G5, "us-east-1a", "on-demand")
    assert run(cloud) == "us-east-1b", "where no zone is asked for, EC2 takes one that has capacity"
    assert run(cloud, spot="") == "us-east-1a"
    assert run(cloud, "g5.2xlarge", "us-east-1a") == "us-east-1a"
    with pytest.raises(ClientError, match=r"sufficient g5.xlarge capacity .* \(us-east-1a\)") as error:
        run(cloud, zone="us-east-1a")
    assert (code_of(error), status_of(error)) == ("InsufficientInstanceCapacity", 500)
    cloud.clear_capacity(number)
    assert run(cloud, zone="us-east-1a") == "us-east-1a"
    cloud.capacity("g5.*", market="spot")
    with pytest.raises(ClientError, match="There is no Spot capacity available") as error:
        run(cloud, spot="")
    assert code_of(error) == "InsufficientInstanceCapacity"
    cloud.capacity(zone="eu-west-1*", code="InsufficientFreeAddressesInSubnet")
    request = {"ImageId": cloud.image_id("eu-west-1"), "InstanceType": G5, "MinCount": 1, "MaxCount": 1}
    with pytest.raises(ClientError) as error:
        cloud.client("ec2", "eu-west-1").run_instances(**request)
    assert (code_of(error), status_of(error)) == ("InsufficientFreeAddressesInSubnet", 400)


def test_a_pool_can_run_dry(only_api: Sandbox) -> None:
    only_api.capacity(G5, ZONE, left=2)
    for _ in range(2):
        assert run(only_api, zone=ZONE) == ZONE
    subnets = only_api.client("ec2").describe_subnets(
        Filters=[{"Name": "availability-zone", "Values": [ZONE]}]
    )
    with pytest.raises(ClientError) as error:
        run(only_api, SubnetId=subnets["Subnets"][0]["SubnetId"])
    assert code_of(error) == "InsufficientInstanceCapacity"
    only_api.reset()
    assert run(only_api, zone=ZONE) == ZONE


def test_a_failed_launch_leaves_its_token_free(only_api: Sandbox) -> None:
    number = only_api.capacity(G5, ZONE)
    with pytest.raises(ClientError):
        run(only_api, zone=ZONE, ClientToken="again")
    only_api.clear_capacity(number)
    assert run(only_api, zone=ZONE, ClientToken="again") == ZONE


def test_types_are_offered_by_zone(only_api: Sandbox) -> None:
    ec2 = only_api.client("ec2")

    def zones(pattern: str = G5) -> list[str]:
        filters = [{"Name": "instance-type", "Values": [pattern]}]
        answer = ec2.describe_instance_type_offerings(LocationType="availability-zone", Filters=filters)
        return sorted({each["Location"] for each in answer["InstanceTypeOfferings"]})

    assert "us-east-1e" not in zones()
    assert zones("g5.x*") == zones()
    with pytest.raises(ClientError, match="choosing us-east-1a, us-east-1b") as error:
        run(only_api, zone="us-east-1e")
    assert (code_of(error), status_of(error)) == ("Unsupported", 400)
    only_api.capacity(G5, "us-east-1[ab]", code="Unsupported")
    assert zones() == ["us-east-1c", "us-east-1d", "us-east-1f"]
    assert run(only_api) == "us-east-1c"
    only_api.capacity("g5.*", code="Unsupported")
    filters = [{"Name": "instance-type", "Values": [G5]}]
    assert ec2.describe_instance_type_offerings(Filters=filters)["InstanceTypeOfferings"] == []
    with pytest.raises(ClientError) as error:
        run(only_api)
    assert code_of(error) == "Unsupported"
    with pytest.raises(ClientError) as error:
        run(only_api, "c8ine.large", spot="")
    assert code_of(error) == "Unsupported"


def history(cloud: Sandbox, **more: Any) -> list[dict[str, Any]]:
    request: dict[str, Any] = {"InstanceTypes": [G5], "ProductDescriptions": ["Linux/UNIX"]} | more
    return list(cloud.client("ec2").describe_spot_price_history(**request)["SpotPriceHistory"])


def test_spot_prices_are_change_points(cloud: Sandbox) -> None:
    everything = history(cloud, ProductDescriptions=[])
    assert {each["ProductDescription"] for each in everything} == {"Linux/UNIX", "Windows"}
    rows = history(cloud, AvailabilityZone=ZONE)
    times = [each["Timestamp"] for each in rows]
    assert times == sorted(times, reverse=True)
    assert len(rows) == 6
    assert datetime.now(UTC) - timedelta(days=90) < times[-1] < datetime.now(UTC) - timedelta(days=80)
    assert all(re.fullmatch(r"0\.\d{6}", each["SpotPrice"]) for each in rows)
    assert len({each["SpotPrice"] for each in rows}) > 1
    now = datetime.now(UTC)
    assert history(cloud, AvailabilityZone=ZONE, StartTime=now, EndTime=now) == rows[:1], (
        "the one that holds now"
    )
    since = times[2] + timedelta(hours=1)
    assert history(cloud, AvailabilityZone=ZONE, StartTime=since) == rows[:3], "and the last one before"
    assert {each["AvailabilityZone"] for each in history(cloud)} == {
        f"us-east-1{letter}" for letter in "abcdf"
    }, "only where the type is offered"
    current = {each["AvailabilityZone"]: each["SpotPrice"] for each in reversed(history(cloud))}
    assert len(set(current.values())) == 5, "each zone has its own"


def test_spot_prices_come_in_pages(cloud: Sandbox) -> None:
    ec2, token, seen = cloud.client("ec2"), "", 0
    while True:
        page = ec2.describe_spot_price_history(InstanceTypes=[G5], MaxResults=25, NextToken=token)
        assert len(page["SpotPriceHistory"]) <= 25
        seen += len(page["SpotPriceHistory"])
        if not (token := page.get("NextToken", "")):
            break
    assert seen == 2 * 5 * 6
    with pytest.raises(ClientError):
        ec2.describe_spot_price_history(NextToken="nonsense")


def test_a_spot_price_can_change_and_be_too_low(only_api: Sandbox) -> None:
    cloud = only_api
    cloud.spot_price(G5, ZONE, 0.9, ago=3600)
    cloud.spot_price(G5, ZONE, 0.95)
    rows = history(cloud, AvailabilityZone=ZONE)
    assert [each["SpotPrice"] for each in rows[:2]] == ["0.950000", "0.900000"]
    assert rows[0]["Timestamp"] - rows[1]["Timestamp"] == timedelta(hours=1)
    with pytest.raises(ClientError, match=r"0.94 is lower than .* price of 0.950000") as error:
        run(cloud, zone=ZONE, spot="0.94")
    assert (code_of(error), status_of(error)) == ("SpotMaxPriceTooLow", 400)
    assert run(cloud, zone=ZONE, spot="0.95") == ZONE
    assert run(cloud, zone=ZONE, spot="") == ZONE
    assert run(cloud, spot="0.94") == "us-east-1a", "where no zone is asked for, one that is cheap enough"
    instance = cloud.launch(machine=False, spot=True, Placement={"AvailabilityZone": ZONE})
    assert instance.facts()["hourly_micros"] == 950_000
    cloud.reset()
    assert run(cloud, zone=ZONE, spot="0.94") == ZONE


@pytest.mark.parametrize(
    ("architecture", "system", "title", "device"),
    [
        (
            "x86_64",
            "ubuntu-22.04",
            "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04)",
            "/dev/sda1",
        ),
        (
            "x86_64",
            "ubuntu-24.04",
            "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04)",
            "/dev/sda1",
        ),
        ("arm64", "ubuntu-22.04", "Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI (Ubuntu", "/dev/sda1"),
        ("x86_64", "amazon-linux-2023", "Deep Learning Base OSS Nvidia Driver GPU AMI (Amazon", "/dev/xvda"),
    ],
)
def test_public_parameters_name_images(
    cloud: Sandbox, architecture: str, system: str, title: str, device: str
) -> None:
    path = GPU.format(architecture, system)
    found = {}
    for region in ("us-east-1", "ap-southeast-4"):
        parameter = cloud.client("ssm", region).get_parameter(Name=path)["Parameter"]
        assert parameter["Type"] == "String"
        (image,) = cloud.client("ec2", region).describe_images(ImageIds=[parameter["Value"]])["Images"]
        assert (image["Architecture"], image["RootDeviceName"]) == (architecture, device)
        assert image["Name"].startswith(title)
        assert image["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 75
        found[region] = image["ImageId"]
    assert len(set(found.values())) == 2, "each region has its own"


def test_images_are_found_by_name_and_by_other_parameters(cloud: Sandbox) -> None:
    ssm, ec2 = cloud.client("ssm", "eu-north-1"), cloud.client("ec2", "eu-north-1")
    pattern = "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04)*"
    (image,) = ec2.describe_images(Owners=["amazon"], Filters=[{"Name": "name", "Values": [pattern]}])[
        "Images"
    ]
    assert (
        ssm.get_parameter(Name=GPU.format("x86_64", "ubuntu-22.04"))["Parameter"]["Value"] == image["ImageId"]
    )
    ubuntu = "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id"
    assert ssm.get_parameter(Name=ubuntu)["Parameter"]["Value"] != image["ImageId"]
    for unknown in (GPU.format("x86_64", "ubuntu-18.04"), GPU.format("arm64", "ubuntu-24.04")):
        with pytest.raises(ClientError) as error:
            ssm.get_parameter(Name=unknown)
        assert code_of(error) == "ParameterNotFound"


def test_secrets_come_decrypted_only_on_demand(cloud: Sandbox) -> None:
    ssm = cloud.client("ssm")
    ssm.put_parameter(Name="/curfew/token", Value="s3cret", Type="SecureString", Overwrite=True)
    assert ssm.get_parameter(Name="/curfew/token", WithDecryption=True)["Parameter"]["Value"] == "s3cret"
    assert ssm.get_parameter(Name="/curfew/token")["Parameter"]["Value"] != "s3cret"


def test_the_image_must_fit_the_type_and_the_disk(only_api: Sandbox) -> None:
    ssm = only_api.client("ssm")
    images = {
        arch: ssm.get_parameter(Name=GPU.format(arch, "ubuntu-22.04"))["Parameter"]["Value"]
        for arch in ("x86_64", "arm64")
    }
    run(only_api, ImageId=images["x86_64"])
    run(only_api, "g5g.xlarge", ImageId=images["arm64"])
    for instance_type, arch in ((G5, "arm64"), ("g5g.xlarge", "x86_64")):
        with pytest.raises(ClientError, match="matching architectures") as error:
            run(only_api, instance_type, ImageId=images[arch])
        assert code_of(error) == "InvalidParameterValue"
    small = [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 50}}]
    with pytest.raises(ClientError, match="expect size >= 75GB") as error:
        run(only_api, ImageId=images["x86_64"], BlockDeviceMappings=small)
    assert code_of(error) == "InvalidBlockDeviceMapping"
    instance = only_api.launch(machine=False, ImageId=images["x86_64"])
    (device,) = instance.describe()["BlockDeviceMappings"]
    assert device["DeviceName"] == "/dev/sda1"
    volumes = only_api.client("ec2").describe_volumes(VolumeIds=[device["Ebs"]["VolumeId"]])["Volumes"]
    assert volumes[0]["Size"] == 75


def test_the_clock_of_prices_is_real(cloud: Sandbox) -> None:
    cloud.spot_price(G5, ZONE, 0.5)
    age = time.time() - history(cloud, AvailabilityZone=ZONE)[0]["Timestamp"].timestamp()
    assert -1 <= age < 10
