"""The metadata service fails in the middle of a job: that ends nothing, holds nothing up, and is seen to be over."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import Sandbox
from tests.e2e.fault_helpers import SAVE_GIVEN_UP, SAVE_LIMIT, Boot, go, start_waiting
from tests.e2e.helpers import POWER_OFF, SOON, assert_ended, assert_stays, now, objects, wait_status

SAVED = {"run/model": b"weights\n"}
# On a spot instance IMDS is asked every five seconds; a question and its token have 2 s each (aws/imds.hpp).
LOOK = 5.0 + 2 * 2.0
NOT_SEEN = "a spot interruption notice would not be seen"


@pytest.mark.parametrize(
    "fault", [{"error": 500}, {"delay": 3.0}, {"error": 401}], ids=["dead", "slow", "refusing"]
)
def test_imds_that_fails_under_the_job_ends_nothing_and_holds_nothing_up(
    machine: Boot, cloud: Sandbox, bucket: str, fault: dict[str, Any]
) -> None:
    instance = machine(spot=True)
    run = start_waiting(instance, bucket)
    run.wait_err("when the job is over")
    instance.imds_fails(**fault)
    run.wait_err(NOT_SEEN, LOOK + SOON)
    assert_stays(instance, LOOK)
    assert wait_status(instance, stage="running")["cause"] is None
    assert run.err().count(NOT_SEEN) == 1, "once is enough"
    # The keys that it has are good for hours, and it knows what it runs on.
    assert_ended(instance, go(instance))
    assert objects(cloud, bucket) == SAVED
    assert run.code() == 0


def test_a_notice_is_seen_once_imds_answers_again(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine(spot=True)
    run = start_waiting(instance, bucket)
    run.wait_err("when the job is over")
    instance.imds_fails(error=503)
    run.wait_err(NOT_SEEN, LOOK + SOON)
    instance.imds_fails()
    run.wait_err("the instance metadata service answers again", LOOK + SOON)
    noticed = now(instance)
    instance.spot_notice(seconds=120)
    assert_ended(instance, noticed, within=LOOK + POWER_OFF)
    assert run.code() == 75
    assert objects(cloud, bucket) == SAVED


def test_a_session_token_that_is_over_is_renewed(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    """IMDS answers 401 to the one that the guard has, as after six hours; without another it would see no notice."""
    instance = machine(spot=True)
    run = start_waiting(instance, bucket)
    run.wait_err("when the job is over")
    instance.expire_tokens()
    noticed = now(instance)
    instance.spot_notice(seconds=120)
    assert_ended(instance, noticed, within=LOOK + POWER_OFF)
    assert run.code() == 75
    assert NOT_SEEN not in run.err()
    assert objects(cloud, bucket) == SAVED


def test_keys_that_imds_never_gives_are_told_and_given_up(machine: Boot, cloud: Sandbox, bucket: str) -> None:
    instance = machine()
    instance.imds_fails(500, path="meta-data/iam")
    run = start_waiting(instance, bucket, "--save-limit", f"{SAVE_LIMIT}s")
    run.wait_err("results could not be saved now")
    assert_ended(instance, go(instance), within=SAVE_GIVEN_UP)
    assert objects(cloud, bucket) == {}
    assert run.code() == 125
    assert "NOT saved: 1 file" in run.log() and "out/model" in run.log()
