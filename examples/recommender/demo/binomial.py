"""Can chance explain the difference between an observed share and the weight? Exact, without a normal approximation."""

import math


def acceptance_interval(trials: int, probability: float, confidence: float = 0.999) -> tuple[int, int]:
    """Return the smallest and the largest count that chance explains, both included.

    A count outside has at most ``(1 - confidence) / 2`` probability in its tail, on either side.

    >>> acceptance_interval(1000, 0.1)
    (70, 132)
    >>> acceptance_interval(1000, 1.0)
    (1000, 1000)
    """
    if probability in {0.0, 1.0}:
        certain = round(trials * probability)
        return certain, certain
    tail = (1 - confidence) / 2
    low = _tail_length(trials, probability, tail)
    high = trials - _tail_length(trials, 1 - probability, tail)
    return low, high


def _tail_length(trials: int, probability: float, tail: float) -> int:
    """How many of the smallest counts together have a probability of at most ``tail``."""
    total = 0.0
    for count in range(trials + 1):
        total += math.exp(_log_probability(count, trials, probability))
        if total > tail:
            return count
    return trials


def _log_probability(count: int, trials: int, probability: float) -> float:
    ways = math.lgamma(trials + 1) - math.lgamma(count + 1) - math.lgamma(trials - count + 1)
    return ways + count * math.log(probability) + (trials - count) * math.log1p(-probability)
