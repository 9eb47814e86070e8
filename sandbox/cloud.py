"""All instances of one sandbox: makes a life for each that moto launches, and carries out what tests ask for."""

from __future__ import annotations

import base64
import csv
import io
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moto.ec2.models.instances import Instance as MotoInstance

from sandbox import guest, meter, motobilling, motofix
from sandbox.account import Account
from sandbox.cgroups import Group
from sandbox.front import Front
from sandbox.imds import handler, stamp
from sandbox.life import Life
from sandbox.machine import Machine, Options
from sandbox.network import forwarder

MachineMaker = Callable[[str, Path, Group, Options], Machine]
_STOP_BOUND = 30.0
_KEPT_DISKS = 32  # disks of terminated machines that a test can still read; older ones are given back


class Cloud(Account):
    def __init__(self, mode: str, why: str, base: Path, groups: list[Path], make: MachineMaker) -> None:
        self.mode, self.why, self.base, self.groups, self._make = mode, why, base, groups, make
        self.front = Front(self.control)
        self.lives: OrderedDict[str, Life] = OrderedDict()
        self.port = 0
        self.stop_bound = _STOP_BOUND
        self._default = Options()
        self._wishes: dict[str, Options] = {}
        self._lock = threading.RLock()
        self._make_account()
        motofix.install(self._launched, self.lives.get, self.launches)
        motobilling.install()
        self._install_account()

    # A new instance.

    def _launched(self, instance: MotoInstance, token: str | None) -> None:
        options = self._wishes.get(token or "", self._default)
        machine = None
        if options.machine:
            machine = self._make(
                instance.id, self.base, Group(self.groups, instance.id, options.memory), options
            )
        life = Life(instance, options, machine, motofix.ORIGINAL, lambda: self.stop_bound)
        with self._lock:
            self.lives[instance.id] = life
        if machine:
            self._serve(life, machine)
        life.launch()
        self._give_disks_back()

    def _serve(self, life: Life, machine: Machine) -> None:
        machine.serve(handler(life), forwarder(self.port, self.front.sources, machine.name))

    def _give_disks_back(self) -> None:
        with self._lock:
            gone = [
                life.machine for life in self.lives.values() if life.state == "terminated" and life.machine
            ]
        for machine in [machine for machine in gone if not machine.discarded][:-_KEPT_DISKS]:
            machine.discard()

    # Control.

    def control(self, verb: str, arguments: dict[str, Any]) -> Any:
        """POST /_sandbox/VERB with a JSON object; the verbs are the methods do_VERB, and on_VERB for one instance's."""
        name = re.sub(r"\W", "_", verb)
        if method := getattr(self, "do_" + name, None):
            return method(**arguments)
        if method := getattr(self, "on_" + name, None):
            return method(self._life(arguments.pop("id")), **arguments)
        raise ValueError(f"no such verb: {verb}")

    def _life(self, instance_id: str) -> Life:
        if instance_id not in self.lives:
            raise ValueError(f"no such instance: {instance_id}")
        return self.lives[instance_id]

    def _machine(self, life: Life) -> Machine:
        if life.machine is None:
            raise ValueError(f"{life.instance.id} was launched without a machine")
        return life.machine

    def do_info(self) -> dict[str, Any]:
        return {"mode": self.mode, "why": self.why, "instances": list(self.lives)}

    def do_settings(self, stop_bound: float | None = None, **more: Any) -> dict[str, Any]:
        """stop_bound: how long a machine may take to shut down when the API ends it, before it is cut off."""
        if stop_bound is not None:
            self.stop_bound = stop_bound
        return {"stop_bound": self.stop_bound, **self._account_settings(**more)}

    def do_wish(self, token: str | None = None, options: dict[str, Any] | None = None) -> dict[str, Any]:
        """Options for the launch with that ClientToken, or for all launches that have none of their own."""
        wished = Options.from_json(options or {})
        if token:
            self._wishes[token] = wished
        else:
            self._default = wished
        return {}

    def do_reset(self) -> dict[str, Any]:
        """Ends all instances without asking them, and forgets faults, wishes and settings."""
        self.front.faults.clear()
        self._default, self.stop_bound = Options(), _STOP_BOUND
        self._wishes.clear()
        self._reset_account()
        for life in list(self.lives.values()):
            life.end("terminate", force=True)
        return {}

    def do_fault(self, **fields: Any) -> dict[str, int]:
        return {"id": self.front.faults.add(**fields)}

    def do_clear_faults(self, id: int | None = None) -> dict[str, Any]:
        self.front.faults.clear(id)
        return {}

    def do_faults(self) -> list[dict[str, Any]]:
        return self.front.faults.list()

    def do_requests(self) -> list[dict[str, Any]]:
        return list(self.front.log)

    def on_state(self, life: Life) -> dict[str, Any]:
        it = life.instance
        spot = it.lifecycle == "spot"
        set_price = self.spot_prices.set_by_test(it.instance_type, it._placement.zone) if spot else None
        hourly = set_price or meter.hourly_micros(it.instance_type, it.region_name, spot)
        billed = life.meter.billed_seconds()
        return {
            "id": it.id,
            "state": life.state,
            "reason": it.state_reason.code,
            "machine": life.machine is not None,
            "alive": bool(life.machine and life.machine.alive),
            "up": bool(life.machine and life.machine.up()),
            "running_seconds": life.meter.running_seconds(),
            "billed_seconds": billed,
            "hourly_micros": hourly,
            "cost_micros": meter.cost_micros(billed, hourly),
            "events": life.events,
        }

    def on_exec(self, life: Life, argv: list[str], stdin: str = "", **more: Any) -> dict[str, Any]:
        code, out, err = self._machine(life).execute(argv, base64.b64decode(stdin), **more)
        return {"code": code, "out": base64.b64encode(out).decode(), "err": base64.b64encode(err).decode()}

    def on_read(self, life: Life, path: str) -> dict[str, Any]:
        try:
            return {"data": base64.b64encode(self._machine(life).read(path)).decode()}
        except (FileNotFoundError, NotADirectoryError):
            return {"missing": True}

    def on_write(self, life: Life, path: str, data: str, mode: int = 0o644) -> dict[str, Any]:
        self._machine(life).write(path, base64.b64decode(data), mode)
        return {}

    def on_console(self, life: Life) -> dict[str, str]:
        return {"text": self._machine(life).console()}

    def on_power_button(self, life: Life) -> dict[str, Any]:
        return {"asked": self._machine(life).ask_power_off()}

    def on_kill(self, life: Life) -> dict[str, Any]:
        """The host fails: the machine is gone at once, and EC2 does not know."""
        life.event("host-failure")
        self._machine(life).kill()
        return {}

    def on_freeze(self, life: Life, on: bool = True) -> dict[str, Any]:
        life.event("frozen" if on else "thawed")
        self._machine(life).freeze(on)
        return {}

    def on_network(self, life: Life, on: bool) -> dict[str, Any]:
        machine = self._machine(life)
        life.event("network", on=on)
        if on:
            machine.restore_network()
        else:
            machine.cut_network()
        return {}

    def on_gpu(
        self, life: Life, rows: list[dict[str, Any]] | None = None, hang: bool = False
    ) -> dict[str, Any]:
        """What nvidia-smi shows, a row for each GPU, by the names of --query-gpu. None: no driver. hang: it never answers."""
        machine = self._machine(life)
        if rows:
            names = list(dict.fromkeys(name for row in rows for name in row))
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(
                [names, *([row.get(name, "[N/A]") for name in names] for row in rows)]
            )
            machine.write(guest.GPU_FILE, text.getvalue().replace(",", ", ").encode())
        else:
            machine.unlink(guest.GPU_FILE)
        if hang:
            machine.write(guest.GPU_HANG, b"")
        else:
            machine.unlink(guest.GPU_HANG)
        return {}

    def on_spot_notice(self, life: Life, action: str = "terminate", seconds: float = 120) -> dict[str, str]:
        return life.spot_notice(action, seconds)

    def on_rebalance(self, life: Life) -> dict[str, Any]:
        life.notices["rebalance"] = stamp(datetime.now(UTC))
        life.event("rebalance")
        return {}

    def on_maintenance(self, life: Life, events: list[dict[str, Any]]) -> dict[str, Any]:
        life.notices["maintenance"] = events
        life.event("maintenance")
        return {}

    def on_clear_notices(self, life: Life) -> dict[str, Any]:
        life.notices.clear()
        return {}

    def on_imds(
        self, life: Life, error: int | None = None, delay: float = 0.0, path: str = ""
    ) -> dict[str, Any]:
        """Makes the metadata service slow, or answer an error below a path ("meta-data/spot"); neither: well again."""
        life.imds_delay = delay
        life.imds_errors = {path: error} if error else {}
        return {}

    def on_expire_tokens(self, life: Life) -> dict[str, Any]:
        """The metadata service takes none of the tokens any more that it has given so far."""
        life.expire_tokens()
        return {}

    def on_rotate_credentials(self, life: Life, lifetime: float = 6 * 3600) -> dict[str, Any]:
        if life.credentials is None:
            raise ValueError(f"{life.instance.id} has no role")
        life.credentials.rotate(lifetime)
        return dict(life.credentials.document)

    def on_age(self, life: Life, seconds: float) -> dict[str, Any]:
        life.age(seconds)
        return {}
