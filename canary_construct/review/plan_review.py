"""What a plan means for the people who review it: a summary in the template's metadata, and warnings at synth.

`python -m canary_tools.rehearsal plan` prints the summary with its costs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jsii
from aws_cdk import Annotations, Aspects, CfnResource, IAspect
from rollout.contract.names import PLAN_METADATA
from rollout.contract.plan import DAY_SECONDS, Passes
from rollout.contract.timing import GATE_PERIODS, MAX_EVENTS, METRIC_DELAY_SECONDS, SUCCESSOR_PERIODS

from canary_construct.cdk.lazy import lazy_value
from canary_construct.props.slot import Slot
from canary_construct.review import reaction_times
from canary_construct.review.expected_course import pacing_summary
from canary_construct.review.expected_traffic import ExpectedTraffic, instances
from canary_construct.review.hold_back import hold_back_summary
from canary_construct.review.plan_warnings import PlanWarnings, cohort_limits, cohort_warnings, limit_warnings
from canary_construct.rollout.history_budget import hold_back_history, longest_history, longest_watch_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_stepfunctions as sfn
    from constructs import Construct, IConstruct

    from canary_construct.props.traffic_step import TrafficStep
    from canary_construct.review.reaction_times import ReactionTime
    from canary_construct.rollout.plan import RolloutPlan


@dataclass(frozen=True, kw_only=True)
class PlanReview:
    """The plan of one endpoint, as its reviewers see it. `expected_rps`: requests a second on the whole endpoint.

    Raises:
        ValueError: when the expected traffic needs more than `max_instances`, or is no finite number of 0 or more.
    """

    plan: RolloutPlan
    expected_rps: float | None
    _traffic: ExpectedTraffic | None = field(init=False)

    def __post_init__(self) -> None:
        traffic = ExpectedTraffic.of(self.expected_rps)
        if traffic is not None:
            traffic.check_fits(self.plan.settings.scaling, "max_instances")
            if self.plan.settings.release_scaling is not None:
                traffic.check_fits(self.plan.settings.release_scaling, "max_instances of the release")
        object.__setattr__(self, "_traffic", traffic)

    def publish(self, scope: Construct, state_machine: sfn.StateMachine) -> None:
        """Put the summary into the template and the warnings beside the construct, with the gates of that moment."""
        resource = state_machine.node.default_child
        assert isinstance(resource, CfnResource)
        alarms = self.plan.settings.alarms
        resource.add_metadata(PLAN_METADATA, lazy_value(lambda: self.summary(alarms.that_stop(Slot.B))))
        Aspects.of(resource).add(_WarningsAtSynth(scope, self.warnings))

    def summary(self, alarms: Sequence[cloudwatch.IAlarm] = ()) -> dict[str, Any]:
        """Return what the template's metadata hold. `alarms`: those that stop a rollout."""
        steps, interval = self._steps, self.plan.evaluation_interval_seconds
        summary = {
            "Steps": [step.percent if step.rule is None else step.title for step in steps],
            "ShortestSeconds": sum(self._shortest()),
            "BakeSeconds": sum(step.bake_seconds for step in steps),
            "LongestSeconds": self._longest(),
            "EvaluationIntervalSeconds": interval,
            "LongestHistoryEvents": longest_history(steps, interval_seconds=interval) + self._held_events(),
            "HistoryEventsAllowed": MAX_EVENTS,
            **instances(self._traffic, self.plan.settings, steps),
            "Guards": [self._exposure(reaction) for reaction in self._reactions(alarms)],
            "MetricDelaySeconds": METRIC_DELAY_SECONDS,
        }
        if self.plan.routing.cohorts:
            summary["Cohorts"] = [{"Limit": limit} for limit in cohort_limits(self.plan)]
        approvals = {step.title: step.approval_seconds for step in steps if step.approval_seconds}
        if approvals:
            summary["ApprovalSeconds"] = approvals
        if self.plan.windows:
            summary["RaisesOnly"] = [window.window.title for window in self.plan.windows]
            summary["LongestWaitForWindowsSeconds"] = self.plan.windows_seconds
        if self.plan.hold_back is not None:
            summary["HoldBack"] = hold_back_summary(self.plan, self._traffic)
        if self.plan.routing.is_paced:
            summary |= pacing_summary(self.plan.current(), self._traffic)
        if self._traffic is not None:
            requests = {
                step.title: round(self._traffic.canary_rps(step) * step.bake_seconds)
                for step in steps
                if step.passes is not Passes.BUDGET
            }
            summary |= {"ExpectedRps": self._traffic.rps, "ExpectedCanaryRequests": requests}
        return summary

    def warnings(self) -> list[str]:
        """Return a sentence for each cohort that cannot judge, and each step that is unwise at the expected traffic."""
        always = [*limit_warnings(self.plan), *cohort_warnings(self.plan)]
        if self._traffic is None:
            return always
        return [*always, *PlanWarnings(plan=self.plan, traffic=self._traffic).sentences()]

    def _held_events(self) -> int:
        seconds = self.plan.hold_back_seconds
        return hold_back_history(seconds, interval_seconds=self.plan.hold_back_interval_seconds)

    @property
    def _steps(self) -> Sequence[TrafficStep]:
        return self.plan.routing.traffic_steps

    @property
    def _period(self) -> int:
        return self.plan.settings.metric_period_seconds

    def _shortest(self) -> Iterator[int]:
        """Yield the seconds of each step when it passes as early as it can.

        The last step needs its whole bake, because stable serves nothing to compare with, unless every gate still
        counts what was shown in the step before. So does a step that is watched.
        """
        fewest = GATE_PERIODS * self._period
        gates = self.plan.gates
        for index, step in enumerate(self._steps):
            waits = max(sum(gates.waits(gate, index).values()) for gate in gates.gates)
            compares = index < len(self._steps) - 1 or all(gate.delay_seconds >= fewest for gate in gates.gates)
            passes_early = compares and step.passes is not Passes.WATCH
            early = waits + fewest if passes_early else step.bake_seconds
            yield min(step.bake_seconds, early) + SUCCESSOR_PERIODS * self._period

    def _longest(self) -> int:
        """Return the seconds of a rollout that uses every `max_bake` and every time-out, and that nobody pauses."""
        interval = self.plan.evaluation_interval_seconds
        baking = sum(longest_watch_seconds(step, interval_seconds=interval) for step in self._steps)
        baking += self.plan.longest_hold_seconds - DAY_SECONDS
        return baking + self.plan.timeouts.longest_wait_seconds(len(self._steps))

    def _reactions(self, alarms: Sequence[cloudwatch.IAlarm]) -> Iterator[ReactionTime]:
        yield from reaction_times.of_gates(self.plan.gates.gates, metric_period_seconds=self._period)
        yield from reaction_times.of_alarms(alarms)

    def _exposure(self, reaction: ReactionTime) -> dict[str, Any]:
        """Return how long, and for how many requests, a bad release serves before a gate or an alarm can act."""
        seconds = reaction.earliest_seconds
        exposure: dict[str, Any] = {"Name": reaction.name, "EarliestSeconds": seconds}
        if self._traffic is not None:
            exposure["ExpectedRequests"] = {
                step.title: round(self._traffic.canary_rps(step) * seconds) for step in self._steps
            }
        return exposure


@jsii.implements(IAspect)
class _WarningsAtSynth:
    """Warns beside a construct just before the template is rendered."""

    def __init__(self, scope: Construct, warnings: Callable[[], Sequence[str]]) -> None:
        self._scope = scope
        self._warnings = warnings

    def visit(self, _node: IConstruct) -> None:
        """Add the warnings. The aspect is on one resource, so that this happens once."""
        for number, warning in enumerate(self._warnings(), start=1):
            Annotations.of(self._scope).add_warning_v2(f"canary-construct:plan-{number}", warning)
