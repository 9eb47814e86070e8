"""Spot requests of instances that RunInstances launches, which moto has none for: EC2 makes one for each.

A persistent one goes back to `open` when its instance is terminated, unless it was cancelled before; the instance that EC2 would
launch for it then is not launched here.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.utils import random_spot_request_id


def give_request(instance: Any, persistent: bool) -> None:
    """Makes the request of a spot instance that was just launched."""
    request = SimpleNamespace(
        spot_instance_request_id=random_spot_request_id(),
        state="active",
        type="persistent" if persistent else "one-time",
        instance_id=instance.id,
    )
    instance.spot_instance_request_id = request.spot_instance_request_id
    _requests(instance.ec2_backend)[request.spot_instance_request_id] = request


def terminated(instance: Any) -> None:
    """To be told of each instance that is terminated."""
    request = _requests(instance.ec2_backend).get(getattr(instance, "spot_instance_request_id", None) or "")
    if request and request.state == "active":
        request.state = "open" if request.type == "persistent" else "closed"


def describe(self: Any) -> Any:
    """DescribeSpotInstanceRequests by their ids."""
    return ActionResult({"SpotInstanceRequests": _asked_for(self)})


def cancel(self: Any) -> Any:
    """CancelSpotInstanceRequests: its instance lives on."""
    cancelled = []
    for request in _asked_for(self):
        if request.state in ("open", "active"):
            request.state = "cancelled"
        cancelled.append({"SpotInstanceRequestId": request.spot_instance_request_id, "State": request.state})
    return ActionResult({"CancelledSpotInstanceRequests": cancelled})


def _requests(backend: Any) -> dict[str, Any]:
    if not hasattr(backend, "sandbox_spot_requests"):
        backend.sandbox_spot_requests = {}
    found: dict[str, Any] = backend.sandbox_spot_requests
    return found


def _asked_for(self: Any) -> list[Any]:
    known = _requests(self.ec2_backend)
    ids = self._get_param("SpotInstanceRequestIds", []) or list(known)
    if missing := [it for it in ids if it not in known]:
        raise EC2ClientError(
            "InvalidSpotInstanceRequestID.NotFound",
            f"The spot instance request ID '{missing[0]}' does not exist",
        )
    return [known[it] for it in ids]
