"""What EC2 checks of a launch and moto doesn't, and the seconds until a new instance is known everywhere."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Callable
from datetime import UTC
from typing import Any

from moto.ec2.exceptions import EC2ClientError, InvalidInstanceIdError
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import InstanceBackend
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.responses.tags import TagResponse
from moto.iam.models import iam_backends

from sandbox import parameters
from sandbox.capacity import Capacity
from sandbox.patching import Replace
from sandbox.quotas import Quotas

Ask = Callable[..., Any]
_TOKEN = re.compile(r"[\x21-\x7e]{1,64}")
_TAG_IN_IMDS = re.compile(r"[0-9a-zA-Z\-_+=,.@:]{1,255}")
_FITS_IMDS = "Tag keys must match pattern ([0-9a-zA-Z\\\\-_+=,.@:]{1,255}), and must not be a reserved name ('.', '..', '_index')"


def _refuse(code: str, message: str) -> EC2ClientError:
    return EC2ClientError(code, message)


def _invalid(what: str, value: Any, why: str) -> EC2ClientError:
    return _refuse("InvalidParameterValue", f"Value ({value}) for parameter {what} is invalid. {why}")


class Launches:
    def __init__(self, quotas: Quotas, capacity: Capacity) -> None:
        self._quotas, self._capacity = quotas, capacity
        self.reset()

    def reset(self) -> None:
        self.visible_after = 0.0  # until DescribeInstances and the others know a new instance
        self.iam_delay = 0.0  # until a new instance profile can be used

    def check(self, response: Any, ask: Ask) -> None:
        """What EC2 refuses of the request as such; DryRun does that too."""
        if (token := ask("ClientToken")) and not _TOKEN.fullmatch(token):
            raise _invalid("clientToken", token, "At most 64 printable ASCII characters.")
        behavior = ask("InstanceInitiatedShutdownBehavior")
        if behavior not in (None, "stop", "terminate"):
            raise _invalid("InstanceInitiatedShutdownBehavior", behavior, "It is stop or terminate.")
        backend = response.ec2_backend
        if key := ask("KeyName"):
            backend.describe_key_pairs(key_names=[key])
        if (kind := ask("InstanceType")) and kind not in INSTANCE_TYPES:
            raise _refuse("InvalidParameterValue", f"Invalid value '{kind}' for InstanceType.")
        if ask("NetworkInterfaces") and (ask("SecurityGroupIds") or ask("SecurityGroups")):
            raise _refuse(
                "InvalidParameterCombination",
                "Network interfaces and an instance-level security groups may not be specified on the same request",
            )
        self._check_profile(response, ask)
        _check_spot(ask)
        _check_tags(ask)
        if ask("ImageId"):
            (image, *_) = backend.describe_images(ami_ids=[ask("ImageId")])
            _check_image(image, ask)

    def _check_profile(self, response: Any, ask: Ask) -> None:
        profiles = iam_backends[response.current_account][response.partition].get_instance_profiles()
        for field, known_as in (("Name", "name"), ("Arn", "arn")):
            wanted = ask(f"IamInstanceProfile.{field}")
            if not wanted:
                continue
            found = next((each for each in profiles if getattr(each, known_as) == wanted), None)
            age = time.time() - found.create_date.replace(tzinfo=UTC).timestamp() if found else -1.0
            if age < self.iam_delay:
                why = f"Invalid IAM Instance Profile {field if field == 'Arn' else 'name'}"
                raise _invalid(f"iamInstanceProfile.{known_as}", wanted, why.replace("Arn", "ARN"))

    def admit(self, response: Any, ask: Ask, count: int) -> str | None:
        """Quota and capacity, for a launch that is meant; returns the zone that EC2 chooses where none is asked for."""
        instance_type = ask("InstanceType")
        if not instance_type:
            return None
        spot = ask("InstanceMarketOptions.MarketType") == "spot"
        backend, region = response.ec2_backend, response.region
        self._quotas.check(instance_type, spot, count, region, backend.all_instances())
        subnet_id = ask("SubnetId") or next(
            (each["SubnetId"] for each in ask("NetworkInterfaces", []) if "SubnetId" in each), None
        )
        zone = (
            backend.get_subnet(subnet_id).availability_zone
            if subnet_id
            else ask("Placement.AvailabilityZone")
        )
        most = ask("InstanceMarketOptions.SpotOptions.MaxPrice")
        chosen = self._capacity.place(instance_type, region, zone, spot, most, count)
        return None if zone else chosen

    def launched(self, instances: list[Any]) -> None:
        for it in instances:
            it.sandbox_born = time.monotonic()
            market = "spot" if it.lifecycle == "spot" else "on-demand"
            self._capacity.took(it.instance_type, it._placement.zone, market, 1)

    def hidden(self, instance: Any) -> bool:
        born = getattr(instance, "sandbox_born", None)
        return born is not None and time.monotonic() - born < self.visible_after


def _check_spot(ask: Ask) -> None:
    if ask("InstanceMarketOptions.MarketType") != "spot":
        return
    prefix = "InstanceMarketOptions.SpotOptions."
    persistent = ask(prefix + "SpotInstanceType") == "persistent"
    interruption = ask(prefix + "InstanceInterruptionBehavior")
    if interruption in ("stop", "hibernate") and not persistent:
        message = f"The interruption behavior {interruption} is for persistent Spot Instance requests only."
        raise _refuse("InvalidParameterCombination", message)
    price = ask(prefix + "MaxPrice")
    if price is not None and (not re.fullmatch(r"\d{1,6}(\.\d{1,10})?", str(price)) or float(price) <= 0):
        raise _invalid("maxPrice", price, "It is a number of dollars above 0.")


def _check_tags(ask: Ask) -> None:
    in_imds = ask("MetadataOptions.InstanceMetadataTags") == "enabled"
    for spec in ask("TagSpecifications", []):
        for tag in spec.get("Tags", []):
            key, value = str(tag.get("Key", "")), str(tag.get("Value", ""))
            if key.startswith("aws:") or not 1 <= len(key) <= 128 or len(value) > 256:
                raise _invalid(
                    "tag", key, "Keys have 1 to 128 characters and do not begin with aws:, values up to 256."
                )
            if in_imds and spec.get("ResourceType") == "instance" and not _fits_imds(key):
                raise _refuse("InvalidParameterValue", f"'{key}' is not a valid tag key. {_FITS_IMDS}")


def _fits_imds(key: str) -> bool:
    return bool(_TAG_IN_IMDS.fullmatch(key)) and key not in (".", "..", "_index")


def _check_image(image: Any, ask: Ask) -> None:
    known = INSTANCE_TYPES.get(ask("InstanceType"), {})
    architectures = known.get("ProcessorInfo", {}).get("SupportedArchitectures")
    if architectures and image.architecture not in architectures:
        raise _refuse(
            "InvalidParameterValue",
            f"The architecture '{','.join(architectures)}' of the specified instance type does not match the architecture "
            f"'{image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching "
            "architectures, and try again.",
        )
    least = parameters.smallest_root(image.id)
    for mapping in ask("BlockDeviceMappings", []):
        ebs = mapping.get("Ebs", {})
        size = ebs.get("VolumeSize")
        if mapping.get("DeviceName") == image.root_device_name and least and size and int(size) < least:
            raise _refuse(
                "InvalidBlockDeviceMapping",
                f"Volume of size {size}GB is smaller than snapshot '{image.ebs_snapshot.id}', expect size >= {least}GB",
            )


# New instances that are not known everywhere yet.

_KNOWING = (
    (InstanceResponse, "describe_instances"),
    (InstanceResponse, "describe_instance_status"),
    (InstanceResponse, "describe_instance_attribute"),
    (InstanceResponse, "modify_instance_attribute"),
    (InstanceResponse, "terminate_instances"),
    (InstanceResponse, "stop_instances"),
    (InstanceResponse, "start_instances"),
    (InstanceResponse, "reboot_instances"),
    (TagResponse, "create_tags"),
    (TagResponse, "delete_tags"),
)


def install(launches: Launches, replace: Replace) -> None:
    def not_before_it_is_known(respond: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def method(self: Any) -> Any:
            ask = self._get_param
            asked = [*ask("InstanceIds", []), *ask("Resources", []), ask("InstanceId")]
            for each in asked:
                found = self.ec2_backend.get_instance_by_id(each) if str(each).startswith("i-") else None
                if found and launches.hidden(found):
                    raise InvalidInstanceIdError(each)
            return respond(self)

        return method

    for kind, verb in _KNOWING:
        replace(kind, verb, not_before_it_is_known(getattr(kind, verb)))
    describe = InstanceBackend.describe_instances

    def describe_known(self: Any, filters: Any = None) -> Any:
        found = []
        for reservation in describe(self, filters):
            kept = [it for it in reservation.instances if not launches.hidden(it)]
            if len(kept) < len(reservation.instances):
                reservation = copy.copy(reservation)
                reservation.instances = kept
            if kept:
                found.append(reservation)
        return found

    replace(InstanceBackend, "describe_instances", describe_known)
