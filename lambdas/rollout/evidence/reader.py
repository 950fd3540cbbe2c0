"""Reads the sources of all gates: in one `GetMetricData` call, and one more where slow requests are not counted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rollout.contract.timing import HIGH_RESOLUTION_SECONDS
from rollout.decisions.pacing import NEWEST_PERIODS
from rollout.evidence.arrivals import Series
from rollout.evidence.findings import SECONDS_PER_MINUTE, Evidence, Findings
from rollout.evidence.series import SeriesReader
from rollout.evidence.sources import Query, Slow, reader_of, requests_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rollout.contract.gate_rules import Source
    from rollout.evidence.window import Window


class EvidenceReader:
    """Reads what the gates need of one endpoint's slots."""

    def __init__(self, endpoint: str, *, sources: Mapping[str, Source], period_seconds: int, client: Any) -> None:
        self._sources = {name: reader_of(source) for name, source in sources.items()}
        self._period = period_seconds
        self._series = SeriesReader(endpoint=endpoint, period_seconds=period_seconds, client=client)

    def read(self, window: Window, *, stable: str, canary: str) -> Evidence:
        """Return the periods that have come, each with what was published.

        Raises:
            Throttled, Unavailable: when CloudWatch does not answer, or answers a query only in part. Each period is
                used once, so a missing value would stay missing.
        """
        until = int(window.now // self._period)
        if until <= window.first:
            return Evidence(end=window.first)
        queries = list(self._queries(stable=stable, canary=canary))
        start, end = self._earliest(window, queries), until * self._period
        series = Series(by_query=self._series.read(queries, start=start, end=end), period_seconds=self._period)
        closer = self._closer_queries(series, (stable, canary), range(start // self._period, until))
        if closer:
            series = replace(series, closer=self._series.read(closer, start=start, end=end))
        findings = Findings(series=series, sources=self._sources, window=window, stable=stable, canary=canary)
        return findings.evidence(range(window.first, until))

    def _earliest(self, window: Window, queries: Iterable[Query]) -> int:
        """Return the moment from which metrics are asked for, in seconds since the epoch.

        A query that begins where points of less than a minute have vanished gets none at all.
        """
        newest_used = min(window.first, max(window.counts_for_pacing_from, window.first - NEWEST_PERIODS))
        first = newest_used * self._period - max(query.delay_seconds for query in queries) - self._period
        if self._period >= SECONDS_PER_MINUTE:
            return first
        periods_kept = HIGH_RESOLUTION_SECONDS // self._period
        return max(first, (int(window.now // self._period) - periods_kept + 1) * self._period)

    def _closer_queries(self, series: Series, slots: Iterable[str], numbers: Iterable[int]) -> Sequence[Query]:
        """Return what brackets the slow requests more closely, once the first call has said where they are."""
        readers = [source for source in self._sources.values() if isinstance(source, Slow)]
        periods = [series.period(number) for number in numbers]
        return list(
            dict.fromkeys(
                query
                for source in readers
                for slot in slots
                for period in periods
                for query in source.closer_queries(period, slot)
            )
        )

    def _queries(self, *, stable: str, canary: str) -> Iterable[Query]:
        """Return every query once, in a stable order."""
        slots = (stable, canary)
        wanted = [*(requests_of(slot) for slot in slots)]
        for source in self._sources.values():
            wanted += [query for slot in slots for query in source.queries(slot)]
        return dict.fromkeys(wanted)
