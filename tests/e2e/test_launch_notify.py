"""A launched job tells of itself: to a topic, and to a webhook whose address is a secret in SSM; with the real binary."""

from __future__ import annotations

import base64
import json

from sandbox import Sandbox
from tests.e2e.fault_helpers import go
from tests.e2e.helpers import LIFE, SOON, assert_ended
from tests.e2e.launching import Launcher, ended, until
from tests.e2e.test_launch_secrets import on_disk
from tests.e2e.test_notify import SECRET, URL, start_hook, told, topic_with_queue
from tests.e2e.test_stages import everything, put_parameter

WAITS = "while [ ! -e /run/go ]; do sleep 0.1; done; exit 3"


def is_in(data: bytes | str) -> bool:
    body = data.encode() if isinstance(data, str) else data
    return SECRET.encode() in body or base64.b64encode(SECRET.encode()) in body


def test_a_launched_job_tells_how_it_ended_and_its_secret_is_nowhere(
    cloud: Sandbox, bucket: str, launcher: Launcher
) -> None:
    put_parameter(cloud, "/curfew/hook", URL + "\n")
    topic, delivered = topic_with_queue(cloud)
    places = ["ssm:/curfew/hook", f"sns:{topic}"]
    words = [word for place in places for word in ("--notify", place)]
    fetching = cloud.fault("hang", "s3", "GetObject")
    instance, plan = launcher.launch(*words, shell=WAITS)
    assert "told           ssm:/curfew/hook" in plan, plan
    instance.wait_up()
    start_hook(instance)
    cloud.clear_faults(fetching)
    instance.until(lambda: told(instance), LIFE, "the start told")
    assert [path for path in on_disk(instance, SECRET) if not path.startswith("/root/hook")] == []
    listed = instance.sh("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; true")
    assert "run-stages" in listed and not is_in(listed)
    journal = instance.sh("journalctl --no-pager --output=verbose")
    assert "notifying ssm:/curfew/hook" in journal and not is_in(journal)
    cause = go(instance)
    assert_ended(instance, cause, within=3 * LIFE)

    texts = told(instance)
    assert texts[0].startswith("curfew started on "), texts
    assert texts[-1].startswith(f"curfew ended the job on {instance.id}"), texts
    assert "Exit code: 3" in texts[-1] and "Next: the machine is terminated" in texts[-1], texts
    until(lambda: len(delivered()) >= 2, SOON, "two messages of the topic")
    assert delivered()[-1]["Subject"].startswith(f"curfew ended the job on {instance.id}"), delivered()

    data = cloud.client("ec2").describe_instance_attribute(InstanceId=instance.id, Attribute="userData")
    for text in (
        base64.b64decode(data["UserData"]["Value"]).decode(),
        json.dumps(instance.describe(), default=str),
        instance.console(),
        instance.output(),
    ):
        assert not is_in(text), text
    saved = everything(cloud, bucket)
    assert any(b"ssm:/curfew/hook" in body for body in saved.values())
    assert [key for key, body in saved.items() if is_in(body)] == []


def test_a_parameter_that_nobody_answers_for_holds_nothing_up(cloud: Sandbox, launcher: Launcher) -> None:
    put_parameter(cloud, "/curfew/hook", URL)
    instance, _ = launcher.launch("--notify", "ssm:/curfew/hook")
    silence = cloud.fault("hang", "ssm", "GetParameter", instance=instance.id)
    ended(instance)
    [hits] = [one["hits"] for one in cloud.control("faults") if one["id"] == silence]
    assert hits > 0, "the guard has asked"


def test_a_parameter_that_is_not_there_is_told_before_anything_is_made(launcher: Launcher) -> None:
    code, out, err = launcher.run(*launcher.words("--notify", "ssm:/curfew/none"))
    assert code == 125 and "--notify from ssm:/curfew/none" in err and "put-parameter" in err, out + err
    assert launcher.instances() == []


def test_a_webhook_is_refused_before_anything_is_asked(launcher: Launcher) -> None:
    code, out, err = launcher.run(*launcher.words("--notify", "https://hooks.example.com/" + SECRET))
    assert code == 125 and "aws ssm put-parameter" in err and SECRET not in out + err, out + err
    assert launcher.calls() == [] and launcher.instances() == []
