"""No test can turn off the machine it runs on: what could isn't linked, isn't armed here, and isn't entered."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox.machine import Machine
from tests.e2e.helpers import CURFEW, ROOT, cannot_be_tested

_POWER_LIBRARY = "libcurfew_power.a"
# What ends machines, for a `run` on this host to find instead of the real ones.
_ENDING = ("shutdown", "systemctl", "poweroff", "reboot", "halt", "init", "telinit")


def _builds() -> list[Path]:
    """As scripts/test has it by then: dev and release, at least."""
    found = [ninja.parent for ninja in sorted((ROOT / "build").glob("*/build.ninja"))]
    assert found, f"nothing is built in {ROOT / 'build'}: scripts/build first"
    return found


def _linked(build: Path) -> dict[str, str]:
    """The programs that the build links, each with what it is linked of."""
    found = {}
    for block in (build / "build.ninja").read_text().split("\nbuild ")[1:]:
        output, _, inputs = block.partition(":")
        if "EXECUTABLE_LINKER" in inputs.split("\n")[0]:
            found[output.split()[0]] = inputs
    assert found, f"{build} links nothing: is this how its generator writes it?"
    return found


def _programs() -> list[Path]:
    """All but curfew itself that has been built. A build of no tests, as release, has none."""
    wanted = [build / name for build in _builds() for name in _linked(build) if Path(name).name != "curfew"]
    found = sorted(path for path in wanted if path.is_file() and os.access(path, os.X_OK))
    assert found or not wanted, "no test program has been built: scripts/build dev first"
    return found


def _symbols(path: Path) -> str:
    assert shutil.which("nm"), "needs nm (package binutils)"
    shown = subprocess.run(
        ["nm", "--demangle", path], capture_output=True, text=True, timeout=60, check=False
    )
    return shown.stdout


def _can_power_off(symbols: str) -> bool:
    """The class itself, or the libc function (dynamic: U reboot@GLIBC_2.2.5; static: T or W reboot)."""
    return bool(re.search(r"os::SystemPower::|(^|\s)[UTW] reboot(@.*)?$", symbols, re.MULTILINE))


def test_no_test_program_can_power_off() -> None:
    for program in _programs():
        symbols = _symbols(program)
        assert symbols, f"{program} has been stripped"
        assert not _can_power_off(symbols), program


def test_the_check_for_it_would_notice() -> None:
    libraries = [path for build in _builds() for path in build.rglob(_POWER_LIBRARY)]
    assert libraries, f"{_POWER_LIBRARY} has not been built: scripts/build first"
    assert all(_can_power_off(_symbols(library)) for library in libraries)


def test_only_the_program_itself_links_it() -> None:
    links = []
    for path in (
        ROOT / "CMakeLists.txt",
        *(ROOT / "tests").rglob("CMakeLists.txt"),
        *(ROOT / "bench").rglob("CMakeLists.txt"),
    ):
        text = re.sub(r"#.*", "", path.read_text())
        for command in re.findall(r"target_link_libraries\(([^)]*)\)", text):
            target, *libraries = command.split()
            if "curfew_power" in libraries and target != "curfew_power":
                links.append(target)
    assert links == ["curfew"]
    for build in _builds():
        for name, inputs in _linked(build).items():
            assert name == "curfew" or _POWER_LIBRARY not in inputs, (
                f"{build}: {name} can power this host off"
            )


def test_only_one_file_calls_the_kernel() -> None:
    callers = {
        str(path.relative_to(ROOT / "src"))
        for path in (ROOT / "src").rglob("*.[ch]pp")
        if re.search(r"\breboot\((RB_|LINUX_)|sysrq-trigger|SYS_reboot", path.read_text())
    }
    callers.discard("os/power.hpp")  # its comments name them
    assert callers == {"os/power/power.cpp"}


@pytest.mark.parametrize("options", [[], ["--dry-run"], ["--dry-run", "--then", "terminate"]], ids=" ".join)
def test_run_on_this_host_arms_nothing(tmp_path: Path, options: list[str]) -> None:
    """In namespaces of its own without CAP_SYS_BOOT, so that even a bug could only end those; what it would run to end
    a machine writes a line instead."""
    if os.geteuid() != 0:
        cannot_be_tested("needs root, for namespaces")
    calls, stand_ins = tmp_path / "calls", tmp_path / "sbin"
    stand_ins.mkdir()
    for name in _ENDING:
        (stand_ins / name).write_text(f'#!/bin/sh\necho {name} "$@" >>{calls}\n')
        (stand_ins / name).chmod(0o755)
    script = f"""
        mount --bind {stand_ins} /usr/local/sbin && mount -t tmpfs t /var/lib && mount -t tmpfs t /run || exit 77
        [ ! -d /etc/systemd/system ] || mount -t tmpfs t /etc/systemd/system || exit 77
        "$@"; echo rc $?
        find /etc/systemd/system /run/systemd -name '*curfew*' 2>/dev/null
        find /run/curfew /var/lib/curfew -name armed -o -name 'l0.json'
    """
    words = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"]
    words += ["setpriv", "--bounding-set=-sys_boot", "--", "sh", "-c", script, "sh"]
    words += [str(CURFEW), "run", "--max-time", "1m", *options, "--", "echo", "trained"]
    env = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(tmp_path),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=60, env=env, cwd=tmp_path, check=False
    )
    assert done.stdout.splitlines() == ["trained", "rc 0"], done.stdout + done.stderr
    said = done.stderr
    assert (
        "dry run: would now terminate the machine" in said if "terminate" in options else "stays" in said
    ), said
    assert not calls.exists(), f"it ran {calls.read_text()}"


def _stub(pid: int) -> Any:
    return SimpleNamespace(name="i-1", alive=True, init_pid=lambda: pid)


def test_the_sandbox_never_enters_the_hosts_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        cannot_be_tested("needs root, for namespaces")
    with pytest.raises(RuntimeError, match="shares a PID namespace with the host"):
        Machine.checked_init_pid(_stub(os.getpid()))
    words = ["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", "echo up; exec sleep 60"]
    other = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout and other.stdout.readline() == "up\n"
        (child,) = Path(f"/proc/{other.pid}/task/{other.pid}/children").read_text().split()
        assert Machine.checked_init_pid(_stub(int(child))) == int(child), (
            "a namespace of its own may be entered"
        )
        # The sandbox runs in namespaces of its own, and is told which one is the host's.
        space = Path(f"/proc/{child}/ns/pid").stat().st_ino
        monkeypatch.setenv("SANDBOX_HOST_PID_NS", str(space))
        with pytest.raises(RuntimeError, match="shares a PID namespace with the host"):
            Machine.checked_init_pid(_stub(int(child)))
    finally:
        other.kill()
        other.wait()
