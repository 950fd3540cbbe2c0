"""What a plan means, for whoever reviews the template: a summary in its metadata, and warnings.

`python -m canary_tools.rehearsal plan` prints the summary with its costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Annotations, CfnResource

from canary_construct.history import (
    CAPACITY_SECONDS,
    LATE_PERIODS,
    MAX_EVENTS,
    PREPARE_SECONDS,
    WEIGHTS_SECONDS,
    longest_history,
)

if TYPE_CHECKING:
    from aws_cdk import aws_stepfunctions as sfn
    from constructs import Construct

    from canary_construct.alarm_thresholds import AlarmThresholds
    from canary_construct.instance_scaling import InstanceScaling
    from canary_construct.traffic_routing import TrafficRouting
    from canary_construct.traffic_step import TrafficStep

METADATA_KEY = "canary-construct:plan"
SECONDS_PER_MINUTE = 60


class PlanReview:
    """The plan of one endpoint, seen by a reviewer. `expected_rps`: requests a second on the whole endpoint.

    Raises:
        ValueError: when the expected traffic needs more than `max_instances`, or is below 0.
    """

    def __init__(
        self,
        *,
        routing: TrafficRouting,
        scaling: InstanceScaling,
        thresholds: AlarmThresholds,
        metric_period_seconds: int,
        evaluation_interval_seconds: int,
        expected_rps: float | None,
    ) -> None:
        self._steps = routing.traffic_steps
        self._scaling = scaling
        self._thresholds = thresholds
        self._period = metric_period_seconds
        self._interval = evaluation_interval_seconds
        self._rps = expected_rps
        self._refuse_what_cannot_work()

    def summary(self) -> dict[str, Any]:
        """Return what the template's metadata hold."""
        finality = len(self._steps) * LATE_PERIODS * self._period
        waiting = PREPARE_SECONDS + len(self._steps) * (CAPACITY_SECONDS + WEIGHTS_SECONDS)
        summary = {
            "Steps": [step.percent if step.rule is None else step.title for step in self._steps],
            "ShortestSeconds": sum(step.bake_seconds for step in self._steps),
            "LongestSeconds": sum(step.max_bake_seconds for step in self._steps) + finality + waiting,
            "EvaluationIntervalSeconds": self._interval,
            "LongestHistoryEvents": longest_history(self._steps, interval_seconds=self._interval),
            "HistoryEventsAllowed": MAX_EVENTS,
        }
        if self._rps is not None:
            requests = {step.title: round(self._canary_rps(step) * step.bake_seconds) for step in self._steps}
            summary |= {"ExpectedRps": self._rps, "ExpectedCanaryRequests": requests}
        return summary

    def publish(self, scope: Construct, state_machine: sfn.StateMachine) -> None:
        """Put the summary into the template and the warnings beside the construct."""
        resource = state_machine.node.default_child
        assert isinstance(resource, CfnResource)
        resource.add_metadata(METADATA_KEY, self.summary())
        for number, warning in enumerate(self.warnings(), start=1):
            Annotations.of(scope).add_warning_v2(f"canary-construct:plan-{number}", warning)

    def warnings(self) -> list[str]:
        """Return a sentence for each step that is unwise at the expected traffic."""
        if self._rps is None:
            return []
        return [warning for step in self._steps for warning in self._warnings_of(step)]

    def _warnings_of(self, step: TrafficStep) -> list[str]:
        rps, found = self._canary_rps(step), []
        requests = rps * step.bake_seconds
        if requests < step.min_requests:
            found.append(
                f"at {self._rps:g} requests a second the canary has about {requests:,.0f} requests in the bake of "
                f"{step.bake_seconds:,} s at {step.title}, under min_requests ({step.min_requests:,}): the step "
                "will be extended, and roll back if max_bake is too short as well"
            )
        if rps * self._period < self._thresholds.min_requests:
            found.append(
                f"at {self._rps:g} requests a second the canary has about {rps * self._period:,.0f} requests in a "
                f"metric period at {step.title}, under the alarms' min_requests ({self._thresholds.min_requests}): "
                "they stay quiet, only the gates watch"
            )
        return found

    def _canary_rps(self, step: TrafficStep) -> float:
        return (self._rps or 0.0) * step.expected_percent / 100

    def _refuse_what_cannot_work(self) -> None:
        if self._rps is None:
            return
        if self._rps < 0:
            raise ValueError(f"expected_rps must be 0 or more, got {self._rps:g}")
        per_instance = self._scaling.invocations_per_instance
        if per_instance is not None and self._rps * SECONDS_PER_MINUTE > per_instance * self._scaling.max_instances:
            raise ValueError(
                f"expected_rps of {self._rps:g} needs more than max_instances ({self._scaling.max_instances}) at "
                f"{per_instance:,} invocations a minute each"
            )
