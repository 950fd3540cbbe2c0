"""Warnings at synth: steps that are unwise at the expected traffic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.contract.exposure import EVERYTHING
from rollout.contract.gate_rules import WIDEST_JUDGED
from rollout.contract.plan import Passes

from canary_construct.props.gate import LONGEST_MS
from canary_construct.review.expected_course import courses_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from canary_construct.props.traffic_step import TrafficStep
    from canary_construct.review.expected_traffic import ExpectedTraffic
    from canary_construct.rollout.gates import RolloutGates
    from canary_construct.rollout.plan import RolloutPlan

SHOWN_FOR_A_PROOF = 42_000
"""How many users each variant must have shown for a proof that a canary converts 10 % better than stable's 5 %.

Measured: the median is 14 minutes at 3,000 a minute each, see docs/gates.md, "Proofs of superiority". A normal
approximation agrees: evidence of 1 in `beta` (5 %) needs `2 ln(20)` = 6.0 times the variance `0.05 * 0.95 + 0.055 *
0.945` over the squared difference `0.005 ** 2`, which is 23,900, times the discount for conversions, which has fallen
to 1.8 by then. Half the lift needs four times as many.
"""


ROOM = 0.25
"""Where requests come in bursts, or few users convert, a good release can need three times what is expected, and more:
seed 40 of docs/random-worlds.md is an example.
"""
LEAST_USUAL_PERCENT = 1
"""An alarm below it goes off by chance on most endpoints, and the number looks like a share where percent are meant."""


def limit_warnings(plan: RolloutPlan) -> Iterator[str]:
    """Yield a sentence for each limit of the alarms that is probably in another unit than the alarms have."""
    percent = plan.thresholds.error_rate_percent
    if percent < LEAST_USUAL_PERCENT:
        yield (
            f"error_rate_percent of {percent:g} lets one failed request in {100 / percent:,.0f} raise an alarm; if you "
            f"mean that share of all requests, write {percent * 100:g}"
        )
    latency = plan.thresholds.p99_latency_ms
    if latency > LONGEST_MS:
        yield (
            f"p99_latency_ms of {latency:,.0f} is never exceeded, since SageMaker ends every request after "
            f"{LONGEST_MS:,} milliseconds at most (its own ModelLatency is in microseconds)"
        )


def cohort_limits(plan: RolloutPlan) -> Iterator[str]:
    """Yield what the gates can conclude in each cohort step."""
    for index, _ in enumerate(plan.routing.cohorts):
        spread = plan.gates.widest_spread(index)
        broken_only = ", so it can find what is broken and cannot judge what is better"
        yield (
            f"the users of {plan.routing.traffic_steps[index].title} may explain {spread:g} times stable's rate by "
            f"themselves{'' if spread <= WIDEST_JUDGED else broken_only}"
        )


def cohort_warnings(plan: RolloutPlan) -> Iterator[str]:
    """Yield a sentence for each share of the users that cannot judge, though its users are like stable's."""
    for index, limit in enumerate(cohort_limits(plan)):
        if plan.routing.cohorts[index].buckets and plan.gates.widest_spread(index) > WIDEST_JUDGED:
            yield f"{limit}: {_way_out(plan.gates, index)}"


def _way_out(gates: RolloutGates, index: int) -> str:
    """Return what the most demanding gate needs: the one with the smallest chance."""
    return gates.way_out(min(gates.gates, key=gates.chance_of_draw), index)


@dataclass(frozen=True, kw_only=True)
class PlanWarnings:
    """What is unwise in a plan at the expected traffic."""

    plan: RolloutPlan
    traffic: ExpectedTraffic

    def sentences(self) -> Iterator[str]:
        """Yield a sentence for each step that is too short for its evidence, and for each proof that will not come."""
        for index, step in enumerate(self.plan.routing.traffic_steps):
            if step.passes is Passes.BUDGET:
                yield from self._too_few_for_the_budget(step)
            else:
                yield from self._too_few_requests(step, index)
            yield from self._quiet_alarms(step)
        yield from self._proofs_that_will_not_come()
        yield from self._budgets_that_leave_no_room()

    def _too_few_requests(self, step: TrafficStep, index: int) -> Iterator[str]:
        gates = self.plan.gates
        gate = max(gates.gates, key=lambda gate: sum(gates.waits(gate, index).values()))
        waits = gates.waits(gate, index)
        requests = self.traffic.canary_rps(step) * (step.bake_seconds - sum(waits.values()))
        if requests < step.min_requests:
            parts = " and ".join(f"{reason} of {seconds:,} s" for reason, seconds in waits.items())
            counted = f" that gate {gate.name} counts (all but its {parts})" if waits else ""
            yield (
                f"at {self.traffic.rps:g} requests a second the canary has about {requests:,.0f} requests in the bake "
                f"of {step.bake_seconds:,} s at {step.title}{counted}, under min_requests ({step.min_requests:,}): the "
                "step will be extended, and it will roll back if max_bake is too short as well"
            )

    def _too_few_for_the_budget(self, step: TrafficStep) -> Iterator[str]:
        """Warn of a step that waits for the budget, not for a bake, and will not have its requests in `max_bake`."""
        requests = self.traffic.canary_rps(step) * step.max_bake_seconds
        if requests < step.min_requests:
            yield (
                f"at {self.traffic.rps:g} requests a second the canary has about {requests:,.0f} requests in the "
                f"max_bake of {step.max_bake_seconds:,} s at {step.title}, under min_requests ({step.min_requests:,}): "
                "the rollout will end there without a decision"
            )

    def _quiet_alarms(self, step: TrafficStep) -> Iterator[str]:
        requests = self.traffic.canary_rps(step) * self.plan.settings.metric_period_seconds
        least = self.plan.thresholds.min_requests
        if requests < least:
            yield (
                f"at {self.traffic.rps:g} requests a second the canary has about {requests:,.0f} requests in a metric "
                f"period at {step.title}, under the alarms' min_requests ({least}): the alarms stay quiet, only the "
                "gates watch"
            )

    def _proofs_that_will_not_come(self) -> Iterator[str]:
        number = self.plan.routing.proof_step
        if number is None:
            return
        step = self.plan.routing.traffic_steps[number]
        for gate in self.plan.gates.gates:
            compared = self.traffic.compared_each(gate, step)
            if gate.superior and compared < SHOWN_FOR_A_PROOF:
                yield (
                    f"at {self.traffic.rps:g} requests a second gate {gate.name} compares about {compared:,.0f} "
                    f"requests of each variant in the max_bake of {step.max_bake_seconds:,} s at {step.title}; the "
                    f"proof that a canary is 10 % better than a rate of 5 % needs about {SHOWN_FOR_A_PROOF:,}: a "
                    "better release will hardly be promoted"
                )

    def _budgets_that_leave_no_room(self) -> Iterator[str]:
        """Warn of the first checkpoint for which a good release is expected to need more than `ROOM` of its time.

        The course is expected without noise. With it, or where few users convert, it can take three times as long.
        """
        plan, since = self.plan.current(), 0.0
        shifts = next((course.shifts for course in courses_of(plan, self.traffic)), ())
        for step in self.plan.routing.traffic_steps if shifts else ():
            share = step.percent / EVERYTHING
            reached = next((shift.seconds for shift in shifts if shift.share >= share), math.inf)
            if step.passes in {Passes.BUDGET, Passes.PROOF} and reached - since > ROOM * step.max_bake_seconds:
                needed = "more than that" if reached == math.inf else f"about {(reached - since) / 60:.0f}"
                yield (
                    f"at {self.traffic.rps:g} requests a second a good release has {step.max_bake_seconds / 60:.0f} "
                    f"minutes (max_bake) for the way to {step.title}, and is expected to need {needed}: where it needs "
                    f"longer, the rollout ends there undecided; choose a harm_budget above {plan.harm_budget:g}, or a "
                    "longer max_bake"
                )
                return
            since = reached
