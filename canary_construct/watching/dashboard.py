"""A dashboard that puts the two slots side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from rollout.contract.gate_rules import PublishedCounts
from rollout.contract.names import INVOCATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from constructs import Construct

    from canary_construct.props.alarm_thresholds import AlarmThresholds
    from canary_construct.props.gate import Gate
    from canary_construct.props.slot import Slot
    from canary_construct.watching.slot_metrics import SlotMetrics

HALF_WIDTH = 12
ROLLOUT_HEIGHT = 14
"""In units of the grid. A look with ten ended rollouts is longer, and is scrolled."""


@dataclass(frozen=True, kw_only=True)
class RolloutWidget:
    """What the dashboard shows of rollouts: HTML that a function of the stack returns.

    `parameters` as in `rollout.contract.events.Shown`.
    """

    function_arn: str
    parameters: Mapping[str, str]

    def widget(self, title: str) -> cloudwatch.CustomWidget:
        """Return the widget. It is asked again whenever the dashboard is refreshed."""
        return cloudwatch.CustomWidget(
            title=title,
            function_arn=self.function_arn,
            params=dict(self.parameters),
            width=2 * HALF_WIDTH,
            height=ROLLOUT_HEIGHT,
            update_on_refresh=True,
            update_on_resize=False,
            update_on_time_range_change=False,
        )


@dataclass(frozen=True, kw_only=True)
class SlotDashboard:
    """The dashboard of one endpoint. Alarms and gates that the caller adds later get widgets below the others.

    `releases`: the version in each slot, known when it is deployed.
    """

    dashboard: cloudwatch.Dashboard
    endpoint_name: str
    slots: Sequence[SlotMetrics]

    @classmethod
    def create(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        endpoint_name: str,
        slots: Sequence[SlotMetrics],
        releases: Mapping[Slot, str],
        thresholds: AlarmThresholds,
        alarms: Sequence[cloudwatch.IAlarm],
        rollout: RolloutWidget,
    ) -> SlotDashboard:
        """Show the rollout, and releases, traffic share, errors, latency, refusals, instances and alarms of both slots.

        Its name is the endpoint's with the region: dashboards are of an account, not of a region. Source:
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_xaxr_dashboard.html
        """
        name = f"{endpoint_name}-{Stack.of(scope).region}"
        made = cls(
            dashboard=cloudwatch.Dashboard(scope, construct_id, dashboard_name=name),
            endpoint_name=endpoint_name,
            slots=slots,
        )
        made.dashboard.add_widgets(made._heading(scope, releases))
        made.dashboard.add_widgets(rollout.widget(made._titled("Rollout")))
        made._show_slots(thresholds)
        made._show_alarms("Alarms of the variants", alarms)
        return made

    def show_alarm(self, alarm: cloudwatch.IAlarm) -> None:
        """Show an alarm that the caller gave."""
        self._show_alarms("Alarm that rolls back", [alarm])

    def show_gate(self, gate: Gate) -> None:
        """Show what a gate compares, if the application publishes it: conversions, say."""
        source = gate.source
        if isinstance(source, PublishedCounts):
            self.dashboard.add_widgets(
                self._graph(
                    f"{gate.rule.name}: {source.counted} of {source.total}",
                    lambda slot: slot.published_rate(
                        source.namespace, counted=source.counted, total=source.total, dimensions=source.dimensions
                    ),
                    "%",
                )
            )

    def _heading(self, scope: Construct, releases: Mapping[Slot, str]) -> cloudwatch.TextWidget:
        inside = "\n".join(f"- `{slot.value}` has release **{version}**" for slot, version in releases.items())
        text = (
            f"# {self.endpoint_name} ({scope.node.path})\n\n{inside}\n\n"
            "The variant with all the requests is *stable*. A release on trial is the *canary*, in the other one. "
            f"Now, with the gates' evidence: `canary --endpoint {self.endpoint_name} watch`"
        )
        return cloudwatch.TextWidget(markdown=text, width=2 * HALF_WIDTH, height=5)

    def _show_slots(self, thresholds: AlarmThresholds) -> None:
        graph = self._graph
        for row in (
            [
                graph("Share of requests", lambda slot: slot.traffic_share(), "%"),
                graph("Requests", lambda slot: slot.metric(INVOCATIONS), "per period"),
            ],
            [
                graph("Errors", lambda slot: slot.error_rate(), "% of requests", limit=thresholds.error_rate_percent),
                graph("Latency p99", lambda slot: slot.latency_ms(99), "ms", limit=thresholds.p99_latency_ms),
            ],
            [
                graph("Refused requests", lambda slot: slot.refused_rate(), "% of requests"),
                graph("Instances", lambda slot: slot.instances(), "instances"),
            ],
        ):
            self.dashboard.add_widgets(*row)

    def _show_alarms(self, title: str, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        self.dashboard.add_widgets(
            cloudwatch.AlarmStatusWidget(title=self._titled(title), width=2 * HALF_WIDTH, alarms=list(alarms))
        )

    def _graph(
        self,
        title: str,
        metric: Callable[[SlotMetrics], cloudwatch.IMetric],
        label: str,
        *,
        limit: float | None = None,
    ) -> cloudwatch.GraphWidget:
        limits = [] if limit is None else [cloudwatch.HorizontalAnnotation(value=limit, label=f"alarm above {limit:g}")]
        return cloudwatch.GraphWidget(
            title=self._titled(title),
            width=HALF_WIDTH,
            left=[metric(slot) for slot in self.slots],
            left_annotations=limits,
            left_y_axis=cloudwatch.YAxisProps(label=label, min=0, show_units=False),
        )

    def _titled(self, title: str) -> str:
        return f"{title} of {self.endpoint_name}"
