"""Shoppers click by their true taste, and late: what that makes of the releases, and of the counts."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from canary_construct_client import Conversions
from canary_construct_client.embedded_metrics import Document

from examples.recommender.model.data import USERS, make_appeal
from examples.recommender.model.inference import Model, recommend
from examples.recommender.shop import clicks
from examples.recommender.shop.clicks import Browsing, click_probability
from examples.recommender.shop.traffic import Outcome, Request

ANSWER = Request(
    sent_at=1.0, latency_ms=1.0, outcome=Outcome.OK, variant="variant-b", version="v2", items=tuple(range(10))
)


@pytest.fixture(scope="session")
def appeal() -> npt.NDArray[np.float64]:
    return make_appeal()


class Published:
    """Adds up what the shop publishes."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.totals = {"Shown": 0, "Converted": 0}

    def __call__(self, documents: Sequence[Document]) -> None:
        with self.changed:
            for name in self.totals:
                self.totals[name] += sum(document.get(name, 0) for document in documents)
            self.changed.notify_all()


def browsing(appeal: npt.NDArray[np.float64], published: Published) -> Browsing:
    counting = Conversions(endpoint_name="recommender", namespace="Shop", storage_resolution=1, publish=published)
    return Browsing(appeal, counting)


def click_rate(appeal: npt.NDArray[np.float64], model: Model) -> float:
    users = range(0, USERS, 3)
    return float(np.mean([click_probability(appeal, user, recommend(user, model)) for user in users]))


def test_v2_converts_much_better_than_v1_and_v5_much_worse(
    appeal: npt.NDArray[np.float64], models: Mapping[str, Model]
) -> None:
    rates = {name: click_rate(appeal, models[name]) for name in ("v1", "v2", "v4", "v5")}
    assert 0.20 < rates["v1"] < 0.25
    assert rates["v2"] > 1.3 * rates["v1"]
    assert rates["v4"] == rates["v2"]
    assert rates["v5"] < 0.3 * rates["v2"]


def test_an_item_to_the_taste_is_clicked_more_often(appeal: npt.NDArray[np.float64]) -> None:
    ranked = np.argsort(-appeal[3])
    best, worst = [int(item) for item in ranked[:10]], [int(item) for item in ranked[-10:]]
    assert click_probability(appeal, 3, best) > 0.4
    assert click_probability(appeal, 3, worst) < 0.01


def test_every_click_is_counted_as_a_conversion_of_something_shown(appeal: npt.NDArray[np.float64]) -> None:
    published = Published()
    lucks = np.random.default_rng(5).random(500)
    with browsing(appeal, published) as shop:
        seen = [shop.look(user, ANSWER, float(luck)) for user, luck in enumerate(lucks)]
    assert published.totals["Shown"] == 500
    assert published.totals["Converted"] == sum(request.clicked for request in seen) > 0


def test_a_click_comes_later_than_the_recommendation(
    appeal: npt.NDArray[np.float64], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clicks, "TICK_SECONDS", 0.01)
    published = Published()
    with browsing(appeal, published) as shop:
        assert shop.look(1, ANSWER, 0.0).clicked
        with published.changed:
            assert published.changed.wait_for(lambda: published.totals["Shown"] == 1, timeout=10)
            assert published.totals["Converted"] == 0
            assert published.changed.wait_for(lambda: published.totals["Converted"] == 1, timeout=10)


@pytest.mark.parametrize("outcome", [Outcome.MODEL_ERROR, Outcome.UNANSWERED])
def test_nothing_was_shown_without_an_answer(appeal: npt.NDArray[np.float64], outcome: Outcome) -> None:
    published = Published()
    with browsing(appeal, published) as shop:
        request = replace(ANSWER, outcome=outcome, items=())
        assert shop.look(1, request, 0.0) == request
    assert published.totals == {"Shown": 0, "Converted": 0}
