"""Nothing that runs in a machine may end the host, and no mode is entered in which it could."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import Sandbox, mode, standins
from sandbox.cgroups import Group
from sandbox.lesser import LesserMachine
from sandbox.machine import Options

REPO = Path(__file__).resolve().parents[2]
BOUND = 40.0


class Impostor(LesserMachine):
    """A machine whose PID 1 is a process of the host's namespace."""

    def __init__(self, tmp_path: Path) -> None:
        super(LesserMachine, self).__init__("impostor", tmp_path, Group([], "impostor", None), Options())

    def init_pid(self) -> int | None:
        return os.getpid()


def test_a_machine_in_the_hosts_pid_namespace_is_not_entered(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="refusing to enter"):
        Impostor(tmp_path).command(["true"], None, False, "/")


def test_each_machine_has_a_pid_namespace_of_its_own(any_cloud: Sandbox) -> None:
    namespace = ["readlink", "/proc/self/ns/pid"]
    first, second = (any_cloud.launch(cloud_init=False).exec(namespace).out.strip() for _ in range(2))
    assert len({first, second, str(Path("/proc/self/ns/pid").readlink())}) == 3


def test_the_init_of_a_lesser_machine_refuses_the_hosts_namespace() -> None:
    settings = '{"root": "/nonexistent", "bare": true, "hostname": "h", "host_pid_ns": 0}'
    words = [sys.executable, str(REPO / "sandbox/lesser_init.py"), settings]
    result = subprocess.run(
        words, capture_output=True, text=True, timeout=20, check=False, stdin=subprocess.DEVNULL
    )
    assert result.returncode != 0
    if os.geteuid() == 0:
        assert "it could reboot the host" in result.stderr


def test_the_kernels_levers_are_out_of_reach(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False)
    for path in ("/proc/sysrq-trigger", "/proc/sys/kernel/panic", "/sys/kernel/profiling"):
        result = instance.exec(
            ["sh", "-c", f"test ! -e {path} || : >>{path}"]
        )  # opens it, and writes nothing
        assert result.code != 0 or instance.exec(["test", "!", "-e", path]).code == 0, path
    bounds = "grep CapBnd /proc/{}/status"
    assert instance.sh(bounds.format("self")) == instance.sh(bounds.format("1")), (
        "no mightier than the machine"
    )
    if (
        any_cloud.mode == "lesser"
    ):  # nspawn leaves its root the right to mount, and so to undo this on purpose
        assert instance.exec(["mount", "-o", "remount,rw", "/proc/sys"]).code != 0
    assert instance.exec(["sh", "-c", "ls /dev/vd* /dev/sd* /dev/nvme* 2>/dev/null"]).out == ""


def test_bare_machines_may_not_be_where_a_shutdown_would_reach_the_host(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mode, "_WAYS_TO_INIT", [tmp_path])
    with pytest.raises(RuntimeError, match="could end this host"):
        mode.detect("bare")


def test_bare_machines_in_a_container_can_be_ended_by_the_fixed_path() -> None:
    """As root in a container without namespaces, played by one with a /usr/local/sbin of its own."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    script = (
        "from sandbox import Sandbox\n"
        "with Sandbox.start('bare') as cloud:\n"
        "    instance = cloud.launch('#!/bin/sh\\nenv -i /usr/local/sbin/shutdown -h now; echo $?', wait=False)\n"
        f"    instance.wait('stopped', {BOUND})\n"
    )
    inside = f"mount -t tmpfs t /usr/local/sbin && '{sys.executable}' -c \"$0\" && ls /usr/local/sbin"
    words = ["unshare", "--mount", "sh", "-c", inside, script]
    env = os.environ | {"container": "test"}
    result = subprocess.run(words, cwd=REPO, env=env, capture_output=True, text=True, timeout=80, check=False)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    result = subprocess.run(
        ["sh", "-c", standins._FINDER], capture_output=True, text=True, timeout=20, check=False
    )
    assert result.returncode == 1 and "no machine" in result.stderr


def test_a_machine_cannot_give_the_sandbox_orders(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False)
    ask = f"import urllib.request as u; u.urlopen('{any_cloud.guest_endpoint}/_sandbox/info', b'{{}}')"
    assert instance.exec(["python3", "-c", ask]).code != 0


def test_an_unprivileged_user_gets_lesser_machines(tmp_path: Path) -> None:
    script = (
        "from sandbox import Sandbox\n"
        "with Sandbox.start() as cloud:\n"
        "    assert cloud.mode == 'lesser', cloud.why\n"
        "    instance = cloud.launch('#!/bin/sh\\necho hello; shutdown -h now', wait=False)\n"
        f"    instance.wait('stopped', {BOUND})\n"
        "    print(instance.output())\n"
    )
    words = [sys.executable, "-c", script]
    if os.geteuid() == 0:
        words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", *words]
        if subprocess.run(
            [*words[:-1], "import sandbox"], cwd=REPO, capture_output=True, check=False
        ).returncode:
            pytest.skip("the repository cannot be read by other users here")
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(words, cwd=REPO, env=env, capture_output=True, text=True, timeout=60, check=False)
    if "no namespaces" in result.stderr + result.stdout:
        pytest.skip("this kernel gives unprivileged users no namespaces")
    assert result.returncode == 0, result.stderr
    assert "hello" in result.stdout


def test_serve_says_where_it_is_and_ends_by_ctrl_c() -> None:
    words = [sys.executable, "-m", "sandbox", "serve", "--mode", "lesser"]
    with subprocess.Popen(
        words, cwd=REPO, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stdout
        assert server.stdout.readline().startswith("sandbox on http://127.0.0.1:")
        os.killpg(server.pid, signal.SIGINT)  # as a terminal does
        assert server.wait(BOUND) == 130
