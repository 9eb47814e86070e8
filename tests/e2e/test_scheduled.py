"""What docs/scheduled.md and packaging/ offer for `curfew check` on a schedule, as it stands there."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.helpers import CURFEW, INSIDE, ROOT, SOON

PACKAGING = ROOT / "packaging"
UNITS = ("curfew-check.service", "curfew-check.timer")
STATE = "/var/lib/curfew-check/curfew.prom"
# What the API calls a right, where it isn't the call's own name.
RIGHTS = {
    "monitoring": "cloudwatch",
    "DescribeBudget": "ViewBudget",
    "DescribeNotificationsForBudget": "ViewBudget",
    "DescribeSubscribersForNotification": "ViewBudget",
    "CreateBudget": "ModifyBudget",
    "UpdateBudget": "ModifyBudget",
    "CreateNotification": "ModifyBudget",
    "CreateSubscriber": "ModifyBudget",
}


def cron_lines() -> list[str]:
    text = (ROOT / "docs/scheduled.md").read_text()
    return re.findall(r"^ {4}0 \* \* \* \* (.+)$", text, re.MULTILINE)


def as_cron_runs_it(line: str, cloud: Sandbox, folder: Path) -> subprocess.CompletedProcess[str]:
    """crontab(5): an unescaped % ends the command, what follows is its input; \\% is a %. And nearly no variables."""
    command, *rest = re.split(r"(?<!\\)%", line)
    command = command.replace("\\%", "%").replace("/usr/local/bin/curfew", str(CURFEW))
    own = {"HOME": str(folder), "LOGNAME": "root", "SHELL": "/bin/sh", "PATH": f"{folder}:/usr/bin:/bin"}
    return subprocess.run(
        ["/bin/sh", "-c", command],
        env=own | cloud.env(),
        input="\n".join(rest),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def forgotten(cloud: Sandbox) -> Callable[[], Instance]:
    def made() -> Instance:
        # A name in which some shells' echo would find the end of the text.
        instance = cloud.launch(machine=False, tags={"Name": r"a\c 100%"})
        instance.wait("running", SOON)
        instance.age(72 * 3600)
        return instance

    return made


def test_the_cron_line_writes_only_when_there_is_something_to_do(
    cloud: Sandbox, tmp_path: Path, forgotten: Callable[[], Instance]
) -> None:
    line = next(line for line in cron_lines() if "mail -s" not in line)
    result = as_cron_runs_it(line, cloud, tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result
    instance = forgotten()
    result = as_cron_runs_it(line, cloud, tmp_path)
    assert f"--instance-ids {instance.id}" in result.stdout and r"a\c 100%" in result.stdout, result
    cloud.fault("error", "sts", code="ExpiredToken", status=403, message="The security token is expired")
    assert "expired" in as_cron_runs_it(line, cloud, tmp_path).stderr


def test_the_mail_pipe_says_how_many_in_its_subject(
    cloud: Sandbox, tmp_path: Path, forgotten: Callable[[], Instance]
) -> None:
    line = next(line for line in cron_lines() if "mail -s" in line)
    sent = tmp_path / "sent"
    mail = tmp_path / "mail"
    mail.write_text(f'#!/bin/sh\n{{ printf "%s|" "$@"; cat; }} >{sent}\n')
    mail.chmod(0o755)
    assert as_cron_runs_it(line, cloud, tmp_path).returncode == 0 and not sent.exists()
    instance = forgotten()
    as_cron_runs_it(line, cloud, tmp_path)
    assert sent.read_text().startswith("-s|curfew check: 1|team@example.com|")
    assert instance.id in sent.read_text()


def test_the_units_write_metrics_and_fail_where_they_can_not(
    cloud: Sandbox, machine: Callable[..., Instance]
) -> None:
    units = {f"/etc/systemd/system/{name}": PACKAGING / "systemd" / name for name in UNITS}
    instance = machine(files={path: file.read_bytes() for path, file in units.items()})
    instance.sh("useradd --system --no-create-home --shell /usr/sbin/nologin curfew-check")
    variables = f"AWS_ENDPOINT_URL={cloud.guest_endpoint}\nAWS_REGION=us-east-1\n"
    instance.sh("mkdir -p /etc/curfew")
    instance.write("/etc/curfew/check.env", variables, 0o600)
    assert instance.sh(f"systemd-analyze verify {' '.join(UNITS)} 2>&1") == ""
    instance.sh("systemctl daemon-reload; systemctl enable --now curfew-check.timer")
    following = instance.sh("systemctl show -P NextElapseUSecRealtime curfew-check.timer").strip()
    assert re.search(r" \d\d:(00|15|30|45):[0-3]\d", following), following
    instance.sh("systemctl start curfew-check.service")
    first = instance.text(STATE)
    assert "\ncurfew_check_complete 1\n" in first and f'instance_id="{instance.id}"' in first
    assert instance.sh(f"stat -c '%U %a' {STATE}").split() == ["curfew-check", "644"]
    # Readable to whoever serves it, as a link too.
    instance.sh(f"ln -s {STATE} /tmp/curfew.prom; setpriv --reuid 65534 --clear-groups cat /tmp/curfew.prom")
    # Prices are kept from run to run.
    assert "g5.xlarge" in instance.sh("cat /var/cache/curfew-check/curfew/prices.json")
    cloud.fault("error", "sts", code="ExpiredToken", status=403, message="The security token is expired")
    assert instance.exec(["systemctl", "start", "curfew-check.service"]).code != 0
    assert instance.sh("systemctl is-failed curfew-check.service").strip() == "failed"
    assert "expired" in instance.sh("journalctl -u curfew-check.service --no-pager")
    assert instance.text(STATE) == first, "the last that was read, whose age is in it"
    assert INSIDE in (PACKAGING / "systemd/curfew-check.service").read_text()
    instance.terminate()


def metrics_of(cloud: Sandbox, tmp_path: Path) -> set[str]:
    text = subprocess.run(
        [CURFEW, "check", "--format", "prometheus", "--exit-style", "zero"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **cloud.env()},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    return set(re.findall(r"^# TYPE (curfew_\w+) gauge$", text, re.MULTILINE))


def test_dashboard_and_alerts_ask_for_what_is_exported(cloud: Sandbox, tmp_path: Path) -> None:
    exported = metrics_of(cloud, tmp_path)
    dashboard = json.loads((PACKAGING / "grafana/curfew.json").read_text())
    asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    rules = (PACKAGING / "prometheus/curfew.rules.yml").read_text()
    for name, text in (("dashboard", asked), ("rules", rules)):
        used = set(re.findall(r"\bcurfew_[a-z_]+", text))
        assert used and used <= exported, (name, used - exported)
    documented = (ROOT / "docs/scheduled.md").read_text()
    for name in exported:
        assert f"`{name}" in documented or f"`{name.removeprefix('curfew_instance')}`" in documented, name
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def keys_in(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*(keys_in(each) for each in value))
    if isinstance(value, dict):
        return set(value) | keys_in(list(value.values()))
    return set()


def test_each_field_of_json_and_csv_is_documented() -> None:
    """Of the reports that the unit tests render: they hold everything that can be in one."""
    documented = set(re.findall(r"`([^`\n]+)`", (ROOT / "docs/formats.md").read_text()))
    data = ROOT / "tests/unit/watch/data"
    reports = [json.loads((data / name).read_text()) for name in ("report.json", "enforced.json")]
    assert len(keys_in(reports)) > 80
    assert keys_in(reports) <= documented, keys_in(reports) - documented
    columns = set((data / "report.csv").read_text().splitlines()[0].split(","))
    assert len(columns) > 30 and columns <= documented, columns - documented
    source = (ROOT / "src/watch").glob("*.cpp")
    words = {
        word
        for file in source
        for word in re.findall(
            r"case (?:Cause|Enforcement|ScheduleState|Outcome|RegionReading::Outcome)::\w+: return \"([a-z_]+)\"",
            file.read_text(),
        )
    }
    assert len(words) > 25 and words <= documented, words - documented


def allowed_by(*policies: str) -> set[str]:
    actions: set[str] = set()
    for name in policies:
        for statement in json.loads((PACKAGING / "iam" / name).read_text())["Statement"]:
            listed: Any = statement["Action"]
            actions |= {listed} if isinstance(listed, str) else set(listed)
    return actions


def asked_for(cloud: Sandbox, since: int) -> set[str]:
    calls = {(call["service"], call["op"]) for call in cloud.requests[since:]}
    # That one needs no right.
    return {
        f"{RIGHTS.get(service, service)}:{RIGHTS.get(op, op)}"
        for service, op in calls
        if op != "GetCallerIdentity"
    }


def test_the_policies_allow_what_is_asked_for_and_no_more(
    cloud: Sandbox, tmp_path: Path, forgotten: Callable[[], Instance]
) -> None:
    forgotten()
    cloud.launch(
        machine=False, spot=True, tags={"curfew:job": "x", "curfew:deadline": "2030-01-01T00:00:00Z"}
    )
    before = len(cloud.requests)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **cloud.env()}

    def run(*words: str) -> None:
        subprocess.run([CURFEW, *words], env=env, capture_output=True, timeout=120, check=False)

    run("check", "--account", "arn:aws:iam::222222222222:role/curfew-check")
    assert asked_for(cloud, before) == allowed_by("check.json", "check-other-accounts.json")

    before = len(cloud.requests)
    billing = ("setup", "billing", "--yes", "--name", f"policy-{tmp_path.name[:40]}")
    run(*billing, "--email", "you@example.org", "--limit", "50")
    run(*billing, "--email", "me@example.org", "--limit", "60")
    assert asked_for(cloud, before) == allowed_by("setup-billing.json")
