"""Metric data queries, as GetMetricData and alarms use them."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollout.contract.names import SAGEMAKER_NAMESPACE

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.cloudwatch.math_syntax import MathError, names, parse
from canary_tools.aws_models.cloudwatch.math_values import Evaluator, Series
from canary_tools.aws_models.cloudwatch.metric_store import MetricKey, MetricStore
from canary_tools.aws_models.cloudwatch.statistics import is_threshold_statistic
from canary_tools.aws_models.undocumented import OldQuery, Undocumented

_DEFAULT_PERIOD = 60
_HOUR, _DAY = 3_600, 86_400
# data points of a period shorter than the first number of seconds are kept for the second number of seconds
_RETENTION = ((60, 3 * _HOUR), (300, 15 * _DAY), (3_600, 63 * _DAY), (math.inf, 455 * _DAY))
_SAGEMAKER_NAMESPACES = (SAGEMAKER_NAMESPACE, "/aws/sagemaker/")


@dataclass(frozen=True)
class MetricStat:
    """One statistic of one metric, per period of `period` seconds."""

    key: MetricKey
    period: int
    stat: str
    unit: str | None = None


@dataclass(frozen=True)
class Query:
    """One member of `MetricDataQueries` or of an alarm's `Metrics`. It has either a metric or an expression."""

    id: str
    label: str
    returned: bool
    metric: MetricStat | None = None
    expression: str | None = None
    period: int | None = None

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> "Query":
        """Read a query from an API request."""
        metric = request.get("MetricStat")
        period = request.get("Period")
        return cls(
            id=request["Id"],
            label=request.get("Label") or (metric["Metric"]["MetricName"] if metric else request["Id"]),
            returned=request.get("ReturnData", True),
            metric=_metric_stat(metric) if metric else None,
            expression=request.get("Expression"),
            period=int(period) if period else None,
        )


@dataclass(frozen=True)
class Window:
    """The time from `start` up to, but not including, `end`, in seconds since the epoch.

    `asked_at`: when the query was made. CloudWatch keeps data points of short periods only for some time.
    """

    start: float
    end: float
    asked_at: float | None = None

    def start_of(self, period: int) -> float:
        """Return the start of the part in which data points of this period (in seconds) still exist.

        Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
        """
        if self.asked_at is None:
            return self.start
        kept = next(seconds for shorter_than, seconds in _RETENTION if period < shorter_than)
        return max(self.start, self.asked_at - kept)


class QueryRun:
    """Answers a set of queries over one window."""

    def __init__(
        self, store: MetricStore, queries: Sequence[Query], window: Window, *, undocumented: Undocumented
    ) -> None:
        self._store = store
        self._queries = {query.id: query for query in queries}
        self._window = window
        self._undocumented = undocumented
        self._found: dict[str, Series] = {}

    def series(self, query_id: str, asked_by: frozenset[str] = frozenset()) -> Series:
        """Return the data points of one query, by the start of their periods.

        Raises:
            MathError: an expression is malformed, refers to an unknown id or to itself, or is not a time series.

        """
        query = self._queries.get(query_id)
        if query is None or query_id in asked_by:
            raise MathError(f"{query_id!r} is not the id of another metric or expression")
        if query_id not in self._found:
            metric = query.metric
            self._found[query_id] = (
                self._calculated(query, asked_by | {query_id}) if metric is None else self._observed(metric)
            )
        return self._found[query_id]

    def period(self, query: Query) -> int:
        """Return the period of a query in seconds. An expression has the longest period of its inputs."""
        if query.metric is not None:
            return query.metric.period
        below = [self._queries[name] for name in names(query.expression or "") if name in self._queries]
        return query.period or max((self.period(found) for found in below), default=_DEFAULT_PERIOD)

    def _observed(self, metric: MetricStat) -> Series:
        if metric.unit and metric.unit != self._store.unit(metric.key):
            return {}
        if not self._undocumented.threshold_statistics and _is_undocumented(metric):
            return {}
        start = self._kept_from(metric.period)
        return self._store.statistics(
            metric.key,
            metric.stat,
            start=start,
            end=self._window.end,
            period=metric.period,
            undocumented=self._undocumented,
        )

    def _kept_from(self, period: int) -> float:
        """Return from where on a query of this period has points."""
        kept = self._window.start_of(period)
        if kept == self._window.start or self._undocumented.old_query is OldQuery.POINTS:
            return kept
        if self._undocumented.old_query is OldQuery.REFUSED:
            raise ApiError("ValidationError", f"points of {period} s are not kept since {self._window.start:.0f}")
        return self._window.end

    def _calculated(self, query: Query, asked_by: frozenset[str]) -> Series:
        expression = query.expression or ""
        inputs = {name: self.series(name, asked_by) for name in names(expression) if name in self._queries}
        period = self.period(query)
        value = Evaluator(_grid(self._window, period), period, inputs, self._undocumented).evaluate(parse(expression))
        if not isinstance(value, dict):
            raise MathError(f"the expression {query.expression!r} must return a single time series")
        return value


def sample_counts(store: MetricStore, metric: MetricStat, window: Window) -> dict[float, int]:
    """Return the number of values in each period of a metric."""
    periods = store.periods(metric.key, start=window.start, end=window.end, period=metric.period)
    return {moment: Counter.total(values) for moment, values in periods.items()}


def _metric_stat(request: Mapping[str, Any]) -> MetricStat:
    return MetricStat(
        key=metric_key(request["Metric"]),
        period=int(request["Period"]),
        stat=request["Stat"],
        unit=request.get("Unit"),
    )


def metric_key(metric: Mapping[str, Any]) -> MetricKey:
    """Read the identity of a metric from an API request."""
    dimensions = {item["Name"]: item["Value"] for item in metric.get("Dimensions") or []}
    return MetricKey.of(metric["Namespace"], metric["MetricName"], dimensions)


def _is_undocumented(metric: MetricStat) -> bool:
    return is_threshold_statistic(metric.stat) and metric.key.namespace.startswith(_SAGEMAKER_NAMESPACES)


def _grid(window: Window, period: int) -> list[float]:
    first = int(window.start - window.start % period)
    return [float(moment) for moment in range(first, int(window.end), period)]
