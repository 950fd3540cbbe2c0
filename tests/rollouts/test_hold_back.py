"""A release that is promoted, and turns bad while the former one keeps a share of the traffic."""

import pytest

from tests.rollouts.alarmed import its_alarm_takes_the_traffic
from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
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

    # When most of its requests fail, then its traffic is gone before the state machine has looked, and told is why
    its_alarm_takes_the_traffic(shop, execution, failure_rate)
