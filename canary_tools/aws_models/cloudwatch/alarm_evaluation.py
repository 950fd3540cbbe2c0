"""One evaluation of a metric alarm: read the data, compare them with the threshold, decide the state, say why.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
"""

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from canary_tools.aws_models.cloudwatch.alarm import Alarm, StateRecord, timestamp
from canary_tools.aws_models.cloudwatch.math_values import Series
from canary_tools.aws_models.cloudwatch.metric_store import MetricStore
from canary_tools.aws_models.cloudwatch.missing_data import EXTRA_POINTS, AlarmState, MissingData, judge
from canary_tools.aws_models.cloudwatch.queries import Query, QueryRun, Window, sample_counts
from canary_tools.aws_models.cloudwatch.statistics import is_percentile
from canary_tools.aws_models.undocumented import Undocumented

COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


def evaluate(alarm: Alarm, store: MetricStore, now: float, *, undocumented: Undocumented) -> StateRecord | None:
    """Return the new state of the alarm, or `None` if its state does not change.

    Raises:
        MathError: the alarm's expression cannot be evaluated.

    """
    window = _window(alarm, now)
    watched = watched_query(alarm.queries)
    run = QueryRun(store, alarm.queries, window, undocumented=undocumented)
    series = _with_enough_samples(alarm, watched, store, window, run.series(watched.id))
    moments = [window.start + index * alarm.period for index in range(_range(alarm))]
    breaches = COMPARISONS[alarm.request["ComparisonOperator"]][0]
    threshold = float(alarm.request["Threshold"])
    state = judge(
        [breaches(series[moment], threshold) if moment in series else None for moment in moments],
        datapoints_to_alarm=_datapoints_to_alarm(alarm),
        evaluation_periods=alarm.request["EvaluationPeriods"],
        missing=MissingData(alarm.request.get("TreatMissingData") or "missing"),
    )
    if state is None or state is alarm.state.value:
        return None
    return StateRecord(state, _reason(alarm, state, series), now, _reason_data(alarm, series, window, now))


def watched_query(queries: tuple[Query, ...]) -> Query:
    """Return the query whose data the alarm compares with its threshold."""
    return next(query for query in queries if query.returned)


def _window(alarm: Alarm, now: float) -> Window:
    """Return the evaluation range. It ends with the last complete period."""
    end = now - now % alarm.period
    return Window(end - _range(alarm) * alarm.period, end)


def _range(alarm: Alarm) -> int:
    return int(alarm.request["EvaluationPeriods"]) + EXTRA_POINTS


def _datapoints_to_alarm(alarm: Alarm) -> int:
    return int(alarm.request.get("DatapointsToAlarm") or alarm.request["EvaluationPeriods"])


def _with_enough_samples(alarm: Alarm, watched: Query, store: MetricStore, window: Window, series: Series) -> Series:
    """Remove percentiles of too few samples, if the alarm is set to ignore them."""
    metric = watched.metric
    ignores = alarm.request.get("EvaluateLowSampleCountPercentile") == "ignore"
    if metric is None or not ignores or not is_percentile(metric.stat):
        return series
    fraction = float(metric.stat[1:]) / 100
    needed = 10 / max(min(fraction, 1 - fraction), 1e-9)
    counts = sample_counts(store, metric, window)
    return {moment: value for moment, value in series.items() if counts.get(moment, 0) >= needed}


def _reason(alarm: Alarm, state: AlarmState, series: Series) -> str:
    recent = _recent(alarm, series)
    threshold = float(alarm.request["Threshold"])
    phrase = COMPARISONS[alarm.request["ComparisonOperator"]][1]
    if state is AlarmState.INSUFFICIENT_DATA or not recent:
        treatment = {AlarmState.ALARM: " and treated as [Breaching]", AlarmState.OK: " and treated as [NonBreaching]"}
        count = alarm.request["EvaluationPeriods"]
        prefix = "Insufficient Data" if state is AlarmState.INSUFFICIENT_DATA else "Threshold Crossed"
        return f"{prefix}: {count} datapoint{'s were' if count > 1 else ' was'} unknown{treatment.get(state, '')}."
    shown = ", ".join(f"{value} ({_clock_time(moment)})" for moment, value in reversed(recent))
    plural = "s" if len(recent) > 1 else ""
    was = ("were" if plural else "was") + ("" if state is AlarmState.ALARM else " not")
    return f"Threshold Crossed: {len(recent)} datapoint{plural} [{shown}] {was} {phrase} the threshold ({threshold})."


def _reason_data(alarm: Alarm, series: Series, window: Window, now: float) -> dict[str, Any]:
    recent = _recent(alarm, series)
    return {
        "version": "1.0",
        "queryDate": timestamp(now),
        "startDate": timestamp(recent[0][0] if recent else window.start),
        "period": alarm.period,
        "recentDatapoints": [value for _, value in recent],
        "threshold": float(alarm.request["Threshold"]),
        "evaluatedDatapoints": [{"timestamp": timestamp(moment), "value": value} for moment, value in reversed(recent)],
    }


def _recent(alarm: Alarm, series: Series) -> list[tuple[float, float]]:
    return sorted(series.items())[-int(alarm.request["EvaluationPeriods"]) :]


def _clock_time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%d/%m/%y %H:%M:%S")
