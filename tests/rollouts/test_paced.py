"""Releases whose share is paced by a harm budget."""

from itertools import pairwise

import pytest
from rollout.contract.names import PROMOTED, ROLLED_BACK

from examples.recommender.shop.traffic import Outcome
from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B

BUDGET = 100
"""At 20 requests a second the first share is some 10 %."""
FAILS = (("FAILURE_RATE", "0.6"),)


@pytest.mark.long
def test_the_share_of_a_harmless_release_rises_as_far_as_the_budget_allows(shop: DeployedShop) -> None:
    shop.requests_per_second = 20.0
    shop.deploy(Declaration(version="v1", steps=(50, 95, 100), harm_budget=BUDGET))

    shop.deploy(Declaration(version="v2", steps=(50, 95, 100), harm_budget=BUDGET))
    rollout = shop.rollout_ends("v2")

    assert (rollout.outcome, rollout.reason) == (PROMOTED, "every step passed")
    shares = [step.percent for step in rollout.steps]
    assert 1 < shares[0] < 20
    assert shares[-3:] == [50, 95, 100]
    assert all(earlier < later for earlier, later in pairwise(shares))
    shop.comes_to_rest(stable=B)


def test_a_release_that_fails_most_requests_breaks_no_more_than_the_budget(shop: DeployedShop) -> None:
    shop.requests_per_second = 20.0
    shop.deploy(Declaration(version="v1", steps=(50, 95, 100), harm_budget=BUDGET))

    shop.deploy(Declaration(version="v2", steps=(50, 95, 100), harm_budget=BUDGET, environment=FAILS))
    rollout = shop.rollout_ends("v2")

    assert rollout.outcome == ROLLED_BACK, rollout.reason
    shop.comes_to_rest(stable=A)
    failed = [request for request in shop.visitors_of("v2") if request.outcome is not Outcome.OK]
    assert 0 < len(failed) <= BUDGET
