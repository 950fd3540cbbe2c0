"""What SageMaker publishes about both slots, each point of each metric as late as the world says."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
from rollout.contract.names import INVOCATIONS, VARIANT_DIMENSION

from bench.exposure.site import Answered, Site
from canary_tools.rehearsal.traffic.latency import CENTRES_MS, Counts, percentile

MICROSECONDS = 1000
STABLE_SLOT, CANARY_SLOT = "variant-a", "variant-b"
SLOTS = {"stable": STABLE_SLOT, "canary": CANARY_SLOT}
_ERRORS = ("Invocation5XXErrors", "InvocationModelErrors")

Point = tuple[float, Mapping[str, float]]
"""From when on it can be read, and its statistics."""


class CloudWatch:
    """Stands in for the service's client: answers `GetMetricData` with what can be read at `now`.

    No threshold statistic has a value, as in a rehearsal; a slot without requests publishes nothing.
    """

    def __init__(self, site: Site, period_seconds: int) -> None:
        self.now = 0.0
        self._site = site
        self._period = period_seconds
        self._points: dict[tuple[str, str], dict[int, Point]] = {}

    def publish(self, number: int, answered: Mapping[str, Answered]) -> None:
        """Publish a metric period that has ended. No point can be read before its metric's point of the period before.

        Each metric has its own delay; statistics of one metric come together.
        """
        end = (number + 1) * self._period
        for who, slot in SLOTS.items():
            for metric, statistics in _metrics(answered[who]):
                points = self._points.setdefault((slot, metric), {})
                before, _ = next(reversed(points.values()), (0.0, {}))
                points[number] = (max(before, end + self._site.delay(who)), statistics)

    def get_paginator(self, _operation: str) -> "CloudWatch":
        """Return what answers in pages: itself."""
        return self

    def paginate(self, **request: Any) -> Iterable[Mapping[str, Any]]:
        """Return one page that answers a request of `GetMetricData`."""
        first, after = (int(request[name].timestamp()) // self._period for name in ("StartTime", "EndTime"))
        yield {"MetricDataResults": [self._result(query, first, after) for query in request["MetricDataQueries"]]}

    def _result(self, query: Mapping[str, Any], first: int, after: int) -> Mapping[str, Any]:
        metric, statistic = query["MetricStat"]["Metric"], query["MetricStat"]["Stat"]
        slot = next(entry["Value"] for entry in metric["Dimensions"] if entry["Name"] == VARIANT_DIMENSION)
        points = self._points.get((slot, metric["MetricName"]), {})
        found = [
            (number, points[number][1][statistic])
            for number in range(first, after)
            if number in points and points[number][0] <= self.now and statistic in points[number][1]
        ]
        moments = [_moment(number * self._period) for number, _ in found]
        return {"Id": query["Id"], "Timestamps": moments, "Values": [value for _, value in found]}


@cache
def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _metrics(answered: Answered) -> Iterator[tuple[str, Mapping[str, float]]]:
    if not answered.requests:
        return
    yield INVOCATIONS, {"Sum": answered.requests}
    for metric in _ERRORS:
        yield metric, {"Sum": answered.failed}
    yield "Invocation4XXErrors", {"Sum": 0}
    yield "ModelLatency", _Latency(_with_failed(answered))


def _with_failed(answered: Answered) -> Counts:
    """Return all latencies: a failed request takes as long as the median."""
    latency = answered.latency.copy()
    latency[int(np.searchsorted(np.cumsum(latency), latency.sum() / 2))] += answered.failed
    return latency


class _Latency(dict[str, float]):
    """The statistics of latencies in microseconds, calculated when they are asked for."""

    def __init__(self, latency: Counts) -> None:
        shown = np.flatnonzero(latency)
        super().__init__(
            SampleCount=float(latency.sum()),
            Minimum=float(CENTRES_MS[shown[0]] * MICROSECONDS),
            Maximum=float(CENTRES_MS[shown[-1]] * MICROSECONDS),
        )
        self._latency = latency

    def __contains__(self, statistic: object) -> bool:
        return super().__contains__(statistic) or str(statistic).startswith("p")

    def __missing__(self, statistic: str) -> float:
        found = percentile(self._latency, float(statistic.removeprefix("p")))
        assert found is not None, "there is a request"
        self[statistic] = found * MICROSECONDS
        return self[statistic]
