"""Who may start a guard, as whom the job runs, and what others can't do to it."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.fault_helpers import Boot, add_user, assert_nothing_started, go, start_as, start_waiting
from tests.e2e.helpers import CURFEW, INSIDE, SOON, assert_ended, assert_stays, objects, start, start_words

SAVED = {"run/model": b"weights\n"}
BY_API = "Client.UserInitiatedShutdown"
# What of sudo(8) is used: `sudo -n PROGRAM ARG...` as root, with root's groups and an environment of its own.
_SUDO = r"""
#include <grp.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char** argv) {
  if (argc < 3 || strcmp(argv[1], "-n") != 0) return 1;
  if (setgroups(0, 0) != 0 || setgid(0) != 0 || setuid(0) != 0) return 1;
  char* environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "SUDO_UID=1000", 0};
  return execvpe(argv[2], argv + 2, environment), 1;
}
"""
# A job that shows who it is, then waits.
_WHO = "id -un; id -Gn; pwd; umask; echo $MINE; mkdir -p out; echo weights >out/model; echo waiting;"
_WHO += " while [ ! -e /run/go ]; do sleep 0.05; done"


@pytest.fixture(scope="session")
def sudo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand-in, which root in a machine makes set-user-ID. On this host it never is."""
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    folder = tmp_path_factory.mktemp("sudo")
    (folder / "sudo.c").write_text("#define _GNU_SOURCE\n" + _SUDO)
    subprocess.run(["gcc", "-static", "-o", folder / "sudo", folder / "sudo.c"], check=True, timeout=60)
    return folder / "sudo"


def allow_sudo(instance: Instance, program: Path) -> None:
    instance.write("/usr/bin/sudo", program)
    instance.sh("chmod 4755 /usr/bin/sudo")


def owner(instance: Instance, pattern: str) -> str:
    return instance.sh(f"ps -o user= -p $(pgrep -f '{pattern}' | head -1)").strip()


def test_with_sudo_the_guard_is_roots_and_the_job_its_users(
    machine: Boot, cloud: Sandbox, bucket: str, sudo: Path
) -> None:
    instance = machine()
    instance.sh("groupadd gpu")
    add_user(instance, "alice", groups="gpu")
    allow_sudo(instance, sudo)
    run = start_as(instance, "alice", _WHO, "--save", f"out/=s3://{bucket}/run/", env={"MINE": "kept"})
    run.wait_out("waiting")
    assert run.out().split() == ["alice", "alice", "gpu", "/home/alice/run", "0022", "kept", "waiting"]
    assert owner(instance, "curfew guard --state /var/lib/curfew") == "root"
    assert owner(instance, "curfew shim --state /var/lib/curfew") == "root"
    assert instance.exec(["systemctl", "is-active", "curfew.service", "curfew-l0.timer"]).code == 0
    assert instance.exec([INSIDE, "status"], user="alice").code == 0, "its owner may look"
    assert_ended(instance, go(instance))
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 0


def test_with_sudo_the_jobs_user_may_stop_it(machine: Boot, cloud: Sandbox, bucket: str, sudo: Path) -> None:
    instance = machine()
    add_user(instance)
    allow_sudo(instance, sudo)
    run = start_as(instance, "alice", _WHO, "--save", f"out/=s3://{bucket}/run/")
    run.wait_out("waiting")
    cause = time.monotonic()
    instance.sh("pkill -TERM -u alice -f '^/usr/local/bin/curfew run'", user="alice")
    assert_ended(instance, cause)
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 143


@pytest.mark.parametrize("then", ["auto", "terminate", "stop"])
def test_without_sudo_and_without_credentials_it_is_refused(machine: Boot, cloud: Sandbox, then: str) -> None:
    instance = cloud.launch(cloud_init=False, shutdown_behavior="terminate", files={INSIDE: CURFEW})
    add_user(instance)
    run = start_as(instance, "alice", "echo started >/tmp/started", "--then", then, wait=False)
    assert run.wait_code() == 125
    assert run.err().startswith("curfew: ") and "sudo" in run.err() and "--then none" in run.err()
    assert instance.exec(["test", "-e", "/tmp/started"]).code != 0, "the command ran, unguarded"
    assert_nothing_started(instance)
    assert_stays(instance)


def test_without_sudo_but_with_a_role_the_api_ends_the_machine(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    instance = machine()
    add_user(instance)
    run = start_as(instance, "alice", _WHO, "--save", f"out/=s3://{bucket}/run/")
    run.wait_out("waiting")
    assert "without root only the EC2 API can end this machine" in run.err()
    assert owner(instance, "curfew guard --state /home/alice") == "alice"
    asked = instance.exec([INSIDE, "status"])
    assert asked.code == 3 and "another one is (process " in asked.out, (
        "root's question finds no guard of root's"
    )
    # `shutdown` refuses those who aren't root, and is passed over at once.
    assert_ended(instance, go(instance), reason=BY_API)
    assert objects(cloud, bucket) == SAVED


def test_then_none_needs_nothing(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    add_user(instance)
    run = start_as(instance, "alice", _WHO, "--save", f"out/=s3://{bucket}/run/", "--then", "none")
    run.wait_out("waiting")
    go(instance)
    assert run.wait_code() == 0
    assert objects(cloud, bucket) == SAVED
    assert_nothing_started(instance)
    assert_stays(instance)


# Connects to a socket and asks the guard to stop the job, or the shim to kill it; what it got back.
_FOREIGN = """
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(2)
try:
    s.connect(sys.argv[1])
    s.send(sys.argv[2].encode())
    got = s.recv(4096)
except OSError as error:
    sys.exit(f"refused: {error}")
sys.exit("refused: closed" if not got else 0)
"""


def test_a_foreign_user_is_refused_at_the_sockets(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    add_user(instance, "mallory")
    run = start_waiting(instance, bucket)
    sockets = instance.sh("find /run/curfew -type s").split()
    assert len(sockets) == 2, sockets
    for loose in (False, True):
        if loose:  # so that only the check of who connects is left
            instance.sh("chmod 777 /run/curfew /run/curfew/*.sock")
        for path in sockets:
            for words in ("s15 1", "?", "g", "k"):
                result = instance.exec(["python3", "-c", _FOREIGN, path, words], user="mallory")
                assert result.code != 0 and "refused" in result.err, (path, words, result)
    assert run.code() is None
    told = instance.exec([INSIDE, "status"], user="mallory")
    assert told.code == 125 and "closed the connection" in told.err and "stage" not in told.out, told
    assert_ended(instance, go(instance))
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 0


# Holds as many connections as it can get.
_HOLDS = """
import socket, sys, time
held = []
for _ in range(64):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(2)
    try:
        s.connect(sys.argv[1])
        held.append(s)
    except OSError:
        break
print("held", flush=True)
time.sleep(1000)
"""


def test_what_runs_in_the_job_does_not_keep_root_from_its_guard(
    machine: Boot, cloud: Sandbox, bucket: str, sudo: Path
) -> None:
    """The job's user may connect as well, and takes all the places that it gets."""
    instance = machine(files={"/srv/holds.py": _HOLDS})
    add_user(instance)
    allow_sudo(instance, sudo)
    crowd = "python3 /srv/holds.py /run/curfew/control.sock & python3 /srv/holds.py /run/curfew/shim.sock & "
    run = start_as(instance, "alice", crowd + _WHO, "--save", f"out/=s3://{bucket}/run/")
    run.wait_out("waiting")
    instance.until(lambda: run.out().count("held") == 2, SOON, "a crowd")
    assert instance.exec([INSIDE, "status"]).code == 0, "root is kept out"
    assert instance.exec([INSIDE, "extend", "10m"]).code == 0
    cause = time.monotonic()
    assert instance.exec([INSIDE, "stop"]).code == 0
    assert_ended(instance, cause)
    assert objects(cloud, bucket) == SAVED


def test_a_foreign_user_reads_no_secrets(machine: Boot, cloud: Sandbox) -> None:
    instance = machine()
    add_user(instance, "mallory")
    secret = "wJalrXUtnFEMI"
    start_waiting(instance, None, env={"AWS_SESSION_TOKEN": secret})
    places = "/var/lib/curfew /run/curfew /etc/systemd /run/systemd /root /var/log /tmp /proc/[0-9]*/cmdline"
    look = f"grep -rlsa {secret[:-1]}[{secret[-1]}] {places} /proc/[0-9]*/environ"
    assert "/var/lib/curfew/guard.json" in instance.exec(["sh", "-c", look]).out.split(), "root finds it"
    assert instance.exec(["sh", "-c", look], user="mallory").out == ""
    assert_ended(instance, go(instance))


def test_a_symlink_is_not_taken_for_the_log(machine: Boot, cloud: Sandbox) -> None:
    instance = machine()
    instance.sh("mkdir -p /root/run; echo precious >/root/target")
    instance.sh("ln -s /root/target /root/run/log")
    run = start_words(instance, ["--", "true"], wait=False)
    assert run.wait_code() == 125
    assert "symbolic link" in run.err()
    assert instance.text("/root/target") == "precious\n"
    assert_nothing_started(instance)
    assert_stays(instance)


@pytest.mark.parametrize("folder", ["/var/lib/curfew", "/run/curfew"])
def test_a_symlink_is_not_taken_for_a_folder_of_curfews(machine: Boot, cloud: Sandbox, folder: str) -> None:
    instance = machine()
    instance.sh(f"mkdir /root/elsewhere; ln -s /root/elsewhere {folder}")
    run = start(instance, "true", wait=False)
    assert run.wait_code() == 125
    assert folder in run.err()
    assert not instance.sh("ls /root/elsewhere"), "followed"
    assert_nothing_started(instance)
    assert_stays(instance)


def test_symlinks_in_place_of_sockets_are_replaced(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    instance.sh(
        "mkdir -m 711 /run/curfew; echo precious >/root/target;"
        " for name in control.sock shim.sock; do ln -s /root/target /run/curfew/$name; done"
    )
    start_waiting(instance, bucket)
    assert instance.text("/root/target") == "precious\n"
    assert len(instance.sh("find /run/curfew -type s").split()) == 2
    assert_ended(instance, go(instance))
    assert objects(cloud, bucket) == SAVED


def test_a_folder_of_somebody_elses_is_refused(machine: Boot, cloud: Sandbox) -> None:
    instance = machine()
    add_user(instance, "mallory")
    instance.sh("mkdir /var/lib/curfew; chown mallory /var/lib/curfew")
    run = start(instance, "true", wait=False)
    assert run.wait_code(SOON) == 125
    assert "belongs to another user" in run.err()
    assert_nothing_started(instance)
    assert_stays(instance)
