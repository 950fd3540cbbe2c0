"""The course of a rollout, decided at synth and read by the handlers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollout.contract.plan import Passes, Plan

from canary_construct.rollout.history_budget import evaluation_interval, poll_seconds
from canary_construct.rollout.timeouts import CAPACITY_SECONDS, WEIGHTS_SECONDS
from canary_construct.watching.slot_alarms import seconds_to_fire

if TYPE_CHECKING:
    from canary_construct.props.alarm_thresholds import AlarmThresholds
    from canary_construct.props.on_inconclusive import OnInconclusive
    from canary_construct.props.smoke_test import SmokeTest
    from canary_construct.props.traffic_routing import TrafficRouting
    from canary_construct.rollout.gates import RolloutGates
    from canary_construct.rollout.settings import EndpointSettings


@dataclass(frozen=True, kw_only=True)
class RolloutPlan:
    """Everything that a rollout of one endpoint follows. Alarms and gates may be added until the template is rendered.

    Raises:
        ValueError: when a bake is too short for an alarm to go off in it, or when the longest rollout does not fit into
            an execution history, or only with fewer looks than a paced share needs.
    """

    settings: EndpointSettings
    routing: TrafficRouting
    gates: RolloutGates
    thresholds: AlarmThresholds
    smoke_test: SmokeTest | None
    on_inconclusive: OnInconclusive
    evaluation_interval_seconds: int = field(init=False)
    """Between two evaluations: the shortest that the execution history has room for."""

    def __post_init__(self) -> None:
        period = self.settings.metric_period_seconds
        judged_by_bake = [step for step in self.routing.traffic_steps if step.passes is not Passes.BUDGET]
        for step in judged_by_bake:
            if step.bake_seconds < seconds_to_fire(period):
                raise ValueError(
                    f"bake must be at least {seconds_to_fire(period)} s, because an alarm can need that long to go off "
                    f"at a metric period of {period} s, got {step.bake_seconds} s at {step.title}"
                )
        interval = evaluation_interval(self.routing.traffic_steps, metric_period_seconds=period)
        object.__setattr__(self, "evaluation_interval_seconds", interval)

    def current(self) -> Plan:
        """Return the plan with the alarms and gates of this moment."""
        steps, period = self.routing.traffic_steps, self.settings.metric_period_seconds
        return Plan(
            settings=self.settings.current(),
            steps=tuple(step.for_handlers() for step in steps),
            gates=self.gates.rules(),
            smoke_test=() if self.smoke_test is None else self.smoke_test.requests(),
            harm_budget=self.routing.harm_budget,
            on_inconclusive=self.on_inconclusive.value,
            evaluation_interval_seconds=self.evaluation_interval_seconds,
            poll_seconds=poll_seconds(len(steps), metric_period_seconds=period),
            capacity_timeout_seconds=CAPACITY_SECONDS,
            weights_timeout_seconds=WEIGHTS_SECONDS,
        )
