"""A release that is promoted, and turns bad while the former one keeps a share of the traffic."""

import time

import pytest
from rollout.contract.names import ROLLED_BACK

from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.failure_rate import set_failure_rate
from tests.rollouts.slots import A, B

KEPT_PERCENT = 20


@pytest.mark.long
def test_an_alarm_of_a_promoted_release_gives_its_traffic_back_to_the_former_one(shop: DeployedShop) -> None:
    # Given a promoted release in its hold-back, and a state machine that looks once in two minutes
    failure_rate = shop.folder / "failure-rate"
    shop.deploy(Declaration(version="v1", hold_back=KEPT_PERCENT))
    shop.deploy(Declaration(version="v2", hold_back=KEPT_PERCENT, environment=(("OUTAGE", str(failure_rate)),)))
    execution = shop.execution_in("HoldBack")
    held = shop.lock()
    assert held is not None
    assert held["promoted_at"]
    assert shop.look().weights == {A: KEPT_PERCENT, B: 100 - KEPT_PERCENT}

    # When most of its requests fail
    alarm = shop.alarm_of(B)
    set_failure_rate(failure_rate, 0.7)

    # Then its traffic is gone before the state machine has looked, and the ledger says why
    shop.measured["seconds to zero"] = shop.seconds_until(
        time.time(), lambda: shop.look().weights == {A: 100, B: 0}, what="weight 0"
    )
    assert not shop.has_entered(execution, "RollBack")
    rollout = shop.rollout_ends("v2")
    assert rollout.outcome == ROLLED_BACK
    assert rollout.reason.startswith(f"{alarm} is in ALARM: of the canary's requests "), rollout.reason
    shop.comes_to_rest(stable=A)
