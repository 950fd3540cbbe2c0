"""Slow requests where CloudWatch does not count them: percentiles say how many there were, in a second call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollout.contract.exposure import Exposure, Served
from rollout.contract.gate_rules import SlowRequests
from rollout.contract.names import VARIANT_DIMENSION
from rollout.contract.timing import METRICS_SETTLED_SECONDS
from rollout.evidence.reader import EvidenceReader
from rollout.evidence.sources import ABOVE_OF_10_000, MODEL_ERRORS, PERCENTILE_STATISTICS, Slow, between
from rollout.evidence.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rollout.evidence.findings import Evidence
    from rollout.evidence.sources import Query

PERIOD, FIRST = 60, 29_000_000
STABLE, CANARY = "variant-a", "variant-b"
LIMIT_MS = 250
KINDS = ("inverted_cdf", "linear")
"""How AWS makes a percentile of few values is not documented: by rank, or between two of them."""
WINDOW = Window(
    begun=FIRST, first=FIRST, now=(FIRST + 2) * PERIOD + METRICS_SETTLED_SECONDS, step=0,
    exposure=Exposure(percent=50, served=(Served(FIRST - 100, 50),)),
)  # fmt: skip


class CloudWatch:
    """Answers with statistics of these latencies in milliseconds, by slot, in the first period.

    `counts`: whether `TC` has a value. `closer`: whether percentiles have one that the first call does not ask for.
    """

    def __init__(
        self, latencies: Mapping[str, Sequence[float]], *, kind: str = KINDS[0], counts: bool = False,
        closer: bool = True,
    ) -> None:  # fmt: skip
        self._latencies, self._kind, self._counts, self._closer = latencies, kind, counts, closer
        self.calls: list[list[str]] = []

    def get_paginator(self, _operation: str) -> CloudWatch:
        return self

    def paginate(self, *, MetricDataQueries: Sequence[Mapping[str, Any]], **_: object) -> Iterable[Mapping[str, Any]]:  # noqa: N803
        self.calls.append([query["MetricStat"]["Stat"] for query in MetricDataQueries])
        yield {"MetricDataResults": list(map(self._result, MetricDataQueries))}

    def _result(self, query: Mapping[str, Any]) -> Mapping[str, Any]:
        metric, statistic = query["MetricStat"]["Metric"], query["MetricStat"]["Stat"]
        slot = next(entry["Value"] for entry in metric["Dimensions"] if entry["Name"] == VARIANT_DIMENSION)
        value = self._value(metric["MetricName"], statistic, self._latencies[slot])
        moments = [] if value is None else [datetime.fromtimestamp(FIRST * PERIOD, UTC)]
        return {"Id": query["Id"], "Timestamps": moments, "Values": [value] * len(moments)}

    def _value(self, metric: str, statistic: str, latencies: Sequence[float]) -> float | None:
        if metric == MODEL_ERRORS:
            return 0.0
        if metric == "Invocations" or statistic == "SampleCount":
            return float(len(latencies))
        if statistic.startswith("TC"):
            return float(sum(latency > LIMIT_MS for latency in latencies)) if self._counts else None
        if not self._closer and statistic not in PERCENTILE_STATISTICS:
            return None
        percent = {"Minimum": 0.0, "Maximum": 100.0}.get(statistic)
        percent = float(statistic.removeprefix("p")) if percent is None else percent
        return 1000 * float(np.percentile(latencies, percent, method=self._kind))  # type: ignore[call-overload]


def read(cloudwatch: CloudWatch, window: Window = WINDOW) -> Evidence:
    sources = {"latency": SlowRequests(slow_us=1000 * LIMIT_MS)}
    reader = EvidenceReader("shop", sources=sources, period_seconds=PERIOD, client=cloudwatch)
    return reader.read(window, stable=STABLE, canary=CANARY)


def bounds(cloudwatch: CloudWatch) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the fewest and the most slow requests of canary and stable that the counts allow."""
    (minute,) = read(cloudwatch).minutes
    (period,) = read(cloudwatch).published
    favourable, worst = minute.counts_of("latency"), period.worst["latency"]
    assert favourable is not None
    return (favourable.canary_bad, worst.canary_bad), (worst.stable_bad, favourable.stable_bad)


def some(slow_percent: float, requests: int = 6000) -> list[float]:
    """Return latencies of which so many are above the limit, spread as real ones are."""
    ranks = (np.arange(requests) + 0.5) / requests
    median, above = 40.0, 1 - slow_percent / 100
    return list(median * (LIMIT_MS / median) ** (_normal(ranks) / _normal(np.array([above]))[0]))


def _normal(ranks: np.ndarray) -> np.ndarray:
    """Return quantiles of a logistic curve, whose tail is heavier than that of a normal one."""
    return np.log(ranks / (1 - ranks))


@pytest.mark.parametrize("slow_percent", [0.07, 0.25, 1, 1.6, 2.6, 3.5, 5.4, 7, 9.1])
def test_the_share_is_known_to_a_tenth_of_a_point_wherever_the_limit_lies(slow_percent: float) -> None:
    """Between p90 and p95 it was known to five, and a release as good as stable never got beyond 10 %."""
    same = some(slow_percent)
    canary, stable = bounds(CloudWatch({STABLE: same, CANARY: same}))
    for least, most in (canary, stable):
        assert least <= slow_percent * 60 <= most
        assert most - least <= (0.1 if slow_percent < 5 else 0.25) * 60 + 2


@given(
    latencies=st.lists(st.floats(1, 1000), min_size=1, max_size=400),
    kind=st.sampled_from(KINDS),
)
def test_the_bounds_hold_for_any_latencies(latencies: list[float], kind: str) -> None:
    (least, most), _ = bounds(CloudWatch({STABLE: latencies, CANARY: latencies}, kind=kind))
    assert least <= sum(latency > LIMIT_MS for latency in latencies) <= most


@given(
    latencies=st.lists(st.floats(1, 1000), min_size=1, max_size=400, unique=True),
    kind=st.sampled_from(KINDS),
)
def test_the_likeliest_number_lies_between_the_bounds_and_is_never_too_large(latencies: list[float], kind: str) -> None:
    (period,) = read(CloudWatch({STABLE: latencies, CANARY: latencies}, kind=kind)).published
    counts, likely, worst = (found["latency"] for found in (period.counts, period.likely, period.worst))
    assert counts.canary_bad <= likely.canary_bad <= worst.canary_bad
    assert likely.canary_bad == likely.stable_bad <= sum(latency > LIMIT_MS for latency in latencies)


def test_of_few_requests_the_likeliest_number_is_nearer_than_the_middle_of_the_bounds() -> None:
    """One in a hundred is slow, of 150 requests a minute."""
    draw, found, middle, true = np.random.default_rng(1), 0, 0.0, 0
    for _ in range(100):
        latencies = [float(latency) for latency in 40 * np.exp(0.788 * draw.standard_normal(150))]
        (period,) = read(CloudWatch({STABLE: latencies, CANARY: latencies}, kind="linear")).published
        found += period.likely["latency"].canary_bad
        middle += (period.counts["latency"].canary_bad + period.worst["latency"].canary_bad) / 2
        true += sum(latency > LIMIT_MS for latency in latencies)
    assert 0.95 * true <= found <= true
    assert middle < 0.85 * true


def test_who_counts_slow_requests_is_asked_once() -> None:
    cloudwatch = CloudWatch({STABLE: some(1), CANARY: some(2)}, counts=True)
    (minute,) = read(cloudwatch).minutes
    assert minute.bounded == {}
    assert len(cloudwatch.calls) == 1


def test_the_second_call_asks_only_around_the_limit() -> None:
    cloudwatch = CloudWatch({STABLE: some(1.5), CANARY: some(1.5)})
    read(cloudwatch)
    _, closer = cloudwatch.calls
    assert sorted(set(closer)) == [f"p98.{tenth}" for tenth in range(1, 10)]
    assert len(closer) == 2 * 9


def test_slots_that_differ_are_each_asked_around_their_own_share() -> None:
    cloudwatch = CloudWatch({STABLE: some(1.5), CANARY: some(45)})
    canary, stable = bounds(cloudwatch)
    assert stable[0] <= 90 <= stable[1] <= 94
    assert canary[0] <= 2700 <= canary[1] <= 2700 + 0.025 * 6000


def test_what_the_second_call_answers_decides_nothing_about_what_has_come() -> None:
    """It asks for something else as soon as the share has moved, so that a digest of it would never stay the same."""
    latencies = {STABLE: some(1.5), CANARY: some(1.5)}
    fresh = replace(WINDOW, now=(FIRST + 1) * PERIOD)
    answered, silent = (read(CloudWatch(latencies, closer=closer), fresh) for closer in (True, False))
    assert answered.looked
    assert answered.looked == silent.looked
    assert answered.published != silent.published


def test_each_range_is_divided_evenly_and_no_finer_than_a_hundredth_of_a_percent() -> None:
    for most, least in pairwise(ABOVE_OF_10_000):
        inside = between(most, least)
        assert all(least < part < most for part in inside)
        widths = [before - after for before, after in pairwise((most, *inside, least))]
        assert max(widths) <= max(1, (most - least) / 10 + 1)
        assert min(widths) >= 1


def test_however_much_the_periods_differ_one_call_takes_all_that_is_asked() -> None:
    """500 queries at most, of both slots. Source: `SeriesReader`."""
    closer = sum(len(between(most, least)) for most, least in pairwise(ABOVE_OF_10_000))
    assert 2 * closer < 500


@pytest.mark.parametrize(("first", "then"), [(1.5, 7.0), (7.0, 1.5)])
def test_values_that_come_between_the_two_calls_leave_the_bounds_in_order(first: float, then: float) -> None:
    """A period that has not come yet may change; it is read again."""

    class Growing(CloudWatch):
        def paginate(self, **request: Any) -> Iterable[Mapping[str, Any]]:
            yield from super().paginate(**request)
            self._latencies = dict.fromkeys((STABLE, CANARY), some(then))

    growing = Growing(dict.fromkeys((STABLE, CANARY), some(first)))
    (period,) = read(growing, replace(WINDOW, now=(FIRST + 1) * PERIOD)).published
    least, likely, most = (found["latency"].canary_bad for found in (period.counts, period.likely, period.worst))
    assert least <= likely <= most


def test_without_requests_nothing_closer_is_asked() -> None:
    class Silent:
        has_come = True

        def value(self, query: Query) -> float | None:
            return 0.0 if query.statistic == "SampleCount" else None

    assert Slow(source=SlowRequests(slow_us=1000)).closer_queries(Silent(), CANARY) == []
