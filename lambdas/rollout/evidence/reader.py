"""Reads the sources of all gates in one `GetMetricData` call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout.evidence.series import MetricPeriod, SeriesReader, Values
from rollout.evidence.sources import Errors, Query, SlotCount, SourceReader, reader_of, requests_of
from rollout.gates import Minute

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rollout.contract.gate_rules import Source

SECONDS_PER_MINUTE = 60

ERRORS = Errors()

RawCounts = dict[str, float]
"""The fields of `Counts`, as they were published."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """Whole metric periods of one rollout step, by number: from `first` up to, not including, `end`.

    The periods from `end` up to `until` are over but not final. Their values so far are a warning and no evidence.
    """

    first: int
    end: int
    until: int
    step: int
    canary_percent: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was read of a window. `bracketed`: slow requests were bounded by percentiles, not counted."""

    minutes: tuple[Minute, ...]
    canary_requests: int
    requests_per_minute: float
    """Of both slots together."""
    bracketed: bool
    canary_errors: SlotCount | None = None
    """The canary's errors in the newest period in which it had requests, final or not; `None` without requests."""


class EvidenceReader:
    """Reads what the gates need of one endpoint's slots."""

    def __init__(self, endpoint: str, *, sources: Mapping[str, Source], period_seconds: int, client: Any) -> None:
        self._sources = {name: reader_of(source) for name, source in sources.items()}
        self._period = period_seconds
        self._series = SeriesReader(endpoint=endpoint, period_seconds=period_seconds, client=client)

    def read(self, window: Window, *, stable: str, canary: str) -> Evidence:
        """Return every period of the window in which anything was published.

        Raises:
            Throttled, Unavailable: when CloudWatch does not answer, or answers a query only in part. Each period is
                read once, so a missing value would stay missing.
        """
        if window.end <= window.first:
            return Evidence(minutes=(), canary_requests=0, requests_per_minute=0.0, bracketed=False)
        series = self._read_all(window, stable=stable, canary=canary)
        minutes, bracketed = [], False
        for number in range(window.first, window.end):
            period = MetricPeriod(number=number, period_seconds=self._period, series=series)
            counted = {name: _count(source, period, stable, canary) for name, source in self._sources.items()}
            invocations = _invocations(period, stable, canary)
            if invocations is not None or any(counts for counts, _ in counted.values()):
                minutes.append(_minute(number, window, counted, invocations))
            bracketed = bracketed or any(not exact for _, exact in counted.values())
        requests = [minute.invocations for minute in minutes if minute.invocations is not None]
        seconds = (window.end - window.first) * self._period
        return Evidence(
            minutes=tuple(minutes),
            canary_requests=sum(canary for canary, _ in requests),
            requests_per_minute=sum(map(sum, requests)) * SECONDS_PER_MINUTE / seconds,
            bracketed=bracketed,
            canary_errors=self._newest_errors(window, series, canary),
        )

    def _newest_errors(self, window: Window, series: Mapping[Query, Values], slot: str) -> SlotCount | None:
        for number in reversed(range(window.first, window.until)):
            errors = ERRORS.count(
                MetricPeriod(number=number, period_seconds=self._period, series=series), slot, is_canary=True
            )
            if errors is not None and errors.total:
                return errors
        return None

    def _read_all(self, window: Window, *, stable: str, canary: str) -> Mapping[Query, Values]:
        queries = list(self._queries(stable=stable, canary=canary))
        earliest = window.first * self._period - max(query.delay_seconds for query in queries) - self._period
        return self._series.read(queries, start=earliest, end=window.until * self._period)

    def _queries(self, *, stable: str, canary: str) -> Iterable[Query]:
        """Return every query once, in a stable order."""
        slots = (stable, canary)
        wanted = [*(requests_of(slot) for slot in slots), *ERRORS.queries(canary)]
        for source in self._sources.values():
            wanted += [query for slot in slots for query in source.queries(slot)]
        return dict.fromkeys(wanted)


def _minute(
    number: int,
    window: Window,
    counted: Mapping[str, tuple[RawCounts | None, bool]],
    invocations: tuple[int, int] | None,
) -> Minute:
    counts = {name: found for name, (found, _) in counted.items()}
    return Minute(number, window.step, counts, invocations=invocations, share=window.canary_percent / 100)


def _invocations(period: MetricPeriod, stable: str, canary: str) -> tuple[int, int] | None:
    """Return the requests of (canary, stable); a slot without requests may publish nothing, which counts as 0.

    `None` when neither slot published anything, or a value is impossible as a count.
    """
    found = [period.value(requests_of(slot)) for slot in (canary, stable)]
    if found == [None, None]:
        return None
    of_canary, of_stable = (float(value or 0) for value in found)
    if not (of_canary.is_integer() and of_stable.is_integer() and of_canary >= 0 and of_stable >= 0):
        return None
    return int(of_canary), int(of_stable)


def _count(source: SourceReader, period: MetricPeriod, stable: str, canary: str) -> tuple[RawCounts | None, bool]:
    """Return one gate's counts and whether they are exact; no counts while a slot's are incomplete."""
    of_stable = source.count(period, stable, is_canary=False)
    of_canary = source.count(period, canary, is_canary=True)
    if of_stable is None or of_canary is None or not of_stable.total + of_canary.total:
        return None, True
    return _counts(of_stable, of_canary), of_stable.exact and of_canary.exact


def _counts(of_stable: SlotCount, of_canary: SlotCount) -> RawCounts:
    return {
        "canary_total": of_canary.total, "canary_bad": of_canary.bad,
        "stable_total": of_stable.total, "stable_bad": of_stable.bad,
    }  # fmt: skip
