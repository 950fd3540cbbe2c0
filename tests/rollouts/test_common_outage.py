"""What harms both releases alike is not held against the new one."""

import time
from pathlib import Path

import pytest

from examples.recommender.rollouts import PROMOTED
from examples.recommender.traffic import Outcome
from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import B
from tests.rollouts.stage import eventually

pytestmark = [pytest.mark.xdist_group("rollouts"), pytest.mark.long]

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

    # When it fails for two minutes
    _fail(feature_store, rate=FAILURE_RATE, seconds=OUTAGE_SECONDS)

    # Then both erred, and the new one is promoted
    rollout = shop.rollout_ends("v2")
    assert (rollout.outcome, rollout.reason) == (PROMOTED, "every step passed")
    shop.comes_to_rest(stable=B)
    for version in ("v1", "v2"):
        errors = [request for request in shop.visitors_of(version) if request.outcome is Outcome.MODEL_ERROR]
        assert len(errors) >= LEAST_ERRORS, version


def _fail(store: Path, *, rate: float, seconds: float) -> None:
    store.write_text(str(rate), encoding="utf-8")
    until = time.monotonic() + seconds
    eventually(lambda: time.monotonic() >= until, what="the end of the outage")
    store.unlink()
