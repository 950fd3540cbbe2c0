"""What a plan means, for whoever reviews the template: a summary in its metadata, and warnings.

`python -m canary_tools.rehearsal plan` prints the summary with its costs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsii
from aws_cdk import Annotations, Aspects, CfnResource, IAspect, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from rollout.contract.timing import GATE_PERIODS

from canary_construct.cdk.lazy import late_value
from canary_construct.props.slots import Slot
from canary_construct.rollout.gates import SHOWN_FOR_A_PROOF
from canary_construct.rollout.history import (
    CAPACITY_SECONDS,
    LATE_PERIODS,
    MAX_EVENTS,
    PREPARE_SECONDS,
    WEIGHTS_SECONDS,
    longest_history,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aws_cdk import aws_stepfunctions as sfn
    from constructs import Construct, IConstruct

    from canary_construct.props.alarm_thresholds import AlarmThresholds
    from canary_construct.props.gate import Gate
    from canary_construct.props.instance_scaling import InstanceScaling
    from canary_construct.props.traffic_routing import TrafficRouting
    from canary_construct.props.traffic_step import TrafficStep
    from canary_construct.rollout.gates import RolloutGates
    from canary_construct.watching.rollout_alarms import RolloutAlarms

METADATA_KEY = "canary-construct:plan"
SECONDS_PER_MINUTE = 60
FINAL_AFTER_PERIODS = 2
"""How many periods after its end a metric period is judged by the gates."""
ROLLBACK_PERIODS = 3
"""One period adds at most 0.49 of the evidence that a gate asks for."""
METRIC_DELAY_SECONDS = 90
"""How long after a period's end an alarm is assumed to see its metrics. Not documented by AWS."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """A gate or an alarm, which cannot act on a bad release before `earliest_seconds` after a shift."""

    name: str
    earliest_seconds: int


class PlanReview:
    """The plan of one endpoint, seen by a reviewer. `expected_rps`: requests a second on the whole endpoint.

    Raises:
        ValueError: when the expected traffic needs more than `max_instances`, or is no finite number of 0 or more.
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
        self._rps = _known(expected_rps)
        self._refuse_what_cannot_work()

    def summary(self, gates: RolloutGates, alarms: Sequence[cloudwatch.IAlarm] = ()) -> dict[str, Any]:
        """Return what the template's metadata hold. `alarms`: those that stop a rollout."""
        finality = len(self._steps) * LATE_PERIODS * self._period
        waiting = PREPARE_SECONDS + len(self._steps) * (CAPACITY_SECONDS + WEIGHTS_SECONDS)
        guards = [*self._gate_guards(gates), *self._alarm_guards(alarms)]
        summary = {
            "Steps": [step.percent if step.rule is None else step.title for step in self._steps],
            "ShortestSeconds": sum(self._shortest(gates)),
            "BakeSeconds": sum(step.bake_seconds for step in self._steps),
            "LongestSeconds": sum(step.max_bake_seconds for step in self._steps) + finality + waiting,
            "EvaluationIntervalSeconds": self._interval,
            "LongestHistoryEvents": longest_history(self._steps, interval_seconds=self._interval),
            "HistoryEventsAllowed": MAX_EVENTS,
            **self._instances(),
            "Guards": [self._exposure(guard) for guard in guards],
            "MetricDelaySeconds": METRIC_DELAY_SECONDS,
        }
        if self._rps is not None:
            requests = {step.title: round(self._canary_rps(step) * step.bake_seconds) for step in self._steps}
            summary |= {"ExpectedRps": self._rps, "ExpectedCanaryRequests": requests}
        return summary

    def publish(
        self, scope: Construct, state_machine: sfn.StateMachine, *, gates: RolloutGates, alarms: RolloutAlarms
    ) -> None:
        """Put the summary into the template and the warnings beside the construct; gates and alarms may still grow."""
        resource = state_machine.node.default_child
        assert isinstance(resource, CfnResource)
        resource.add_metadata(METADATA_KEY, late_value(lambda: self.summary(gates, alarms.that_stop(Slot.B))))
        Aspects.of(resource).add(_LateWarnings(scope, lambda: self.warnings(gates)))

    def warnings(self, gates: RolloutGates) -> list[str]:
        """Return a sentence for each step that is unwise at the expected traffic."""
        if self._rps is None:
            return []
        of_steps = [
            warning for index, step in enumerate(self._steps) for warning in self._warnings_of(step, index, gates)
        ]
        return [*of_steps, *self._warnings_of_proofs(gates)]

    def _shortest(self, gates: RolloutGates) -> Iterator[int]:
        """Yield the seconds of each step that passes early.

        The last one cannot, as stable serves nothing to compare with, unless every gate counts what was shown before.
        """
        fewest = GATE_PERIODS * self._period
        for index, step in enumerate(self._steps):
            waits = max(sum(gates.waits(gate, index).values()) for gate in gates.gates)
            compares = index < len(self._steps) - 1 or all(gate.delay_seconds >= fewest for gate in gates.gates)
            early = waits + fewest if compares else step.bake_seconds
            yield min(step.bake_seconds, early) + FINAL_AFTER_PERIODS * self._period

    def _gate_guards(self, gates: RolloutGates) -> Iterator[Guard]:
        for gate in gates.gates:
            waits = self._whole_periods(gate.warm_up_seconds) + self._whole_periods(gate.delay_seconds)
            periods = waits + ROLLBACK_PERIODS + FINAL_AFTER_PERIODS
            yield Guard(name=f"gate {gate.name}", earliest_seconds=periods * self._period)

    def _alarm_guards(self, alarms: Sequence[cloudwatch.IAlarm]) -> Iterator[Guard]:
        for alarm in alarms:
            declared = alarm.node.default_child
            if isinstance(alarm, cloudwatch.Alarm) and isinstance(declared, cloudwatch.CfnAlarm):
                yield Guard(name=f"alarm {_alarm_title(declared, alarm)}", earliest_seconds=_to_fire(declared, alarm))

    def _whole_periods(self, seconds: int) -> int:
        return math.ceil(seconds / self._period)

    def _exposure(self, guard: Guard) -> dict[str, Any]:
        seconds = guard.earliest_seconds
        exposure: dict[str, Any] = {"Name": guard.name, "EarliestSeconds": seconds}
        if self._rps is not None:
            exposure["ExpectedRequests"] = {step.title: round(self._canary_rps(step) * seconds) for step in self._steps}
        return exposure

    def _instances(self) -> dict[str, int]:
        """Return how many there are before and at the peak, if fleet or traffic is known."""
        scaling = self._scaling
        known = (scaling.min_instances, scaling.idle_instances, scaling.invocations_per_instance)
        per_instance = scaling.invocations_per_instance
        if any(Token.is_unresolved(value) for value in known) or (per_instance is not None and self._rps is None):
            return {}
        for_traffic = 0 if per_instance is None else math.ceil((self._rps or 0.0) * SECONDS_PER_MINUTE / per_instance)
        needed = max(scaling.min_instances, for_traffic)
        canary = max(math.ceil(needed * step.expected_percent / 100) for step in self._steps)
        return {
            "InstancesBefore": needed + scaling.idle_instances,
            "PeakInstances": needed + max(scaling.idle_instances, canary),
        }

    def _warnings_of(self, step: TrafficStep, index: int, gates: RolloutGates) -> list[str]:
        rps, found = self._canary_rps(step), []
        gate = max(gates.gates, key=lambda gate: sum(gates.waits(gate, index).values()))
        waits = gates.waits(gate, index)
        requests = rps * (step.bake_seconds - sum(waits.values()))
        if requests < step.min_requests:
            parts = " and ".join(f"{reason} of {seconds:,} s" for reason, seconds in waits.items())
            left_out = f" that gate {gate.name} counts (all but its {parts})" if waits else ""
            found.append(
                f"at {self._rps:g} requests a second the canary has about {requests:,.0f} requests in the bake of "
                f"{step.bake_seconds:,} s at {step.title}{left_out}, under min_requests ({step.min_requests:,}): the "
                "step will be extended, and roll back if max_bake is too short as well"
            )
        if rps * self._period < self._thresholds.min_requests:
            found.append(
                f"at {self._rps:g} requests a second the canary has about {rps * self._period:,.0f} requests in a "
                f"metric period at {step.title}, under the alarms' min_requests ({self._thresholds.min_requests}): "
                "they stay quiet, only the gates watch"
            )
        return found

    def _warnings_of_proofs(self, gates: RolloutGates) -> Iterator[str]:
        step = gates.proof_step
        for gate in gates.gates:
            if gate.superior and step is not None and self._shown_each(gate, step) < SHOWN_FOR_A_PROOF:
                yield (
                    f"at {self._rps:g} requests a second gate {gate.name} compares about "
                    f"{self._shown_each(gate, step):,.0f} requests of each variant in the max_bake of "
                    f"{step.max_bake_seconds:,} s at {step.title}; the proof that a canary is 10 % better than a rate "
                    f"of 5 % needs about {SHOWN_FOR_A_PROOF:,}: a better release will hardly be promoted"
                )

    def _shown_each(self, gate: Gate, step: TrafficStep) -> float:
        """Return the requests of two equal variants that are worth as much as those of both in a step's `max_bake`."""
        seconds = max(step.max_bake_seconds - gate.warm_up_seconds - gate.delay_seconds, 0)
        canary = step.expected_percent / 100
        return 2 * canary * (1 - canary) * (self._rps or 0.0) * seconds

    def _canary_rps(self, step: TrafficStep) -> float:
        return (self._rps or 0.0) * step.expected_percent / 100

    def _refuse_what_cannot_work(self) -> None:
        if self._rps is None:
            return
        if self._rps < 0:
            raise ValueError(f"expected_rps must be 0 or more, got {self._rps:g}")
        per_instance, most = self._scaling.invocations_per_instance, self._scaling.max_instances
        if per_instance is None or Token.is_unresolved(per_instance) or Token.is_unresolved(most):
            return
        if self._rps * SECONDS_PER_MINUTE > per_instance * most:
            raise ValueError(
                f"expected_rps of {self._rps:g} needs more than max_instances ({most}) at {per_instance:,} "
                "invocations a minute each"
            )


@jsii.implements(IAspect)
class _LateWarnings:
    """Warns beside a construct when the template is about to be rendered."""

    def __init__(self, scope: Construct, warnings: Callable[[], Sequence[str]]) -> None:
        self._scope = scope
        self._warnings = warnings

    def visit(self, _node: IConstruct) -> None:
        """Add the warnings; visits one resource only."""
        for number, warning in enumerate(self._warnings(), start=1):
            Annotations.of(self._scope).add_warning_v2(f"canary-construct:plan-{number}", warning)


def _known(rps: float | None) -> float | None:
    """Return the traffic, or nothing when it is known at deploy only. The CDK cannot be asked about NaN."""
    if rps is None:
        return None
    if not isinstance(rps, int | float) or isinstance(rps, bool) or not math.isfinite(rps):
        raise ValueError(f"expected_rps must be a finite number, got {rps!r}")
    return None if Token.is_unresolved(rps) else rps


def _alarm_title(declared: cloudwatch.CfnAlarm, alarm: cloudwatch.Alarm) -> str:
    description = declared.alarm_description
    if description is None or Token.is_unresolved(description):
        return alarm.node.id
    return description.removeprefix(f"{Slot.B.value}: ")


def _to_fire(declared: cloudwatch.CfnAlarm, alarm: cloudwatch.Alarm) -> int:
    """Return the seconds until an alarm can go off; the first of its breaching periods may run at the shift already."""
    points = declared.datapoints_to_alarm
    if points is None:
        points = declared.evaluation_periods
    period = getattr(alarm.metric, "period", None)
    seconds = SECONDS_PER_MINUTE if period is None else int(period.to_seconds())
    return (int(points or 1) - 1) * seconds + METRIC_DELAY_SECONDS
