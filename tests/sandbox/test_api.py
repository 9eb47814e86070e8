"""The API where stock moto differs from EC2, and the faults that a test can give it."""

from __future__ import annotations

import json
import threading
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from sandbox import Sandbox

BOUND = 40.0


def request(cloud: Sandbox, **more: Any) -> dict[str, Any]:
    return {"ImageId": cloud.image_id(), "InstanceType": "g5.xlarge", "MinCount": 1, "MaxCount": 1, **more}


@pytest.fixture
def api(cloud: Sandbox) -> Any:
    """EC2 in a sandbox whose instances have no machines."""
    cloud.wish(machine=False)
    yield cloud.client("ec2")
    cloud.wish()


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_client_token_launches_once(cloud: Sandbox, api: Any) -> None:
    first = api.run_instances(**request(cloud, ClientToken="one"))
    again = api.run_instances(**request(cloud, ClientToken="one"))
    assert [it["InstanceId"] for it in first["Instances"]] == [it["InstanceId"] for it in again["Instances"]]
    with pytest.raises(ClientError) as error:
        api.run_instances(**request(cloud, ClientToken="one") | {"InstanceType": "g5.2xlarge"})
    assert code_of(error) == "IdempotentParameterMismatch"
    other_zone = api.run_instances(
        **request(cloud, ClientToken="one", Placement={"AvailabilityZone": "us-east-1b"})
    )
    assert other_zone["Instances"][0]["InstanceId"] != first["Instances"][0]["InstanceId"]


def test_max_count_is_launched(cloud: Sandbox, api: Any) -> None:
    answer = api.run_instances(**request(cloud) | {"MaxCount": 3})
    assert len(answer["Instances"]) == 3
    assert [it["State"]["Name"] for it in answer["Instances"]] == ["pending"] * 3
    with pytest.raises(ClientError) as error:
        api.run_instances(**request(cloud) | {"MinCount": 3})
    assert code_of(error) == "InvalidParameterValue"


def test_protection_at_launch_holds(cloud: Sandbox) -> None:
    shielded = cloud.launch(machine=False, DisableApiTermination=True)
    plain = cloud.launch(machine=False)
    elsewhere = cloud.launch(machine=False, Placement={"AvailabilityZone": "us-east-1b"})
    with pytest.raises(ClientError) as error:
        cloud.client("ec2").terminate_instances(InstanceIds=[plain.id, shielded.id, elsewhere.id])
    assert code_of(error) == "OperationNotPermitted"
    elsewhere.wait("terminated", BOUND)
    assert (plain.state(), shielded.state()) == ("running", "running"), (
        "a protected one saves all in its zone"
    )
    shielded.set_protection(False)
    shielded.terminate()
    shielded.wait("terminated", BOUND)


def test_an_unknown_id_ends_nothing(cloud: Sandbox) -> None:
    instance = cloud.launch(machine=False)
    with pytest.raises(ClientError) as error:
        cloud.client("ec2").terminate_instances(InstanceIds=[instance.id, "i-0123456789abcdef0"])
    assert code_of(error) == "InvalidInstanceID.NotFound"
    assert instance.state() == "running"


def test_filters(cloud: Sandbox) -> None:
    spot = cloud.launch(machine=False, spot=True, instance_type="g5.2xlarge")
    zoned = cloud.launch(
        machine=False, instance_type="t3.micro", Placement={"AvailabilityZone": "us-east-1b"}
    )
    ec2 = cloud.client("ec2")

    def found(**filters: str) -> set[str]:
        wanted = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
        wanted.append({"Name": "instance-state-name", "Values": ["running"]})
        answer = ec2.describe_instances(Filters=wanted)
        return {it["InstanceId"] for group in answer["Reservations"] for it in group["Instances"]}

    assert found(instance_lifecycle="spot") == {spot.id}
    assert found(instance_type="g5.*") == {spot.id}
    assert found(availability_zone="us-east-1b") == {zoned.id}
    assert found(instance_type="p5.*") == set()


def test_the_shutdown_behavior_can_be_changed(cloud: Sandbox) -> None:
    instance = cloud.launch(machine=False)
    ec2 = cloud.client("ec2")
    groups = instance.describe()["SecurityGroups"]
    ec2.modify_instance_attribute(
        InstanceId=instance.id, InstanceInitiatedShutdownBehavior={"Value": "terminate"}
    )
    attribute = ec2.describe_instance_attribute(
        InstanceId=instance.id, Attribute="instanceInitiatedShutdownBehavior"
    )
    assert attribute["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"
    assert instance.describe()["SecurityGroups"] == groups


def test_the_volumes_that_shall_go_with_the_instance_go(cloud: Sandbox) -> None:
    image = cloud.client("ec2").describe_images(ImageIds=[cloud.image_id()])["Images"][0]
    root = image["RootDeviceName"]
    devices = [
        {"DeviceName": root, "Ebs": {"VolumeSize": 20}},
        {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 5}},
    ]
    instance = cloud.launch(machine=False, BlockDeviceMappings=devices)
    by_name = {device["DeviceName"]: device["Ebs"] for device in instance.describe()["BlockDeviceMappings"]}
    assert set(by_name) == {root, "/dev/sdf"}
    assert by_name[root]["DeleteOnTermination"] is True
    assert by_name["/dev/sdf"]["DeleteOnTermination"] is False
    instance.terminate()
    instance.wait("terminated", BOUND)
    left = {
        volume["VolumeId"]: volume["State"] for volume in cloud.client("ec2").describe_volumes()["Volumes"]
    }
    assert by_name[root]["VolumeId"] not in left
    assert left[by_name["/dev/sdf"]["VolumeId"]] == "available"


def test_a_device_that_is_not_the_root_is_one_more_volume(cloud: Sandbox) -> None:
    wrong = [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 20}}]  # the image's is /dev/xvda
    devices = cloud.launch(machine=False, BlockDeviceMappings=wrong).describe()["BlockDeviceMappings"]
    assert {each["DeviceName"]: each["Ebs"]["DeleteOnTermination"] for each in devices} == {
        "/dev/sda1": False,
        "/dev/xvda": True,
    }


def test_what_ec2_refuses_of_one_time_spot_instances(cloud: Sandbox) -> None:
    for refused in ({"shutdown_behavior": "stop"}, {"DisableApiTermination": True}):
        with pytest.raises(ClientError) as error:
            cloud.launch(machine=False, spot=True, **refused)
        assert code_of(error) == "InvalidParameterCombination"
    instance = cloud.launch(machine=False, spot=True)
    with pytest.raises(ClientError) as error:
        instance.stop()
    assert code_of(error) == "UnsupportedOperation"
    cloud.launch(cloud_init=False, spot=True).power_off()


def test_what_is_terminated_cannot_be_started(cloud: Sandbox) -> None:
    instance = cloud.launch(machine=False)
    instance.terminate()
    instance.wait("terminated", BOUND)
    with pytest.raises(ClientError) as error:
        instance.start()
    assert code_of(error) == "IncorrectInstanceState"
    answer = cloud.client("ec2").terminate_instances(InstanceIds=[instance.id])
    assert answer["TerminatingInstances"][0]["CurrentState"]["Name"] == "terminated"


def test_calls_fail_as_often_as_asked(cloud: Sandbox) -> None:
    instance = cloud.launch(machine=False)
    ec2 = cloud.client("ec2")
    cloud.fault("error", "ec2", "DescribeInstances", code="UnauthorizedOperation", status=403, times=2)
    for _ in range(2):
        with pytest.raises(ClientError) as error:
            ec2.describe_instances()
        assert code_of(error) == "UnauthorizedOperation"
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert ec2.describe_instances(InstanceIds=[instance.id])["Reservations"]


@pytest.mark.parametrize(
    ("service", "op", "call", "code"),
    [
        ("ec2", "DescribeRegions", lambda client: client.describe_regions(), "RequestLimitExceeded"),
        ("sts", "GetCallerIdentity", lambda client: client.get_caller_identity(), "ThrottlingException"),
        ("s3", "ListBuckets", lambda client: client.list_buckets(), "SlowDown"),
        ("ssm", "GetParameter", lambda client: client.get_parameter(Name="/x"), "ThrottlingException"),
        ("scheduler", "GetSchedule", lambda client: client.get_schedule(Name="x"), "ThrottlingException"),
    ],
)
def test_any_service_can_be_throttled(cloud: Sandbox, service: str, op: str, call: Any, code: str) -> None:
    with cloud.failing("throttle", service, op), pytest.raises(ClientError) as error:
        call(cloud.client(service))
    assert code_of(error) == code


def test_a_lost_reply_has_acted(cloud: Sandbox, standin: Path) -> None:
    cloud.bucket("lost")
    s3 = cloud.client("s3")
    cloud.fault("drop-reply", "s3", "PutObject", path="/lost/", times=1)
    with pytest.raises(ConnectionClosedError):
        s3.put_object(Bucket="lost", Key="key", Body=standin.read_bytes())
    assert s3.head_object(Bucket="lost", Key="key")["ContentLength"] == 1000
    cloud.fault("drop-request", "s3", "DeleteObject", times=1)
    with pytest.raises(ConnectionClosedError):
        s3.delete_object(Bucket="lost", Key="key")
    assert s3.head_object(Bucket="lost", Key="key")


def test_faults_can_be_limited_to_a_path(cloud: Sandbox) -> None:
    cloud.bucket("paths")
    s3 = cloud.client("s3")
    with cloud.failing("error", "s3", path="/paths/bad", code="AccessDenied", status=403):
        s3.put_object(Bucket="paths", Key="good", Body=b"1")
        with pytest.raises(ClientError) as error:
            s3.put_object(Bucket="paths", Key="bad/1", Body=b"1" * 300_000)
    assert code_of(error) == "AccessDenied"


def test_faults_can_be_limited_to_who_signed(cloud: Sandbox) -> None:
    sts = cloud.client("sts")
    sts.get_caller_identity()
    key = cloud.requests[-1]["key"]
    with cloud.failing("error", "sts", key="AKIAOTHER"):
        sts.get_caller_identity()
    with cloud.failing("error", "sts", key=key, code="ExpiredToken"), pytest.raises(ClientError) as error:
        sts.get_caller_identity()
    assert code_of(error) == "ExpiredToken"


def test_calls_can_be_slow_or_hang(cloud: Sandbox) -> None:
    sts = cloud.client("sts", read_timeout=1)
    with cloud.failing("slow", "sts", delay=0.4):
        started = time.monotonic()
        sts.get_caller_identity()
        assert time.monotonic() - started >= 0.4
    cloud.fault("hang", "sts")
    with pytest.raises(ReadTimeoutError):
        sts.get_caller_identity()
    answers: list[Any] = []
    patient = cloud.client("sts", read_timeout=30)
    waiting = threading.Thread(target=lambda: answers.append(patient.get_caller_identity()))
    waiting.start()
    cloud.clear_faults()
    waiting.join(BOUND)
    assert answers[0]["Account"] == "123456789012"


@pytest.mark.parametrize(("kind", "is_there"), [("hang-reply", True), ("hang-request", False)])
def test_a_call_can_hang_for_good(cloud: Sandbox, kind: str, is_there: bool) -> None:
    """As those of a program that is killed while it waits: carried out or not, and never answered."""
    bucket = cloud.bucket(f"kept-{kind}")
    s3 = cloud.client("s3", read_timeout=30)
    number = cloud.fault(kind, "s3", "PutObject")
    failures: list[BaseException] = []

    def put() -> None:
        with pytest.raises(ConnectionClosedError) as failure:
            s3.put_object(Bucket=bucket, Key="key", Body=b"1")
        failures.append(failure.value)

    waiting = threading.Thread(target=put)
    waiting.start()
    deadline = time.monotonic() + BOUND
    while not cloud.hanging(number):
        assert waiting.is_alive() and time.monotonic() < deadline
        time.sleep(0.02)
    assert bool(s3.list_objects_v2(Bucket=bucket)["KeyCount"]) is is_there
    cloud.clear_faults(number)
    waiting.join(BOUND)
    assert failures and bool(s3.list_objects_v2(Bucket=bucket)["KeyCount"]) is is_there


def test_the_clock_of_aws_can_be_another(cloud: Sandbox) -> None:
    def ahead() -> float:
        headers = cloud.client("sts").get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
        return parsedate_to_datetime(headers["date"]).timestamp() - time.time()

    assert abs(ahead()) < 10
    with cloud.failing("clock", "sts", delay=-300):
        assert abs(ahead() + 300) < 10


def test_spot_instances_have_requests(cloud: Sandbox, api: Any) -> None:
    persistent = {"SpotInstanceType": "persistent", "InstanceInterruptionBehavior": "stop"}

    def launch(options: dict[str, str]) -> tuple[str, str]:
        instance = cloud.launch(
            machine=False, InstanceMarketOptions={"MarketType": "spot", "SpotOptions": options}
        )
        return instance.id, instance.describe()["SpotInstanceRequestId"]

    def state(request_id: str) -> str:
        (found,) = api.describe_spot_instance_requests(SpotInstanceRequestIds=[request_id])[
            "SpotInstanceRequests"
        ]
        return f"{found['Type']} {found['State']}"

    one_time, returning, cancelled = launch({}), launch(persistent), launch(persistent)
    api.cancel_spot_instance_requests(SpotInstanceRequestIds=[cancelled[1]])
    api.terminate_instances(InstanceIds=[one_time[0], returning[0], cancelled[0]])
    assert state(one_time[1]) == "one-time closed"
    assert state(returning[1]) == "persistent open", "EC2 would launch another"
    assert state(cancelled[1]) == "persistent cancelled"
    with pytest.raises(ClientError) as error:
        state("sir-00000000")
    assert code_of(error) == "InvalidSpotInstanceRequestID.NotFound"


def test_faults_can_be_limited_to_an_instance(cloud: Sandbox) -> None:
    hurt, well = (cloud.launch(cloud_init=False) for _ in range(2))
    script = (
        "import urllib.request as u\n"
        "r = u.Request('http://10.0.0.1:5000/', data=b'Action=DescribeRegions&Version=2016-11-15')\n"
        "r.add_header('Authorization', 'AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/ec2/aws4_request')\n"
        "print(u.urlopen(r).status)"
    )
    cloud.fault("error", "ec2", instance=hurt.id, status=503)
    assert hurt.exec(["python3", "-c", script]).code == 1
    assert well.exec(["python3", "-c", script]).out == "200\n"
    seen = [(call["source"], call["status"]) for call in cloud.requests if call["op"] == "DescribeRegions"]
    assert seen[-2:] == [(hurt.id, 503), (well.id, 200)]


def test_requests_are_logged(cloud: Sandbox) -> None:
    cloud.bucket("logged")
    cloud.client("s3").put_object(Bucket="logged", Key="a/b", Body=b"1")
    last = cloud.requests[-1]
    assert (last["service"], last["op"], last["path"], last["status"]) == (
        "s3",
        "PutObject",
        "/logged/a/b",
        200,
    )
    assert last["source"] is None


def test_user_data_has_its_limit(cloud: Sandbox, api: Any) -> None:
    with pytest.raises(ClientError) as error:
        api.run_instances(**request(cloud, UserData="#" * 16385))
    assert code_of(error) == "InvalidParameterValue"


def test_other_regions(cloud: Sandbox) -> None:
    instance = cloud.launch(machine=False, region="eu-west-1")
    assert instance.describe()["Placement"]["AvailabilityZone"] == "eu-west-1a"
    assert instance.facts()["hourly_micros"] == 1_123_000


def test_policies_can_be_given(cloud: Sandbox) -> None:
    name = cloud.profile(
        "writer",
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]},
    )
    policy = cloud.client("iam").get_role_policy(RoleName=name, PolicyName="given")
    assert json.loads(json.dumps(policy["PolicyDocument"]))["Statement"][0]["Action"] == "s3:*"
