"""Arithmetic on logarithms. Capitals reach exp(1e9) and exp(-1e9), so only their logs are kept."""

import math
from collections.abc import Iterable, Sequence

RESOLUTION = 1e5
DRAINED = -100.0
DRAINED_RESOLUTION = 1e2
LOST = -1000.0


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

    The largest log becomes 0 before the total is added. Otherwise a log of 1e9 would lose the digits of a total near 5.

    >>> round(log_sum(rescale([1e9, 1e9 - 1.0], 4.6)), 12)
    4.6
    """
    highest = max(logs)
    centred = [log - highest for log in logs]
    shift = total - log_sum(centred)
    return tuple(log + shift for log in centred)


def floored(log: float) -> float:
    """Round a log down to five decimals, below -100 to two, below -1000 to whole numbers: the state stays short.

    Evidence is never rounded up. A day of minutes loses less than 0.015.

    >>> floored(-0.123456), floored(-123.4567), floored(-1234.567)
    (-0.12346, -123.46, -1235)
    """
    if log <= LOST:
        return math.floor(log)
    resolution = RESOLUTION if log > DRAINED else DRAINED_RESOLUTION
    return math.floor(log * resolution) / resolution
