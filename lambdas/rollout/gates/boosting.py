"""Sequential boosting: the amount by which a capital may overshoot its ceiling is bet in advance.

Source: Fischer & Ramdas, "Improving the (approximate) sequential probability ratio test by avoiding
overshoot", https://arxiv.org/abs/2410.16076.
"""

import math
from collections.abc import Sequence

from rollout.gates.logs import log_sum

MOST_BAD_REQUESTS = 20_000
OUT_OF_REACH = 200.0
NEGLIGIBLE = 1e-18


def log_boost(shares: Sequence[float], effects: Sequence[float], headroom: float, bad: int, boundary: float) -> float:
    """Return ln b for the largest b with `Σ_x Bin(x; bad, boundary)·min(b·V(x), ceiling) = capital`.

    `shares` are the parts of the capital on each effect (above 1; an effect of 1 is cash). `headroom` is
    ln(ceiling / capital). V(x) is the capital when x of the `bad` requests fall to the canary. The caller must
    truncate at the ceiling: only then is the boosted capital valid evidence.
    """
    if not 0.0 < headroom < OUT_OF_REACH or bad > MOST_BAD_REQUESTS or not 0.0 < boundary < 1.0:
        return 0.0
    game = _Game(shares, effects, bad, boundary)
    ceiling = math.exp(headroom)
    low, high = 1, bad + 1
    while low < high:
        middle = (low + high) // 2
        if game.is_truncated_from(middle, ceiling):
            high = middle
        else:
            low = middle + 1
    if low > bad:
        return 0.0
    kept, tail = game.split(low)
    return max(0.0, math.log((1.0 - ceiling * tail) / kept))


class _Game:
    """The outcomes of one minute, given how many requests were bad."""

    def __init__(self, shares: Sequence[float], effects: Sequence[float], bad: int, boundary: float) -> None:
        self.bad = bad
        self.boundary = boundary
        held = [(share, effect) for share, effect in zip(shares, effects, strict=True) if share > 0.0]
        self.weights = [share for share, _ in held]
        self.laws = [effect * boundary / (1.0 + (effect - 1.0) * boundary) for _, effect in held]
        self.slopes = [math.log(effect) for _, effect in held]
        self.starts = [math.log(share) - bad * math.log1p((effect - 1.0) * boundary) for share, effect in held]

    def split(self, x: int) -> tuple[float, float]:
        """Return the mean capital from outcomes below x, and the probability of the others."""
        kept = sum(weight * split_at(x, self.bad, law)[0] for weight, law in zip(self.weights, self.laws, strict=True))
        return kept, split_at(x, self.bad, self.boundary)[1]

    def is_truncated_from(self, x: int, ceiling: float) -> bool:
        """Tell whether the boost that lifts V(x) exactly to the ceiling is affordable."""
        log_value = log_sum(start + x * slope for start, slope in zip(self.starts, self.slopes, strict=True))
        kept, tail = self.split(x)
        return kept * math.exp(min(-log_value, OUT_OF_REACH)) + tail <= 1.0 / ceiling


def split_at(x: int, m: int, share: float) -> tuple[float, float]:
    """Return `(P(X < x), P(X >= x))` for X ~ Binomial(m, share), 1 <= x <= m, 0 < share < 1.

    Only the tail that does not contain the mode is summed: there every term is smaller than the one before.

    >>> [round(p, 6) for p in split_at(1, 2, 0.5)]
    [0.25, 0.75]
    """
    odds = share / (1.0 - share)
    if x > (m + 1) * share:
        above = math.exp(log_mass(x, m, share)) * _rising_series(x, m, odds)
        return 1.0 - above, above
    below = math.exp(log_mass(x - 1, m, share)) * _falling_series(x - 1, m, odds)
    return below, 1.0 - below


def log_mass(x: int, m: int, share: float) -> float:
    """Return `ln P(X = x)`."""
    ways = math.lgamma(m + 1) - math.lgamma(x + 1) - math.lgamma(m - x + 1)
    return ways + x * math.log(share) + (m - x) * math.log1p(-share)


def _rising_series(x: int, m: int, odds: float) -> float:
    """Return `Σ_{y >= x} P(X = y) / P(X = x)`."""
    term = total = 1.0
    while x < m and term > NEGLIGIBLE * total:
        term *= (m - x) / (x + 1) * odds
        total += term
        x += 1
    return total


def _falling_series(x: int, m: int, odds: float) -> float:
    """Return `Σ_{y <= x} P(X = y) / P(X = x)`."""
    term = total = 1.0
    while x > 0 and term > NEGLIGIBLE * total:
        term *= x / (m - x + 1) / odds
        total += term
        x -= 1
    return total
