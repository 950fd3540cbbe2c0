"""What harms both releases alike is not held against the new one."""

import time
from pathlib import Path

import pytest

from examples.recommender.rollouts import PROMOTED
from examples.recommender.traffic import Outcome
from tests.rollouts.declaring import METRIC_PERIOD_SECONDS, Declaration
from tests.rollouts.shop import Shop
from tests.rollouts.slots import B
from tests.rollouts.stage import eventually

pytestmark = [pytest.mark.xdist_group("rollouts"), pytest.mark.long]

OUTAGE_PERIODS = 2
FAILURE_RATE = 0.1
"""Far enough below the 25 % at which a slot's alarm goes off, which knows no other slot."""


def test_an_outage_of_what_both_releases_depend_on_rolls_nothing_back(shop: Shop) -> None:
    # Given two releases that read the same feature store
    shop.requests_per_second = 16.0
    feature_store = shop.folder / "feature-store-failure-rate"
    needs = (("OUTAGE", str(feature_store)),)
    shop.deploy(Declaration(version="v1", environment=needs, steps=(50, 100)))
    shop.deploy(Declaration(version="v2", environment=needs, steps=(50, 100)))
    shop.rollout_reaches("v2", 50)

    # When it fails for two metric periods
    _fail(feature_store, rate=FAILURE_RATE, seconds=OUTAGE_PERIODS * METRIC_PERIOD_SECONDS)

    # Then both erred, and the new one is promoted
    rollout = shop.rollout_ends("v2")
    assert (rollout.outcome, rollout.reason) == (PROMOTED, "every step passed")
    shop.comes_to_rest(stable=B)
    for version in ("v1", "v2"):
        errors = [request for request in shop.visitors_of(version) if request.outcome is Outcome.MODEL_ERROR]
        assert len(errors) >= METRIC_PERIOD_SECONDS / 2, version


def _fail(store: Path, *, rate: float, seconds: float) -> None:
    store.write_text(str(rate), encoding="utf-8")
    until = time.monotonic() + seconds
    eventually(lambda: time.monotonic() >= until, what="the end of the outage")
    store.unlink()
