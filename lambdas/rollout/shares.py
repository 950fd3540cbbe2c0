"""The share that a rollout wants next: what the plan, its state and the gates tell pacing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from rollout import sentences
from rollout.contract.exposure import EVERYTHING
from rollout.contract.plan import Passes
from rollout.contract.states import Next, StepState
from rollout.contract.timing import (
    CAPACITY_TIMEOUTS,
    METRIC_DELAY_SECONDS,
    MOST_CHANGES,
    SOON_CHANGES,
    SOON_LOOK_SECONDS,
    SOON_SECONDS,
    WEIGHTS_TAKE_SECONDS,
)
from rollout.decisions import pacing
from rollout.decisions.bake import Decision
from rollout.decisions.capacity import MINUTE
from rollout.decisions.pacing import Look, Pace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollout.contract.plan import Plan, Step
    from rollout.evidence.findings import Evidence
    from rollout.gates import Assessment, GateView


class Moved(NamedTuple):
    """What was decided, and the state that goes with it."""

    decision: Decision
    state: StepState


def first_percent(plan: Plan, state: StepState, *, requests_per_minute: float) -> float:
    """Return the share, in percent, with which a step begins that no share came before."""
    step = plan.steps[state.index]
    if step.passes is Passes.EVIDENCE:
        return step.percent
    per_period = requests_per_minute * plan.settings.metric_period_seconds / MINUTE
    reaction = reaction_periods(plan, state)
    return pacing.first_share(plan.harm_budget, per_period=per_period, reaction=reaction, checkpoint=step.percent)


def reaction_periods(plan: Plan, state: StepState) -> float:
    """Return how many metric periods pass from a bad request until a lower share is in force.

    Its period ends, its metrics come, the next evaluation reads them, and SageMaker takes the weights.
    """
    period = plan.settings.metric_period_seconds
    late = max(METRIC_DELAY_SECONDS, state.late_seconds or 0)
    return (period + late + _soon(plan) + WEIGHTS_TAKE_SECONDS) / period


def seconds_to_next_look(plan: Plan, state: StepState, now: float) -> int:
    """Return how long an evaluation waits. A paced share that has just changed is looked at more often."""
    is_paced = plan.step(state.index).passes not in (Passes.EVIDENCE, Passes.HOLD_BACK)
    has_just_changed = now < state.shifted_at + SOON_SECONDS and state.exposure.number < SOON_CHANGES
    return _soon(plan) if is_paced and has_just_changed else plan.evaluation_interval_seconds


def _soon(plan: Plan) -> int:
    return min(plan.evaluation_interval_seconds, SOON_LOOK_SECONDS)


def foreseen_percent(plan: Plan, state: StepState, *, must_wait: bool = False) -> float:
    """Return the share for which instances are ordered now. `must_wait`: those of the wanted share are not there yet.

    SageMaker changes no weights while instances come. So a paced rollout orders those of its peak at once, when its
    first share was seen clean and the second one is in force: they come while nothing is known of that share yet. A
    share that must wait for some anyway waits for all of them.
    """
    step = plan.step(state.index)
    if step.passes is Passes.EVIDENCE:
        return step.expected_percent
    if step.passes is Passes.HOLD_BACK:
        return EVERYTHING
    number = state.exposure.number
    is_foreseen = number > 1 or (number == 1 and (state.in_place or must_wait))
    return plan.steps[-1].expected_percent if is_foreseen else state.exposure.wanted


def look(plan: Plan, state: StepState, evidence: Evidence, gates: Sequence[GateView]) -> Look:
    """Return what the published periods show about the present share."""
    pace = Pace(
        budget=plan.harm_budget, reaction=reaction_periods(plan, state), share=state.exposure.wanted, gates=gates
    )
    return pace.look(state.exposure.pacing, evidence.published, end=evidence.end)


def move(
    plan: Plan,
    state: StepState,
    seen: Look,
    now: Assessment,
    decision: Decision,
    *,
    held: str,
    is_fresh: bool,
    hurry: str = "",
) -> Moved:
    """Choose the next share, and return what was decided with it.

    A brake waits for nothing. Nothing is raised while the step is `held`, nor on old evidence. `hurry`: who wants the
    step's own share at once, whatever the harm budget says; empty when nobody does, or the step has seen too little.
    """
    state = replace(state, exposure=replace(state.exposure, pacing=seen.kept))
    if decision.next is not Next.STAY:
        return Moved(decision, _gone_on(plan, state, seen, decision.next))
    if seen.brake is not None:
        return _braked(state, seen, seen.brake)
    step, share = plan.steps[state.index], seen.pace.share
    following = step.percent if hurry else seen.next_share(step.percent)
    if following <= share or held or seen.suspicion or now.holds or not is_fresh:
        return Moved(decision, state)
    if not _may_change(plan, state):
        words = {"changes": state.exposure.number, "minutes": state.exposure.waited_seconds / MINUTE}
        return Moved(Decision(Next.STAY, f"{decision.reason}; {sentences.NO_MORE_CHANGES.format(**words)}"), state)
    reason = sentences.SHARE_CHANGES.format(before=share, share=following, why=hurry or seen.limit or sentences.RAISED)
    return Moved(Decision(Next.RAISE, reason), _chosen(state, following))


def _gone_on(plan: Plan, state: StepState, seen: Look, following: Next) -> StepState:
    """Return the state with the share that follows the present one: of the next step, or of the end of a hold-back."""
    if following is Next.NEXT_STEP or (following is Next.PROMOTE and plan.holds_back_after(state.index)):
        unread = state.next_period if _goes_on(plan.step(state.index + 1), seen) else 0
        return replace(_chosen(state, _first_of_next(plan, state, seen)), next_period=unread)
    return _chosen(state, EVERYTHING) if following is Next.RAISE else state


def _goes_on(following: Step, seen: Look) -> bool:
    """Tell whether the next step reads the periods of this one that are still on their way, with the share they had.

    It does while the share is paced: all that was seen counts there. A step that passes by its own evidence does not.
    """
    return following.passes not in (Passes.EVIDENCE, Passes.HOLD_BACK) and seen.pace.share > 0


def _first_of_next(plan: Plan, state: StepState, seen: Look) -> float:
    """Return the share with which the next step begins. After a cohort nothing was counted for pacing yet."""
    step = plan.step(state.index + 1)
    if step.passes in (Passes.EVIDENCE, Passes.HOLD_BACK):
        return step.percent
    if seen.pace.share:
        return seen.next_share(step.percent)
    per_period, reaction = seen.kept.busiest, seen.pace.reaction
    return pacing.first_share(plan.harm_budget, per_period=per_period, reaction=reaction, checkpoint=step.percent)


def _braked(state: StepState, seen: Look, brake: pacing.Brake) -> Moved:
    if seen.is_last_brake:
        reason = sentences.BRAKED_TOO_OFTEN.format(why=brake.reason, times=seen.kept.brakes)
        return Moved(Decision(Next.GIVE_UP, reason), state)
    reason = sentences.SHARE_CHANGES.format(before=seen.pace.share, share=brake.percent, why=brake.reason)
    lower = _chosen(state, brake.percent)
    exposure = replace(lower.exposure, pacing=pacing.braked(seen.kept))
    return Moved(Decision(Next.LOWER, reason), replace(lower, exposure=exposure))


def _chosen(state: StepState, percent: float) -> StepState:
    """Return the state in which another share is wanted, and nothing is done for it yet.

    Whatever raises a share that was lowered, a brake may act on it again.
    """
    exposure = state.exposure.choose(percent)
    is_low = exposure.pacing.is_low and percent <= exposure.before
    return replace(
        state,
        exposure=replace(exposure, pacing=replace(exposure.pacing, is_low=is_low)),
        ready=False,
        in_place=False,
        scaling_since=None,
        scaling_began=None,
        shift_requested_at=None,
    )


def _may_change(plan: Plan, state: StepState) -> bool:
    """Tell whether one more change fits into the execution's history, though it waits as long as it may.

    Together the shares of a rollout wait no longer than its steps might.
    """
    longest = CAPACITY_TIMEOUTS * plan.capacity_timeout_seconds + plan.weights_timeout_seconds
    left = len(plan.steps) * longest - state.exposure.waited_seconds
    return state.exposure.number < MOST_CHANGES and left >= longest
