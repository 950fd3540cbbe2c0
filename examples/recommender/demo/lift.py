"""How much better or worse a release converted than the stable release."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from examples.recommender.demo.recording import Recording
from examples.recommender.demo.rollouts import Rollout
from examples.recommender.shop.traffic import Outcome, Request

TWO_SIDED_95_PERCENT = 1.959963984540054
EVERYTHING_PERCENT = 100


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Recommendations shown, and those of them that were clicked."""

    shown: int
    clicked: int

    @classmethod
    def of(cls, requests: Sequence[Request]) -> Self:
        """Count answers and clicks."""
        return cls(shown=len(requests), clicked=sum(request.clicked for request in requests))

    @property
    def value(self) -> float:
        """From 0 to 1."""
        return self.clicked / self.shown


@dataclass(frozen=True, kw_only=True)
class Lift:
    """Both rates, and a 95 % interval of their difference, canary minus stable; from -1 to 1."""

    canary: Rate
    stable: Rate
    low: float
    high: float

    @property
    def difference(self) -> float:
        """Of the observed rates."""
        return self.canary.value - self.stable.value


def lift(rollout: Rollout, recording: Recording) -> Lift | None:
    """Compare the release of a rollout with the stable one while both served; ``None`` if one of them did not.

    Steps are pooled. This is right here, because shoppers do not change from step to step. The interval is valid when
    the time of the comparison was fixed beforehand, as for a promoted release. It is not valid for a release that was
    rolled back, because the rollback stopped the comparison at a moment that was bad for the canary.
    """
    spans = [
        (step.shifted_at, step.ended_at or rollout.ended_at or math.inf)
        for step in rollout.steps
        if step.percent < EVERYTHING_PERCENT
    ]
    answered = [
        request
        for request in recording.requests
        if request.outcome is Outcome.OK and any(start <= request.sent_at < end for start, end in spans)
    ]
    canary = Rate.of([request for request in answered if request.version == rollout.version])
    stable = Rate.of([request for request in answered if request.version != rollout.version])
    if not canary.shown or not stable.shown:
        return None
    low, high = difference_interval(canary, stable)
    return Lift(canary=canary, stable=stable, low=low, high=high)


def difference_interval(first: Rate, second: Rate, z: float = TWO_SIDED_95_PERCENT) -> tuple[float, float]:
    """Return Newcombe's hybrid score interval for the difference of two independent rates, first minus second.

    Source: R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics in
    Medicine 17 (1998), 873-890, method 10; https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I

    >>> low, high = difference_interval(Rate(shown=70, clicked=56), Rate(shown=80, clicked=48))
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    first_low, first_high = score_interval(first, z)
    second_low, second_high = score_interval(second, z)
    difference = first.value - second.value
    down = math.hypot(first.value - first_low, second_high - second.value)
    up = math.hypot(first_high - first.value, second.value - second_low)
    return difference - down, difference + up


def score_interval(rate: Rate, z: float = TWO_SIDED_95_PERCENT) -> tuple[float, float]:
    """Return Wilson's score interval for one rate.

    >>> low, high = score_interval(Rate(shown=10, clicked=0))
    >>> round(low, 4), round(high, 4)
    (0.0, 0.2775)
    """
    n, squared = rate.shown, z * z
    centre = rate.value + squared / (2 * n)
    half = z * math.sqrt(rate.value * (1 - rate.value) / n + squared / (4 * n * n))
    scale = 1 + squared / n
    return (centre - half) / scale, (centre + half) / scale
