"""What the job sees of its world, and what others see of the caller's secrets: as without curfew, and nothing."""

from __future__ import annotations

from collections.abc import Callable

from sandbox import Instance, Sandbox
from tests.e2e.helpers import (
    INSIDE,
    LIFE,
    SOON,
    assert_disarmed,
    assert_ended,
    assert_stays,
    guard_pid,
    start,
    unit,
)

Boot = Callable[..., Instance]

# Where no machine is to end, so that one can look at it in peace.
_STAYS = ["run", "--then", "none", "--quiet"]


def may_be_marked_for_the_oom_killer(instance: Instance) -> bool:
    """Some kernels refuse it to machines like these."""
    return instance.exec(["sh", "-c", "echo 500 >/proc/self/oom_score_adj"]).code == 0


_LOOK = """
pwd; umask; ulimit -S -n; printf '%s\\n' "$OWN" "$ODD"
env | grep -c -E '^(NOTIFY_SOCKET|WATCHDOG_|LISTEN_|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID)'
ls /proc/self/fd | wc -l
cat /proc/self/oom_score_adj
"""
_CALLER = """
mkdir -p /root/work && cd /root/work && umask 027
export OWN=kept 'ODD=two words
and a line' NOTIFY_SOCKET=/run/nobody WATCHDOG_USEC=1 WATCHDOG_PID=1 LISTEN_FDS=1 LISTEN_PID=1
ulimit -S -n 777
trap '' HUP INT USR1
curfew run --then none --quiet -- bash /root/look
curfew run --then none --quiet -- grep -E '^Sig(Blk|Ign)' /proc/self/status
"""


def test_the_job_finds_its_callers_world(machine: Boot) -> None:
    instance = machine(files={"/root/look": _LOOK})
    lines = instance.sh(_CALLER).splitlines()
    assert lines[:6] == ["/root/work", "0027", "777", "kept", "two words", "and a line"]
    assert lines[6] == "0", "variables of its supervisor's have come through"
    assert lines[7] == "4", "descriptors have come through: `ls` has three and the folder's"
    if may_be_marked_for_the_oom_killer(instance):
        assert lines[8] == "500"
    assert lines[9:] == ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"]
    assert_stays(instance, 1)
    instance.terminate()


def test_the_job_runs_outside_the_guards_armour(machine: Boot) -> None:
    instance = machine()
    run = start(instance, "echo ready $$; sleep 1000")
    run.wait_out("ready")
    pid = run.out().split()[1]
    group = instance.sh(f"cat /proc/{pid}/cgroup")
    assert "curfew-job.service" in group and "curfew.service" not in group
    guard = instance.sh(f"cat /proc/{guard_pid(instance)}/cgroup")
    assert "curfew.service" in guard and "curfew-job.service" not in guard
    if may_be_marked_for_the_oom_killer(instance):
        assert instance.sh(f"cat /proc/{pid}/oom_score_adj") == "500\n"
    assert unit(instance, "curfew.service", "OOMScoreAdjust") == {"OOMScoreAdjust": "-1000"}
    instance.terminate()
    instance.wait("terminated", LIFE)


def test_input_is_passed_on_to_its_end(machine: Boot) -> None:
    instance = machine()
    size = 300_000  # more than a pipe and a message hold
    result = instance.exec(
        [INSIDE, *_STAYS, "--", "sh", "-c", "wc -c; echo over"], stdin=b"x" * size, timeout=SOON
    )
    assert (result.code, result.out) == (0, f"{size}\nover\n")
    result = instance.exec([INSIDE, *_STAYS, "--", "cat"], stdin="two\nlines", timeout=SOON)
    assert (result.code, result.out, result.err) == (0, "two\nlines", "")
    result = instance.exec([INSIDE, *_STAYS, "--", "cat"], timeout=SOON)
    assert (result.code, result.out) == (0, "")
    assert_stays(instance, 1)
    instance.terminate()


def test_output_into_a_pipe(machine: Boot) -> None:
    """stdout and stderr stay apart; a reader that has had enough ends nothing but the reading."""
    instance = machine()
    result = instance.exec([INSIDE, *_STAYS, "--", "sh", "-c", "echo out; echo err >&2; exit 3"])
    assert result == (3, "out\n", "err\n")
    script = f"{INSIDE} {' '.join(_STAYS)} -- seq 200000 | md5sum; seq 200000 | md5sum"
    through, plain = instance.sh(script).splitlines()
    assert through == plain
    script = f"{INSIDE} {' '.join(_STAYS)} -- sh -c 'seq 200000; echo reached >/root/reached' | head -1"
    assert instance.sh(script, timeout=SOON) == "1\n"
    instance.until(lambda: instance.text("/root/reached", ""), SOON, "end of a job that nobody reads")
    # The log of its output has all of it.
    instance.until(
        lambda: instance.sh("wc -l </var/lib/curfew/output.log").strip() == "200000", SOON, "the whole output"
    )
    assert_disarmed(instance)
    assert_stays(instance, 1)
    instance.terminate()


def test_a_callers_secrets_stay_secret(machine: Boot, cloud: Sandbox) -> None:
    """They are in files that only root reads, and in nothing that is shown to others; nor does the log have them."""
    instance = machine()
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    names = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": secret,
        "WANDB_API_KEY": secret,
    }
    run = start(
        instance,
        "echo ready; until [ -e /root/go ]; do sleep 0.05; done; stamp",
        env=names,
    )
    run.wait_out("ready")
    found = instance.sh(
        f"""
systemctl show 'curfew*' | grep -c -F '{secret}'
grep -rlF '{secret}' /etc/systemd /run/systemd /root/run /var/lib/cloud 2>/dev/null
for file in /proc/[0-9]*/cmdline; do [ $file = /proc/$$/cmdline ] || ! tr '\\0' ' ' <$file | grep -F '{secret}' | grep -v grep; done
journalctl -q -o cat -u 'curfew*' | grep -F '{secret}'
curfew status --json | grep -F '{secret}'
echo looked
"""
    )
    assert found == "0\nlooked\n"
    # All files with it, everywhere: none that anybody but root could read.
    files = instance.sh(
        f"grep -rlF '{secret}' /etc /run /var /tmp /root /home 2>/dev/null || true", timeout=SOON
    ).split()
    assert files, "the guard has to keep the caller's AWS variables somewhere"
    for path in files:
        mode = instance.sh(f"stat -c '%a %U' {path}").split()
        assert mode == ["600", "root"], (path, mode)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    for path in files:
        assert instance.exec([*nobody, "cat", path]).code != 0
    instance.sh("touch /root/go")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    assert secret not in run.log() + run.err() + instance.console()
