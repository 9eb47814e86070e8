"""Which pools `curfew launch` asks for, in which order, how long, and what quotas make of it. With the real binary, against
the sandbox's capacity, prices and quotas, to machines that boot.
"""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from sandbox import Sandbox
from tests.e2e.helpers import CURFEW, LIFE, SOON, objects
from tests.e2e.launching import Launcher, ended

SPOT_G, ON_DEMAND_G = "L-3819A6DF", "L-DB2E81BA"
NO_CAPACITY = "InsufficientInstanceCapacity"


def asked(err: str) -> list[str]:
    return re.findall(r"asking EC2 for (.+)", err)


def ops(cloud: Sandbox, first: int) -> set[str]:
    return {str(call["op"]) for call in cloud.requests[first:]}


@pytest.fixture
def prices(cloud: Sandbox) -> list[str]:
    """Three zones, far cheaper than the others, cheapest first."""
    zones = ["us-east-1c", "us-east-1a", "us-east-1b"]
    for zone, dollars in zip(zones, (0.01, 0.02, 0.03), strict=True):
        cloud.spot_price("g5.xlarge", zone, dollars)
    return zones


def test_asks_the_cheapest_first_and_trains_in_the_third(
    cloud: Sandbox, bucket: str, launcher: Launcher, prices: list[str]
) -> None:
    for zone in prices[:2]:
        cloud.capacity("g5.xlarge", zone, "spot")
    code, out, err = launcher.run(
        *launcher.words(
            "--spot",
            "--max-cost",
            "2",
            "--save",
            f"out/=s3://{bucket}/run",
            shell="mkdir out; echo ok >out/model",
        )
    )
    assert code == 0, err
    assert asked(err) == [f"g5.xlarge, spot in {zone}" for zone in prices]
    for zone in prices[:2]:
        assert f"g5.xlarge, spot in {zone}: {NO_CAPACITY}" in err
    assert re.search(
        r"^instance +g5.xlarge, spot in us-east-1c: 4 vCPUs.* spot now \$0.010 an hour", out, re.MULTILINE
    )
    assert re.search(r"^quota +G and VT, spot, us-east-1: \d+ of \d+ vCPUs run", out, re.MULTILINE), out
    (instance,) = launcher.instances()
    described = instance.describe()
    assert described["Placement"]["AvailabilityZone"] == prices[2]
    # The most that it may cost is its own pool's: 1.2 times what that asks.
    tags = {one["Key"]: one["Value"] for one in described["Tags"]}
    assert tags["curfew:price"] == "0.036000"
    ended(instance)
    assert objects(cloud, bucket)["run/model"] == b"ok\n"


def test_goes_on_to_on_demand_after_all_of_spot(cloud: Sandbox, launcher: Launcher) -> None:
    cloud.capacity(market="spot")
    code, _, err = launcher.run(*launcher.words("--spot-then-on-demand", shell="sleep 600"))
    assert code == 0, err
    tried = asked(err)
    assert len(tried) > 2 and all("spot in us-east-1" in one for one in tried[:-1])
    assert tried[-1] == "g5.xlarge, on demand in us-east-1"
    (instance,) = launcher.instances()
    assert "InstanceLifecycle" not in instance.describe()


@contextlib.contextmanager
def waiting(launcher: Launcher) -> Iterator[subprocess.Popen[str]]:
    """A launch that has found no capacity, and waits."""
    process = launcher.start(*launcher.words("--wait-capacity", "10m", "--max-time", "10m", shell="true"))
    assert process.stderr is not None
    try:
        said = iter(process.stderr.readline, "")
        assert any("asking again in" in line for line in said), process.stdout and process.stdout.read()
        yield process
    finally:
        process.kill()


def test_waits_for_capacity_and_gives_the_job_its_whole_time(cloud: Sandbox, launcher: Launcher) -> None:
    cloud.capacity()
    before = datetime.now(UTC)
    with waiting(launcher) as process:
        assert launcher.instances() == []
        freed = datetime.now(UTC)
        cloud.clear_capacity()
        out, err = process.communicate(timeout=LIFE)
    assert process.returncode == 0, err
    (instance,) = launcher.instances()
    tags = {one["Key"]: one["Value"] for one in instance.describe()["Tags"]}
    first = re.search(r"^machine gone +(\S+)", out, re.MULTILINE)
    assert first and (freed - before).total_seconds() < 60
    # Ten minutes, one of grace, two for the logs: from the second round on.
    deadline = datetime.fromisoformat(tags["curfew:deadline"])
    assert deadline > datetime.fromisoformat(first.group(1))
    assert (deadline - freed).total_seconds() >= 13 * 60
    assert f"gone by {tags['curfew:deadline']} at the latest" in out
    ended(instance)
    assert launcher.records() == []


def test_an_interrupted_wait_has_made_nothing(launcher: Launcher, cloud: Sandbox) -> None:
    cloud.capacity()
    with waiting(launcher) as process:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=SOON)
    assert process.returncode == 130, err
    assert "nothing was made" in err
    assert launcher.instances() == [] and launcher.records() == [] and launcher.schedules() == []


def test_a_quota_of_0_is_refused_before_anything_is_made(cloud: Sandbox, launcher: Launcher) -> None:
    cloud.quota(SPOT_G, 0)
    for options in (["--spot"], ["--spot", "--dry-run"], ["--spot", "--wait-capacity", "1h"]):
        first = len(cloud.requests)
        code, out, err = launcher.run(*launcher.words(*options))
        assert code == 125, err
        assert "worst case" in out and "quota          G and VT, spot, us-east-1: " in out, out
        assert (
            "aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-3819A6DF "
            "--desired-value 4 --region us-east-1"
        ) in err
        assert not ops(cloud, first) & {"RunInstances", "PutObject", "CreateSchedule"}
    assert launcher.instances() == [] and launcher.records() == []


def test_counts_what_runs_against_a_quota(cloud: Sandbox, launcher: Launcher) -> None:
    cloud.quota(ON_DEMAND_G, 8)
    cloud.launch(instance_type="g5.xlarge", machine=False, wait=False)
    code, out, err = launcher.run(*launcher.words("--dry-run"))
    assert code == 0, err
    assert "4 of 8 vCPUs run (L-DB2E81BA)" in out
    cloud.launch(instance_type="g4dn.xlarge", machine=False, wait=False)
    code, _, err = launcher.run(*launcher.words("--dry-run"))
    assert code == 125
    assert "is 8 vCPUs, 8 of which run: g5.xlarge needs 4" in err and "--desired-value 12" in err
    # Another family, and the other market, have theirs.
    for options in (["--spot"], ["--instance-type", "m5.large"]):
        assert launcher.run(*launcher.words("--dry-run", *options))[0] == 0


def test_leaves_out_the_market_that_is_over_its_quota(cloud: Sandbox, launcher: Launcher) -> None:
    cloud.quota(SPOT_G, 0)
    code, out, err = launcher.run(*launcher.words("--spot-then-on-demand", shell="sleep 600"))
    assert code == 0, err
    assert asked(err) == ["g5.xlarge, on demand in us-east-1"]
    assert re.search(
        r"^left out +the quota of G and VT, spot instances in us-east-1: is 0 vCPUs", out, re.MULTILINE
    )


def test_a_quota_that_cannot_be_read_hinders_nothing(cloud: Sandbox, launcher: Launcher) -> None:
    with cloud.failing("error", service="servicequotas", code="AccessDeniedException", status=400):
        code, out, err = launcher.run(*launcher.words("--dry-run"))
    assert code == 0, err
    assert re.search(r"^quota +G and VT, on demand, us-east-1: unknown .*AccessDenied", out, re.MULTILINE), (
        out
    )


def test_passes_over_what_shares_a_quota_that_ec2_refuses_for(
    cloud: Sandbox, launcher: Launcher, prices: list[str]
) -> None:
    cloud.capacity("g5.xlarge", market="spot", code="MaxSpotInstanceCountExceeded")
    code, _, err = launcher.run(*launcher.words("--spot-then-on-demand", shell="sleep 600"))
    assert code == 0, err
    assert asked(err) == [f"g5.xlarge, spot in {prices[0]}", "g5.xlarge, on demand in us-east-1"]
    assert "request-service-quota-increase" in err and SPOT_G in err


def test_leaves_out_a_zone_that_does_not_offer_the_type(
    cloud: Sandbox, launcher: Launcher, prices: list[str]
) -> None:
    cloud.capacity("g5.xlarge", prices[0], code="Unsupported")
    code, out, err = launcher.run(
        *launcher.words("--spot", "--zone", f"{prices[0]},{prices[1]}", shell="sleep 600")
    )
    assert code == 0, err
    assert asked(err) == [f"g5.xlarge, spot in {prices[1]}"]
    assert f"left out       g5.xlarge in {prices[0]}: isn't offered there" in out


def test_trains_in_the_region_that_has_capacity(
    cloud: Sandbox, bucket: str, launcher: Launcher, prices: list[str]
) -> None:
    cloud.spot_price("g5.xlarge", "us-west-2b", 0.001)
    cloud.spot_price("g5.xlarge", "us-west-2a", 0.015)
    cloud.capacity("g5.xlarge", "us-west-2b", "spot")
    cloud.capacity("g5.xlarge", "us-east-1c", "spot")
    save = f"out/=s3://{bucket}/west"
    code, out, err = launcher.run(
        *launcher.words(
            "--spot",
            "--region",
            "us-east-1,us-west-2",
            "--save",
            save,
            shell="mkdir out; echo $AWS_REGION >out/where",
        )
    )
    assert code == 0, err
    assert asked(err) == [f"g5.xlarge, spot in {zone}" for zone in ("us-west-2b", "us-east-1c", "us-west-2a")]
    found = re.search(r"^instance +(i-[0-9a-f]+)", out, re.MULTILINE)
    assert found and "curfew check --region us-west-2" in out
    instance = cloud.instance(found.group(1), "us-west-2")
    there = cloud.client("scheduler", "us-west-2").list_schedules(NamePrefix="curfew-")["Schedules"]
    assert [one["Name"] for one in there] == [f"curfew-{instance.id}"] and launcher.schedules() == []
    ended(instance)
    assert objects(cloud, bucket)["west/where"] == b"us-west-2\n"
    cloud.client("scheduler", "us-west-2").delete_schedule(Name=f"curfew-{instance.id}")


def test_doctor_tells_a_quota_with_its_fix(cloud: Sandbox) -> None:
    def doctor(*words: str) -> tuple[int, str]:
        run = subprocess.run(
            [str(CURFEW), "doctor", *words],
            env=cloud.env(),
            capture_output=True,
            check=False,
            text=True,
            timeout=LIFE,
        )
        return run.returncode, run.stdout

    cloud.quota(SPOT_G, 2)
    code, out = doctor("--spot")
    assert code == 1
    assert re.search(
        r"^FAILED +quota: .*is 2 vCPUs.*request-service-quota-increase.*L-3819A6DF", out, re.MULTILINE
    ), out
    _, out = doctor()
    assert re.search(r"^ok +quota: G and VT, on demand, us-east-1: 0 of \d+ vCPUs run", out, re.MULTILINE), (
        out
    )
    with cloud.failing("error", service="servicequotas", code="AccessDeniedException", status=400):
        _, out = doctor()
    assert re.search(r"^warning +quota: .*unknown", out, re.MULTILINE), out
