"""Where moto differs from EC2 in what matters to a guard of instances, it is put right here, by replacing methods.

Each replacement says what EC2 does. The instances' states are not here but in life.py.
"""

from __future__ import annotations

import fnmatch
import random
import threading
from collections.abc import Callable
from typing import Any

import moto.ec2.models.core as tagging
import moto.ec2.models.elastic_network_interfaces as interfaces
import moto.ec2.models.instances as models
import moto.ec2.responses.instances as responses
import moto.ec2.responses.spot_instances as spot_responses
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2 import utils
from moto.ec2.exceptions import EC2ClientError, InvalidInstanceIdError, OperationNotPermitted4

from sandbox import faults, parameters, spot, userdata
from sandbox.capacity import SERVER_ERRORS
from sandbox.launches import Launches
from sandbox.patching import replace as _replace

Hook = Callable[[models.Instance, str | None], None]
Lives = Callable[[str], Any]
ORIGINAL: dict[str, Any] = {
    "terminate": models.Instance.terminate,
    "stop": models.Instance.stop,
    "start": models.Instance.start,
    "reboot": models.Instance.reboot,
}
_run_instances = models.InstanceBackend.run_instances
_stop_instances = models.InstanceBackend.stop_instances
_passes_filter_dict = utils.passes_filter_dict
_respond_run = responses.InstanceResponse.run_instances
_respond_modify = responses.InstanceResponse.modify_instance_attribute
_respond_attribute = responses.InstanceResponse.describe_instance_attribute
_respond_terminate = responses.InstanceResponse.terminate_instances
_respond_stop = responses.InstanceResponse.stop_instances
_parse_block_devices = responses.InstanceResponse._parse_block_device_mapping
_tokens: dict[tuple[str, ...], tuple[dict[str, Any], Any]] = {}
_launches: Launches
_lock = threading.RLock()
_force = threading.local()

_FILTERS: dict[str, Callable[[Any], str]] = {
    "instance-lifecycle": lambda it: it.lifecycle or "",
    "instance-state-code": lambda it: str(it.state_code),
    "availability-zone": lambda it: it._placement.zone or "",
    "launch-time": lambda it: it.launch_time.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
    "client-token": lambda it: it.client_token or "",
    "instance-type": lambda it: it.instance_type,
    "reservation-id": lambda it: getattr(it, "sandbox_reservation", ""),
    "instance-state-name": lambda it: it.state,
}


def install(launched: Hook, lives: Lives, launches: Launches) -> None:
    """launched(instance, client token) is called for each new instance; lives(id) finds what looks after one."""
    global _launches
    _launches = launches
    _replace(tagging.TaggedEC2Resource, "get_tags", _get_tags)
    _replace(utils, "passes_filter_dict", _passes)
    _replace(
        interfaces, "random_public_ip", lambda: f"203.0.113.{random.randrange(1, 255)}"
    )  # moto's are somebody's
    _replace(responses.InstanceResponse, "run_instances", _idempotent_run)
    _replace(responses.InstanceResponse, "modify_instance_attribute", _modify)
    _replace(responses.InstanceResponse, "describe_instance_attribute", _describe_attribute)
    _replace(
        responses.InstanceResponse,
        "terminate_instances",
        _with_force(_respond_terminate, "TerminatingInstances"),
    )
    _replace(responses.InstanceResponse, "stop_instances", _with_force(_respond_stop, "StoppingInstances"))
    _replace(responses.InstanceResponse, "_parse_block_device_mapping", _block_devices)
    _replace(models.Instance, "setup_defaults", _root_volume)
    # Every image here is a Linux; moto says nothing of it.
    for name, value in (("platform_details", "Linux/UNIX"), ("usage_operation", "RunInstances")):
        setattr(models.Instance, name, value)
    _replace(models.InstanceBackend, "terminate_instances", _terminate_all)

    _replace(spot_responses.SpotInstances, "describe_spot_instance_requests", spot.describe)
    _replace(spot_responses.SpotInstances, "cancel_spot_instance_requests", spot.cancel)

    def run(self: Any, image_id: str, count: int, user_data: Any, groups: list[str], **options: Any) -> Any:
        template = (
            self._get_template_from_args(options["launch_template"]).data
            if options.get("launch_template")
            else {}
        )
        reservation = _run_instances(self, image_id, count, user_data, groups, **options)
        for it in reservation.instances:
            it.sandbox_reservation = reservation.id
            _apply_template(it, template, options)
            _ensure_root_volume(it)
            launched(it, options.get("client_token"))
        return reservation

    def stop_all(self: Any, instance_ids: list[str]) -> Any:
        for it in self.get_multi_instances_by_id(instance_ids):
            if getattr(it, "sandbox_one_time", False):
                message = (
                    f"You can't stop the Spot Instance '{it.id}' because its request is a one-time request."
                )
                raise EC2ClientError("UnsupportedOperation", message)
        return _stop_instances(self, instance_ids)

    def end(goal: str) -> Callable[[Any], Any]:
        def method(it: Any) -> Any:
            if goal == "terminate":
                spot.terminated(it)
            life = lives(it.id)
            return life.end(goal, force=getattr(_force, "on", False)) if life else ORIGINAL[goal](it)

        return method

    def start(it: Any) -> Any:
        life = lives(it.id)
        if it.state in ("running", "pending"):
            return it._state
        if it.state != "stopped":
            raise EC2ClientError(
                "IncorrectInstanceState",
                f"The instance '{it.id}' is not in a state from which it can be started.",
            )
        return life.start() if life else ORIGINAL["start"](it)

    _replace(models.InstanceBackend, "run_instances", run)
    _replace(models.InstanceBackend, "stop_instances", stop_all)
    _replace(models.Instance, "terminate", end("terminate"))
    _replace(models.Instance, "stop", end("stop"))
    _replace(models.Instance, "start", start)
    _replace(models.Instance, "reboot", lambda it: lives(it.id).reboot())


def _get_tags(self: Any) -> list[dict[str, str]]:
    """moto scans every tag of the region for each instance, which makes a sweep quadratic."""
    tags = dict(self.ec2_backend.tags.get(self.id) or {}) if self.id else {}
    kind = utils.EC2_PREFIX_TO_RESOURCE.get(utils.get_prefix(self.id), "") if tags else ""
    return [
        {"resource_id": self.id, "key": key, "value": value, "resource_type": kind}
        for key, value in tags.items()
    ]


def _passes(instance: Any, filters: dict[str, Any]) -> bool:
    """Filters that moto lacks, or matches without the wildcards that EC2 has."""
    rest = {}
    for name, values in filters.items():
        if name in _FILTERS:
            value = _FILTERS[name](instance)
            if not any(fnmatch.fnmatchcase(value, str(pattern).replace("[", "[[]")) for pattern in values):
                return False
        else:
            rest[name] = values
    return bool(_passes_filter_dict(instance, rest))


def _idempotent_run(self: Any) -> Any:
    """One ClientToken, one launch (per zone where one is named, else per region); MaxCount; protection at launch."""
    body = {key: value for key, value in self.data.items()}
    ask = self._get_param
    token = ask("ClientToken")
    scope = ask("Placement.AvailabilityZone") or ask("SubnetId") or self.region
    key = (self.current_account, self.region, str(scope), str(token))
    least, most = int(ask("MinCount") or 1), int(ask("MaxCount") or ask("MinCount") or 1)
    if most < least:
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Value ({least}) for parameter minCount is invalid. It must not exceed maxCount ({most}).",
        )
    if len(userdata.decode(ask("UserData"))) > userdata.MAX_BYTES:
        raise EC2ClientError("InvalidParameterValue", "User data is limited to 16384 bytes")
    _check_spot(ask)
    _launches.check(self, ask)
    if ask("DryRun"):
        return _respond_run(self)
    with _lock:
        if token and key in _tokens:
            before, answer = _tokens[key]
            if before != body:
                message = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
                raise EC2ClientError("IdempotentParameterMismatch", message)
            return ActionResult(answer)
        try:
            zone = _launches.admit(self, ask, most)
        except EC2ClientError as error:
            if error.code not in SERVER_ERRORS:
                raise
            return server_error(error)
        instead = {"MinCount": most} | ({"Placement.AvailabilityZone": zone} if zone else {})
        self._get_param = lambda name, *more, **options: instead.get(name) or ask(name, *more, **options)
        response = _respond_run(self)
        result: Any = response.result
        _launches.launched(result.instances)
        profile = {
            "iam_instance_profile_name": ask("IamInstanceProfile.Name"),
            "iam_instance_profile_arn": ask("IamInstanceProfile.Arn"),
        }
        for number, it in enumerate(result.instances):
            it.sandbox_one_time = _one_time_spot(ask)
            if ask("InstanceMarketOptions.MarketType") == "spot":
                spot.give_request(it, persistent=not it.sandbox_one_time)
            if it.sandbox_one_time and not ask("InstanceInitiatedShutdownBehavior"):
                it.instance_initiated_shutdown_behavior = "terminate"
            it.disable_api_termination = str(ask("DisableApiTermination")).lower() == "true"
            given = {name: value for name, value in profile.items() if value}
            if number and given:
                self.ec2_backend.associate_iam_instance_profile(instance_id=it.id, **given)
        if token:
            _tokens[key] = (body, result)
        return response


def server_error(error: EC2ClientError) -> tuple[str, dict[str, Any]]:
    """An error that EC2 answers with 500 and clients repeat; moto knows 400 only."""
    call = faults.Call("ec2", "RunInstances", "", "/", None)
    fault = faults.Fault("error", code=error.code, status=500, message=error.message)
    status, _, body = faults.error_reply(fault, call)
    return body.decode(), {"status": status}


def _one_time_spot(ask: Callable[..., Any]) -> bool:
    persistent = ask("InstanceMarketOptions.SpotOptions.SpotInstanceType") == "persistent"
    return bool(ask("InstanceMarketOptions.MarketType") == "spot" and not persistent)


def _check_spot(ask: Callable[..., Any]) -> None:
    """What EC2 refuses of one-time spot instances: to be stopped by a power-off, and to be protected."""
    if not _one_time_spot(ask):
        return
    if ask("InstanceInitiatedShutdownBehavior") == "stop":
        raise EC2ClientError(
            "InvalidParameterCombination", "A one-time Spot Instance cannot be stopped: use terminate."
        )
    if str(ask("DisableApiTermination")).lower() == "true":
        message = "You cannot enable termination protection for a Spot Instance."
        raise EC2ClientError("InvalidParameterCombination", message)


def _modify(self: Any) -> Any:
    """moto takes this form of the call, does nothing of it and empties the security groups."""
    behavior = self._get_param("InstanceInitiatedShutdownBehavior.Value")
    if not behavior:
        return _respond_modify(self)
    if behavior not in ("stop", "terminate"):
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Value ({behavior}) for parameter InstanceInitiatedShutdownBehavior is invalid.",
        )
    self.error_on_dryrun()
    self.ec2_backend.get_instance(
        self._get_param("InstanceId")
    ).instance_initiated_shutdown_behavior = behavior
    return EmptyResult()


def _with_force(respond: Callable[[Any], Any], key: str) -> Callable[[Any], Any]:
    """Force and SkipOsShutdown cut the machine off at once; and the answer shows the state that the instance has."""

    def method(self: Any) -> Any:
        _force.on = any(str(self._get_param(name)).lower() == "true" for name in ("Force", "SkipOsShutdown"))
        try:
            response = respond(self)
        finally:
            _force.on = False
        result: Any = response.result
        for entry in result[key]:
            state = self.ec2_backend.get_instance(entry["InstanceId"])._state
            entry["CurrentState"] = {"Code": state.code, "Name": state.name}
        return response

    return method


def _terminate_all(self: Any, instance_ids: list[str]) -> list[Any]:
    """AWS: an unknown id ends nothing; a protected one saves all in its zone, while those in other zones end."""
    if not instance_ids:
        raise EC2ClientError("MissingParameter", "The request must contain the parameter InstanceId")
    found = self.get_multi_instances_by_id(instance_ids)
    if missing := set(instance_ids) - {it.id for it in found}:
        raise InvalidInstanceIdError(sorted(missing))
    shielded = [
        it
        for it in found
        if it.disable_api_termination is True or str(it.disable_api_termination).lower() == "true"
    ]
    zones = {it._placement.zone for it in shielded}
    ended = [(it, it.terminate()) for it in found if it._placement.zone not in zones]
    if shielded:
        raise OperationNotPermitted4(shielded[0].id)
    return ended


def _describe_attribute(self: Any) -> Any:
    """The block device mapping, which moto answers with nothing."""
    if self._get_param("Attribute") != "blockDeviceMapping":
        return _respond_attribute(self)
    it = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    mappings = [
        {
            "DeviceName": name,
            "Ebs": {
                "VolumeId": device.volume_id,
                "DeleteOnTermination": bool(device.delete_on_termination),
                "Status": "attached",
            },
        }
        for name, device in it.block_device_mapping.items()
    ]
    return ActionResult({"InstanceId": it.id, "BlockDeviceMappings": mappings})


def _block_devices(self: Any) -> list[dict[str, Any]]:
    """DeleteOnTermination: true for the root volume unless said otherwise, false for others."""
    mappings = _parse_block_devices(self)
    image_id = self._get_param("ImageId")
    images = self.ec2_backend.describe_images(filters={"image-id": [image_id]}) if image_id else []
    roots = [image.root_device_name for image in images] or ["/dev/sda1", "/dev/xvda"]
    for mapping, given in zip(mappings, self._get_param("BlockDeviceMappings", []), strict=True):
        is_root = mapping["DeviceName"] in roots
        if "DeleteOnTermination" not in given.get("Ebs", {}):
            mapping["Ebs"]["DeleteOnTermination"] = is_root
        if is_root and images and not mapping["Ebs"]["VolumeSize"]:
            mapping["Ebs"]["VolumeSize"] = parameters.smallest_root(images[0].id) or 8
    return list(mappings)


def _root_volume(self: Any) -> None:
    """The root volume bears the image's name for it, which moto does not heed."""
    size = parameters.smallest_root(self.image_id) or 8
    volume = self.ec2_backend.create_volume(size=size, zone_name=self._placement.zone)
    self.ec2_backend.attach_volume(volume.id, self.id, self.root_device_name or "/dev/sda1", True)


def _ensure_root_volume(it: Any) -> None:
    """A mapping for a device that is not the image's root makes one more volume."""
    if (it.root_device_name or "/dev/sda1") not in it.block_device_mapping:
        it.setup_defaults()


def _apply_template(it: Any, template: dict[str, Any], given: dict[str, Any]) -> None:
    """What moto drops from a launch template."""
    if not given.get("instance_initiated_shutdown_behavior") and template.get(
        "InstanceInitiatedShutdownBehavior"
    ):
        it.instance_initiated_shutdown_behavior = template["InstanceInitiatedShutdownBehavior"]
    if template.get("InstanceMarketOptions") and not it.lifecycle:
        it.lifecycle = "spot"
    if template.get("MetadataOptions") and not given.get("metadata_options"):
        it.metadata_options = models.MetadataOptions(template["MetadataOptions"])
