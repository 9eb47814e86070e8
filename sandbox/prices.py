"""The Pricing API's GetProducts, which moto doesn't know: on-demand prices of Linux by the dated list in data/."""

from __future__ import annotations

import json
from typing import Any

from sandbox import meter


def answer(op: str, request: dict[str, Any], region: str) -> dict[str, Any] | None:
    return get_products(request) if op == "GetProducts" else None


def get_products(request: dict[str, Any]) -> dict[str, Any]:
    """The reply's document: one product, as AWS writes it in text within the JSON, or none."""
    wanted = {each["Field"]: each["Value"] for each in request.get("Filters", [])}
    price = meter.hourly_micros(wanted.get("instanceType", ""), wanted.get("regionCode", ""))
    known = price is not None and wanted.get("operation") == "RunInstances"
    return {"FormatVersion": "aws_v1", "PriceList": [json.dumps(product(wanted, price))] if known else []}


def product(wanted: dict[str, str], price: int | None) -> dict[str, Any]:
    sku, term, rate = "SANDBOX", "SANDBOX.JRTCKXETXF", "SANDBOX.JRTCKXETXF.6YS6EN2CT7"
    dimension = {
        "unit": "Hrs",
        "beginRange": "0",
        "endRange": "Inf",
        "rateCode": rate,
        "appliesTo": [],
        "description": "On Demand Linux Instance Hour",
        "pricePerUnit": {"USD": f"{(price or 0) / 1e6:.10f}"},
    }
    attributes = {"servicecode": "AmazonEC2", "licenseModel": "No License required", "tenancy": "Shared"}
    return {
        "serviceCode": "AmazonEC2",
        "product": {
            "productFamily": "Compute Instance",
            "sku": sku,
            "attributes": {**attributes, **wanted},
        },
        "terms": {
            "OnDemand": {
                term: {
                    "sku": sku,
                    "offerTermCode": "JRTCKXETXF",
                    "effectiveDate": "2025-05-01T00:00:00Z",
                    "termAttributes": {},
                    "priceDimensions": {rate: dimension},
                }
            }
        },
    }
