"""What a machine's disk holds beyond the image: what stands for the firmware, the network set-up and the GPU driver."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from sandbox import userdata
from sandbox.network import ADDRESS, GATEWAY

CONSOLE_LOG = "var/log/cloud-init-output.log"
HALT_MARK = ".sandbox-halted"
GPU_FILE = "var/lib/sandbox/gpu.csv"
GPU_HANG = "var/lib/sandbox/gpu-hang"

# The last three: the image has no locales, no sshd and needs no packages, and a failed unit would make it "degraded".
_CLOUD_CFG = """datasource_list: [Ec2]
datasource: {Ec2: {timeout: 2, max_wait: 30}}
network: {config: disabled}
locale: false
ssh_genkeytypes: []
apt: {preserve_sources_list: true}
"""
# There is no DHCP server here, so the address must be there before cloud-init is.
_ADDRESS_UNIT = f"""[Unit]
DefaultDependencies=no
Before=cloud-init-local.service network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip link set eth0 up
ExecStart=ip addr add {ADDRESS}/24 dev eth0
ExecStart=ip route add default via {GATEWAY}
"""
# A halted machine stays on and goes on costing money, but to the host a halt looks like a power-off; so it leaves a mark.
_HALT_UNIT = f"""[Service]
ExecStartPre=/bin/touch /{HALT_MARK}
"""
_USER_DATA_UNIT = """[Unit]
After=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/lib/sandbox-user-data
TimeoutStartSec=0
[Install]
WantedBy=multi-user.target
"""
# For machines without cloud-init: boothooks at each boot, scripts once, output where cloud-init puts it.
USER_DATA_RUNNER = f"""#!/bin/sh
d=${{SANDBOX_ROOT:-}}/var/lib/sandbox
exec >>"${{SANDBOX_ROOT:-}}/{CONSOLE_LOG}" 2>&1 </dev/null
export INSTANCE_ID=$(cat "$d/instance-id")
unset HOME
for f in "$d"/boothook-*; do [ -x "$f" ] && "$f"; done
[ -e "$d/ran" ] && exit 0
: >"$d/ran"
for f in "$d"/script-*; do [ -x "$f" ] && "$f"; done
exit 0
"""
# Reads what the test has set; the columns are the names that --query-gpu takes.
_NVIDIA_SMI = """#!/bin/sh
# Answers `nvidia-smi` and `nvidia-smi --query-gpu=A,B --format=csv[,noheader][,nounits]` from a file that a test sets.
f=/var/lib/sandbox/gpu.csv
[ -r "$f" ] || { echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver." >&2; exit 9; }
[ -e /var/lib/sandbox/gpu-hang ] && exec sleep infinity
query= format=
while [ $# -gt 0 ]; do
  case $1 in
    --query-gpu=*) query=${1#*=} ;;
    --query-gpu) query=$2; shift ;;
    --format=*) format=${1#*=} ;;
    --format) format=$2; shift ;;
    -L|--list-gpus) query=name ; format=csv,noheader ;;
  esac
  shift
done
[ -n "$query" ] || { cat "$f"; exit 0; }
exec awk -F', *' -v query="$query" -v format="$format" '
  BEGIN { n = split(query, want, / *, */)
          unit["utilization.gpu"] = unit["utilization.memory"] = " %"
          unit["memory.used"] = unit["memory.total"] = unit["memory.free"] = " MiB"
          unit["power.draw"] = unit["power.limit"] = " W" }
  NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i
            for (i = 1; i <= n; i++) if (!(want[i] in at)) { printf "Field \\"%s\\" is not a valid field to query.\\n", want[i]; exit 2 }
            if (format !~ /noheader/) { for (i = 1; i <= n; i++) {
                u = unit[want[i]]; gsub(/ /, "", u)
                printf "%s%s%s", (i > 1 ? ", " : ""), want[i], (u != "" && format !~ /nounits/ ? " [" u "]" : "") } print "" } ; next }
  { for (i = 1; i <= n; i++) { v = $(at[want[i]])
      printf "%s%s%s", (i > 1 ? ", " : ""), v, (v ~ /^[0-9.]+$/ && format !~ /nounits/ ? unit[want[i]] : "") } print "" }' "$f"
"""


def put(root: Path, path: str, data: str | bytes, mode: int = 0o644) -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):  # a link, or a file whose owner is not ours to write as
        place.unlink()
    place.write_bytes(data.encode() if isinstance(data, str) else data)
    place.chmod(mode)


def link(root: Path, path: str, target: str) -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.is_symlink():
        place.symlink_to(target)


def furnish(root: Path, name: str, hostname: str) -> None:
    """What every machine gets, of either mode."""
    put(root, "etc/hostname", hostname + "\n")
    put(root, "etc/hosts", f"127.0.0.1 localhost\n{ADDRESS} {hostname}\n")
    put(root, "etc/resolv.conf", "")
    put(root, "usr/local/bin/nvidia-smi", _NVIDIA_SMI, 0o755)
    put(root, "var/lib/sandbox/instance-id", name + "\n")
    put(root, CONSOLE_LOG, "")


def furnish_systemd(root: Path, cloud_init: bool) -> None:
    units = "etc/systemd/system/"
    put(root, "etc/machine-id", secrets.token_hex(16) + "\n", 0o444)
    put(root, units + "sandbox-address.service", _ADDRESS_UNIT)
    link(root, units + "sysinit.target.wants/sandbox-address.service", "../sandbox-address.service")
    put(root, units + "systemd-halt.service.d/mark.conf", _HALT_UNIT)
    for unit in (
        "console-getty.service",
        "apt-daily.timer",
        "apt-daily-upgrade.timer",
        "dpkg-db-backup.timer",
        "e2scrub_all.timer",
        "fstrim.timer",
    ):
        link(root, units + unit, "/dev/null")
    put(root, "etc/cloud/cloud.cfg.d/99_sandbox.cfg", _CLOUD_CFG)
    put(root, "etc/cloud/ds-identify.cfg", "policy: enabled\n")
    if not cloud_init:
        put(root, "etc/cloud/cloud-init.disabled", "")
        put(root, units + "sandbox-user-data.service", _USER_DATA_UNIT)
        link(
            root, units + "multi-user.target.wants/sandbox-user-data.service", "../sandbox-user-data.service"
        )


def give_user_data(root: Path, data: bytes) -> None:
    """User data for machines without cloud-init, split here as cloud-init would do it there."""
    put(root, "usr/local/lib/sandbox-user-data", USER_DATA_RUNNER, 0o755)
    for old in (root / "var/lib/sandbox").glob("[bs]*-[0-9]*"):
        old.unlink()
    parts = userdata.split(data)
    for kind, scripts in (("boothook", parts.boothooks), ("script", parts.scripts)):
        for number, script in enumerate(scripts):
            put(root, f"var/lib/sandbox/{kind}-{number:03}", script, 0o755)


def hide(upper: Path, path: str) -> None:
    """Makes a file of the lower layer vanish (an overlay's whiteout)."""
    place = upper / path
    place.parent.mkdir(parents=True, exist_ok=True)
    os.mknod(place, 0o020000, 0)


def within(root: Path, path: str) -> Path:
    """Where a path of the machine lies on this side, with links followed as the machine would follow them."""
    todo = [part for part in path.split("/") if part not in ("", ".")]
    here: list[str] = []
    for _ in range(400):
        if not todo:
            return root.joinpath(*here)
        part = todo.pop(0)
        if part == "..":
            here = here[:-1]
            continue
        place = root.joinpath(*here, part)
        if not place.is_symlink():
            here.append(part)
            continue
        target = str(place.readlink())
        if target.startswith("/"):
            here = []
        todo = [piece for piece in target.split("/") if piece not in ("", ".")] + todo
    raise OSError(f"too many links in {path}")
