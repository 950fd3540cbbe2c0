"""Reads statistics of both slots from CloudWatch, by metric period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rollout import clients
from rollout.contract.errors import Unavailable
from rollout.contract.names import ENDPOINT_DIMENSION, VARIANT_DIMENSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rollout.evidence.sources import Query

COMPLETE = "Complete"

Values = dict[int, float]
"""By period number: seconds since the epoch, divided by the period."""


@dataclass(frozen=True, kw_only=True)
class MetricPeriod:
    """One metric period of what was read. `has_come`: what is missing of it does not come any more."""

    number: int
    period_seconds: int
    series: Mapping[Query, Values]
    has_come: bool = True

    def value(self, query: Query) -> float | None:
        """Return a statistic, or `None` when nothing was published or asked for."""
        values = self.series.get(query)
        return values.get(query.read_at(self.number, self.period_seconds)) if values else None


@dataclass(frozen=True, kw_only=True)
class SeriesReader:
    """Reads an endpoint's metrics at one period, in seconds.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html (at most 500
    queries a call)
    """

    endpoint: str
    period_seconds: int
    client: Any

    def read(self, queries: Iterable[Query], *, start: float, end: float) -> dict[Query, Values]:
        """Return what was published between two moments, in seconds since the epoch.

        Raises:
            Throttled, Unavailable: when CloudWatch does not answer, or answers a query only in part.
        """
        names = {query: f"q{index}" for index, query in enumerate(dict.fromkeys(queries))}
        pages = self.client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[self._metric_data_query(query, name) for query, name in names.items()],
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
            ScanBy="TimestampAscending",
        )
        by_name: dict[str, Values] = {name: {} for name in names.values()}
        status = dict.fromkeys(names.values(), COMPLETE)
        with clients.named_failures():
            answers = list(pages)
        for page in answers:
            for result in page["MetricDataResults"]:
                numbers = (int(timestamp.timestamp()) // self.period_seconds for timestamp in result["Timestamps"])
                by_name[result["Id"]].update(zip(numbers, result["Values"], strict=True))
                status[result["Id"]] = result.get("StatusCode", COMPLETE)
        _refuse_parts(status, names)
        return {query: by_name[name] for query, name in names.items()}

    def _metric_data_query(self, query: Query, name: str) -> dict[str, object]:
        dimensions = {ENDPOINT_DIMENSION: self.endpoint, VARIANT_DIMENSION: query.slot, **dict(query.dimensions)}
        metric = {
            "Namespace": query.namespace,
            "MetricName": query.metric,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        }
        return {"Id": name, "MetricStat": {"Metric": metric, "Period": self.period_seconds, "Stat": query.statistic}}


def _refuse_parts(status: Mapping[str, str], queries: Mapping[Query, str]) -> None:
    """Refuse an answer in which a query failed, or which ended before it was complete.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataResult.html
    """
    for query, name in queries.items():
        if status[name] != COMPLETE:
            raise Unavailable(f"CloudWatch answered {query.metric} of {query.slot} with {status[name]}")
