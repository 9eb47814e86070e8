"""What a machine may cost: --max-cost ends it in time, from its launch, by the best price that is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox import Instance, Sandbox
from tests.e2e.helpers import (
    INSIDE,
    JOB_TAG,
    LIFE,
    POWER_OFF,
    assert_ended,
    assert_stays,
    ended_at,
    start,
    start_words,
    status,
)

Boot = Callable[..., Instance]

FOREVER = "echo ready; sleep 1000"


@pytest.mark.long
def test_the_machine_is_gone_before_it_costs_more(machine: Boot) -> None:
    """Ten cents a second: 70 seconds from the launch, the grace included. (A minute is the least that is billed.)"""
    instance = machine()
    run = start(instance, FOREVER, "--max-cost", "7.00", "--price", "360", "--grace", "5s")
    run.wait_err("--max-cost $7.00 is reached at")
    shown = status(instance)
    assert shown["cost"]["limit"] == "$7.00"
    assert "--price" in shown["cost"]["text"], shown["cost"]
    assert "cost " in instance.sh(f"{INSIDE} status")
    instance.wait("terminated", 70 + LIFE)
    assert run.code() == 124
    assert "cost limit reached after" in run.log()
    launched = instance.powered_on_at
    assert launched is not None
    # EC2 tells the launch in whole seconds, and it comes before the power.
    assert ended_at(instance) - launched < 70 + POWER_OFF
    assert ended_at(instance) - launched > 70 - 5 - 8, "it had time left"
    assert "this machine has cost " in run.log()


def test_a_machine_that_has_cost_too_much_already_is_left_as_it_is(machine: Boot) -> None:
    """Three days of somebody else's work: nothing is started, nothing ended."""
    instance = machine()
    instance.age(72 * 3600)
    run = start(instance, FOREVER, "--max-cost", "5", wait=False)
    assert run.wait_code() == 125
    assert "--max-cost $5.00: leaves no time for the job" in run.err()
    assert "has cost $7" in run.err(), "72 h of a g5.xlarge at $1.006 and its disk"
    assert "ready" not in run.out()
    assert_stays(instance)


def test_the_price_may_be_a_tag(machine: Boot) -> None:
    instance = machine(tags={**JOB_TAG, "curfew:price": "0.25"})
    run = start(instance, FOREVER, "--max-cost", "20")
    assert "$0.250 an hour (the tag curfew:price)" in run.err()
    instance.terminate()


def test_the_list_price_and_volumes_count_where_nothing_else_is_said(machine: Boot, cloud: Sandbox) -> None:
    instance = machine()
    run = start(instance, FOREVER, "--max-cost", "20")
    assert "g5.xlarge in us-east-1: $1.006 an hour (list price of " in run.err()
    assert "8 GiB of gp" in run.err(), "the root volume, by DescribeVolumes"
    # What is reached later than the time limit moves nothing.
    left = status(instance)["stop_at"]["left_s"]
    assert 200 < left <= 300, "five minutes, as helpers.start gives"
    instance.terminate()


def test_volumes_are_seen_by_the_machine_where_ec2_does_not_tell(machine: Boot, cloud: Sandbox) -> None:
    instance = machine()
    cloud.fault(
        "error", "ec2", "DescribeVolumes", code="UnauthorizedOperation", status=403, instance=instance.id
    )
    run = start(instance, FOREVER, "--max-cost", "1000")
    assert "--max-cost $1000.00 is reached at" in run.err()
    assert "gp3" in run.err() or "EBS volumes not known" in run.err()
    instance.terminate()


def test_without_a_price_four_hours_hold(machine: Boot) -> None:
    """Metadata is dead: neither type nor region is known."""
    instance = machine()
    instance.imds_fails(500)
    run = start_words(instance, ["--max-time", "off", "--max-cost", "5", "--", "sleep", "1000"])
    run.wait_err("what this machine costs isn't known")
    left = status(instance)["stop_at"]["left_s"]
    assert 4 * 3600 - 120 < left <= 4 * 3600
    asked = instance.exec([INSIDE, "extend", "2h"])
    assert asked.code == 1, asked
    instance.terminate()


def test_more_time_is_refused_where_it_would_cost_too_much(machine: Boot) -> None:
    instance = machine()
    start(instance, FOREVER, "--max-time", "10m", "--max-cost", "1.00", "--price", "2")
    asked = instance.exec([INSIDE, "extend", "1h"])
    assert asked.code == 1 and "--max-cost $1.00 is reached at" in asked.err, asked
    asked = instance.exec([INSIDE, "extend", "2m"])
    assert asked.code == 0, asked
    instance.terminate()


def test_a_job_that_ends_by_itself_ends_as_ever(machine: Boot) -> None:
    instance = machine()
    run = start(instance, "known; stamp; exit 3", "--max-cost", "5")
    instance.wait("terminated", LIFE)
    assert_ended(instance, run.stamp())
    assert run.code() == 3
