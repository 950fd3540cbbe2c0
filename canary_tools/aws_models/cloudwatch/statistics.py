"""CloudWatch statistics, calculated from the values of one period.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator

from canary_tools.aws_models.undocumented import EmptyRange, Percentile, Undocumented

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
_THRESHOLD = re.compile(r"(TC|PR)\((\d+(?:\.\d+)?)?:(\d+(?:\.\d+)?)?\)")

_BASIC: dict[str, Callable[[Counter[float]], float]] = {
    "SampleCount": lambda values: float(values.total()),
    "Sum": lambda values: sum(value * count for value, count in values.items()),
    "Average": lambda values: sum(value * count for value, count in values.items()) / values.total(),
    "Minimum": min,
    "Maximum": max,
}


def is_percentile(name: str) -> bool:
    """Tell whether `name` is one of `p0` to `p100`."""
    return _PERCENTILE.fullmatch(name) is not None


def is_threshold_statistic(name: str) -> bool:
    """Tell whether `name` is a count or a share of the values in a range: `TC(a:b)` or `PR(a:b)`."""
    return _THRESHOLD.fullmatch(name) is not None


def statistic(
    values: Counter[float],
    name: str,
    undocumented: Undocumented = Undocumented(),  # noqa: B008 - frozen
) -> float | None:
    """Return the statistic `name` of the values, or `None` if it has no value or there is no such statistic.

    >>> statistic(Counter({10.0: 3, 50.0: 1}), "Average")
    20.0
    >>> statistic(Counter({10.0: 3, 50.0: 1}), "p50")
    10.0
    >>> statistic(Counter({10.0: 3, 50.0: 1}), "TC(20:)")
    1.0
    """
    if not values.total():
        return None
    if name in _BASIC:
        return _BASIC[name](values)
    if is_percentile(name):
        return _percentile(values, float(name[1:]), undocumented.percentile)
    if is_threshold_statistic(name):
        return _in_range(values, name, undocumented.empty_range)
    return None


def _percentile(values: Counter[float], percent: float, kind: Percentile) -> float:
    """Return the value of the nearest rank, or interpolate linearly between the two nearest ones."""
    if kind is Percentile.RANK:
        return next(_at_ranks(values, max(0, math.ceil(percent / 100 * values.total()) - 1)))
    rank = percent / 100 * (values.total() - 1)
    below, above = _at_ranks(values, math.floor(rank), math.ceil(rank))
    return below + (above - below) * (rank - math.floor(rank))


def _at_ranks(values: Counter[float], *ranks: int) -> Iterator[float]:
    ordered = sorted(values.items())
    for rank in ranks:
        seen = 0
        for value, count in ordered:
            seen += count
            if rank < seen:
                yield value
                break


def _in_range(values: Counter[float], name: str, empty: EmptyRange) -> float | None:
    """Count the values above the lower bound and up to the upper bound. `PR` is this count in percent of all values."""
    match = _THRESHOLD.fullmatch(name)
    assert match is not None
    low = float(match[2]) if match[2] else -math.inf
    high = float(match[3]) if match[3] else math.inf
    inside = sum(count for value, count in values.items() if low < value <= high)
    if not inside and empty is EmptyRange.NOTHING:
        return None
    return float(inside) if match[1] == "TC" else 100.0 * inside / values.total()
