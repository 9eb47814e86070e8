"""Launches a training instance after the look-ups that curfew's plan rests on, by boto3, one after another.

Environment: WORKDIR, STAGING (s3://BUCKET), TYPE, PROFILE, ROLE, USER_DATA (a file).
"""

from __future__ import annotations

import io
import os
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import boto3

_IMAGE = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"
_QUOTA = "L-3819A6DF"  # vCPUs of G and VT, spot


def main() -> None:
    bucket = os.environ["STAGING"].removeprefix("s3://")
    kind = os.environ["TYPE"]
    ec2, s3, iam = boto3.client("ec2"), boto3.client("s3"), boto3.client("iam")
    boto3.client("sts").get_caller_identity()
    s3.head_bucket(Bucket=bucket)
    iam.get_instance_profile(InstanceProfileName=os.environ["PROFILE"])
    iam.get_role(RoleName=os.environ["ROLE"])
    network = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    here = [{"Name": "vpc-id", "Values": [network]}, {"Name": "group-name", "Values": ["curfew"]}]
    group = ec2.describe_security_groups(Filters=here)["SecurityGroups"][0]["GroupId"]

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(os.environ["WORKDIR"], ".")

    ec2.describe_instance_type_offerings(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": [kind]}]
    )
    ec2.describe_instance_types(InstanceTypes=[kind])
    image = boto3.client("ssm").get_parameter(Name=_IMAGE)["Parameter"]["Value"]
    ec2.describe_images(ImageIds=[image])
    ec2.describe_spot_price_history(
        InstanceTypes=[kind], ProductDescriptions=["Linux/UNIX"], StartTime=datetime.now(UTC)
    )
    boto3.client("service-quotas").get_service_quota(ServiceCode="ec2", QuotaCode=_QUOTA)
    states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    groups = ec2.describe_instances(Filters=states)["Reservations"]
    if running := {one["InstanceType"] for group in groups for one in group["Instances"]}:
        ec2.describe_instance_types(InstanceTypes=sorted(running))
    s3.put_object(Bucket=bucket, Key="jobs/code.tar.gz", Body=packed.getvalue())
    made = ec2.run_instances(
        ImageId=image,
        InstanceType=kind,
        MinCount=1,
        MaxCount=1,
        SecurityGroupIds=[group],
        IamInstanceProfile={"Name": os.environ["PROFILE"]},
        InstanceInitiatedShutdownBehavior="terminate",
        InstanceMarketOptions={"MarketType": "spot"},
        UserData=Path(os.environ["USER_DATA"]).read_text(),
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "bench"}]}],
    )
    print(made["Instances"][0]["InstanceId"])


main()
