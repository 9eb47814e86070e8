"""An account with any number of instances, and EC2's, Pricing's, Scheduler's and STS's replies about it: the fields, order
and size of real ones (Amazon EC2 API Reference, and botocore's service models for the names)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox import meter, prices

ACCOUNT = "123456789012"
# Those that a new account has, and opt-in ones: thirty.
REGIONS = (
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1",
    "eu-north-1", "ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1",
    "ap-southeast-2", "ca-central-1", "sa-east-1", "af-south-1", "ap-east-1", "ap-south-2", "ap-southeast-3",
    "ap-southeast-4", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1",
    "ca-west-1", "ap-southeast-5",
)  # fmt: skip
_ZONES = "abc"
# Most of what runs anywhere has no GPU.
_TYPES = (
    "m5.large", "c5.2xlarge", "t3.micro", "r5.xlarge", "m5.4xlarge", "c5.9xlarge", "t3.large", "g5.xlarge",
)  # fmt: skip
_SPOT_EVERY, _GUARDED_EVERY, _OLD_EVERY, _SECOND_DISK_EVERY = 5, 20, 10, 4
_NAMESPACE = 'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"'

_INSTANCE = """\
        <item>
            <reservationId>r-{key}</reservationId>
            <ownerId>{account}</ownerId>
            <groupSet/>
            <instancesSet>
                <item>
                    <instanceId>{id}</instanceId>
                    <imageId>ami-0c7217cdde317cfec</imageId>
                    <instanceState>
                        <code>16</code>
                        <name>running</name>
                    </instanceState>
                    <privateDnsName>ip-{dashed}.{region}.compute.internal</privateDnsName>
                    <dnsName>ec2-{public_dashed}.{region}.compute.amazonaws.com</dnsName>
                    <reason/>
                    <keyName>research-{region}</keyName>
                    <amiLaunchIndex>0</amiLaunchIndex>
                    <productCodes/>
                    <instanceType>{type}</instanceType>
                    <launchTime>{launched}</launchTime>
                    <placement>
                        <availabilityZone>{zone}</availabilityZone>
                        <availabilityZoneId>use1-az4</availabilityZoneId>
                        <groupName/>
                        <tenancy>default</tenancy>
                    </placement>
                    <monitoring>
                        <state>disabled</state>
                    </monitoring>
                    <subnetId>subnet-0a1b2c3d4e5f60718</subnetId>
                    <vpcId>vpc-0123456789abcdef0</vpcId>
                    <privateIpAddress>{private}</privateIpAddress>
                    <ipAddress>{public}</ipAddress>
                    <sourceDestCheck>true</sourceDestCheck>
                    <groupSet>
                        <item>
                            <groupId>sg-0fedcba9876543210</groupId>
                            <groupName>training</groupName>
                        </item>
                    </groupSet>
                    <architecture>x86_64</architecture>
                    <rootDeviceType>ebs</rootDeviceType>
                    <rootDeviceName>/dev/sda1</rootDeviceName>
                    <blockDeviceMapping>
{disks}\
                    </blockDeviceMapping>
                    <virtualizationType>hvm</virtualizationType>
{spot}\
                    <clientToken>b7a6c5d4-e3f2-4a1b-9c8d-{key_short}</clientToken>
                    <tagSet>
{tags}\
                    </tagSet>
                    <hypervisor>xen</hypervisor>
                    <networkInterfaceSet>
                        <item>
                            <networkInterfaceId>eni-{key}</networkInterfaceId>
                            <subnetId>subnet-0a1b2c3d4e5f60718</subnetId>
                            <vpcId>vpc-0123456789abcdef0</vpcId>
                            <description/>
                            <ownerId>{account}</ownerId>
                            <status>in-use</status>
                            <macAddress>02:dd:2c:5e:01:69</macAddress>
                            <privateIpAddress>{private}</privateIpAddress>
                            <privateDnsName>ip-{dashed}.{region}.compute.internal</privateDnsName>
                            <sourceDestCheck>true</sourceDestCheck>
                            <groupSet>
                                <item>
                                    <groupId>sg-0fedcba9876543210</groupId>
                                    <groupName>training</groupName>
                                </item>
                            </groupSet>
                            <attachment>
                                <attachmentId>eni-attach-{key}</attachmentId>
                                <deviceIndex>0</deviceIndex>
                                <networkCardIndex>0</networkCardIndex>
                                <status>attached</status>
                                <attachTime>{launched}</attachTime>
                                <deleteOnTermination>true</deleteOnTermination>
                            </attachment>
                            <association>
                                <publicIp>{public}</publicIp>
                                <publicDnsName>ec2-{public_dashed}.{region}.compute.amazonaws.com</publicDnsName>
                                <ipOwnerId>amazon</ipOwnerId>
                            </association>
                            <privateIpAddressesSet>
                                <item>
                                    <privateIpAddress>{private}</privateIpAddress>
                                    <privateDnsName>ip-{dashed}.{region}.compute.internal</privateDnsName>
                                    <primary>true</primary>
                                    <association>
                                        <publicIp>{public}</publicIp>
                                        <publicDnsName>ec2-{public_dashed}.{region}.compute.amazonaws.com</publicDnsName>
                                        <ipOwnerId>amazon</ipOwnerId>
                                    </association>
                                </item>
                            </privateIpAddressesSet>
                            <ipv6AddressesSet/>
                            <interfaceType>interface</interfaceType>
                            <operator>
                                <managed>false</managed>
                            </operator>
                        </item>
                    </networkInterfaceSet>
                    <iamInstanceProfile>
                        <arn>arn:aws:iam::{account}:instance-profile/training</arn>
                        <id>AIPAEXAMPLEEXAMPLE123</id>
                    </iamInstanceProfile>
                    <ebsOptimized>true</ebsOptimized>
                    <enaSupport>true</enaSupport>
                    <cpuOptions>
                        <coreCount>2</coreCount>
                        <threadsPerCore>2</threadsPerCore>
                    </cpuOptions>
                    <capacityReservationSpecification>
                        <capacityReservationPreference>open</capacityReservationPreference>
                    </capacityReservationSpecification>
                    <hibernationOptions>
                        <configured>false</configured>
                    </hibernationOptions>
                    <enclaveOptions>
                        <enabled>false</enabled>
                    </enclaveOptions>
                    <metadataOptions>
                        <state>applied</state>
                        <httpTokens>required</httpTokens>
                        <httpPutResponseHopLimit>2</httpPutResponseHopLimit>
                        <httpEndpoint>enabled</httpEndpoint>
                        <httpProtocolIpv6>disabled</httpProtocolIpv6>
                        <instanceMetadataTags>enabled</instanceMetadataTags>
                    </metadataOptions>
                    <maintenanceOptions>
                        <autoRecovery>default</autoRecovery>
                        <rebootMigration>default</rebootMigration>
                    </maintenanceOptions>
                    <platformDetails>Linux/UNIX</platformDetails>
                    <usageOperation>RunInstances</usageOperation>
                    <usageOperationUpdateTime>{launched}</usageOperationUpdateTime>
                    <privateDnsNameOptions>
                        <hostnameType>ip-name</hostnameType>
                        <enableResourceNameDnsARecord>false</enableResourceNameDnsARecord>
                        <enableResourceNameDnsAAAARecord>false</enableResourceNameDnsAAAARecord>
                    </privateDnsNameOptions>
                    <bootMode>uefi-preferred</bootMode>
                    <currentInstanceBootMode>uefi</currentInstanceBootMode>
                    <networkPerformanceOptions>
                        <bandwidthWeighting>default</bandwidthWeighting>
                    </networkPerformanceOptions>
                    <operator>
                        <managed>false</managed>
                    </operator>
                </item>
            </instancesSet>
        </item>
"""
_DISK = """\
                        <item>
                            <deviceName>{device}</deviceName>
                            <ebs>
                                <volumeId>{id}</volumeId>
                                <status>attached</status>
                                <attachTime>{launched}</attachTime>
                                <deleteOnTermination>true</deleteOnTermination>
                            </ebs>
                        </item>
"""
_TAG = """\
                        <item>
                            <key>{}</key>
                            <value>{}</value>
                        </item>
"""
_SPOT = """\
                    <instanceLifecycle>spot</instanceLifecycle>
                    <spotInstanceRequestId>sir-{}</spotInstanceRequestId>
"""
_VOLUME = """\
        <item>
            <volumeId>{id}</volumeId>
            <size>{size}</size>
            <snapshotId>snap-0123456789abcdef0</snapshotId>
            <availabilityZone>{zone}</availabilityZone>
            <availabilityZoneId>use1-az4</availabilityZoneId>
            <status>in-use</status>
            <createTime>{launched}</createTime>
            <attachmentSet>
                <item>
                    <volumeId>{id}</volumeId>
                    <instanceId>{instance}</instanceId>
                    <device>{device}</device>
                    <status>attached</status>
                    <attachTime>{launched}</attachTime>
                    <deleteOnTermination>true</deleteOnTermination>
                </item>
            </attachmentSet>
            <tagSet>
                <item>
                    <key>Name</key>
                    <value>{name}</value>
                </item>
            </tagSet>
            <volumeType>gp3</volumeType>
            <iops>3000</iops>
            <encrypted>true</encrypted>
            <kmsKeyId>arn:aws:kms:{region}:{account}:key/1234abcd-12ab-34cd-56ef-1234567890ab</kmsKeyId>
            <multiAttachEnabled>false</multiAttachEnabled>
            <throughput>125</throughput>
            <operator>
                <managed>false</managed>
            </operator>
        </item>
"""
_SPOT_PRICE = """\
        <item>
            <instanceType>{type}</instanceType>
            <productDescription>Linux/UNIX</productDescription>
            <spotPrice>{price:.6f}</spotPrice>
            <timestamp>{since}</timestamp>
            <availabilityZone>{zone}</availabilityZone>
            <availabilityZoneId>use1-az4</availabilityZoneId>
        </item>
"""


@dataclass
class Rows:
    """Rows of one of a region's lists, as they stand in a reply, and which of them a filter lets pass."""

    texts: list[bytes] = field(default_factory=list)
    by_zone: dict[str, list[int]] = field(default_factory=dict)
    by_instance: dict[str, list[int]] = field(default_factory=dict)
    by_end: dict[str, list[int]] = field(default_factory=dict)

    def add(self, text: str, zone: str, instance: str) -> None:
        self.by_zone.setdefault(zone, []).append(len(self.texts))
        self.by_instance.setdefault(instance, []).append(len(self.texts))
        self.texts.append(text.encode())

    def chosen(self, zones: Sequence[str], instances: Sequence[str]) -> list[bytes]:
        """Those of these zones and instances; none named: of all."""
        if not zones and not instances:
            return self.texts
        found = [row for each in instances for row in self._of(each)]
        if zones:
            of_zones = [row for each in zones for row in self.by_zone.get(each, [])]
            found = sorted(set(found) & set(of_zones)) if instances else of_zones
        return [self.texts[row] for row in found]

    def _of(self, instance: str) -> list[int]:
        """The rows of an instance, or of all whose ids end as "i-*0" says."""
        if not instance.startswith("i-*"):
            return self.by_instance.get(instance, [])
        if instance not in self.by_end:
            rows = [row for each, of in self.by_instance.items() if each.endswith(instance[3:]) for row in of]
            self.by_end[instance] = rows
        return self.by_end[instance]


def page(action: str, of: str, rows: Sequence[bytes], start: int, size: int) -> bytes:
    """A page of a list; its token is where the next one starts."""
    end = min(start + size, len(rows))
    more = f"    <nextToken>{end}</nextToken>\n" if end < len(rows) else ""
    head = f"""<?xml version="1.0" encoding="UTF-8"?>
<{action}Response {_NAMESPACE}>
    <requestId>8f7724cf-496f-496e-8fe3-0a1b2c3d4e5f</requestId>
    <{of}>
"""
    tail = f"    </{of}>\n{more}</{action}Response>\n"
    return b"".join((head.encode(), *rows[start:end], tail.encode()))


def regions_reply(regions: Sequence[str]) -> bytes:
    rows = [
        f"""\
        <item>
            <regionName>{name}</regionName>
            <regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint>
            <optInStatus>opt-in-not-required</optInStatus>
        </item>
""".encode()
        for name in regions
    ]
    return page("DescribeRegions", "regionInfo", rows, 0, len(rows))


def identity_reply() -> bytes:
    return f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::{ACCOUNT}:user/bench</Arn>
    <UserId>AIDAEXAMPLEEXAMPLE123</UserId>
    <Account>{ACCOUNT}</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata>
    <RequestId>8f7724cf-496f-496e-8fe3-0a1b2c3d4e5f</RequestId>
  </ResponseMetadata>
</GetCallerIdentityResponse>
""".encode()


def products_reply(request: Mapping[str, Any]) -> bytes:
    """One product, with the terms for reserving it that a real reply has too. Every type is offered everywhere."""
    wanted = {each["Field"]: each["Value"] for each in request["Filters"]}
    micros = meter.hourly_micros(wanted["instanceType"], wanted["regionCode"]) or 500_000
    product = prices.product(wanted, micros)
    (on_demand,) = product["terms"]["OnDemand"].values()
    product["terms"]["Reserved"] = {f"SANDBOX.TERM{number:06}": on_demand for number in range(12)}
    return json.dumps({"FormatVersion": "aws_v1", "PriceList": [json.dumps(product)]}).encode()


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Region:
    """What runs in one region: `count` instances, all running, over three zones."""

    def __init__(self, name: str, number: int, count: int, now: datetime) -> None:
        self.name = name
        self.instances, self.volumes = Rows(), Rows()
        self.schedules: list[str] = []
        self._now = now
        for each in range(count):
            self._add(number * 1_000_000 + each)

    def _add(self, serial: int) -> None:
        key = f"{serial * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFFF:017x}"  # spread, as real ones are
        id = f"i-{key}"
        zone = self.name + _ZONES[serial % len(_ZONES)]
        hours = 30.0 if serial % _OLD_EVERY == 0 else 0.25 + serial % 60 / 60
        launched = _iso(self._now - timedelta(hours=hours))
        bytes_of = (serial >> 16 & 255, serial >> 8 & 255, serial & 255)
        private, public = (".".join(str(part) for part in (first, *bytes_of)) for first in (10, 203))
        name = f"trainer-{serial:08}"
        tags = [("Name", name), ("owner", f"team-{serial % 7}"), ("env", "research"), ("cost-centre", "4711")]
        if serial % _GUARDED_EVERY == 3:
            tags += [
                ("curfew:job", "digits"),
                ("curfew:deadline", f"{self._now + timedelta(hours=5):%Y-%m-%dT%H:%M:%SZ}"),
            ]
            self.schedules.append(f"curfew-{id}")
        disks = [("/dev/sda1", f"vol-{key}", 100)]
        if serial % _SECOND_DISK_EVERY == 0:
            disks.append(("/dev/sdb", f"vol-{key[::-1]}", 500))
        self.instances.add(
            _INSTANCE.format(
                key=key, key_short=key[:12], id=id, account=ACCOUNT, region=self.name, zone=zone,
                type=_TYPES[serial % len(_TYPES)], launched=launched, private=private, public=public,
                dashed=private.replace(".", "-"), public_dashed=public.replace(".", "-"),
                disks="".join(_DISK.format(device=device, id=disk, launched=launched) for device, disk, _ in disks),
                spot=_SPOT.format(key[:8]) if serial % _SPOT_EVERY == 0 else "",
                tags="".join(_TAG.format(*tag) for tag in tags),
            ),
            zone, id,
        )  # fmt: skip
        for device, disk, size in disks:
            self.volumes.add(
                _VOLUME.format(
                    id=disk, size=size, zone=zone, launched=launched, instance=id, device=device, name=name,
                    region=self.name, account=ACCOUNT,
                ),
                zone, id,
            )  # fmt: skip

    def spot_prices(self, types: Sequence[str], zones: Sequence[str], start: datetime) -> list[bytes]:
        """A price that changes every eight hours, from the one that was in force at the start."""
        rows = []
        step = timedelta(hours=8)
        for number, type in enumerate(types or _TYPES):
            for zone in zones or [self.name + letter for letter in _ZONES]:
                since = self._now - step / 2
                while True:
                    price = 0.05 + number / 20 + since.hour / 1000
                    text = _SPOT_PRICE.format(type=type, price=price, since=_iso(since), zone=zone)
                    rows.append(text.encode())
                    if since <= start:
                        break
                    since -= step
        return rows

    def zones_reply(self) -> bytes:
        rows = [
            f"""\
        <item>
            <zoneName>{self.name}{letter}</zoneName>
            <zoneState>available</zoneState>
            <regionName>{self.name}</regionName>
            <messageSet/>
            <optInStatus>opt-in-not-required</optInStatus>
            <zoneId>use1-az4</zoneId>
            <zoneType>availability-zone</zoneType>
            <groupName>{self.name}</groupName>
            <networkBorderGroup>{self.name}</networkBorderGroup>
        </item>
""".encode()
            for letter in _ZONES
        ]
        return page("DescribeAvailabilityZones", "availabilityZoneInfo", rows, 0, len(rows))


def account(regions: int, instances: int) -> dict[str, Region]:
    """The first so many regions, with the instances spread evenly over them."""
    now = datetime.now(UTC)
    names = REGIONS[:regions]
    return {
        name: Region(name, number, instances // regions + (number < instances % regions), now)
        for number, name in enumerate(names)
    }
