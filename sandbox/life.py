"""The life of one instance: the EC2 state machine around a machine, its meter, its metadata and what happened to it.

AWS: "Amazon EC2 instance state changes": pending, running, then shutting-down and terminated or stopping and stopped.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.utils import utcnow
from moto.ec2.models.instances import Instance as MotoInstance
from moto.ec2.models.instances import InstanceState, StateReason

from sandbox import guest, userdata
from sandbox.imds import Credentials, stamp
from sandbox.machine import Ended, Machine, Options
from sandbox.meter import Meter
from sandbox.network import ADDRESS

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
OS_SHUTDOWN = ("Client.InstanceInitiatedShutdown", "Instance initiated shutdown")
USER_SHUTDOWN = ("Client.UserInitiatedShutdown", "User initiated shutdown")
SPOT_TERMINATION = ("Server.SpotInstanceTermination", "Spot instance termination")
SPOT_STOP = ("Server.SpotInstanceShutdown", "Spot instance shutdown")
INTERNAL_ERROR = ("Server.InternalError", "Internal error on launch")
_NOBODY_LISTENS = 1.0  # how long the forced end waits for a machine that is hung or has crashed
_POLL = 0.02
_MAC = "02:00:0a:00:00:02"


class Life:
    def __init__(
        self,
        instance: MotoInstance,
        options: Options,
        machine: Machine | None,
        original: Any,
        stop_bound: Callable[[], float],
    ) -> None:
        self.instance, self.options, self.machine = instance, options, machine
        self.original = original  # moto's own terminate, stop and start
        self.stop_bound = stop_bound
        self.meter = Meter()
        self.events: list[dict[str, Any]] = []
        self.notices: dict[str, Any] = {}
        self.credentials: Credentials | None = None
        self.imds_delay = 0.0
        self.imds_errors: dict[str, int] = {}
        self.imds_tokens_since = 0.0
        self._goal: str | None = None
        self._goal_reason = USER_SHUTDOWN
        self._changed = threading.Condition(threading.RLock())
        self._prepared = False
        self.set_state("pending")

    # The state, as the API shows it.

    @property
    def state(self) -> str:
        return str(self.instance.state)

    def event(self, kind: str, **more: Any) -> None:
        self.events.append({"event": kind, "monotonic": time.monotonic(), "time": time.time(), **more})

    def set_state(self, name: str) -> None:
        with self._changed:
            self.instance._state = InstanceState(name, CODES[name])
            if name == "running":
                self.meter.start()
            else:
                self.meter.stop()
            self.event("state", state=name)
            self._changed.notify_all()

    def _set_reason(self, reason: tuple[str, str]) -> None:
        self.instance.state_reason = StateReason(f"{reason[0]}: {reason[1]}", reason[0])
        when = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} GMT"
        self.instance._reason = {USER_SHUTDOWN: f"User initiated ({when})", OS_SHUTDOWN: ""}.get(
            reason, f"{reason[0]} ({when})"
        )

    # What the API asks for. Each returns the state before.

    def launch(self) -> None:
        threading.Thread(target=self._live, name=f"life-{self.instance.id}", daemon=True).start()

    def start(self) -> InstanceState:
        with self._changed:
            before = self.instance._state
            self.original["start"](self.instance)
            self._goal = None
            self.instance.launch_time = utcnow()
            self.set_state("pending")
        self.launch()
        return before

    def end(self, goal: str, reason: tuple[str, str] = USER_SHUTDOWN, force: bool = False) -> InstanceState:
        """goal: "terminate" or "stop". Asks the machine first; after the bound, or at once by force, it is cut off."""
        with self._changed:
            before: InstanceState = self.instance._state
            if before.name == "terminated" or (
                goal == "stop" and before.name in ("stopped", "stopping", "shutting-down")
            ):
                return before
            already = self._goal is not None
            self._goal, self._goal_reason = goal, reason
            self._set_reason(reason)
            if before.name == "stopped":
                self._finish("terminate")
                return before
            self.set_state("shutting-down" if goal == "terminate" else "stopping")
        if not already or force:
            threading.Thread(target=self._shut_down, args=(force,), daemon=True).start()
        return before

    def reboot(self) -> None:
        machine = self.machine
        if machine and self.state == "running":
            self.event("reboot-asked")
            machine.ask_power_off(reboot=True)

    def _shut_down(self, force: bool) -> None:
        machine = self.machine
        if machine is None:
            return
        asked = not force and machine.ask_power_off()
        deadline = time.monotonic() + (0 if force else self.stop_bound() if asked else _NOBODY_LISTENS)
        while machine.alive and time.monotonic() < deadline:
            time.sleep(_POLL)
        if machine.alive:
            self.event("forced-off")
            machine.kill()

    # The thread that looks after the machine.

    def _live(self) -> None:
        try:
            how = self._run_until_off()
        except (
            OSError,
            RuntimeError,
            subprocess.SubprocessError,
        ) as error:  # not made, not started: as EC2 says it
            self.event("boot-failed", error=repr(error))
            with self._changed:
                self._goal, self._goal_reason = "terminate", INTERNAL_ERROR
                how = Ended.crash
        with self._changed:
            goal = self._goal
            if goal is None:
                goal = (
                    "terminate"
                    if self.instance.instance_initiated_shutdown_behavior == "terminate"
                    else "stop"
                )
                self._goal_reason = OS_SHUTDOWN
                self.set_state("shutting-down" if goal == "terminate" else "stopping")
            self.event("off", how=how)
            if self.machine:
                self.machine.off()
            self._finish(goal)

    def _run_until_off(self) -> str:
        machine = self.machine
        if machine is None:
            self.set_state("running")
            self._wait_for_goal()
            return Ended.power_off
        if not self._prepared:
            machine.prepare(self.hostname, userdata.decode(self.instance.user_data))
            self._prepared = True
        if self.options.boot_delay:
            self._wait_for_goal(self.options.boot_delay)
        if self._goal:
            return Ended.power_off
        machine.boot()
        self.event("power-on")
        threading.Thread(target=self._watch_console, daemon=True).start()
        with self._changed:
            overtaken = self._goal is not None
            if not overtaken:
                self.set_state("running")
        if overtaken:  # asked to end while it was being powered on: there was nobody yet to ask
            threading.Thread(target=self._shut_down, args=(False,), daemon=True).start()
        while True:
            how, code = machine.wait()
            self.event(how, exit=code)
            if how == Ended.power_off or self._goal is not None:
                return how
            if how != Ended.reboot:  # dead, but EC2 does not know: it goes on running and costing money
                self._wait_for_goal()
                return how
            machine.boot()
            self.event("power-on", reboot=True)

    def _wait_for_goal(self, limit: float | None = None) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._goal is not None, limit)

    def _finish(self, goal: str) -> None:
        """moto's own terminate and stop free the volumes, interfaces and so on; then the state and the true reason."""
        self.original[goal](self.instance)
        self._set_reason(self._goal_reason)
        self._goal = None
        self.set_state("terminated" if goal == "terminate" else "stopped")

    def _watch_console(self) -> None:
        """Notes when the user data's first line of output appears."""
        machine = self.machine
        while machine and machine.alive:
            with contextlib.suppress(OSError):
                text = (machine.root / guest.CONSOLE_LOG).read_text(errors="replace")
                if self.options.cloud_init and machine.has_cloud_init:
                    text = text.partition("running 'modules:final'")[2].partition("\n")[2]
                if first := next(
                    (
                        line
                        for line in text.splitlines()
                        if line.strip() and not line.startswith(("Cloud-init v.", "ci-info:"))
                    ),
                    None,
                ):
                    return self.event("user-data", line=first)
            time.sleep(_POLL)
        return None

    # The metadata service's view.

    @property
    def hostname(self) -> str:
        domain = (
            "ec2.internal"
            if self.instance.region_name == "us-east-1"
            else f"{self.instance.region_name}.compute.internal"
        )
        return f"ip-10-0-0-2.{domain}"

    @property
    def hop_limit(self) -> int:
        return int(self.instance.metadata_options.http_put_response_hop_limit or 1)

    @property
    def enabled(self) -> bool:
        return bool(self.instance.metadata_options.http_endpoint != "disabled")

    def identity_document(self) -> dict[str, Any]:
        it = self.instance
        return {
            "accountId": it.owner_id,
            "architecture": it.architecture,
            "availabilityZone": it._placement.zone,
            "imageId": it.image_id,
            "instanceId": it.id,
            "instanceType": it.instance_type,
            "kernelId": None,
            "pendingTime": stamp(it.launch_time.replace(tzinfo=UTC)),
            "privateIp": ADDRESS,
            "ramdiskId": None,
            "region": it.region_name,
            "version": "2017-09-30",
        }

    def tree(self) -> dict[str, Any]:
        it, document = self.instance, self.identity_document()
        zone = it._placement.zone
        notice = (
            {"action": self.notices.get("action"), "time": self.notices.get("time")}
            if "action" in self.notices
            else None
        )
        terminate = notice and notice["action"] == "terminate"
        meta: dict[str, Any] = {
            "ami-id": it.image_id,
            "ami-launch-index": str(it.ami_launch_index),
            "events": {
                "maintenance": {
                    "scheduled": json.dumps(self.notices["maintenance"])
                    if "maintenance" in self.notices
                    else None
                },
                "recommendations": {"rebalance": json.dumps({"noticeTime": self.notices["rebalance"]})}
                if "rebalance" in self.notices
                else None,
            },
            "hostname": self.hostname,
            "instance-action": "none",
            "instance-id": it.id,
            "instance-life-cycle": it.lifecycle or "on-demand",
            "instance-type": it.instance_type,
            "local-hostname": self.hostname,
            "local-ipv4": ADDRESS,
            "mac": _MAC,
            "network": {"interfaces": {"macs": {_MAC: self._interface()}}},
            "placement": {
                "availability-zone": zone,
                "availability-zone-id": "use1-az1",
                "region": it.region_name,
            },
            "public-keys": None,
            "reservation-id": getattr(it, "sandbox_reservation", None),
            "security-groups": "\n".join(group.name for group in it.security_groups) or "default",
            "services": {"domain": "amazonaws.com", "partition": "aws"},
        }
        if self._role():
            assert self.credentials
            meta["iam"] = self.credentials.tree(it.owner_id, "AIPA" + it.id[2:18].upper())
        if notice:
            meta["spot"] = {
                "instance-action": json.dumps(notice),
                "termination-time": notice["time"] if terminate else None,
            }
        if it.metadata_options.instance_metadata_tags == "enabled":
            meta["tags"] = {"instance": {tag["key"]: tag["value"] for tag in it.get_tags()}}
        return {
            "meta-data": meta,
            "dynamic": {"instance-identity": {"document": json.dumps(document, indent=2)}},
            "user-data": userdata.decode(it.user_data) or None,
        }

    def _interface(self) -> dict[str, str]:
        it = self.instance
        values = {
            "device-number": "0",
            "interface-id": next((nic.id for nic in it.network_interfaces), None),
            "local-hostname": self.hostname,
        }
        values |= {
            "local-ipv4s": ADDRESS,
            "mac": _MAC,
            "owner-id": it.owner_id,
            "subnet-id": it.subnet_id,
            "vpc-id": it.vpc_id,
        }
        return {name: value for name, value in values.items() if value}

    def _role(self) -> bool:
        """Whether the instance has a profile (RunInstances attaches it just after the launch); makes its keys if so."""
        found = self.instance.ec2_backend.iam_instance_profile_associations.get(self.instance.id)
        if found and self.credentials is None:
            profile = found.iam_instance_profile
            self.credentials = Credentials(
                profile.name, next((role.name for role in profile.roles), profile.name)
            )
        return bool(found)

    # What a test lets happen.

    def spot_notice(self, action: str, seconds: float) -> dict[str, str]:
        """An interruption notice now, and the interruption itself after so many seconds."""
        when = datetime.now(UTC) + timedelta(seconds=seconds)
        self.notices |= {"action": action, "time": stamp(when)}
        self.event("spot-notice", action=action)
        goal, reason = ("terminate", SPOT_TERMINATION) if action == "terminate" else ("stop", SPOT_STOP)

        def interrupt() -> None:
            if self.notices.get("time") == stamp(when):
                self.end(goal, reason)

        timer = threading.Timer(seconds, interrupt)
        timer.daemon = True
        timer.start()
        return {"action": action, "time": stamp(when)}

    def expire_tokens(self) -> None:
        """Those that IMDS has given so far."""
        self.imds_tokens_since = time.monotonic()

    def age(self, seconds: float) -> None:
        """As if it had been launched that much earlier."""
        self.instance.launch_time -= timedelta(seconds=seconds)
        self.meter.aged(seconds)
