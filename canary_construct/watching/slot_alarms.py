"""The three alarms of one slot."""

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
    """Error rate, p99 latency and throughput of one slot.

    The first two compare the slot with the other one: what harms both slots is not the canary's fault, and taking its
    traffic away would not help. A slot without requests counts as one without errors. A difference of error rates that
    may be chance counts as none: with forty requests to each slot, 18 failures are not far from 22.

    Missing data is not breaching, because an idle slot publishes nothing. Gates count whether a canary had enough
    requests.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, metrics: SlotMetrics, thresholds: AlarmThresholds
    ) -> None:
        super().__init__(scope, construct_id)
        slot = metrics.slot.value
        self.error_rate = self._alarm(
            "ErrorRate",
            metric=metrics.error_rate_beyond_other(min_requests=thresholds.min_requests),
            threshold=thresholds.error_rate_percent,
            periods=1,
            description=(
                f"{slot}: error rate is {thresholds.error_rate_percent:g} percentage points above the other slot's"
            ),
        )
        self.latency = self._alarm(
            "Latency",
            metric=metrics.latency_ms_beyond_other(99, min_requests=thresholds.min_requests),
            threshold=thresholds.p99_latency_ms,
            periods=EVALUATION_PERIODS,
            datapoints=2,
            description=f"{slot}: p99 of the model latency is {thresholds.p99_latency_ms:g} ms above the other slot's",
        )
        self.throughput = self._alarm(
            "Throughput",
            metric=metrics.traffic_share_deviation(min_requests=thresholds.min_requests),
            threshold=thresholds.traffic_share_deviation_percent,
            periods=EVALUATION_PERIODS,
            description=f"{slot}: its share of the requests is far from its weight",
        )
        self.all = [self.error_rate, self.latency, self.throughput]

    def _alarm(
        self,
        construct_id: str,
        *,
        metric: cloudwatch.IMetric,
        threshold: float,
        periods: int,
        datapoints: int | None = None,
        description: str,
    ) -> cloudwatch.Alarm:
        return cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            datapoints_to_alarm=datapoints,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
