"""The two alarms of one slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

if TYPE_CHECKING:
    from canary_construct.props.alarm_thresholds import AlarmThresholds
    from canary_construct.watching.slot_metrics import SlotMetrics

EVALUATION_PERIODS = 3
PUBLISHING_PERIODS = 2
"""How many periods late SageMaker's metrics may come. Not documented by AWS."""


def seconds_to_fire(metric_period_seconds: int) -> int:
    """Return how long an alarm of a slot can need to go off.

    >>> seconds_to_fire(60)
    300
    """
    return (EVALUATION_PERIODS + PUBLISHING_PERIODS) * metric_period_seconds


class SlotAlarms(Construct):
    """Error rate and p99 latency of one slot, each by itself: what people want to be woken for.

    Handlers decide whether an alarm of the canary is the canary's own fault (`rollout.decisions.blame`): what harms
    both slots raises the alarms of both.

    Missing data is not breaching, because an idle slot publishes nothing. An alarm looks back over several periods,
    because the metrics of one period come one after the other.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, metrics: SlotMetrics, thresholds: AlarmThresholds
    ) -> None:
        super().__init__(scope, construct_id)
        slot = metrics.slot.value
        of_a_period = f"of {thresholds.min_requests} or more requests in a metric period"
        self.error_rate = self._alarm(
            "ErrorRate",
            metric=metrics.error_rate(min_requests=thresholds.min_requests),
            threshold=thresholds.error_rate_percent,
            datapoints=1,
            description=f"{slot}: more than {thresholds.error_rate_percent:g} % {of_a_period} failed",
        )
        self.latency = self._alarm(
            "Latency",
            metric=metrics.latency_ms(99, min_requests=thresholds.min_requests),
            threshold=thresholds.p99_latency_ms,
            datapoints=2,
            description=f"{slot}: p99 of the model latency {of_a_period} is above {thresholds.p99_latency_ms:g} ms",
        )
        self.all = [self.error_rate, self.latency]

    def _alarm(
        self,
        construct_id: str,
        *,
        metric: cloudwatch.IMetric,
        threshold: float,
        datapoints: int,
        description: str,
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=threshold,
            evaluation_periods=EVALUATION_PERIODS,
            datapoints_to_alarm=datapoints,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
