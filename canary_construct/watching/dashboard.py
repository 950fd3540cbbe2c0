"""A dashboard that puts the two slots side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch
from rollout.contract.names import INVOCATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from constructs import Construct

    from canary_construct.watching.slot_metrics import SlotMetrics

HALF_WIDTH = 12


def slot_dashboard(
    scope: Construct, construct_id: str, *, slots: Sequence[SlotMetrics], alarms: Sequence[cloudwatch.IAlarm]
) -> cloudwatch.Dashboard:
    """Show traffic share, errors, latency, refused requests, instances and alarms of both slots."""

    def graph(title: str, metric: Callable[[SlotMetrics], cloudwatch.IMetric], label: str) -> cloudwatch.GraphWidget:
        return cloudwatch.GraphWidget(
            title=title,
            width=HALF_WIDTH,
            left=[metric(slot) for slot in slots],
            left_y_axis=cloudwatch.YAxisProps(label=label, min=0, show_units=False),
        )

    return cloudwatch.Dashboard(
        scope,
        construct_id,
        widgets=[
            [
                graph("Share of requests", lambda slot: slot.traffic_share(), "%"),
                graph("Requests", lambda slot: slot.metric(INVOCATIONS), "per period"),
            ],
            [
                graph("Errors", lambda slot: slot.error_rate(), "% of requests"),
                graph("Latency p99", lambda slot: slot.latency_ms(99), "ms"),
            ],
            [
                graph("Refused requests", lambda slot: slot.refused_rate(), "% of requests"),
                graph("Instances", lambda slot: slot.instances(), "instances"),
            ],
            [cloudwatch.AlarmStatusWidget(title="Alarms", width=2 * HALF_WIDTH, alarms=list(alarms))],
        ],
    )
