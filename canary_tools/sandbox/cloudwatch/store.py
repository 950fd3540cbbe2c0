"""Metric data with every value and its count, so that percentiles are true."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

STANDARD_RESOLUTION = 60


@dataclass(frozen=True, order=True)
class MetricKey:
    """A metric's identity: its dimensions are part of it, and are matched exactly.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> "MetricKey":
        """Make a key; the order of the dimensions does not matter."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))


@dataclass(frozen=True)
class _Point:
    values: Counter[float]
    unit: str


class MetricStore:
    """Value counts per metric and moment; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._points: dict[MetricKey, dict[float, _Point]] = {}

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
        """Add the observations of one publish period, visible to readers at once.

        `values` maps each observed value to how often it was seen; `timestamp` (seconds since the epoch)
        is the start of the period and is rounded down to the `storage_resolution` (1 or 60 seconds).
        """
        if not values:
            return
        moment = timestamp - timestamp % storage_resolution
        key = MetricKey.of(namespace, name, dimensions)
        with self._lock:
            points = self._points.setdefault(key, {})
            point = points.setdefault(moment, _Point(Counter(), unit))
            for value, count in values.items():
                point.values[value] += count

    def metrics(self) -> list[MetricKey]:
        """Every metric that has data."""
        with self._lock:
            return sorted(self._points)

    def unit(self, key: MetricKey) -> str:
        """Return the unit that the metric was first recorded with; without data it is `None`, the text."""
        with self._lock:
            return next((point.unit for point in self._points.get(key, {}).values()), "None")

    def periods(self, key: MetricKey, *, start: float, end: float, period: int) -> dict[float, Counter[float]]:
        """Return the values of each period that has data, by its start: those in `[start, end)`.

        Periods lie on multiples of `period` seconds since the epoch; `start` is rounded down to one.
        """
        merged: dict[float, Counter[float]] = {}
        for moment, values in self._between(key, start - start % period, end):
            merged.setdefault(moment - moment % period, Counter()).update(values)
        return dict(sorted(merged.items()))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._points.clear()

    def _between(self, key: MetricKey, start: float, end: float) -> Iterator[tuple[float, Counter[float]]]:
        with self._lock:
            points = self._points.get(key, {})
            found = [(moment, Counter(points[moment].values)) for moment in points if start <= moment < end]
        yield from found
