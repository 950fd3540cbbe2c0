"""Rollouts that somebody or something ends: they end safe."""

import time

import pytest

from examples.recommender.rollouts import PROMOTED, ROLLED_BACK
from tests.rollouts.declaring import METRIC_PERIOD_SECONDS, Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B
from tests.rollouts.stage import eventually

pytestmark = pytest.mark.xdist_group("rollouts")

SECONDS_TO_ZERO = 30.0
"""Usually one or two, most of it two cold starts of Lambda; the machine that runs the tests may be very busy."""


@pytest.mark.parametrize(
    "state", ["Prepare", "SmokeTest", "ScaleCanary", "ShiftTraffic", "WaitForWeights", "Bake", "Evaluate"]
)
def test_a_stopped_execution_is_restored(shop: DeployedShop, state: str) -> None:
    shop.deploy(Declaration(version="v1"))
    shop.deploy(Declaration(version="v2"))
    execution = shop.execution_in(state)

    stopped_at = time.time()
    shop.stop(execution)

    shop.measured["seconds to zero"] = shop.seconds_until(
        stopped_at, lambda: shop.look().weights == {A: 100, B: 0}, what="weight 0"
    )
    shop.comes_to_rest(stable=A)
    assert shop.execution_status(execution) == "ABORTED"
    if (rollout := shop.rollout("v2")) is not None:
        assert (rollout.outcome, rollout.reason) == (ROLLED_BACK, "the execution was stopped")
    assert shop.measured["seconds to zero"] < SECONDS_TO_ZERO


@pytest.mark.long
def test_a_stop_during_the_promotion_leaves_one_slot_in_charge(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1"))
    shop.deploy(Declaration(version="v2"))

    shop.stop(shop.execution_in("Promote"))

    rollout = shop.rollout_ends("v2")
    shop.comes_to_rest(stable=B if rollout.outcome == PROMOTED else A)


def test_an_alarm_of_the_canary_takes_its_traffic_at_once_and_one_of_stable_does_not(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1", steps=(50, 100)))
    shop.deploy(Declaration(version="v2", steps=(50, 100)))
    shop.rollout_reaches("v2", 50)

    # When an alarm of the stable slot goes off, then the rollout goes on
    raised_at = shop.raise_alarm(shop.alarm_of(A))
    eventually(lambda: time.time() > raised_at + METRIC_PERIOD_SECONDS, what="time to panic")
    assert shop.look().weights == {A: 50, B: 50}

    # When one of the canary's does, then its traffic is gone in seconds
    alarm = shop.alarm_of(B)
    raised_at = shop.raise_alarm(alarm)
    shop.measured["seconds to zero"] = shop.seconds_until(
        raised_at, lambda: shop.look().weights == {A: 100, B: 0}, what="weight 0"
    )
    rollout = shop.rollout_ends("v2")
    assert (rollout.outcome, rollout.reason) == (ROLLED_BACK, f"{alarm} is in ALARM")
    shop.comes_to_rest(stable=A)
    assert shop.measured["seconds to zero"] < SECONDS_TO_ZERO


def test_an_operator_aborts_a_rollout_through_the_ledger(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1", steps=(50, 100)))
    shop.deploy(Declaration(version="v2", steps=(50, 100)))
    shop.rollout_reaches("v2", 50)

    shop.halt("Ada saw wrong prices")

    rollout = shop.rollout_ends("v2")
    assert (rollout.outcome, rollout.reason) == (ROLLED_BACK, "Ada saw wrong prices")
    shop.comes_to_rest(stable=A)
