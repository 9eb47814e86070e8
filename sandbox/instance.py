"""One instance of a sandbox, from outside: its state, its cost, what happened to it, its inside, and ways to hurt it."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sandbox.client import Sandbox

_POLL = 0.05


class Result(NamedTuple):
    """Of a program run inside: exit code (124: past its time limit), output, errors."""

    code: int
    out: str
    err: str


class Instance:
    def __init__(self, cloud: Sandbox, instance_id: str, region: str) -> None:
        self.cloud, self.id, self.region = cloud, instance_id, region

    def __repr__(self) -> str:
        return f"<Instance {self.id}>"

    def _control(self, verb: str, **arguments: Any) -> Any:
        return self.cloud.control(verb, id=self.id, **arguments)

    # Its state and cost.

    def facts(self) -> dict[str, Any]:
        """state, reason, alive (does the machine run), running_seconds, billed_seconds, hourly_micros, cost_micros, events."""
        return dict(self._control("state"))

    def state(self) -> str:
        return str(self.facts()["state"])

    def reason(self) -> str:
        """StateReason's code: Client.InstanceInitiatedShutdown where the machine itself powered off."""
        return str(self.facts()["reason"])

    def describe(self) -> dict[str, Any]:
        """As DescribeInstances shows it."""
        answer = self.cloud.client("ec2", self.region).describe_instances(InstanceIds=[self.id])
        return dict(answer["Reservations"][0]["Instances"][0])

    def until(self, holds: Callable[[], Any], timeout: float = 60, what: str = "") -> Any:
        """Polls until holds() is true, and returns its value; raises TimeoutError with what is known otherwise."""
        deadline = time.monotonic() + timeout
        while not (value := holds()):
            if time.monotonic() > deadline:
                facts = self.facts()
                events = ", ".join(
                    f"{event['event']}{':' + event['state'] if 'state' in event else ''}"
                    for event in facts["events"]
                )
                tail = "\n".join(self.console().splitlines()[-25:])
                raise TimeoutError(
                    f"{self.id}: no {what or 'such thing'} within {timeout:g} s; it is {facts['state']}; {events}\n{tail}"
                )
            time.sleep(_POLL)
        return value

    def wait(self, state: str, timeout: float = 60) -> None:
        """Waits for a state of the API's."""
        self.until(lambda: self.state() == state, timeout, f"state {state}")

    def wait_event(self, kind: str, timeout: float = 60) -> dict[str, Any]:
        found = self.until(
            lambda: [event for event in self.events if event["event"] == kind], timeout, f"event {kind}"
        )
        return dict(found[0])

    def wait_up(self, timeout: float = 60) -> None:
        """Until programs can be run in it (user data may be at work still), or it has ended meanwhile."""

        def up() -> bool:
            facts = self.facts()
            for event in facts["events"]:
                if event["event"] == "boot-failed":
                    raise RuntimeError(f"{self.id} did not boot: {event['error']}")
            if facts["state"] not in ("pending", "running"):
                return True
            return facts["state"] == "running" and (facts["up"] or not facts["machine"])

        self.until(up, timeout, "sign of having booted")

    def wait_output(self, text: str, timeout: float = 60) -> None:
        """Until the user data, or the console, has printed that text."""
        self.until(lambda: text in self.output() or text in self.console(), timeout, f"output {text!r}")

    @property
    def events(self) -> list[dict[str, Any]]:
        """What happened, in order: event, monotonic, time (wall). Kinds: state (state=), power-on, user-data (line=),
        power-off (exit=), reboot, crash, halt, forced-off, boot-failed, off, and what the test did to it."""
        return list(self.facts()["events"])

    def _when(self, kind: str) -> float | None:
        return next(
            (float(event["monotonic"]) for event in reversed(self.events) if event["event"] == kind), None
        )

    @property
    def powered_off_at(self) -> float | None:
        """time.monotonic() of the last power-off, by the machine or by force; None while there was none."""
        return self._when("off")

    @property
    def powered_on_at(self) -> float | None:
        return self._when("power-on")

    def running_seconds(self) -> float:
        return float(self.facts()["running_seconds"])

    def billed_seconds(self) -> int:
        """As billed: whole seconds, 60 at least for each start."""
        return int(self.facts()["billed_seconds"])

    def cost_micros(self) -> int | None:
        """Dollars x 10^6 so far, at the list price; None where that is not known."""
        value = self.facts()["cost_micros"]
        return None if value is None else int(value)

    # Its inside.

    def exec(
        self,
        argv: Sequence[str],
        stdin: bytes | str | None = None,
        timeout: float = 60,
        detach: bool = False,
        user: str | None = None,
        tty: bool = False,
        cwd: str = "/",
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Runs a program in it as an ordinary process of the machine, and waits for its end.

        detach: in the background, with its output in /var/log/sandbox-exec.log; the result's out is its pid inside.
        tty: on a terminal of its own (out and err come together). Past the timeout it is killed, and the code is 124.
        """
        data = stdin.encode() if isinstance(stdin, str) else stdin or b""
        words = [
            *(["env", *(f"{key}={value}" for key, value in env.items())] if env else []),
            *map(str, argv),
        ]
        arguments = {
            "argv": words,
            "stdin": base64.b64encode(data).decode(),
            "timeout": timeout,
            "user": user,
            "tty": tty,
            "detach": detach,
            "cwd": cwd,
        }
        answer = self.cloud.control("exec", http_timeout=timeout + 60, id=self.id, **arguments)
        return Result(
            answer["code"],
            base64.b64decode(answer["out"]).decode(errors="replace"),
            base64.b64decode(answer["err"]).decode(errors="replace"),
        )

    def sh(self, script: str, timeout: float = 60, **more: Any) -> str:
        """Runs a shell script in it and returns its output; raises where it fails."""
        result = self.exec(["bash", "-c", script], timeout=timeout, **more)
        if result.code:
            raise RuntimeError(f"{self.id}: exit code {result.code} of: {script}\n{result.out}{result.err}")
        return result.out

    def read(self, path: str) -> bytes:
        """A file of the machine, on or off. FileNotFoundError where there is none."""
        answer = self._control("read", path=path)
        if answer.get("missing"):
            raise FileNotFoundError(f"{self.id}:{path}")
        return base64.b64decode(answer["data"])

    def text(self, path: str, default: str | None = None) -> str:
        try:
            return self.read(path).decode(errors="replace")
        except FileNotFoundError:
            if default is None:
                raise
            return default

    def write(self, path: str, data: bytes | str | Path, mode: int | None = None) -> None:
        from sandbox.client import _packed

        content, own_mode = _packed(data)
        self._control("write", path=path, data=content, mode=mode if mode is not None else own_mode)

    def console(self) -> str:
        """What the machine printed on its console, over all boots."""
        return str(self._control("console")["text"]) if self.facts()["machine"] else ""

    def output(self) -> str:
        """What user data printed (/var/log/cloud-init-output.log)."""
        return self.text("/var/log/cloud-init-output.log", "") if self.facts()["machine"] else ""

    def power_off(self) -> None:
        """Runs `shutdown -h now` in it, which may well not live to tell."""
        self.exec(["shutdown", "-h", "now"])

    # By the API.

    def terminate(self, **more: Any) -> None:
        self.cloud.client("ec2", self.region).terminate_instances(InstanceIds=[self.id], **more)

    def stop(self, **more: Any) -> None:
        self.cloud.client("ec2", self.region).stop_instances(InstanceIds=[self.id], **more)

    def start(self, wait: bool = True) -> None:
        self.cloud.client("ec2", self.region).start_instances(InstanceIds=[self.id])
        if wait:
            self.wait_up()

    def reboot(self) -> None:
        self.cloud.client("ec2", self.region).reboot_instances(InstanceIds=[self.id])

    def set_protection(self, on: bool) -> None:
        """DisableApiTermination."""
        ec2 = self.cloud.client("ec2", self.region)
        ec2.modify_instance_attribute(InstanceId=self.id, DisableApiTermination={"Value": on})

    def set_tag(self, key: str, value: str | None) -> None:
        """None takes the tag away."""
        ec2 = self.cloud.client("ec2", self.region)
        if value is None:
            ec2.delete_tags(Resources=[self.id], Tags=[{"Key": key}])
        else:
            ec2.create_tags(Resources=[self.id], Tags=[{"Key": key, "Value": value}])

    def tags(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.describe().get("Tags", [])}

    # What may happen to it.

    def cut_network(self) -> None:
        """Its cable is pulled: neither IMDS nor the API nor anything else answers."""
        self._control("network", on=False)

    def restore_network(self) -> None:
        self._control("network", on=True)

    def blackhole_dns(self) -> None:
        """Names are asked of a server that never answers."""
        self.write("/etc/resolv.conf", "nameserver 192.0.2.1\n")

    def restore_dns(self) -> None:
        self.write("/etc/resolv.conf", "")

    def fill_disk(self, path: str = "/sandbox-filler") -> None:
        """Until not a byte is left; remove the file at path to make room again."""
        self.exec(["sh", "-c", 'cat /dev/zero >"$1"', "sh", path], timeout=60)

    def freeze(self) -> None:
        """Nothing in it runs any more, while its memory and connections stay: a machine that hangs."""
        self._control("freeze", on=True)

    def thaw(self) -> None:
        self._control("freeze", on=False)

    def kill(self) -> None:
        """Its host fails: it is gone at once, while EC2 still says `running` and goes on counting."""
        self._control("kill")

    def press_power_button(self) -> None:
        """As EC2 does at first when it stops or terminates an instance."""
        self._control("power-button")

    def set_gpu(self, *gpus: Mapping[str, Any], hang: bool = False, **reading: Any) -> None:
        """What nvidia-smi shows: set_gpu(utilization=97, memory_used=20000), or a mapping for each GPU with the names of
        --query-gpu. Nothing at all: no driver. hang: nvidia-smi never answers."""
        names = {"utilization": "utilization.gpu", "memory_used": "memory.used", "power": "power.draw"}
        rows = [dict(gpu) for gpu in gpus] or (
            [{names.get(key, key): value for key, value in reading.items()}] if reading else []
        )
        fixed = {
            "name": "NVIDIA A10G",
            "utilization.gpu": 0,
            "utilization.memory": 0,
            "memory.used": 0,
            "memory.total": 23028,
            "power.draw": 60,
        }
        full = [
            {"index": number, "uuid": f"GPU-{number:08x}", **fixed, **row} for number, row in enumerate(rows)
        ]
        self._control("gpu", rows=full or None, hang=hang)

    def spot_notice(self, action: str = "terminate", seconds: float = 120) -> None:
        """A notice in IMDS now, and the interruption after so many seconds."""
        self._control("spot-notice", action=action, seconds=seconds)

    def rebalance(self) -> None:
        self._control("rebalance")

    def maintenance(self, *events: Mapping[str, Any]) -> None:
        """Scheduled events in IMDS, each as AWS words it: Code, Description, NotBefore, NotAfter, EventId, State."""
        self._control("maintenance", events=[dict(event) for event in events])

    def clear_notices(self) -> None:
        """Takes back notices; an interruption that was announced does not come."""
        self._control("clear-notices")

    def imds_fails(self, error: int | None = None, delay: float = 0.0, path: str = "") -> None:
        """IMDS answers this status, to paths such as "meta-data/spot" or to all, or slowly; nothing given: well again."""
        self._control("imds", error=error, delay=delay, path=path)

    def expire_tokens(self) -> None:
        """The session tokens that IMDS has given so far are over: it answers 401 to them, and gives new ones."""
        self._control("expire-tokens")

    def rotate_credentials(self, lifetime: float = 6 * 3600) -> dict[str, str]:
        """New keys for its role in IMDS; returns them."""
        return dict(self._control("rotate-credentials", lifetime=lifetime))

    def age(self, seconds: float) -> None:
        """As if it had been launched, and had been running, that much longer."""
        self._control("age", seconds=seconds)
