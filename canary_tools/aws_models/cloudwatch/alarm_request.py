"""Rules for requests to PutMetricAlarm and PutCompositeAlarm.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
and https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

from collections.abc import Mapping
from typing import Any

from canary_tools.aws_models.cloudwatch.alarm_evaluation import COMPARISONS, watched_query
from canary_tools.aws_models.cloudwatch.math_syntax import MathError
from canary_tools.aws_models.cloudwatch.metric_store import MetricStore
from canary_tools.aws_models.cloudwatch.missing_data import MissingData
from canary_tools.aws_models.cloudwatch.queries import MetricStat, Query, QueryRun, Window, metric_key
from canary_tools.aws_models.undocumented import Undocumented

MAX_METRICS = 10
_SUB_MINUTE_PERIODS = (10, 20, 30)
_MINUTE = 60
_DAY_SECONDS = 86_400
_WEEK_SECONDS = 604_800
_HOUR_SECONDS = 3_600


class AlarmRequestError(ValueError):
    """A request that CloudWatch would refuse with a `ValidationError`."""


def queries_of(request: Mapping[str, Any]) -> tuple[Query, ...]:
    """Return the queries of a metric alarm, after checking the whole request.

    Raises:
        AlarmRequestError: CloudWatch would refuse it.

    """
    _require(
        bool(request.get("MetricName")) != bool(request.get("Metrics")),
        "an alarm takes either MetricName or Metrics",
    )
    queries = (
        tuple(Query.of(item) for item in request["Metrics"]) if request.get("Metrics") else (_single_metric(request),)
    )
    _check_queries(queries)
    _check_evaluation(request, queries)
    return queries


def _single_metric(request: Mapping[str, Any]) -> Query:
    stat = request.get("ExtendedStatistic") or request.get("Statistic")
    _require(bool(stat), "Statistic or ExtendedStatistic is required")
    metric = MetricStat(
        key=metric_key(request),
        period=int(request.get("Period", _MINUTE)),
        stat=str(stat),
        unit=request.get("Unit"),
    )
    return Query(id="m1", label=request["MetricName"], returned=True, metric=metric)


def _check_queries(queries: tuple[Query, ...]) -> None:
    metrics = [query.metric for query in queries if query.metric is not None]
    _require(len(metrics) <= MAX_METRICS, f"an alarm takes at most {MAX_METRICS} metrics, got {len(metrics)}")
    _require(
        [query.returned for query in queries].count(True) == 1,
        "exactly one element of the metrics list must return data",
    )
    periods = {metric.period for metric in metrics}
    _require(len(periods) == 1, f"all metrics of an alarm must have one period, got {sorted(periods)}")
    _require(
        all(period in _SUB_MINUTE_PERIODS or period % _MINUTE == 0 for period in periods),
        f"period must be 10, 20, 30 or a multiple of 60, got {sorted(periods)}",
    )
    try:
        empty = QueryRun(MetricStore(), queries, Window(0, 0), undocumented=Undocumented())
        empty.series(watched_query(queries).id)
    except MathError as error:
        raise AlarmRequestError(str(error)) from error


def _check_evaluation(request: Mapping[str, Any], queries: tuple[Query, ...]) -> None:
    _require(
        request.get("ComparisonOperator") in COMPARISONS,
        f"ComparisonOperator must be one of {sorted(COMPARISONS)}, got {request.get('ComparisonOperator')}",
    )
    _require(request.get("Threshold") is not None, "Threshold is required")
    periods = int(request.get("EvaluationPeriods") or 0)
    _require(periods >= 1, f"EvaluationPeriods must be at least 1, got {periods}")
    needed = int(request.get("DatapointsToAlarm") or periods)
    _require(needed <= periods, f"DatapointsToAlarm ({needed}) must not exceed EvaluationPeriods ({periods})")
    treatment = request.get("TreatMissingData") or MissingData.MISSING
    _require(treatment in list(MissingData), f"TreatMissingData must not be {treatment!r}")
    period = max(query.metric.period for query in queries if query.metric is not None)
    limit = _WEEK_SECONDS if period >= _HOUR_SECONDS else _DAY_SECONDS
    _require(period * periods <= limit, f"EvaluationPeriods x Period must not exceed {limit} seconds")


def _require(condition: bool, message: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not condition:
        raise AlarmRequestError(message)
