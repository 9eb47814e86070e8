"""A machine that really boots: systemd-nspawn over the root image, with a systemd of its own as PID 1."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

from sandbox import guest
from sandbox.cgroups import Group
from sandbox.machine import Ended, Machine, Options, mount
from sandbox.network import Network, enter

_REBOOTED = 133  # nspawn's exit code for it; 0 is a power-off or a halt, 255 a crash of PID 1


class BootedMachine(Machine):
    network: Network

    def __init__(self, name: str, base: Path, group: Group, options: Options, image: Path) -> None:
        super().__init__(name, base, group, options)
        self.image = image
        self.network = Network()

    def build_root(self) -> None:
        upper, work, identity = (self.place / part for part in ("upper", "work", "identity"))
        for folder in (upper, work, identity):
            folder.mkdir()
        # In a container cloud-init reads no DMI, but a /sys/hypervisor/uuid that begins with "ec2" proves EC2 to it.
        (identity / "uuid").write_text("ec2e1916-9099-7caf-fd21-012345abcdef\n")
        guest.hide(upper, "usr/sbin/dhclient")  # else cloud-init waits for DHCP
        mount(
            "-t",
            "overlay",
            "-o",
            f"lowerdir={self.image},upperdir={upper},workdir={work}",
            "sandbox-root",
            self.root,
        )

    def furnish(self, user_data: bytes) -> None:
        guest.furnish_systemd(self.root, self.options.cloud_init)
        if not self.options.cloud_init:
            guest.give_user_data(self.root, user_data)

    def spawn(self) -> subprocess.Popen[bytes]:
        self.network.plug_in()
        join = (
            'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"'
        )
        groups = [str(path) for path in self.group.paths]
        words = nspawn(
            self.root,
            self.name,
            [
                "--boot",
                "--private-network",
                "--network-interface=eth0",
                f"--bind-ro={self.place}/identity:/sys/hypervisor",
            ],
        )
        with self.console_log.open("ab") as log:
            return subprocess.Popen(
                ["sh", "-c", join, "sh", *groups, "--", *enter(self.network.router), *words],
                env=dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def up(self) -> bool:
        """dbus is there once basic.target has been reached: from then on systemd takes orders."""
        pid = self.init_pid()
        return pid is not None and Path(f"/proc/{pid}/root/run/dbus/system_bus_socket").exists()

    def how_ended(self, code: int) -> str:
        mark = self.root / guest.HALT_MARK
        if mark.exists():
            with contextlib.suppress(OSError):
                mark.unlink()
            return Ended.halt
        return {0: Ended.power_off, _REBOOTED: Ended.reboot}.get(code, Ended.crash)


def nspawn(root: Path, name: str, more: list[str]) -> list[str]:
    return [
        "systemd-nspawn",
        "--quiet",
        "--register=no",
        "--keep-unit",
        f"--directory={root}",
        f"--machine={name}",
        "--console=read-only",
        "--link-journal=no",
        "--resolv-conf=off",
        "--timezone=off",
        "--capability=CAP_SYS_RESOURCE",
        *more,
    ]
