"""Spot prices by zone, as change points over 90 days: DescribeSpotPriceHistory, and what MaxPrice is compared with.

Made up, but always the same: the dated list's average saving, up to a fifth more or less in each zone but the first, and six
changes by up to a tenth. A test can change a price at any time.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import moto.ec2.responses.spot_instances as responses
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS, INSTANCE_TYPES

from sandbox import meter
from sandbox.patching import Replace

LINUX = "Linux/UNIX"
_PRODUCTS = {LINUX: 1.0, "Windows": 1.6}
_SAME_PRODUCT = " (Amazon VPC)"
_CHANGES = (-89.0, -60.0, -30.0, -7.0, -2.0, -0.25)  # days
_UNLISTED = 0.4  # of the on-demand price, for types that the list of savings lacks
_PAGE = 1000
Point = tuple[datetime, int]


class SpotPrices:
    def __init__(self, offered: Callable[[str, str], bool]) -> None:
        self._offered = offered
        self._lock = threading.Lock()
        self._born = datetime.now(UTC).replace(microsecond=0)
        self._set: dict[tuple[str, str, str], list[Point]] = {}

    def reset(self) -> None:
        with self._lock:
            self._set.clear()

    def set(
        self, instance_type: str, zone: str, dollars: float, ago: float = 0.0, product: str = LINUX
    ) -> None:
        point = (datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=ago), round(dollars * 1e6))
        with self._lock:
            self._set.setdefault((instance_type, zone, product), []).append(point)

    def _points(self, instance_type: str, zone: str, product: str = LINUX) -> list[Point]:
        """Oldest first; empty where there is no spot market. What a test has set holds from then on."""
        with self._lock:
            own = sorted(self._set.get((instance_type, zone, product), []))
        made = self._made_up(instance_type, zone, product)
        return [point for point in made if not own or point[0] < own[0][0]] + own

    def _made_up(self, instance_type: str, zone: str, product: str) -> list[Point]:
        region = zone.rstrip("abcdefghijklmnopqrstuvwxyz") if "-" in zone else zone
        base = meter.hourly_micros(instance_type, region, spot=True)
        if base is None:
            base = round((meter.hourly_micros(instance_type, region) or 0) * _UNLISTED)
        if not base or "spot" not in INSTANCE_TYPES.get(instance_type, {}).get("SupportedUsageClasses", []):
            return []
        seed = hashlib.sha256(f"{instance_type} {zone}".encode()).digest()
        level = base * _PRODUCTS[product] * (1.0 if zone.endswith("a") else 0.8 + 0.4 * seed[0] / 255)
        # The last price is the level itself, so that the first zone has the list's.
        swings = [1 + 0.2 * (each / 255 - 0.5) for each in seed[1 : len(_CHANGES)]] + [1.0]
        return [
            (self._born + timedelta(days=days), round(level * swing))
            for days, swing in zip(_CHANGES, swings, strict=True)
        ]

    def now(self, instance_type: str, zone: str) -> int | None:
        points = self._points(instance_type, zone)
        return points[-1][1] if points else None

    def set_by_test(self, instance_type: str, zone: str) -> int | None:
        with self._lock:
            own = sorted(self._set.get((instance_type, zone, LINUX), []))
        return own[-1][1] if own else None

    def refusal(self, instance_type: str, zone: str, most: str | None) -> EC2ClientError | None:
        """most: MaxPrice in dollars; without one it is the on-demand price."""
        price = self.now(instance_type, zone)
        if price is None or most is None or round(float(most) * 1e6) >= price:
            return None
        message = f"Your Spot request price of {most} is lower than the minimum required Spot request fulfillment price of "
        return EC2ClientError("SpotMaxPriceTooLow", f"{message}{_dollars(price)}.")

    def history(
        self,
        region: str,
        types: list[str],
        products: list[str],
        zones: list[str],
        start: datetime | None,
        end: datetime | None,
    ) -> list[dict[str, Any]]:
        """Newest first. AWS: with a start, the last change before it is there too."""
        rows = []
        wanted = {product.removesuffix(_SAME_PRODUCT) for product in products}
        for row in INSTANCE_TYPE_OFFERINGS["availability-zone"].get(region, []):
            instance_type, zone = row["InstanceType"], row["Location"]
            if (types and instance_type not in types) or (zones and zone not in zones):
                continue
            if not self._offered(instance_type, zone):
                continue
            for product in _PRODUCTS if not wanted else sorted(wanted & set(_PRODUCTS)):
                for when, price in _within(self._points(instance_type, zone, product), start, end):
                    rows.append((when, instance_type, zone, product, price))
        rows.sort(key=lambda each: each[1:4])
        rows.sort(key=lambda each: each[0], reverse=True)
        return [
            {
                "AvailabilityZone": zone,
                "InstanceType": instance_type,
                "ProductDescription": product,
                "SpotPrice": _dollars(price),
                "Timestamp": f"{when:%Y-%m-%dT%H:%M:%S.000Z}",
            }
            for when, instance_type, zone, product, price in rows
        ]


def _dollars(micros: int) -> str:
    return f"{micros / 1e6:.6f}"


def _within(points: list[Point], start: datetime | None, end: datetime | None) -> list[Point]:
    until = [point for point in points if end is None or point[0] <= end]
    if start is None:
        return until
    before = [point for point in until if point[0] < start]
    return before[-1:] + [point for point in until if point[0] >= start]


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    read = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def install(prices: SpotPrices, replace: Replace) -> None:
    def describe(self: Any) -> ActionResult:
        ask, filters = self._get_param, dict(self._filters_from_querystring())

        def chosen(name: str, given: list[str]) -> list[str]:
            """AWS: a parameter and a filter must both hold."""
            limit = filters.pop(name, None)
            if limit is None:
                return given
            return [each for each in limit if not given or each in given] or ["none"]

        types = chosen("instance-type", ask("InstanceTypes", []))
        products = chosen("product-description", ask("ProductDescriptions", []))
        zones = chosen("availability-zone", [zone] if (zone := ask("AvailabilityZone")) else [])
        if filters:
            raise EC2ClientError(
                "InvalidParameterValue", f"The filter '{next(iter(filters))}' is not known here."
            )
        if zones and zones != ["none"] and not all(zone.startswith(self.region) for zone in zones):
            raise EC2ClientError("InvalidParameterValue", f"Invalid availability zone: [{zones[0]}]")
        rows = prices.history(
            self.region, types, products, zones, _time(ask("StartTime")), _time(ask("EndTime"))
        )
        first, size = _token(ask("NextToken")), int(ask("MaxResults") or _PAGE)
        last = first + min(max(size, 1), _PAGE)
        token = base64.urlsafe_b64encode(f"from {last}".encode()).decode() if last < len(rows) else ""
        return ActionResult({"SpotPriceHistory": rows[first:last], "NextToken": token})

    replace(responses.SpotInstances, "describe_spot_price_history", describe)


def _token(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("from "))
    except ValueError as error:
        raise EC2ClientError("InvalidParameterValue", f"Unable to parse pagination token {token}") from error
