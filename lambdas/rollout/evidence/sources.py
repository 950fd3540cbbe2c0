"""Counts one gate's events in one slot from what was published: a reader for each source of the contract."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from math import ceil, floor
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self, TypeGuard

from rollout.contract.gate_rules import FailedRequests, PublishedCounts, RefusedRequests, SlowRequests, Source
from rollout.contract.names import INVOCATIONS, SAGEMAKER_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping

MODEL_ERRORS = "InvocationModelErrors"
EXTREMES: Mapping[float, str] = {0: "Minimum", 100: "Maximum"}
PERCENTILES = (
    0, 25, 50, 75, 80, 85, 90, 92.5, 94, 95, 96, 97, 98, 99, 99.3, 99.5, 99.6, 99.7, 99.8, 99.9, 99.95, 100,
)  # fmt: skip
"""They bracket the share of slow requests where `TC` is not supported, most closely around a limit that few exceed."""
PARTS = 10
"""Into so many parts a second call divides the range between two of them in which the share is, of 0.01 % at least."""
LONGEST_LATENCY_US = 3600 * 10**6
"""An hour, in microseconds: no model is waited for so long, and a value above it is no latency. Source:
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html"""


class Query(NamedTuple):
    """One statistic of one metric of one slot. A look finds hundreds of values by their queries.

    `delay_seconds`: the value of that much earlier is read. `of_streams`: only streamed answers have this metric.
    """

    slot: str
    metric: str
    statistic: str = "Sum"
    namespace: str = SAGEMAKER_NAMESPACE
    dimensions: tuple[tuple[str, str], ...] = ()
    delay_seconds: int = 0
    of_streams: bool = False

    def read_at(self, number: int, period_seconds: int) -> int:
        """Return the metric period whose value counts for a period."""
        return number - ceil(self.delay_seconds / period_seconds) if self.delay_seconds else number

    @property
    def any_statistic(self) -> Query:
        """Return what all statistics of one metric have in common: they come together."""
        return self._replace(statistic="")

    @property
    def publisher(self) -> tuple[str, str]:
        """Return the slot and the namespace. Who publishes one metric of them publishes the others, too."""
        return self.slot, self.namespace


@dataclass(frozen=True, kw_only=True)
class SlotCount:
    """One slot's counts in one period, as they were published.

    The values may be impossible as counts: the judge skips those. `exact` is false for a bound; `likely` is then what
    is likeliest. `broken`: more bad requests, which count only where both slots published them; `None` where this one
    did not.
    """

    total: float
    bad: float
    exact: bool = True
    likely: float | None = None
    broken: float | None = None

    @property
    def likeliest(self) -> Self:
        """Return the likeliest counts, which are the counts themselves if they are no bounds."""
        return self if self.likely is None else replace(self, bad=self.likely)

    def of_served(self, served: float) -> Self:
        """Return the counts of so many requests, of which no more can be bad.

        What cannot be stays as it is.

        >>> SlotCount(total=100, bad=60).of_served(20)
        SlotCount(total=20, bad=20, exact=True, likely=None, broken=None)
        """
        if not 0 <= self.bad <= self.total:
            return self
        likely = None if self.likely is None else min(self.likely, served)
        return replace(self, total=served, bad=min(self.bad, served), likely=likely)


class Period(Protocol):
    """The values of one metric period."""

    def value(self, query: Query) -> float | None:
        """Return a statistic, or `None` when nothing was published."""

    @property
    def has_come(self) -> bool:
        """Tell whether what is missing does not come any more."""


class SourceReader(Protocol):
    """Reads one gate's source."""

    def queries(self, slot: str) -> list[Query]:
        """Return what must be read of a slot."""

    def count(self, period: Period, slot: str, *, from_below: bool) -> SlotCount | None:
        """Return the slot's counts; `None` when nothing or only a part of them was published.

        Where only bounds of the bad requests are known, `from_below` chooses which.
        """


def percentile_statistic(percentile: float) -> str:
    """Return the documented statistic of a percentile of `ModelLatency`.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html

    >>> [percentile_statistic(percentile) for percentile in (0, 50, 99.9, 100)]
    ['Minimum', 'p50', 'p99.9', 'Maximum']
    """
    return EXTREMES.get(percentile, f"p{percentile:g}")


PERCENTILE_STATISTICS = tuple(percentile_statistic(percentile) for percentile in PERCENTILES)


@cache
def sagemaker_query(slot: str, metric: str, statistic: str = "Sum", *, of_streams: bool = False) -> Query:
    """Return the query for a statistic of SageMaker. Each look asks for it in every metric period."""
    return Query(slot=slot, metric=metric, statistic=statistic, of_streams=of_streams)


def latency_query(slot: str, statistic: str) -> Query:
    """Return the query for a statistic of a slot's latency."""
    return sagemaker_query(slot, "ModelLatency", statistic)


def above_of_10_000(percentile: float) -> int:
    """Return how many of 10,000 requests are above a percentile, exactly: `1 - 0.97` is more than 0.03.

    >>> above_of_10_000(97), above_of_10_000(99.95)
    (300, 5)
    """
    return round(10_000 - 100 * percentile)


ABOVE_OF_10_000 = tuple(map(above_of_10_000, PERCENTILES))


@cache
def between(most: int, least: int) -> tuple[int, ...]:
    """Return the parts of 10,000 that divide a range, from most to least, without its ends.

    >>> between(300, 200), between(5, 0), between(20, 10)
    ((290, 280, 270, 260, 250, 240, 230, 220, 210), (4, 3, 2, 1), (19, 18, 17, 16, 15, 14, 13, 12, 11))
    """
    parts = (most - round((most - least) * part / PARTS) for part in range(1, PARTS))
    return tuple(dict.fromkeys(part for part in parts if least < part < most))


def is_latency(value: float | None) -> TypeGuard[float]:
    """Tell whether a published value can be a latency in microseconds.

    >>> [is_latency(value) for value in (0.0, 60e6, -1.0, 2.0**360, None)]
    [True, True, False, False, False]
    """
    return value is not None and 0 <= value <= LONGEST_LATENCY_US


def requests_of(slot: str) -> Query:
    """Return the query for a slot's requests."""
    return sagemaker_query(slot, INVOCATIONS)


@dataclass(frozen=True, kw_only=True)
class Errors:
    """Failed requests. Model errors contain the model's own 4XX, which belong to the caller, and its 5XX.

    Every request adds a 0 or a 1 to each of the metrics: one that has no value is missing, it is not 0.
    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
    """

    def queries(self, slot: str) -> list[Query]:
        """Return requests, answers with 5XX, model errors and answers with 4XX."""
        names = (INVOCATIONS, "Invocation5XXErrors", MODEL_ERRORS, "Invocation4XXErrors")
        return [sagemaker_query(slot, name) for name in names]

    def count(self, period: Period, slot: str, *, from_below: bool) -> SlotCount | None:  # noqa: ARG002 - a SourceReader
        """Return requests and failed ones; `None` while a metric of the requests is missing."""
        total, *errors = (period.value(query) for query in self.queries(slot))
        if total == 0:
            return SlotCount(total=0, bad=0)
        known = [count for count in errors if count is not None]
        if total is None or len(known) < len(errors):
            return None
        by_service, by_model, by_caller = known
        return SlotCount(total=total, bad=max(by_service, by_model - by_caller))


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Requests that were not served though nothing failed.

    An answer with 4XX says that the caller is at fault. But which slot a caller meets is drawn for each request, so
    that a *difference* of the slots is the release's. A streamed answer breaks off after its first part, and counts as
    an answer with 2XX. Only an endpoint that streams publishes how many did, so that nobody waits for this metric.
    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
    """

    def queries(self, slot: str) -> list[Query]:
        """Return requests, answers with 4XX, and streamed answers that broke off."""
        return [
            requests_of(slot),
            sagemaker_query(slot, "Invocation4XXErrors"),
            sagemaker_query(slot, "MidStreamErrors", of_streams=True),
        ]

    def count(self, period: Period, slot: str, *, from_below: bool) -> SlotCount | None:  # noqa: ARG002 - a SourceReader
        """Return requests and those not served; `None` while requests or answers with 4XX are missing."""
        total, refused, broken = (period.value(query) for query in self.queries(slot))
        if total == 0:
            return SlotCount(total=0, bad=0)
        if total is None or refused is None:
            return None
        return SlotCount(total=total, bad=refused, broken=broken)


@dataclass(frozen=True, kw_only=True)
class Slow:
    """Served requests whose model latency is above a limit.

    Where the model answers with an error, its 4XX included, SageMaker counts a model error. Such an answer is often
    quick, so that a slot in an outage of its own would look fast, and the other one slow: model errors are subtracted
    from the samples. Whether each has a sample is not documented: of a slot with few errors, a few requests too many
    are subtracted if not.
    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html

    CloudWatch may not count them, because `TC` is not documented for SageMaker. Then percentiles bound their share. The
    gates take the canary's from below and stable's from above: such bounds can only make a rejection rarer. Where both
    bounds are the same, as in a period whose slowest request is within the limit, the count is exact.

    How CloudWatch makes a percentile of few values is not documented. If it takes one of them, by its rank, or a point
    between two, one more is slow than those that are certainly above: that number is the likeliest.
    """

    source: SlowRequests

    def queries(self, slot: str) -> list[Query]:
        """Return requests, model errors, slow requests and the percentiles that bracket their share."""
        percentiles = [latency_query(slot, statistic) for statistic in PERCENTILE_STATISTICS]
        samples, slow = latency_query(slot, "SampleCount"), latency_query(slot, f"TC({self.source.slow_us}:)")
        return [samples, sagemaker_query(slot, MODEL_ERRORS), slow, *percentiles]

    def closer_queries(self, period: Period, slot: str) -> list[Query]:
        """Return the percentiles that bracket the share of a period more closely; none where it is counted."""
        samples, _, slow, *_ = self.queries(slot)
        if not period.value(samples) or period.value(slow) is not None:
            return []
        bracket = self._bracket(period, slot, ABOVE_OF_10_000)
        return [] if bracket is None else [query for _, query in _above(slot, between(bracket.most, bracket.least))]

    def count(self, period: Period, slot: str, *, from_below: bool) -> SlotCount | None:
        """Return served requests and slow ones, counted or bracketed as closely as the known percentiles do.

        `None` while latency or model errors are missing. Fewer than no errors are shown as bad requests, which the
        judge finds impossible.
        """
        samples, errors, *_ = self.queries(slot)
        total, failed = period.value(samples), period.value(errors)
        if total == 0:
            return SlotCount(total=0, bad=0)
        if total is None or failed is None:
            return None
        if failed < 0:
            return SlotCount(total=total, bad=failed)
        slow = self._slow(period, slot, total, from_below=from_below)
        return slow if slow is None or not failed else slow.of_served(max(total - failed, 0.0))

    def _slow(self, period: Period, slot: str, total: float, *, from_below: bool) -> SlotCount | None:
        """Return all requests with a latency, and slow ones."""
        _, _, above, *_ = self.queries(slot)
        if (slow := period.value(above)) is not None:
            return SlotCount(total=total, bad=slow)
        bracket = self._bracket(period, slot, ABOVE_OF_10_000)
        if bracket is None:
            return None
        closer = self._bracket(period, slot, (bracket.most, *between(bracket.most, bracket.least), bracket.least))
        at_least, at_most = bracket if closer is None else closer
        least, most = floor(total * at_least / 10_000), ceil(total * at_most / 10_000)
        if least == most:
            return SlotCount(total=total, bad=least)
        likely = min(most, floor((total - 1) * at_least / 10_000) + 1)
        return SlotCount(total=total, bad=least if from_below else most, exact=False, likely=likely)

    def _bracket(self, period: Period, slot: str, parts: tuple[int, ...]) -> _Bracket | None:
        """Return between which of these parts of 10,000 the share is; `None` when none of them was published."""
        slow: list[int] = []
        others: list[int] = []
        for above, query in _above(slot, parts):
            if is_latency(value := period.value(query)):
                (slow if value > self.source.slow_us else others).append(above)
        return _Bracket(max(slow, default=0), min(others, default=10_000)) if slow or others else None


class _Bracket(NamedTuple):
    """Bounds of a share, in parts of 10,000."""

    least: int
    most: int


@cache
def _above(slot: str, parts: tuple[int, ...]) -> tuple[tuple[int, Query], ...]:
    """Return each of these parts of 10,000 requests with the query for the percentile that so many are above."""
    return tuple((above, latency_query(slot, percentile_statistic((10_000 - above) / 100))) for above in parts)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two counts that the application publishes for each variant."""

    source: PublishedCounts

    def queries(self, slot: str) -> list[Query]:
        """Return both counts."""
        return [
            Query(
                slot=slot,
                namespace=self.source.namespace,
                metric=metric,
                dimensions=tuple(self.source.dimensions.items()),
                delay_seconds=self.source.delay_seconds,
            )
            for metric in (self.source.total, self.source.counted)
        ]

    def count(self, period: Period, slot: str, *, from_below: bool) -> SlotCount | None:  # noqa: ARG002 - a SourceReader
        """Return both counts; `None` while one is missing that may still come.

        An application that counted nothing of what it showed may publish nothing: that is 0.
        """
        total, counted = (period.value(query) for query in self.queries(slot))
        if total is None or (counted is None and not period.has_come):
            return None
        return SlotCount(total=total, bad=counted or 0.0)


def reader_of(source: Source) -> SourceReader:
    """Return what reads a source."""
    match source:
        case FailedRequests():
            return Errors()
        case RefusedRequests():
            return Refused()
        case SlowRequests():
            return Slow(source=source)
        case PublishedCounts():
            return Pair(source=source)
