"""What others may not get: the job nothing of curfew's, a foreign user no file by a link, readers of logs no secret, and
terminals no escape sequence."""

from __future__ import annotations

import json
import re

from sandbox import Instance, Sandbox
from tests.e2e.fault_helpers import Boot, add_user, go, start_waiting
from tests.e2e.helpers import (
    INSIDE,
    LIFE,
    SOON,
    assert_disarmed,
    assert_ended,
    assert_stays,
    objects,
    start,
    status,
)
from tests.e2e.launching import Launcher

# ---- what the job gets

# Its environment, its descriptors but for the one that lists them, and how the kernel takes it for a victim.
_LOOKS = """
import json, os, sys
links = {}
for name in os.listdir("/proc/self/fd"):
    try:
        links[name] = os.readlink("/proc/self/fd/" + name)
    except FileNotFoundError:
        pass
score = int(open("/proc/self/oom_score_adj").read())
json.dump({"env": dict(os.environ), "fds": links, "oom": score}, open(sys.argv[1], "w"))
"""
_CALLS = """
cd /root/run
exec 7</etc/passwd
python3 /root/looks.py plain.json
curfew run --then none --quiet --before-end 'exec python3 /root/looks.py before.json' -- python3 /root/looks.py job.json
"""
# systemd's own, which the caller may have got from a service that it is; curfew's have the same names.
_OF_A_SERVICE = {
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
}


def test_the_job_and_what_runs_after_it_get_the_callers_world_and_no_more(machine: Boot) -> None:
    instance = machine(files={"/root/looks.py": _LOOKS, "/root/calls": _CALLS})
    env = dict.fromkeys(_OF_A_SERVICE, "1") | {"MINE": "two words\nand a line", "AWS_REGION": "us-east-1"}
    instance.sh("mkdir /root/run")
    instance.sh("sh /root/calls", env=env)
    plain, job, before = (
        json.loads(instance.text(f"/root/run/{name}.json")) for name in ("plain", "job", "before")
    )
    wanted = {name: value for name, value in plain["env"].items() if name not in _OF_A_SERVICE}
    assert "7" in plain["fds"] and wanted["MINE"] == env["MINE"]
    assert job["env"] == wanted
    # The shell that runs it adds what shells do.
    added = {"CURFEW_CAUSE", "SHLVL", "PWD", "OLDPWD", "_"}
    assert {k: v for k, v in before["env"].items() if k not in added} == {
        k: v for k, v in wanted.items() if k not in added
    }
    for seen in (job, before):
        own = [name for name, link in seen["fds"].items() if not re.fullmatch(r"/proc/\d+/fd", link)]
        assert sorted(own) == ["0", "1", "2"], seen["fds"]
        assert not [link for link in seen["fds"].values() if "socket" in link or "curfew" in link]
    if instance.exec(["sh", "-c", "echo 500 >/proc/self/oom_score_adj"]).code == 0:
        assert (job["oom"], before["oom"]) == (500, 500)
    assert_stays(instance, 1)


# ---- links

# Puts, as fast as it can, now a link to one of root's files, now one to a file that isn't there, now a file of its own,
# and now nothing in the place of a file.
_RACES = """
import os, sys
place, targets = sys.argv[1], sys.argv[2:]
def attempt(call, *words):
    try:
        call(*words)
    except OSError:
        pass
while True:
    for target in targets:
        attempt(os.symlink, target, place + ".new")
        attempt(os.rename, place + ".new", place)
    attempt(lambda: open(place + ".new", "w").close())
    attempt(os.rename, place + ".new", place)
    attempt(os.unlink, place)
"""


def race(instance: Instance, place: str, *targets: str) -> None:
    as_mallory = ["setpriv", "--reuid=mallory", "--regid=mallory", "--clear-groups"]
    instance.exec([*as_mallory, "python3", "/srv/races.py", place, *targets], detach=True)
    look = ["pgrep", "-u", "mallory", "-f", place]
    instance.until(lambda: instance.exec(look).code == 0, SOON, "the race to begin")


def test_no_link_that_comes_in_between_is_taken_for_the_log(machine: Boot) -> None:
    """In a folder of somebody's who changes it all the time: the log is a file there, or it's refused."""
    instance = machine(files={"/srv/races.py": _RACES, "/etc/precious": "precious\n"})
    add_user(instance, "mallory")
    instance.sh("mkdir /srv/logs; chown mallory /srv/logs")
    race(instance, "/srv/logs/log", "/etc/precious", "/etc/made")
    for _ in range(8):
        words = [INSIDE, "run", "--then", "none", "--log", "/srv/logs/log", "--", "true"]
        result = instance.exec(words, timeout=LIFE)
        refused = result.code == 125 and "is a symbolic link" in result.err
        assert result.code == 0 or refused, result
    instance.sh("pkill -u mallory")
    assert instance.text("/etc/precious") == "precious\n"
    assert instance.exec(["test", "-e", "/etc/made"]).code != 0, "made by following a link"
    assert_disarmed(instance)
    assert_stays(instance, 1)


def test_no_link_that_comes_in_between_is_taken_for_the_folder_of_state_and_sockets(machine: Boot) -> None:
    """A user's own guard whose folders lie where others may write as well (as /tmp): they are its user's, or refused."""
    instance = machine(files={"/srv/races.py": _RACES})
    add_user(instance, "mallory")
    add_user(instance, "alice")
    instance.sh("mkdir /home/alice/own; chown alice /home/alice/own; chmod 755 /home/alice /home/alice/own")
    for name in ("state", "run"):
        instance.sh(f"mkdir -p -m 1777 /srv/shared/{name}; chmod 1777 /srv/shared/{name}")
        race(instance, f"/srv/shared/{name}/curfew", "/home/alice/own", "/home/alice/made")
    env = {"XDG_STATE_HOME": "/srv/shared/state", "XDG_RUNTIME_DIR": "/srv/shared/run"}
    for _ in range(8):
        words = [INSIDE, "run", "--then", "none", "--", "true"]
        result = instance.exec(words, user="alice", env=env, timeout=LIFE)
        assert result.code in (0, 125), result
        assert result.code == 0 or result.err.startswith("curfew: "), result
        instance.sh("rm -rf /srv/shared/*/curfew*")
    instance.sh("pkill -u mallory")
    made = instance.sh("find /home/alice/own /home/alice/made -printf '%p %m\\n' 2>/dev/null || true")
    assert made == "/home/alice/own 755\n", "a link was followed"
    assert_stays(instance, 1)


# A job of a user without rights: what it saves is swapped for links once it's known to be there.
_SWAPS = """
cd ~; mkdir -p out data/real; ln -s data/real linked; echo weights >out/model; echo rows >data/real/rows
until [ -e /tmp/go ]; do sleep 0.1; done
mv curfew-logs logs-before; ln -s /root/precious curfew-logs
rm -r swapped; ln -s /root/precious swapped
rm one; ln -s /root/precious/key one
"""
_PRECIOUS = "nobody-else-may-read-this"


def test_a_link_in_place_of_what_is_saved_gets_root_to_read_nothing_for_its_job(
    cloud: Sandbox, bucket: str, launcher: Launcher
) -> None:
    """The folder of the stages' logs, and a folder and a file of --save. A link that leads where the user may go is fine, and
    so is what root (a container, say) has made for itself alone in a folder of the user's."""
    to = f"s3://{bucket}/run"
    words = [f"swapped/={to}/swapped", f"one={to}/one", f"linked/={to}/linked", f"out/={to}/out"]
    saves = [word for save in words for word in ("--save", f"/home/debian/{save}")]
    instance, _ = launcher.launch(*saves, shell=_SWAPS)
    instance.wait_up()
    instance.until(lambda: instance.exec(["test", "-e", "/home/debian/out/model"]).code == 0, LIFE, "the job")
    instance.sh(
        f"""mkdir -m 700 /root/precious; echo {_PRECIOUS} >/root/precious/key; echo {_PRECIOUS} >/root/precious/train.log
cd /home/debian; mkdir swapped; echo 1 >swapped/old; echo 1 >one; chown -R debian swapped one
mkdir -m 700 out/by-root; echo closed >out/by-root/model; chmod 600 out/by-root/model; touch /tmp/go"""
    )
    instance.wait("terminated", LIFE)
    there = objects(cloud, bucket)
    assert not [key for key, body in there.items() if _PRECIOUS.encode() in body]
    saved = {key: body for key, body in there.items() if key.startswith("run/")}
    assert saved == {
        "run/linked/rows": b"rows\n",
        "run/out/model": b"weights\n",
        "run/out/by-root/model": b"closed\n",
    }
    log = "".join(body.decode() for key, body in there.items() if "/live/guard-" in key)
    for what in ("curfew-logs", "swapped", "one"):
        assert re.search(rf"error +/home/debian/{what}[: ].*the job's user may not read it", log), log
    [state] = [json.loads(body) for key, body in there.items() if key.endswith("/status.json")]
    assert state["state"] == "ended" and state["saved"] is False


# ---- secrets

# A role's keys are made when they are first asked for.
_ASKS_FOR_KEYS = """
host=http://169.254.169.254/latest
token=$(curl -sf -X PUT $host/api/token -H "X-aws-ec2-metadata-token-ttl-seconds: 60")
curl -sf $host/meta-data/iam/info -H "X-aws-ec2-metadata-token: $token"
"""
_PASSWORD = "hunter2-of-the-proxy"
_TYPED = "wJalrXUtnFEMI-typed-as-a-variable"


def test_no_secret_is_in_a_log_or_shown_to_anybody(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    """Those of the caller, of the proxy's address, and of the role; also where calls fail, and errors are told."""
    instance = machine()
    add_user(instance, "mallory")
    instance.sh(_ASKS_FOR_KEYS)
    role = instance.rotate_credentials()
    secrets = {
        "typed": _TYPED,
        "proxy": _PASSWORD,
        "role's key": role["SecretAccessKey"],
        "role's token": role["Token"],
    }
    env = {
        "WANDB_API_KEY": _TYPED,
        "HTTPS_PROXY": f"http://trainer:{_PASSWORD}@10.0.0.1:9/",
        # By the proxy, which isn't there; everything else is http, and direct.
        "AWS_ENDPOINT_URL_S3": "https://s3.example.com",
    }
    run = start_waiting(instance, bucket, "--save-limit", "4s", env=env)
    run.wait_err("when the job is over")
    shown = instance.sh(f"curfew status; {INSIDE} status --json; systemctl show 'curfew*'")
    on_disk = instance.sh(_SECRETS_ON_DISK.format(patterns=" ".join(f"-e '{s}'" for s in secrets.values())))
    processes = instance.sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '", timeout=SOON)
    foreign = instance.exec(
        ["sh", "-c", "cat /var/lib/curfew/* /run/curfew/* /root/run/* /proc/[0-9]*/environ 2>/dev/null"],
        user="mallory",
    ).out
    places = {}
    for line in on_disk.splitlines():
        path, mode = line.rsplit(" ", 1)
        places[path] = mode
    assert places and set(places.values()) == {"600:root"}, places
    for name in ("role's key", "role's token"):
        assert not instance.sh(f"grep -rlsF -e '{secrets[name]}' /etc /run /var /root /home /tmp || true"), (
            name
        )
    assert_ended(instance, go(instance), within=SOON)
    assert "NOT saved" in run.log() and "10.0.0.1" in run.log(), "the proxy wasn't asked: this shows little"
    everything = {
        "status": shown,
        "process list": processes,
        "what others can read": foreign,
        "log": run.log(),
        "stderr": run.err(),
        "console": instance.console(),
    }
    for place, text in everything.items():
        for name, secret in secrets.items():
            assert secret not in text, f"the secret ({name}) is in the {place}"


# Every file with one of them: its path, mode and owner.
_SECRETS_ON_DISK = """
for path in $(grep -rlsF {patterns} /etc /run /var /root /home /tmp); do stat -c '%n %a:%U' $path; done
"""


# ---- escape sequences

_ESCAPE = "\x1b[31m\x1b]0;owned\x07"
# In a shell's $'…'.
_TYPED_ESCAPE = r"\e[31m\e]0;owned\a"


def strange(text: str) -> list[str]:
    """Control characters, those of C1 in UTF-8 too, that aren't the end of a line or a tab."""
    return re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text.replace("\r\n", "\n"))


def assert_clean(texts: dict[str, str]) -> None:
    for place, text in texts.items():
        assert text, f"nothing in the {place}: this shows nothing"
        assert not strange(text), f"{strange(text)} in the {place}:\n{text!r}"


def test_escape_sequences_from_outside_reach_no_terminal_and_no_log(
    machine: Boot, cloud: Sandbox, bucket: str
) -> None:
    """In tags, file names, programs' output, S3's and nvidia-smi's answers and the command itself."""
    instance = machine()
    instance.set_tag("curfew:deadline", f"soon{_ESCAPE}")
    instance.set_tag("curfew:then", f"stop{_ESCAPE}")
    instance.set_gpu({"name": f"A10G{_ESCAPE}", "utilization.gpu": 50})
    message = f"no{_ESCAPE}\x9b31m"
    cloud.fault(
        "error", "s3", "PutObject", instance=instance.id, code="AccessDenied", status=403, message=message
    )
    job = f"""
mkdir -p out; echo weights >out/$'model{_TYPED_ESCAPE}'; ln -s /nowhere out/$'link{_TYPED_ESCAPE}'
mkfifo out/$'pipe{_TYPED_ESCAPE}'; : $'{_ESCAPE}'; echo ready; while [ ! -e /run/go ]; do sleep 0.05; done; exit 0
"""
    run = start(
        instance,
        job,
        *("--save", f"out/=s3://{bucket}/run/", "--save-limit", "4s", "--then", "none", "--idle-gpu", "1h"),
        *("--before-end", f"printf '{_TYPED_ESCAPE}'; printf 'on stderr {_TYPED_ESCAPE}' >&2; exit 3"),
    )
    run.wait_out("ready")
    instance.until(lambda: "50%" in str(status(instance).get("gpus")), SOON, "a reading")
    running = {
        "status": instance.sh("curfew status"),
        "status for programs": instance.sh("curfew status --json"),
    }
    go(instance)
    assert run.wait_code(LIFE) == 125
    last = instance.exec([INSIDE, "status"])
    assert "NOT saved: 1 file" in run.log() and "--before-end: " in run.log()
    assert_clean(
        {
            **running,
            "status of a job that is over": last.out,
            "terminal": run.err(),
            "log": run.log(),
            "journal": instance.sh("journalctl -q -o cat -u curfew --no-pager"),
        }
    )


def test_escape_sequences_in_a_command_that_is_not_there_reach_no_terminal(machine: Boot) -> None:
    instance = machine()
    for words in (["--", f"/no{_ESCAPE}"], ["--save", f"out{_ESCAPE}=s3://bucket/x", "--", "true"]):
        result = instance.exec([INSIDE, "run", "--then", "none", *words], timeout=LIFE)
        assert result.code in (125, 127), result
        assert_clean({"terminal": result.err})
    result = instance.exec(
        [INSIDE, "run", "--then", "none", "--log-format", "json", "--log", "/root/log", "--", f"/no{_ESCAPE}"]
    )
    assert result.code == 127
    assert_clean({"log": instance.text("/root/log")})
    for line in instance.text("/root/log").splitlines():
        json.loads(line)
