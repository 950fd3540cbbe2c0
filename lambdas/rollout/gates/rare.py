"""Evidence for rates up to about 5 %: whether the canary gets too many of the bad requests.

When the canary is exactly as bad as tolerated, each bad request falls to it with probability `boundary`. An incident
that hits both variants changes how many requests are bad, but not whose they are, so it cancels.
"""

import math

from rollout.gates.counts import Counts


def boundary_share(counts: Counts, ratio: float) -> float:
    """Return the canary's share of the bad requests when its rate is exactly `ratio` times stable's.

    >>> round(boundary_share(Counts(50, 0, 950, 0), ratio=1.0), 4)
    0.05
    """
    canary = ratio * counts.canary_total
    return canary / (canary + counts.stable_total)


def log_growth(canary_bad: float, bad: float, boundary: float, effect: float) -> float:
    """Return the log-likelihood ratio of "`effect` times worse than tolerated" against "as tolerated".

    An exact e-value for Bernoulli and Poisson counts and for any outcomes in [0, 1]: with
    `a = effect/(1 + (effect - 1)·boundary) - 1` and `b = a·ratio·n_c/n_s` its mean is at most
    `exp(a·n_c·p_c - b·n_s·p_s)`, which is at most 1 when `p_c <= ratio·p_s`. An effect below 1 tests the other
    direction.

    >>> round(log_growth(2, 2, 0.5, 3.0), 6) == round(2 * math.log(1.5), 6)
    True
    """
    return canary_bad * math.log(effect) - bad * math.log1p((effect - 1.0) * boundary)


def log_growths(counts: Counts, ratio: float, effects: tuple[float, ...]) -> tuple[float, ...]:
    """Return the log growth per effect; 0 when a variant had no request, because nothing can be compared."""
    if not counts.canary_total or not counts.stable_total:
        return (0.0,) * len(effects)
    boundary = boundary_share(counts, ratio)
    return tuple(log_growth(counts.canary_bad, counts.bad, boundary, effect) for effect in effects)
