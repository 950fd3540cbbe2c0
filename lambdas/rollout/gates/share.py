"""Evidence for rates that are not small: slow requests, conversions.

Each effect bets on every request: with stake A on the canary's, with stake B on stable's. Both stakes come from a
pivot: a pair of rates on the boundary of what is tolerated, chosen from stable's *earlier* minutes only.
"""

import math
from dataclasses import dataclass

from rollout.gates.counts import Counts

LOWEST_RATE = 1e-9
BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class Boundary:
    """The line between good and bad: `canary rate = ratio · stable rate + offset`."""

    ratio: float
    offset: float = 0.0

    def canary_rate(self, stable_rate: float) -> float:
        """Return the canary's rate on the line."""
        return self.ratio * stable_rate + self.offset


def alternative_rate(boundary: Boundary, stable_rate: float, effect: float) -> float | None:
    """Return the canary's rate with `effect` times the odds of the boundary; None when that is no rate.

    >>> round(alternative_rate(Boundary(1.0), 0.5, 3.0), 6)
    0.75
    """
    tolerated = boundary.canary_rate(stable_rate)
    if not LOWEST_RATE < tolerated < 1.0 - LOWEST_RATE:
        return None
    odds = effect * tolerated / (1.0 - tolerated)
    return odds / (1.0 + odds)


def log_growth(counts: Counts, boundary: Boundary, stable_rate: float, canary_rate: float | None) -> float:
    """Return the log growth of a bet that the rates are `canary_rate` and `stable_rate`.

    Valid for any predictable rates: with `B = -A·ratio·n_c/n_s` the mean is at most
    `exp(A·n_c·(p_c - ratio·p_s - offset))`, which is at most 1 on the tolerated side of the boundary. B is computed
    from A by this formula, so the bet is valid for any pivot.
    """
    if canary_rate is None or not counts.canary_total or not counts.stable_total:
        return 0.0
    pivot = _best_pivot(counts, boundary, stable_rate, canary_rate)
    if pivot is None:
        return 0.0
    tolerated = boundary.canary_rate(pivot)
    stake = (canary_rate - tolerated) / (tolerated * (1.0 - tolerated))
    hedge = -stake * boundary.ratio * counts.canary_total / counts.stable_total
    factors = (
        (counts.canary_bad, stake * (1.0 - tolerated)),
        (counts.canary_total - counts.canary_bad, -stake * tolerated),
        (counts.stable_bad, hedge * (1.0 - pivot)),
        (counts.stable_total - counts.stable_bad, -hedge * pivot),
    )
    if min(gain for _, gain in factors) <= -1.0:
        return 0.0
    return sum(times * math.log1p(gain) for times, gain in factors)


def _best_pivot(counts: Counts, boundary: Boundary, stable_rate: float, canary_rate: float) -> float | None:
    """Return the stable rate of the point on the boundary that is hardest to tell from the two rates.

    It minimises `n_c·KL(canary_rate ‖ ratio·q + offset) + n_s·KL(stable_rate ‖ q)`. The derivative is monotone
    between the two ends, so bisection finds the minimum.
    """
    other_end = (canary_rate - boundary.offset) / boundary.ratio
    low, high = sorted((stable_rate, other_end))
    low, high = _inside(low, high, boundary)
    if low >= high:
        return None
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        tolerated = boundary.canary_rate(middle)
        slope = counts.canary_total * boundary.ratio * (canary_rate - tolerated) / (
            tolerated * (1.0 - tolerated)
        ) + counts.stable_total * (stable_rate - middle) / (middle * (1.0 - middle))
        low, high = (middle, high) if slope > 0 else (low, middle)
    return (low + high) / 2.0


def _inside(low: float, high: float, boundary: Boundary) -> tuple[float, float]:
    """Clip the interval to pivots whose two rates are probabilities."""
    least = max(LOWEST_RATE, (LOWEST_RATE - boundary.offset) / boundary.ratio)
    most = min(1.0 - LOWEST_RATE, (1.0 - LOWEST_RATE - boundary.offset) / boundary.ratio)
    return max(low, least), min(high, most)
