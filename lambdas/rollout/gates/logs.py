"""Arithmetic on logarithms: capitals reach exp(1e9) and exp(-1e9), so they are never held any other way."""

import math
from collections.abc import Iterable, Sequence

RESOLUTION = 1e5
DRAINED = -100.0
DRAINED_RESOLUTION = 1e2


def log_sum(logs: Iterable[float]) -> float:
    """Return `ln(Σ exp(log))`.

    >>> round(log_sum([0.0, 0.0]), 6)
    0.693147
    >>> log_sum([-1e9, -math.inf])
    -1000000000.0
    """
    logs = tuple(logs)
    highest = max(logs, default=-math.inf)
    if math.isinf(highest):
        return highest
    return highest + math.log(sum(math.exp(log - highest) for log in logs))


def rescale(logs: Sequence[float], total: float) -> tuple[float, ...]:
    """Shift the logs so that they sum to `total`.

    Re-centred on the largest first: the largest log is 0 before the total is added, so that a sum of 1e9
    does not swallow the digits of a threshold near 5.

    >>> round(log_sum(rescale([1e9, 1e9 - 1.0], 4.6)), 12)
    4.6
    """
    highest = max(logs)
    centred = [log - highest for log in logs]
    shift = total - log_sum(centred)
    return tuple(log + shift for log in centred)


def floored(log: float) -> float:
    """Cut a log downwards to five decimals, below -100 to two: the state stays short.

    Downwards, so that evidence is never rounded up; a day of minutes loses less than 0.015.

    >>> floored(-0.123456), floored(-1234.567)
    (-0.12346, -1234.57)
    """
    resolution = RESOLUTION if log > DRAINED else DRAINED_RESOLUTION
    return math.floor(log * resolution) / resolution
