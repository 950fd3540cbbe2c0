"""What harms both releases alike is not held against the new one."""

import time

import pytest
from rollout.contract.names import PROMOTED

from examples.recommender.shop.traffic import Outcome
from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.failure_rate import set_failure_rate
from tests.rollouts.slots import B
from tests.rollouts.stage import eventually

pytestmark = pytest.mark.long

OUTAGE_SECONDS = 120
FAILURE_RATE = 0.5
LEAST_ERRORS = 100
"""Of the some 800 requests that reach each release in the meantime."""


def test_an_outage_of_what_both_releases_depend_on_rolls_nothing_back(shop: DeployedShop) -> None:
    # Given two releases that read the same feature store
    shop.requests_per_second = 16.0
    feature_store = shop.folder / "feature-store-failure-rate"
    needs = (("OUTAGE", str(feature_store)),)
    for version in ("v1", "v2"):
        shop.deploy(
            Declaration(version=version, environment=needs, steps=(50, 100), first_bake_seconds=OUTAGE_SECONDS + 20)
        )
    shop.rollout_reaches("v2", 50)

    # When it fails for two minutes, and until both have erred
    set_failure_rate(feature_store, FAILURE_RATE)
    until = time.monotonic() + OUTAGE_SECONDS
    eventually(lambda: time.monotonic() >= until and _both_erred(shop), what="the end of the outage")
    feature_store.unlink()

    # Then the new one is promoted
    rollout = shop.rollout_ends("v2")
    assert (rollout.outcome, rollout.reason) == (PROMOTED, "every step passed")
    shop.comes_to_rest(stable=B)
    assert _both_erred(shop)


def _both_erred(shop: DeployedShop) -> bool:
    errors = [request.version for request in shop.traffic.all() if request.outcome is Outcome.MODEL_ERROR]
    return min(errors.count("v1"), errors.count("v2")) >= LEAST_ERRORS
