"""Tails of the binomial distribution, from the standard library alone."""

import math

NEGLIGIBLE = 1e-18


def split_at(x: int, m: int, share: float) -> tuple[float, float]:
    """Return `(P(X < x), P(X >= x))` for X ~ Binomial(m, share), 1 <= x <= m, 0 < share < 1.

    The tail on the far side of the mode is summed, where every term is smaller than the one before.

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
