"""Where there is capacity: zones that offer a type, pools that a test has emptied, and RunInstances' refusals.

A pool is an instance type in a zone, on demand or spot. AWS: "Troubleshoot Amazon EC2 instance launch issues".
"""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instance_types import (
    INSTANCE_TYPE_OFFERINGS,
    INSTANCE_TYPES,
    InstanceTypeOfferingBackend,
)

from sandbox.patching import Replace

NO_CAPACITY = "InsufficientInstanceCapacity"
NOT_OFFERED = "Unsupported"
# EC2 answers these with 500, so that clients repeat the call; the other refusals with 400.
SERVER_ERRORS = (NO_CAPACITY, "InsufficientHostCapacity", "InsufficientCapacity")


@dataclass
class Rule:
    """Shell patterns for the pools; left: how many instances they still give. code Unsupported: the type isn't offered."""

    id: int
    instance_type: str = "*"
    zone: str = "*"
    market: str = "*"
    code: str = NO_CAPACITY
    left: int = 0

    def matches(self, instance_type: str, zone: str, market: str) -> bool:
        return (
            fnmatch.fnmatchcase(instance_type, self.instance_type)
            and fnmatch.fnmatchcase(zone, self.zone)
            and fnmatch.fnmatchcase(market, self.market)
        )


class Capacity:
    """spot_refusal(type, zone, most) → an error where the most that is offered for spot is too little there."""

    def __init__(self, spot_refusal: Callable[[str, str, str | None], EC2ClientError | None]) -> None:
        self._spot_refusal = spot_refusal
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._next = 1

    def add(self, **fields: Any) -> int:
        with self._lock:
            rule, self._next = Rule(self._next, **fields), self._next + 1
            if rule.market not in ("*", "spot", "on-demand"):
                raise ValueError(f"market is spot or on-demand, not {rule.market!r}")
            self._rules.append(rule)
        return rule.id

    def clear(self, number: int | None = None) -> None:
        with self._lock:
            self._rules = [rule for rule in self._rules if number not in (None, rule.id)]

    def _rule(self, instance_type: str, zone: str, market: str, count: int) -> Rule | None:
        with self._lock:
            for rule in self._rules:
                if rule.matches(instance_type, zone, market) and rule.left < count:
                    return rule
        return None

    def offered(self, instance_type: str, zone: str) -> bool:
        """What a test has taken out of the offerings; on demand and spot alike."""
        with self._lock:
            return not any(
                rule.code == NOT_OFFERED and rule.market == "*" and rule.matches(instance_type, zone, "")
                for rule in self._rules
            )

    def install(self, replace: Replace) -> None:
        """DescribeInstanceTypeOfferings without what a test has taken out, and with EC2's wildcards in its filters."""

        def offerings(backend: Any, location_type: str | None = None, filters: Any = None) -> list[Any]:
            kind, region = location_type or "region", backend.region_name
            rows = INSTANCE_TYPE_OFFERINGS[kind].get(region, [])
            return [
                row for row in rows if _chosen(row, filters or {}) and self._is_offered(row, kind, region)
            ]

        replace(InstanceTypeOfferingBackend, "describe_instance_type_offerings", offerings)

    def _is_offered(self, row: dict[str, Any], kind: str, region: str) -> bool:
        if kind == "availability-zone":
            return self.offered(row["InstanceType"], row["Location"])
        return (
            kind != "region" or not self._is_by_zone(region) or bool(self._zones(row["InstanceType"], region))
        )

    @staticmethod
    def _is_by_zone(region: str) -> bool:
        return region in INSTANCE_TYPE_OFFERINGS["availability-zone"]

    def _zones(self, instance_type: str, region: str) -> list[str]:
        rows = INSTANCE_TYPE_OFFERINGS["availability-zone"].get(region, [])
        zones = {row["Location"] for row in rows if row["InstanceType"] == instance_type}
        return sorted(zone for zone in zones if self.offered(instance_type, zone))

    def place(
        self, instance_type: str, region: str, zone: str | None, spot: bool, most: str | None, count: int
    ) -> str | None:
        """The zone of a launch, or the refusal. zone: what was asked for; None: EC2 chooses. None as the answer: no say."""
        if instance_type not in INSTANCE_TYPES or not self._is_by_zone(region):
            return zone
        if zone and zone not in {
            row["Location"] for row in INSTANCE_TYPE_OFFERINGS["availability-zone"][region]
        }:
            raise EC2ClientError("InvalidParameterValue", f"Invalid availability zone: [{zone}]")
        market = "spot" if spot else "on-demand"
        zones = self._zones(instance_type, region)
        if not zones or market not in INSTANCE_TYPES[instance_type].get("SupportedUsageClasses", [market]):
            raise EC2ClientError(
                NOT_OFFERED,
                "The requested configuration is currently not supported. Please check the documentation for supported "
                "configurations.",
            )
        if zone and zone not in zones:
            raise EC2ClientError(
                NOT_OFFERED,
                f"Your requested instance type ({instance_type}) is not supported in your requested Availability Zone "
                f"({zone}). Please retry your request by not specifying an Availability Zone or choosing "
                f"{', '.join(zones)}.",
            )
        refusals: dict[str, EC2ClientError] = {}
        for each in [zone] if zone else zones:
            refusal = self._refusal(instance_type, each, market, most, count, zones)
            if refusal is None:
                return each
            refusals[each] = refusal
        raise next(iter(refusals.values()))

    def _refusal(
        self, instance_type: str, zone: str, market: str, most: str | None, count: int, zones: list[str]
    ) -> EC2ClientError | None:
        if rule := self._rule(instance_type, zone, market, count):
            return EC2ClientError(rule.code, _message(rule.code, instance_type, zone, market, zones))
        return self._spot_refusal(instance_type, zone, most) if market == "spot" else None

    def took(self, instance_type: str, zone: str, market: str, count: int) -> None:
        with self._lock:
            for rule in self._rules:
                if rule.matches(instance_type, zone, market):
                    rule.left = max(0, rule.left - count)


def _chosen(row: dict[str, Any], filters: dict[str, list[str]]) -> bool:
    names = {"location": "Location", "instance-type": "InstanceType"}
    for name, patterns in filters.items():
        if name not in names:
            raise EC2ClientError("InvalidParameterValue", f"The filter '{name}' is invalid")
        if not any(fnmatch.fnmatchcase(row[names[name]], pattern) for pattern in patterns):
            return False
    return True


def _message(code: str, instance_type: str, zone: str, market: str, zones: list[str]) -> str:
    if code != NO_CAPACITY:
        return f"{code}: made to fail by the sandbox"
    if market == "spot":
        return "There is no Spot capacity available that matches your request."
    others = ", ".join(each for each in zones if each != zone) or "another one"
    return (
        f"We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested ({zone}). "
        "Our system will be working on provisioning additional capacity. You can currently get "
        f"{instance_type} capacity by not specifying an Availability Zone in your request or choosing {others}."
    )
