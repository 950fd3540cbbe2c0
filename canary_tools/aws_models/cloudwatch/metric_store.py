"""Metric data: every value with its count, so that percentiles are exact."""

import threading
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from canary_tools.aws_models.cloudwatch.statistics import statistic
from canary_tools.aws_models.undocumented import Undocumented

STANDARD_RESOLUTION = 60


@dataclass(frozen=True, order=True)
class MetricKey:
    """The identity of a metric. Its dimensions are part of the identity and must match exactly.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> "MetricKey":
        """Return the key. The order of the dimensions does not matter."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))


class _Metric:
    """The values of one metric, by moment. `moments` is sorted, so that a window is found by bisection.

    What was calculated of the values of a moment is kept until more of them come.
    """

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.moments: list[float] = []
        self.values: dict[float, Counter[float]] = {}
        self._calculated: defaultdict[tuple[str, Undocumented], dict[float, float | None]] = defaultdict(dict)

    def add(self, moment: float, values: Mapping[float, int]) -> None:
        if moment not in self.values:
            insort(self.moments, moment)
            self.values[moment] = Counter()
        for value, count in values.items():
            self.values[moment][value] += count
        for calculated in self._calculated.values():
            calculated.pop(moment, None)

    def moments_between(self, start: float, end: float) -> list[float]:
        return self.moments[bisect_left(self.moments, start) : bisect_left(self.moments, end)]

    def between(self, start: float, end: float) -> list[tuple[float, Counter[float]]]:
        return [(moment, Counter(self.values[moment])) for moment in self.moments_between(start, end)]

    def statistics(self, name: str, moments: Iterable[float], undocumented: Undocumented) -> dict[float, float | None]:
        calculated = self._calculated[name, undocumented]
        for moment in moments:
            if moment not in calculated:
                calculated[moment] = statistic(self.values[moment], name, undocumented)
        return {moment: calculated[moment] for moment in moments}


class MetricStore:
    """Counts of values, per metric and moment. Several threads may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._metrics: dict[MetricKey, _Metric] = {}

    def record(
        self,
        *,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        timestamp: float,
        values: Mapping[float, int],
        unit: str,
        storage_resolution: int = STANDARD_RESOLUTION,
    ) -> None:
        """Add the observations of one publish period. Readers see them at once.

        `values` maps each observed value to how often it was seen; `timestamp` (seconds since the epoch)
        is the start of the period and is rounded down to the `storage_resolution` (1 or 60 seconds).
        """
        if not values:
            return
        moment = timestamp - timestamp % storage_resolution
        key = MetricKey.of(namespace, name, dimensions)
        with self._lock:
            self._metrics.setdefault(key, _Metric(unit)).add(moment, values)

    def metrics(self) -> list[MetricKey]:
        """Return the keys of all metrics that have data."""
        with self._lock:
            return sorted(self._metrics)

    def unit(self, key: MetricKey) -> str:
        """Return the unit of the metric's first data point, or the text `None` if it has no data."""
        with self._lock:
            return self._metrics[key].unit if key in self._metrics else "None"

    def periods(self, key: MetricKey, *, start: float, end: float, period: int) -> dict[float, Counter[float]]:
        """Return the values of each period in `[start, end)` that has data, by the start of the period.

        Periods lie on multiples of `period` seconds since the epoch; `start` is rounded down to one.
        """
        merged: dict[float, Counter[float]] = {}
        with self._lock:
            metric = self._metrics.get(key)
            found = metric.between(start - start % period, end) if metric else []
        for moment, values in found:
            merged.setdefault(moment - moment % period, Counter()).update(values)
        return merged

    def statistics(
        self, key: MetricKey, stat: str, *, start: float, end: float, period: int, undocumented: Undocumented
    ) -> dict[float, float]:
        """Return a statistic of each period in `[start, end)` in which it has a value, by the start of the period."""
        found = self._statistics_of_moments(key, stat, start=start, end=end, period=period, undocumented=undocumented)
        if found is None:
            periods = self.periods(key, start=start, end=end, period=period)
            found = {moment: statistic(values, stat, undocumented) for moment, values in periods.items()}
        return {moment: value for moment, value in found.items() if value is not None}

    def clear(self) -> None:
        """Delete all data."""
        with self._lock:
            self._metrics.clear()

    def _statistics_of_moments(
        self, key: MetricKey, stat: str, *, start: float, end: float, period: int, undocumented: Undocumented
    ) -> dict[float, float | None] | None:
        """Return the statistics where each moment is a period by itself; `None` where it is not."""
        with self._lock:
            metric = self._metrics.get(key)
            moments = metric.moments_between(start - start % period, end) if metric else []
            if metric is None or any(moment % period for moment in moments):
                return None
            return metric.statistics(stat, moments, undocumented)
