"""The metric operations of the CloudWatch API."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.api.operations import Operation, Request
from canary_tools.aws_models.cloudwatch.math_syntax import MathError
from canary_tools.aws_models.cloudwatch.metric_store import STANDARD_RESOLUTION, MetricStore
from canary_tools.aws_models.cloudwatch.queries import MetricStat, Query, QueryRun, Window, metric_key
from canary_tools.aws_models.undocumented import Undocumented
from canary_tools.clock import Clock

_MAX_QUERIES = 500


class MetricApi:
    """Reads and writes metric data."""

    def __init__(self, *, store: MetricStore, clock: Clock, undocumented: Undocumented) -> None:
        self._store = store
        self._clock = clock
        self._undocumented = undocumented

    def operations(self) -> dict[str, Operation]:
        """Return the operations, by their names in the API."""
        return {
            "PutMetricData": self.put_metric_data,
            "GetMetricData": self.get_metric_data,
            "GetMetricStatistics": self.get_metric_statistics,
            "ListMetrics": self.list_metrics,
        }

    def put_metric_data(self, request: Request) -> dict[str, Any]:
        """Answer `PutMetricData`. The data points are visible at once."""
        for datum in request["MetricData"]:
            self._store.record(
                namespace=request["Namespace"],
                name=datum["MetricName"],
                dimensions={item["Name"]: item["Value"] for item in datum.get("Dimensions") or []},
                timestamp=datum.get("Timestamp") or self._clock.now(),
                values=_values(datum),
                unit=datum.get("Unit") or "None",
                storage_resolution=datum.get("StorageResolution") or STANDARD_RESOLUTION,
            )
        return {}

    def get_metric_data(self, request: Request) -> dict[str, Any]:
        """Answer `GetMetricData`, for metrics and expressions. Data points come newest first by default."""
        queries = [Query.of(item) for item in request["MetricDataQueries"]]
        if len(queries) > _MAX_QUERIES:
            raise ApiError("ValidationError", f"at most {_MAX_QUERIES} queries are allowed, got {len(queries)}")
        window = Window(request["StartTime"], request["EndTime"], self._clock.now())
        run = QueryRun(self._store, queries, window, undocumented=self._undocumented)
        newest_first = request.get("ScanBy") != "TimestampAscending"
        try:
            results = [_result(query, run, newest_first=newest_first) for query in queries if query.returned]
        except MathError as error:
            raise ApiError("ValidationError", str(error)) from error
        return {"MetricDataResults": results, "Messages": []}

    def get_metric_statistics(self, request: Request) -> dict[str, Any]:
        """Answer `GetMetricStatistics`."""
        statistics = [*(request.get("Statistics") or []), *(request.get("ExtendedStatistics") or [])]
        key = metric_key(request)
        points: dict[float, dict[str, Any]] = {}
        for stat in statistics:
            metric = MetricStat(key, int(request["Period"]), stat, request.get("Unit"))
            query = Query(id="m1", label=key.name, returned=True, metric=metric)
            window = Window(request["StartTime"], request["EndTime"], self._clock.now())
            run = QueryRun(self._store, [query], window, undocumented=self._undocumented)
            for moment, value in run.series("m1").items():
                point = points.setdefault(moment, {"Timestamp": moment, "Unit": self._store.unit(key)})
                extended = stat in (request.get("ExtendedStatistics") or [])
                point.update(
                    {"ExtendedStatistics": {**point.get("ExtendedStatistics", {}), stat: value}}
                    if extended
                    else {stat: value}
                )
        return {"Label": key.name, "Datapoints": [points[moment] for moment in sorted(points)]}

    def list_metrics(self, request: Request) -> dict[str, Any]:
        """Answer `ListMetrics` with the metrics that have data. A dimension without a value matches any value."""
        wanted = [(item["Name"], item.get("Value")) for item in request.get("Dimensions") or []]
        found = [
            key
            for key in self._store.metrics()
            if request.get("Namespace") in (None, key.namespace)
            and request.get("MetricName") in (None, key.name)
            and all(
                name in dict(key.dimensions) and value in (None, dict(key.dimensions)[name]) for name, value in wanted
            )
        ]
        return {
            "Metrics": [
                {
                    "Namespace": key.namespace,
                    "MetricName": key.name,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in key.dimensions],
                }
                for key in found
            ]
        }


def _result(query: Query, run: QueryRun, *, newest_first: bool) -> dict[str, Any]:
    points = sorted(run.series(query.id).items(), reverse=newest_first)
    return {
        "Id": query.id,
        "Label": query.label,
        "Timestamps": [moment for moment, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete",
    }


def _values(datum: Request) -> Mapping[float, int]:
    if datum.get("Values"):
        counts = datum.get("Counts") or [1] * len(datum["Values"])
        return {float(value): int(count) for value, count in zip(datum["Values"], counts, strict=True)}
    if datum.get("StatisticValues"):
        return _from_statistics(datum["StatisticValues"])
    return {float(datum.get("Value") or 0): 1}


def _from_statistics(summary: Request) -> Mapping[float, int]:
    """Return values that have the given statistics: the two extremes, and the mean of all others.

    Sum, count, minimum and maximum are exact. Percentiles are not; CloudWatch gives none for such data.
    """
    count, low, high = int(summary["SampleCount"]), float(summary["Minimum"]), float(summary["Maximum"])
    values: Counter[float] = Counter()
    if count == 1:
        values[float(summary["Sum"])] = 1
    elif count > 1:
        values.update([low, high])
    if count > 2:  # noqa: PLR2004 - more than the two extremes
        values[(float(summary["Sum"]) - low - high) / (count - 2)] += count - 2
    return values
