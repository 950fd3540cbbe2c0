"""Reads the newest metrics all the while, and keeps when each value was seen first and last changed."""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, NamedTuple, Self

from botocore.exceptions import BotoCoreError, ClientError
from rollout.contract.names import ENDPOINT_DIMENSION, INVOCATIONS, SAGEMAKER_NAMESPACE, SLOTS, VARIANT_DIMENSION

WATCHED = (
    INVOCATIONS,
    "Invocation4XXErrors",
    "Invocation5XXErrors",
    "InvocationModelErrors",
    "ModelLatency",
)
"""What the gates read."""
SECONDS_BACK = 900


class Point(NamedTuple):
    """One period of one metric of one slot; `period` is its start in seconds since the epoch."""

    slot: str
    metric: str
    period: int


@dataclass(frozen=True, kw_only=True)
class Published:
    """When a value was seen first and when it last changed, in seconds since the epoch."""

    first_at: float
    changed_at: float
    value: float


class MetricReader:
    """Reads statistics of one endpoint's slots."""

    def __init__(self, cloudwatch: Any, endpoint_name: str) -> None:
        self._cloudwatch = cloudwatch
        self.endpoint_name = endpoint_name

    def read(
        self, queries: Mapping[str, Mapping[str, Any]], *, start: float, end: float
    ) -> dict[str, dict[int, float]]:
        """Return the answers to `GetMetricData` queries by ID and by the start of the period.

        Raises:
            ClientError: CloudWatch refused.
        """
        pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[{"Id": name, **query} for name, query in queries.items()],
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
        )
        found: dict[str, dict[int, float]] = {name: {} for name in queries}
        for page in pages:
            for result in page["MetricDataResults"]:
                starts = (int(moment.timestamp()) for moment in result["Timestamps"])
                found[result["Id"]].update(zip(starts, result["Values"], strict=True))
        return found

    def query(self, slot: str, metric: str, statistic: str, *, period: int) -> dict[str, Any]:
        """Return the query for one statistic of one slot."""
        return query_of(self.endpoint_name, slot, metric, statistic, period=period)


def query_of(endpoint_name: str, slot: str, metric: str, statistic: str, *, period: int) -> dict[str, Any]:
    """Return the query for one statistic of one slot of any endpoint."""
    values = {ENDPOINT_DIMENSION: endpoint_name, VARIANT_DIMENSION: slot}
    dimensions = [{"Name": name, "Value": value} for name, value in values.items()]
    named = {"Namespace": SAGEMAKER_NAMESPACE, "MetricName": metric, "Dimensions": dimensions}
    return {"MetricStat": {"Metric": named, "Period": period, "Stat": statistic}}


class MetricWatch:
    """Reads until the context ends; `period` is the endpoint's metric period in seconds."""

    def __init__(self, reader: MetricReader, *, period: int, read_again: float) -> None:
        self.period = period
        self._reader = reader
        self._pause = read_again
        self._points: dict[Point, Published] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metric-watch", daemon=True)

    def points(self) -> Mapping[Point, Published]:
        """Return every value that was seen coming: those of periods that began after the watch."""
        return dict(self._points)

    def __enter__(self) -> Self:
        self._began = time.time()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._pause):
            try:
                self._read()
            except (ClientError, BotoCoreError):  # a reading that fails is one reading fewer
                continue

    def _read(self) -> None:
        asked_at = time.time()
        wanted = {f"m{n}": (slot, metric) for n, (slot, metric) in enumerate(_watched())}
        queries = {
            name: self._reader.query(slot, metric, _statistic(metric), period=self.period)
            for name, (slot, metric) in wanted.items()
        }
        found = self._reader.read(queries, start=max(self._began, asked_at - SECONDS_BACK), end=asked_at + self.period)
        answered_at = time.time()  # a value may have become visible while it was asked for
        for name, (slot, metric) in wanted.items():
            for period, value in found[name].items():
                self._note(Point(slot, metric, period), value, answered_at)

    def _note(self, point: Point, value: float, now: float) -> None:
        known = self._points.get(point)
        if known is None:
            self._points[point] = Published(first_at=now, changed_at=now, value=value)
        elif known.value != value:
            self._points[point] = Published(first_at=known.first_at, changed_at=now, value=value)


def _statistic(metric: str) -> str:
    return "SampleCount" if metric == "ModelLatency" else "Sum"


def _watched() -> Iterable[tuple[str, str]]:
    return ((slot, metric) for slot in SLOTS for metric in WATCHED)
