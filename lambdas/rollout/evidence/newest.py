"""Counts both slots as their alarms do: metric period by metric period, as soon as all of a period is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from rollout.contract.gate_rules import SlowRequests
from rollout.decisions.blame import Bound, Seen
from rollout.evidence.series import MetricPeriod
from rollout.evidence.sources import Errors, Slow, is_latency, latency_query, percentile_statistic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.contract.plan import AlarmLimits
    from rollout.evidence.series import SeriesReader
    from rollout.evidence.sources import SlotCount

ALARMED_PERCENTILE = 99
ERRORS = Errors()

OfSlot = Mapping[int, Seen]
"""By number of the metric period."""


class AlarmCounts(NamedTuple):
    """What one slot published for its two alarms. A period of which a part is missing is left out."""

    errors: OfSlot
    slow: OfSlot

    @property
    def beyond(self) -> bool:
        """Tell whether any period would raise an alarm."""
        return any(seen.beyond for periods in self for seen in periods.values())

    def newest(self, periods: int) -> AlarmCounts:
        """Return only the newest metric periods of each."""
        return AlarmCounts(*(_last(periods, of_slot) for of_slot in self))


@dataclass(frozen=True, kw_only=True)
class AlarmCounter:
    """Counts what the alarms of a slot look at."""

    limits: AlarmLimits

    def read(self, reader: SeriesReader, slots: Mapping[str, bool], *, start: float, end: float) -> list[AlarmCounts]:
        """Return the counts of some slots, in order; the value says whether a slot is the canary's.

        Raises:
            Throttled, Unavailable: when CloudWatch does not answer.
        """
        queries = [query for slot in slots for query in (*ERRORS.queries(slot), *self._slow.queries(slot))]
        series = reader.read(queries, start=start, end=end)
        size = reader.period_seconds
        periods = [
            MetricPeriod(number=number, period_seconds=size, series=series)
            for number in range(ceil(start / size), int(end // size))
        ]
        return [self._counts(periods, slot, is_canary=is_canary) for slot, is_canary in slots.items()]

    def _counts(self, periods: Iterable[MetricPeriod], slot: str, *, is_canary: bool) -> AlarmCounts:
        errors, slow = {}, {}
        for period in periods:
            if (failed := self._failed(period, slot)) is not None:
                errors[period.number] = failed
            if (late := self._late(period, slot, is_canary=is_canary)) is not None:
                slow[period.number] = late
        return AlarmCounts(errors=errors, slow=slow)

    def _failed(self, period: MetricPeriod, slot: str) -> Seen | None:
        count = ERRORS.count(period, slot, from_below=True)
        if count is None:
            return None
        return self._seen(count, beyond=100 * count.bad > self.limits.failed_percent * count.total)

    def _late(self, period: MetricPeriod, slot: str, *, is_canary: bool) -> Seen | None:
        p99 = period.value(latency_query(slot, percentile_statistic(ALARMED_PERCENTILE)))
        count = self._slow.count(period, slot, from_below=is_canary)
        if not is_latency(p99) or count is None:
            return None
        bound = None if count.exact else Bound.AT_LEAST if is_canary else Bound.AT_MOST
        return self._seen(count, beyond=p99 > self._slow.source.slow_us, bound=bound)

    def _seen(self, count: SlotCount, *, beyond: bool, bound: Bound | None = None) -> Seen:
        """Return what a slot showed. What cannot be counts is beyond no limit, and neither are few requests."""
        seen = Seen(total=count.total, bad=count.bad, bound=bound)
        return replace(seen, beyond=beyond and seen.possible and seen.total >= self.limits.min_requests)

    @cached_property
    def _slow(self) -> Slow:
        slow_us = round(self.limits.p99_latency_ms * 1000)
        return Slow(source=SlowRequests(slow_us=slow_us))


def _last(periods: int, of_slot: OfSlot) -> OfSlot:
    newest = max(of_slot, default=0)
    return {number: seen for number, seen in of_slot.items() if number > newest - periods}
