"""Rollouts that somebody or something ends: they end safe."""

import time

import pytest
from rollout.contract.names import NOT_JUDGED, PROMOTED

from canary_construct.rollout.event_rules import WATCH_MINUTES
from tests.rollouts.alarmed import its_alarm_takes_the_traffic
from tests.rollouts.declaring import SELDOM_LOOKING_SECONDS, UNTIL_ENDED_SECONDS, Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.late_event import panics
from tests.rollouts.slots import A, B

SECONDS_TO_THE_CLOCK = 60 * WATCH_MINUTES
"""After which the clock would restore what the event of an execution's end did not."""


@pytest.mark.parametrize(
    "state", ["Prepare", "SmokeTest", "ScaleCanary", "ShiftTraffic", "WaitForWeights", "Bake", "Evaluate"]
)
def test_a_stopped_execution_is_restored(shop: DeployedShop, state: str) -> None:
    shop.deploy(Declaration(version="v1"))
    shop.deploy(Declaration(version="v2", first_bake_seconds=UNTIL_ENDED_SECONDS))
    execution = shop.execution_in(state)

    stopped_at = time.time()
    shop.stop(execution)

    shop.measured["seconds to zero"] = shop.seconds_until(
        stopped_at, lambda: shop.look().weights == {A: 100, B: 0}, what="weight 0"
    )
    shop.comes_to_rest(stable=A)
    assert shop.execution_status(execution) == "ABORTED"
    if (rollout := shop.rollout("v2")) is not None:
        assert (rollout.outcome, rollout.reason) == (NOT_JUDGED, "the execution was stopped")
    assert shop.measured["seconds to zero"] < SECONDS_TO_THE_CLOCK


@pytest.mark.long
def test_a_stop_during_the_promotion_leaves_one_slot_in_charge(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1"))
    shop.deploy(Declaration(version="v2"))

    shop.stop(shop.execution_in("Promote"))

    rollout = shop.rollout_ends("v2")
    shop.comes_to_rest(stable=B if rollout.outcome == PROMOTED else A)


@pytest.mark.long
def test_an_alarm_of_the_canary_takes_its_traffic_at_once_and_one_of_stable_does_not(shop: DeployedShop) -> None:
    # Given a rollout whose state machine looks once in two minutes
    failure_rate = shop.folder / "failure-rate"
    shop.deploy(Declaration(version="v1", steps=(50, 100)))
    v2 = Declaration(
        version="v2",
        environment=(("OUTAGE", str(failure_rate)),),
        steps=(50, 100),
        first_bake_seconds=SELDOM_LOOKING_SECONDS,
    )
    shop.deploy(v2)
    shop.rollout_reaches("v2", 50)
    execution = shop.execution_in("Bake")

    # When an alarm of the stable slot goes off, then the rollout goes on
    alarm_of_stable = shop.alarm_of(A)
    panics(shop, alarm_of_stable, raised_at=shop.raise_alarm(alarm_of_stable))
    assert shop.look().weights == {A: 50, B: 50}

    # When most of the canary's requests fail, then its traffic is gone before the state machine has looked
    its_alarm_takes_the_traffic(shop, execution, failure_rate)
