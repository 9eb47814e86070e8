"""The inside of a machine: running programs in it, its files, its network, its metadata service, its GPUs."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

import pytest

from sandbox import Instance, Sandbox, SandboxError

BOUND = 40.0
_IMDS = """
import sys, urllib.request as u, urllib.error
base, call = "http://169.254.169.254/latest/", lambda r: u.urlopen(r, timeout=5).read().decode()
token = call(u.Request(base + "api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}))
try:
    print(call(u.Request(base + sys.argv[1], headers={"X-aws-ec2-metadata-token": token})), end="")
except urllib.error.HTTPError as error:
    sys.exit(error.code // 100 * 10 + error.code % 100)
"""


def imds(instance: Instance, path: str) -> str | int:
    """What the machine is told, or the HTTP status."""
    result = instance.exec(["python3", "-c", _IMDS, path])
    return result.out if result.code == 0 else result.code // 10 * 100 + result.code % 10


def test_exec_is_an_ordinary_process_of_the_machine(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False)
    result = instance.exec(["sh", "-c", "cat; echo err >&2; exit 7"], stdin="given")
    assert result == (7, "given", "err\n")
    assert instance.sh("hostname").startswith("ip-10-0-0-2")
    assert instance.sh("echo $PPID; readlink /proc/self/ns/pid").splitlines()[0] == "0"
    assert instance.exec(["sleep", "100"], timeout=0.5).code == 124
    pid = instance.exec(["sleep", "1000"], detach=True).out.strip()
    instance.until(lambda: instance.text(f"/proc/{pid}/comm") == "sleep\n", BOUND, "sleep")
    assert instance.exec(["sh", "-c", "test -t 0 && test -t 1 && tty"], tty=True).out.startswith("/dev/pts/")
    assert instance.exec(["sh", "-c", "exit 3"], tty=True).code == 3
    assert instance.exec(["pwd"], cwd="/var").out == "/var\n"


def test_exec_as_another_user(booted: Sandbox) -> None:
    instance = booted.launch(cloud_init=False)
    instance.sh("useradd --create-home alice")
    assert instance.exec(["sh", "-c", "id -un; echo $HOME"], user="alice").out == "alice\n/home/alice\n"


def test_a_machine_has_a_systemd_of_its_own(booted: Sandbox) -> None:
    instance = booted.launch(cloud_init=False)
    assert instance.text("/proc/1/comm") == "systemd\n"
    instance.sh("systemd-run --on-active=1 --timer-property=AccuracySec=100ms touch /root/fired")
    instance.until(lambda: instance.exec(["test", "-e", "/root/fired"]).code == 0, BOUND, "timer")
    instance.sh("systemd-run --unit=dies --property=FailureAction=poweroff-force false")
    instance.wait("stopped", BOUND)


def test_a_boot_with_cloud_init_ends_well(booted: Sandbox) -> None:
    """The real cloud-init, told by a real metadata service that it is on EC2."""
    instance = booted.launch("#!/bin/bash\necho user data as $(id -un)")
    running = ["systemctl", "is-system-running", "--wait"]
    assert instance.exec(running, timeout=BOUND).out == "running\n", instance.sh(
        "systemctl --failed; cloud-init status"
    )
    assert "user data as root\n" in instance.output()
    assert "aws" in instance.text("/run/cloud-init/instance-data.json")


def test_files_given_at_launch_are_there_before_the_boot(any_cloud: Sandbox) -> None:
    files: dict[str, bytes | str | Path] = {
        "/usr/local/bin/tool": "#!/bin/sh\necho tool\n",
        "/etc/some/config": b"text",
    }
    instance = any_cloud.launch("#!/bin/bash\ntool", cloud_init=False, files=files)
    instance.wait_output("tool", BOUND)
    assert instance.text("/etc/some/config") == "text"


def test_links_are_followed_inside_the_machine(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False)
    instance.sh(
        "mkdir /root/d && echo inside >/root/d/file && ln -s /root/d /root/link && ln -s ../../../../.. /root/up"
    )
    assert instance.text("/root/link/file") == "inside\n"
    assert instance.text("/root/up/root/d/file") == "inside\n"


def multipart(*parts: tuple[str, str]) -> bytes:
    message = MIMEMultipart()
    for kind, text in parts:
        message.attach(MIMEText(text, kind))
    return message.as_bytes()


def test_user_data_may_be_gzipped_mime_with_a_boothook(any_cloud: Sandbox) -> None:
    hook = ("cloud-boothook", "#!/bin/sh\necho hook >>/root/order\n")
    script = ("x-shellscript", "#!/bin/sh\necho script >>/root/order\n")
    instance = any_cloud.launch(gzip.compress(multipart(script, hook)))
    instance.until(lambda: instance.text("/root/order", "").count("\n") == 2, BOUND, "both parts")
    assert instance.text("/root/order") == "hook\nscript\n"
    instance.exec(["reboot"])
    instance.until(lambda: instance.text("/root/order", "").count("\n") == 3, BOUND, "the hook's second run")
    assert instance.text("/root/order") == "hook\nscript\nhook\n", "a boothook runs at each boot"


def test_metadata(any_cloud: Sandbox) -> None:
    user_data = "#!/bin/sh\n: user data\n"
    instance = any_cloud.launch(
        user_data, cloud_init=False, tags={"curfew:job": "j"}, profile=any_cloud.profile("trainer"), spot=True
    )
    assert (
        instance.exec(
            ["python3", "-c", "import urllib.request as u; u.urlopen('http://169.254.169.254/')"]
        ).code
        == 1
    )
    assert imds(instance, "meta-data/instance-id") == instance.id
    assert imds(instance, "meta-data/instance-life-cycle") == "spot"
    assert imds(instance, "meta-data/placement/availability-zone") == "us-east-1a"
    assert imds(instance, "user-data") == user_data
    document = json.loads(str(imds(instance, "dynamic/instance-identity/document")))
    launched = instance.describe()["LaunchTime"].strftime("%Y-%m-%dT%H:%M:%SZ")
    assert document["pendingTime"] == launched
    assert (document["instanceId"], document["instanceType"], document["region"], document["accountId"]) == (
        instance.id,
        "g5.xlarge",
        "us-east-1",
        "123456789012",
    )
    assert imds(instance, "meta-data/tags/instance") == "curfew:job"
    assert imds(instance, "meta-data/tags/instance/curfew:job") == "j"
    instance.set_tag("curfew:deadline", "2027-01-01T00:00:00Z")
    assert imds(instance, "meta-data/tags/instance/curfew:deadline") == "2027-01-01T00:00:00Z"
    assert imds(instance, "meta-data/no-such-thing") == 404
    for path in ("spot/instance-action", "events/recommendations/rebalance", "events/maintenance/scheduled"):
        assert imds(instance, f"meta-data/{path}") == 404, path


def test_role_credentials_expire_and_rotate(cloud: Sandbox) -> None:
    instance = cloud.launch(cloud_init=False, profile=cloud.profile("trainer"))
    assert imds(instance, "meta-data/iam/security-credentials/") == "trainer"
    keys = json.loads(str(imds(instance, "meta-data/iam/security-credentials/trainer")))
    assert keys["Code"] == "Success" and datetime.fromisoformat(keys["Expiration"]) > datetime.now(UTC)
    assert json.loads(str(imds(instance, "meta-data/iam/info")))["InstanceProfileArn"].endswith("/trainer")
    fresh = instance.rotate_credentials(lifetime=30)
    again = json.loads(str(imds(instance, "meta-data/iam/security-credentials/trainer")))
    assert again["AccessKeyId"] == fresh["AccessKeyId"] != keys["AccessKeyId"]
    bare = cloud.launch(cloud_init=False)
    assert imds(bare, "meta-data/iam/security-credentials/") == 404


def test_tags_are_in_metadata_only_when_switched_on(cloud: Sandbox) -> None:
    instance = cloud.launch(cloud_init=False, tags={"a": "b"}, imds_tags=False)
    assert imds(instance, "meta-data/tags/instance") == 404


def test_notices_appear_when_raised(cloud: Sandbox) -> None:
    instance = cloud.launch(cloud_init=False, spot=True, shutdown_behavior="terminate")
    instance.rebalance()
    assert "noticeTime" in json.loads(str(imds(instance, "meta-data/events/recommendations/rebalance")))
    instance.maintenance({"Code": "instance-retirement", "State": "active"})
    assert (
        json.loads(str(imds(instance, "meta-data/events/maintenance/scheduled")))[0]["Code"]
        == "instance-retirement"
    )
    instance.spot_notice("terminate", seconds=2)
    notice = json.loads(str(imds(instance, "meta-data/spot/instance-action")))
    assert notice["action"] == "terminate" and notice["time"].endswith("Z")
    instance.wait("terminated", BOUND)
    assert instance.reason() == "Server.SpotInstanceTermination"


def test_metadata_can_fail(cloud: Sandbox) -> None:
    instance = cloud.launch(cloud_init=False)
    instance.imds_fails(500, path="meta-data/spot")
    assert (
        imds(instance, "meta-data/spot/instance-action") == 500 % 256
        or imds(instance, "meta-data/spot/x") != 404
    )
    assert imds(instance, "meta-data/instance-id") == instance.id
    instance.imds_fails()
    assert imds(instance, "meta-data/spot/instance-action") == 404


_OLD_TOKEN = """
import os, sys, time, urllib.request as u, urllib.error
base, call = "http://169.254.169.254/latest/", lambda r: u.urlopen(r, timeout=5).read().decode()
token = call(u.Request(base + "api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}))
open("/tmp/has-it", "w").close()
while not os.path.exists("/tmp/go"):
    time.sleep(0.05)
try:
    call(u.Request(base + "meta-data/instance-id", headers={"X-aws-ec2-metadata-token": token}))
except urllib.error.HTTPError as error:
    print(error.code)
"""


def test_tokens_of_the_metadata_service_can_expire(cloud: Sandbox) -> None:
    instance = cloud.launch(cloud_init=False)
    instance.exec(["sh", "-c", 'exec python3 -c "$0" >/tmp/said', _OLD_TOKEN], detach=True)
    instance.until(lambda: instance.exec(["test", "-e", "/tmp/has-it"]).code == 0, BOUND, "a token")
    instance.expire_tokens()
    instance.write("/tmp/go", "")
    instance.until(lambda: instance.text("/tmp/said", "") == "401\n", BOUND, "an answer of 401")
    assert imds(instance, "meta-data/instance-id") == instance.id


def test_the_hop_limit_keeps_the_token_from_what_is_farther_away(booted: Sandbox) -> None:
    """As a container on the machine: a namespace behind one more router, to which the machine forwards."""
    nested = (
        "set -e; ip netns add inner; ip link add out type veth peer name in netns inner;"
        " ip addr add 10.9.0.1/24 dev out; ip link set out up; ip -n inner addr add 10.9.0.2/24 dev in;"
        " ip -n inner link set in up; ip -n inner route add default via 10.9.0.1;"
        " echo 1 >/proc/sys/net/ipv4/ip_forward"
    )
    ask = "curl -sS -m 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token"
    near = booted.launch(cloud_init=False)
    near.sh(nested)
    assert near.sh(ask)
    assert near.exec(["ip", "netns", "exec", "inner", "sh", "-c", ask]).code != 0


def test_the_network_can_be_cut_and_restored(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False)
    reach = ["python3", "-c", "import socket; socket.create_connection(('10.0.0.1', 5000), 1)"]
    assert instance.exec(reach).code == 0
    instance.cut_network()
    assert instance.exec(reach).code != 0
    assert instance.state() == "running"
    instance.restore_network()
    instance.until(lambda: instance.exec(reach).code == 0, BOUND, "network")


def test_nothing_else_can_be_reached(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False)
    for address in ("8.8.8.8", "10.0.0.1"):
        code = f"import socket; socket.create_connection(('{address}', 53), 1)"
        assert instance.exec(["python3", "-c", code]).code != 0


def test_dns_can_be_a_black_hole(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False)
    lookup = ["timeout", "2", "python3", "-c", "import socket; socket.getaddrinfo('example.com', 80)"]
    assert instance.exec(lookup).code == 1, "without a server a lookup fails at once"
    instance.blackhole_dns()
    assert instance.exec(lookup).code == 124
    instance.restore_dns()
    assert instance.exec(lookup).code == 1


def test_a_frozen_machine_does_nothing(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False)
    instance.exec(["sh", "-c", "while :; do date +%N >/root/tick; sleep 0.02; done"], detach=True)
    instance.until(lambda: instance.text("/root/tick", ""), BOUND, "tick")
    instance.freeze()
    before = instance.text("/root/tick", "")
    with pytest.raises(TimeoutError):
        instance.until(lambda: instance.text("/root/tick", "") != before, 0.5)
    instance.thaw()
    instance.until(lambda: instance.text("/root/tick", "") not in ("", before), BOUND, "tick after the thaw")


def test_nvidia_smi_shows_what_a_test_sets(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False)
    query = ["nvidia-smi", "--query-gpu=index,utilization.gpu,memory.used", "--format=csv,noheader,nounits"]
    assert instance.exec(query).code == 9, "no driver"
    instance.set_gpu({"utilization.gpu": 97, "memory.used": 20000}, {"utilization.gpu": 0})
    assert instance.exec(query).out == "0, 97, 20000\n1, 0, 0\n"
    assert instance.exec(["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv"]).out.splitlines() == [
        "utilization.gpu [%]",
        "97 %",
        "0 %",
    ]
    instance.set_gpu(utilization=3)
    assert instance.exec(query).out == "0, 3, 0\n"
    instance.set_gpu(utilization=3, hang=True)
    assert instance.exec(query, timeout=1).code == 124


def test_a_machine_can_be_short_of_memory(booted: Sandbox) -> None:
    instance = booted.launch(cloud_init=False, memory="200M")
    hog = ["python3", "-c", "x = []\nwhile True: x.append(bytearray(10_000_000))"]
    assert instance.exec(hog).code == 137
    assert instance.exec(["true"]).code == 0


def test_a_machine_that_is_off_cannot_be_entered(any_cloud: Sandbox) -> None:
    instance = any_cloud.launch(cloud_init=False)
    instance.power_off()
    instance.wait("stopped", BOUND)
    with pytest.raises(SandboxError, match="is off"):
        instance.exec(["true"])
