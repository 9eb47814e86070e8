"""Service Quotas for EC2's vCPUs, which moto doesn't know, and RunInstances' refusals beyond them.

AWS: "Amazon EC2 instance type quotas": vCPUs by family and market, in each region. A new account has 5 for the standard
families and 0 for all others; the sandbox begins as an account that has asked for more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instance_types import INSTANCE_TYPES

from sandbox.faults import ApiError

ASKED_FOR = 100_000.0
_PAGE = 100
_COUNTED = ("pending", "running")


@dataclass(frozen=True)
class Quota:
    """families: a pattern for what stands before an instance type's first digit or dash, or the whole family."""

    code: str
    name: str
    spot: bool
    families: str
    new: float = 0.0


_STANDARD = "[acdhimrtz]|im|is"
QUOTAS = (
    Quota(
        "L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", False, _STANDARD, 5
    ),
    Quota("L-DB2E81BA", "Running On-Demand G and VT instances", False, "g|gr|vt"),
    Quota("L-417A185B", "Running On-Demand P instances", False, "p"),
    Quota("L-74FC7D96", "Running On-Demand F instances", False, "f"),
    Quota("L-7295265B", "Running On-Demand X instances", False, "x"),
    Quota("L-1945791B", "Running On-Demand Inf instances", False, "inf"),
    Quota("L-2C3B7624", "Running On-Demand Trn instances", False, "trn"),
    Quota("L-6E869C2A", "Running On-Demand DL instances", False, "dl"),
    Quota("L-F7808C92", "Running On-Demand HPC instances", False, "hpc"),
    Quota("L-43DA4232", "Running On-Demand High Memory instances", False, "u"),
    Quota(
        "L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", True, _STANDARD, 5
    ),
    Quota("L-3819A6DF", "All G and VT Spot Instance Requests", True, "g|gr|vt"),
    Quota("L-7212CCBC", "All P4, P3 and P2 Spot Instance Requests", True, "p[234].*"),
    Quota("L-C4BD4855", "All P5 Spot Instance Requests", True, "p5.*"),
    Quota("L-88CF9481", "All F Spot Instance Requests", True, "f"),
    Quota("L-E3A00192", "All X Spot Instance Requests", True, "x"),
    Quota("L-B5D1601B", "All Inf Spot Instance Requests", True, "inf"),
    Quota("L-6B0D517C", "All Trn Spot Instance Requests", True, "trn"),
    Quota("L-85EED4F7", "All DL Spot Instance Requests", True, "dl"),
)
_BY_CODE = {quota.code: quota for quota in QUOTAS}


def quota_of(instance_type: str, spot: bool) -> Quota | None:
    """None: EC2 limits that type in another way (Macs), or by a quota that is not known here."""
    family = instance_type.partition(".")[0]
    letters = (re.match(r"[a-z]+", family) or [""])[0]
    for quota in QUOTAS:
        if quota.spot is spot and any(re.fullmatch(quota.families, word) for word in (letters, family)):
            return quota
    return None


def vcpus(instance_type: str) -> int:
    return int(INSTANCE_TYPES.get(instance_type, {}).get("VCpuInfo", {}).get("DefaultVCpus", 0))


class Quotas:
    def __init__(self) -> None:
        self.reset()

    def reset(self, new_account: bool = False) -> None:
        self._values: dict[tuple[str | None, str], float] = {}
        self._new = new_account

    def set(self, code: str, value: float, region: str | None = None) -> None:
        if code not in _BY_CODE:
            raise ValueError(f"no such quota: {code}; there are {', '.join(_BY_CODE)}")
        self._values[region, code] = value

    def value(self, code: str, region: str) -> float:
        whole = _BY_CODE[code].new if self._new else ASKED_FOR
        return self._values.get((region, code), self._values.get((None, code), whole))

    def check(
        self, instance_type: str, spot: bool, count: int, region: str, instances: Iterable[Any]
    ) -> None:
        """Refuses what would go beyond the quota, with all that runs counted in."""
        quota = quota_of(instance_type, spot)
        if quota is None:
            return
        used = sum(
            vcpus(it.instance_type)
            for it in instances
            if it.state in _COUNTED and quota_of(it.instance_type, it.lifecycle == "spot") is quota
        )
        limit = self.value(quota.code, region)
        if used + count * vcpus(instance_type) <= limit:
            return
        if spot:
            raise EC2ClientError("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
        raise EC2ClientError(
            "VcpuLimitExceeded",
            f"You have requested more vCPU capacity than your current vCPU limit of {limit:.0f} allows for the instance "
            "bucket that the specified instance type belongs to. Please visit "
            "http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.",
        )

    # The API.

    def answer(self, op: str, request: dict[str, Any], region: str) -> dict[str, Any] | None:
        """The reply to an operation on EC2's quotas; None: not one of those."""
        if op not in (
            "GetServiceQuota",
            "GetAWSDefaultServiceQuota",
            "ListServiceQuotas",
            "ListAWSDefaultServiceQuotas",
        ):
            return None
        if request.get("ServiceCode") != "ec2":
            return None
        default = "Default" in op
        if op.startswith("List"):
            return self._page(request, region, default)
        code = request.get("QuotaCode")
        if code not in _BY_CODE:
            raise ApiError(
                "NoSuchResourceException", 400, f"The request failed because the quota {code} does not exist."
            )
        return {"Quota": self._document(_BY_CODE[code], region, default)}

    def _page(self, request: dict[str, Any], region: str, default: bool) -> dict[str, Any]:
        token, size = request.get("NextToken"), int(request.get("MaxResults") or _PAGE)
        if not 1 <= size <= _PAGE:
            raise ApiError("IllegalArgumentException", 400, f"MaxResults is from 1 to {_PAGE}.")
        if token is not None and not re.fullmatch(r"page-\d{1,6}", token):
            raise ApiError("InvalidPaginationTokenException", 400, "Invalid input was provided.")
        first = int(token.removeprefix("page-")) if token else 0
        rows = [self._document(quota, region, default) for quota in QUOTAS[first : first + size]]
        more = {"NextToken": f"page-{first + size}"} if first + size < len(QUOTAS) else {}
        return {"Quotas": rows, **more}

    def _document(self, quota: Quota, region: str, default: bool) -> dict[str, Any]:
        account = "" if default else "123456789012"
        return {
            "ServiceCode": "ec2",
            "ServiceName": "Amazon Elastic Compute Cloud (Amazon EC2)",
            "QuotaArn": f"arn:aws:servicequotas:{region}:{account}:ec2/{quota.code}",
            "QuotaCode": quota.code,
            "QuotaName": quota.name,
            "Value": quota.new if default else self.value(quota.code, region),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }
