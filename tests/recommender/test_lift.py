"""The interval of the lift, and what it compares."""

from dataclasses import replace

import numpy as np
import pytest

from examples.recommender.demo.checks import Ending, check
from examples.recommender.demo.lift import Rate, difference_interval, lift, score_interval
from examples.recommender.demo.recording import Recording
from examples.recommender.shop.traffic import Outcome, Request

TABLE_2 = [
    ((56, 70), (48, 80), (0.0524, 0.3339)),
    ((9, 10), (3, 10), (0.1705, 0.8090)),
    ((6, 7), (2, 7), (0.0582, 0.8062)),
    ((5, 56), (0, 29), (-0.0381, 0.1926)),
    ((0, 10), (0, 20), (-0.1611, 0.2775)),
    ((0, 10), (0, 10), (-0.2775, 0.2775)),
    ((10, 10), (0, 20), (0.6791, 1.0)),
    ((10, 10), (0, 10), (0.6075, 1.0)),
]
"""Newcombe (1998), table II, method 10."""


@pytest.mark.parametrize(("first", "second", "interval"), TABLE_2)
def test_the_interval_is_newcombe_s(
    first: tuple[int, int], second: tuple[int, int], interval: tuple[float, float]
) -> None:
    rates = (Rate(clicked=clicked, shown=shown) for clicked, shown in (first, second))
    assert difference_interval(*rates) == pytest.approx(interval, abs=5e-5)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(2000):
        canary, stable = int(rng.binomial(400, 0.3)), int(rng.binomial(1000, 0.22))
        low, high = difference_interval(Rate(shown=400, clicked=canary), Rate(shown=1000, clicked=stable))
        covered += low <= 0.08 <= high
    assert 0.93 < covered / 2000 < 0.97


def test_a_rate_of_nothing_has_an_upper_limit() -> None:
    low, high = score_interval(Rate(shown=100, clicked=0))
    assert low == pytest.approx(0)
    assert high == pytest.approx(0.037, abs=0.001)


def clicking(recording: Recording, rates: dict[str, float]) -> Recording:
    rng = np.random.default_rng(3)

    def click(request: Request) -> Request:
        rate = rates.get(request.version or "", 0.0)
        return replace(request, clicked=request.outcome is Outcome.OK and bool(rng.random() < rate))

    return replace(recording, requests=[click(request) for request in recording.requests])


def test_a_release_is_compared_with_stable_while_both_serve(recording: Recording) -> None:
    v2 = recording.rollouts[0]
    found = lift(v2, clicking(recording, {"v1": 0.22, "v2": 0.32}))
    assert found is not None
    during = [r for r in recording.requests if any(s.shifted_at <= r.sent_at < (s.ended_at or 0) for s in v2.steps[:2])]
    assert found.canary.shown + found.stable.shown == len(during)
    assert found.low < 0.1 < found.high
    assert found.low > 0


def test_an_error_is_not_a_recommendation(recording: Recording) -> None:
    found = lift(recording.rollouts[1], recording)
    assert found is not None
    v3 = [r for r in recording.requests if r.version == "v3" and r.outcome is Outcome.OK]
    assert 0 < found.canary.shown <= len(v3)


def test_a_release_that_never_met_stable_has_no_lift(recording: Recording) -> None:
    v2 = recording.rollouts[0]
    assert lift(replace(v2, steps=v2.steps[2:]), recording) is None
    assert lift(replace(v2, steps=()), recording) is None


@pytest.mark.parametrize(("rate", "holds"), [(0.32, True), (0.22, False), (0.10, False)])
def test_better_is_a_claim_that_is_checked(recording: Recording, rate: float, holds: bool) -> None:  # noqa: FBT001
    clicked = clicking(recording, {"v1": 0.22, "v2": rate})
    (better,) = [
        result
        for result in check(clicked, {"v2": Ending("PROMOTED", converts_better=True)})
        if "converts" in result.claim
    ]
    assert better.holds is holds
