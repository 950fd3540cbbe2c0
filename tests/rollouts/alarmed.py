"""A canary that an alarm of its own ends."""

import time
from pathlib import Path

from rollout.contract.names import ROLLED_BACK

from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.failure_rate import set_failure_rate
from tests.rollouts.slots import A, B


def its_alarm_takes_the_traffic(shop: DeployedShop, execution: str, failure_rate: Path) -> None:
    """Let most requests of v2, in slot B, fail: its traffic is gone before the state machine looks, and is told why."""
    alarm = shop.alarm_of(B)
    set_failure_rate(failure_rate, 0.7)
    shop.measured["seconds to zero"] = shop.seconds_until(
        time.time(), lambda: shop.look().weights == {A: 100, B: 0}, what="weight 0"
    )
    assert not shop.has_entered(execution, "RollBack")
    rollout = shop.rollout_ends("v2")
    assert rollout.outcome == ROLLED_BACK
    assert rollout.reason.startswith(f"{alarm} is in ALARM: of the canary's requests "), rollout.reason
    shop.comes_to_rest(stable=A)
