"""Stand-ins, for machines without systemd, for the programs that end a machine. They speak to lesser_init.py by a FIFO."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox import guest

CONTROL = "run/sandbox/initctl"
STOPPING = "run/sandbox/stopping"

_SHUTDOWN = """#!/bin/sh
# shutdown [-h|-P|-r|-H|-c|-k] [TIME] [WALL...]: TIME is now, +MINUTES or hh:mm.
act=poweroff at=
for word; do
  case $word in
    -h|-P|--poweroff) act=poweroff ;;
    -r|--reboot) act=reboot ;;
    -H|--halt) act=halt ;;
    -c) act=cancel ;;
    -k|--no-wall|--) ;;
    -*) echo "shutdown: unknown option $word" >&2; exit 1 ;;
    *) [ -n "$at" ] || at=$word ;;
  esac
done
case ${at:-+1} in
  now|+0) delay=0 ;;
  +*) delay=$(( ${at:-+1} * 60 )) ;;
  *:*) delay=$(( $(date -d "$at" +%s) - $(date +%s) )); [ "$delay" -gt 0 ] || delay=$((delay + 86400)) ;;
  *) echo "Failed to parse time specification: $at" >&2; exit 1 ;;
esac
echo "$act $delay" >@CONTROL@
"""
_SYSTEMCTL = """#!/bin/sh
# systemctl poweroff|reboot|halt [-f [-f]], is-system-running; for all else, what it says where systemd is not PID 1.
force=0 verb=
for word; do
  case $word in
    -ff) force=2 ;;
    -f|--force) force=$((force + 1)) ;;
    -*) ;;
    *) [ -n "$verb" ] || verb=$word ;;
  esac
done
case $verb in
  poweroff|reboot|halt) echo "$verb 0 $force" >@CONTROL@ ;;
  is-system-running) if [ -e @STOPPING@ ]; then echo stopping; else echo offline; fi; exit 1 ;;
  *) echo "System has not been booted with systemd as init system (PID 1). Can't operate." >&2
     echo "Failed to connect to bus: Host is down" >&2; exit 1 ;;
esac
"""
_POWEROFF = """#!/bin/sh
# poweroff, reboot, halt [-f [-f]]
force=0
for word; do case $word in -ff) force=2 ;; -f|--force) force=$((force + 1)) ;; esac; done
echo "${0##*/} 0 $force" >@CONTROL@
"""


# For bare machines, whose / is the host's: finds the machine by the mark in its own or its ancestors' environment.
_FINDER = """#!/bin/sh
# Put here by curfew's sandbox (python -m sandbox), for as long as it runs. Without a machine of its it does nothing.
pid=$$
while [ "$pid" -gt 1 ]; do
  root=$(tr '\\0' '\\n' </proc/$pid/environ 2>/dev/null | sed -n 's/^SANDBOX_ROOT=//p')
  [ -n "$root" ] && exec "$root/usr/local/sbin/${0##*/}" "$@"
  pid=$(sed 's/.*) . \\([0-9]*\\) .*/\\1/' /proc/$pid/stat)
done
echo "${0##*/}: no machine of the sandbox is above this process" >&2
exit 1
"""
FIXED_FOLDER = Path("/usr/local/sbin")
NAMES = ("shutdown", "systemctl", "poweroff", "reboot", "halt")


def install_in_container() -> list[Path]:
    """Stand-ins where a program looks that takes its tools from fixed folders only; for bare machines in a container
    that is there to be thrown away. Returns what was put there: nothing elsewhere, nor where it would replace anything.
    """
    marks = (Path("/.dockerenv").exists(), Path("/run/.containerenv").exists(), "container" in os.environ)
    if not any(marks) or not os.access(FIXED_FOLDER, os.W_OK):
        return []
    made = [FIXED_FOLDER / name for name in NAMES if not (FIXED_FOLDER / name).exists()]
    for path in made:
        path.write_text(_FINDER)
        path.chmod(0o755)
    return made


def install(root: Path, folder: str, seen_as: str) -> None:
    """Puts them into a folder of root; seen_as: what root is called by those inside ("" where it is their /)."""
    scripts = {"shutdown": _SHUTDOWN, "systemctl": _SYSTEMCTL}
    scripts |= dict.fromkeys(("poweroff", "reboot", "halt"), _POWEROFF)
    for name, text in scripts.items():
        text = text.replace("@CONTROL@", f"{seen_as}/{CONTROL}").replace(
            "@STOPPING@", f"{seen_as}/{STOPPING}"
        )
        guest.put(root, f"{folder}/{name}", text, 0o755)
