"""What runs, as people ask boto3 for it: each region in turn, or by a pool of threads, and a line an instance.

python check_boto3.py [THREADS]
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import boto3

RUNNING = [{"Name": "instance-state-name", "Values": ["running"]}]


def lines_of(region: str) -> list[str]:
    # A session of its own: they aren't safe to share between threads.
    ec2 = boto3.session.Session(region_name=region).client("ec2")
    lines = []
    for page in ec2.get_paginator("describe_instances").paginate(Filters=RUNNING):
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                name = next((tag["Value"] for tag in instance.get("Tags", []) if tag["Key"] == "Name"), "-")
                hours = (datetime.now(UTC) - instance["LaunchTime"]).total_seconds() / 3600
                words = (
                    instance["InstanceId"],
                    instance["InstanceType"],
                    instance["Placement"]["AvailabilityZone"],
                )
                lines.append("\t".join((*words, f"{hours:.1f} h", name)))
    return lines


def main() -> None:
    regions = [region["RegionName"] for region in boto3.client("ec2").describe_regions()["Regions"]]
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(lines_of, regions))
    else:
        found = [lines_of(region) for region in regions]
    for lines in found:
        for line in lines:
            print(line)


if __name__ == "__main__":
    main()
