"""Which metric periods have come, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from zlib import crc32

from rollout.contract.timing import METRICS_SETTLED_SECONDS, OVERTAKEN_SECONDS
from rollout.evidence.series import MetricPeriod, Values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rollout.evidence.sources import Query

NEVER = -1
"""The newest period of a metric without a value."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """The values of each query. `period_seconds`: the length of a metric period.

    `closer`: those of the second call, which depends on the first one. Whether a period has come, they do not say.
    """

    by_query: Mapping[Query, Values]
    period_seconds: int
    closer: Mapping[Query, Values] = field(default_factory=dict)
    _digests: dict[int, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def value(self, query: Query, number: int) -> float | None:
        """Return what counts for a period: the value of `delay_seconds` earlier."""
        return self.period(number).value(query)

    def read_at(self, query: Query, number: int) -> int:
        """Return the period whose value counts for this one."""
        return query.read_at(number, self.period_seconds)

    def period(self, number: int, *, has_come: bool = True) -> MetricPeriod:
        """Return what sources count."""
        return MetricPeriod(number=number, period_seconds=self.period_seconds, series=self._all, has_come=has_come)

    @cached_property
    def _all(self) -> Mapping[Query, Values]:
        return {**self.by_query, **self.closer}

    def end_of(self, number: int) -> int:
        """Return when a period ends, in seconds since the epoch."""
        return (number + 1) * self.period_seconds

    def digest(self, number: int) -> int:
        """Return a number that changes with any value of a period."""
        if number not in self._digests:
            period = self.period(number)
            self._digests[number] = crc32(repr([period.value(query) for query in self.by_query]).encode())
        return self._digests[number]


class Arrivals:
    """Tells which periods have come, at the time `now` (seconds since the epoch).

    Each metric that `is_expected` of a period must have come. A value that is there is complete when nothing in its
    period has changed since the look before (`looked`: the digests of that look, by period). In a period that no look
    has met before it is complete when a newer value of its metric is there: values may come in parts, but then a look
    meets the parts. A value that is not there counts as missing when a value of the same slot and namespace is there
    that is `OVERTAKEN_SECONDS` newer. After `METRICS_SETTLED_SECONDS` nothing is waited for.
    """

    def __init__(
        self,
        series: Series,
        *,
        now: float,
        is_expected: Callable[[Query, int], bool],
        looked: Mapping[int, int],
    ) -> None:
        self._series = series
        self._now = now
        self._is_expected = is_expected
        self._looked = looked
        self._metrics: dict[Query, set[int]] = {}
        for query, values in series.by_query.items():
            self._metrics.setdefault(query.any_statistic, set()).update(values)
        self._newest_of_publisher: dict[tuple[str, str], int] = {}
        for metric in self._metrics:
            newest = max(self._newest(metric), self._newest_of_publisher.get(metric.publisher, NEVER))
            self._newest_of_publisher[metric.publisher] = newest

    def has_come(self, number: int) -> bool:
        """Tell whether a period is complete, so that what it lacks is missing."""
        return all(self._is_settled(metric, number) for metric in self._metrics)

    def _is_settled(self, metric: Query, number: int) -> bool:
        read = self._series.read_at(metric, number)
        is_over = self._series.end_of(read) + METRICS_SETTLED_SECONDS <= self._now
        if is_over or not self._is_expected(metric, read):
            return True
        if read in self._metrics[metric]:
            return self._is_unchanged(number) if number in self._looked else self._newest(metric) > read
        overtaken_by = self._newest_of_publisher[metric.publisher] - read
        return overtaken_by * self._series.period_seconds >= OVERTAKEN_SECONDS

    def _is_unchanged(self, number: int) -> bool:
        return self._looked[number] == self._series.digest(number)

    def _newest(self, metric: Query) -> int:
        return max(self._metrics[metric], default=NEVER)
