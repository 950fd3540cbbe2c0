"""One look at a step: what the evidence adds to what is known, and what follows. Nothing is asked or told here."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from rollout import sentences
from rollout.contract.plan import Passes
from rollout.contract.states import Next
from rollout.decisions.asking import NOBODY, ask
from rollout.decisions.bake import Baked, Decision, decide, missing_metrics
from rollout.evidence.window import Window
from rollout.gates import Assessment, Judge, Verdict
from rollout.shares import look, move

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.contract.plan import Plan
    from rollout.contract.states import Awaits, StepState
    from rollout.decisions.asking import Questions
    from rollout.evidence.findings import Evidence
    from rollout.gates import GateView


class Looked(NamedTuple):
    """What a look has led to. `seen`: the step with what was seen. `state`: as it goes on, perhaps at another share."""

    seen: StepState
    now: Assessment
    decision: Decision
    state: StepState
    awaits: Awaits | None = None
    """What the step waits for from a person."""
    is_outside: bool = False
    """Whether its share would rise, and no window is open."""


class _Judgement(NamedTuple):
    """What the gates say. `judged` is their state for the next look, `gates` what pacing must know of them."""

    judged: dict[str, Any]
    now: Assessment
    at_bake_end: Assessment
    gates: Sequence[GateView]


def with_instances(plan: Plan, state: StepState, instances: int, now: float) -> StepState:
    """Return the step with the instances that the canary has now."""
    period = int(now // plan.settings.metric_period_seconds)
    return replace(state, exposure=state.exposure.with_instances(instances, period))


def window_of(plan: Plan, state: StepState, now: float) -> Window:
    """Return the metric periods that nobody has used yet."""
    return Window(
        begun=ceil(state.shifted_at / plan.settings.metric_period_seconds),
        first=state.next_period,
        now=now,
        step=state.index,
        exposure=state.exposure,
        looked={int(number): digest for number, digest in state.looked.items()},
    )


def look_at(
    plan: Plan,
    state: StepState,
    window: Window,
    evidence: Evidence,
    *,
    held: str = "",
    questions: Questions = NOBODY,
    cut_short: str = "",
    outside: str = "",
    waits: bool = False,
    notes: Sequence[str] = (),
) -> Looked:
    """Give the metric periods that have come to the gates once, and decide.

    `held`: why nothing may be raised; empty where nothing stands against it. `questions`: what a person is asked of
    this step. `cut_short`: who said that its bake counts as over. `outside`: that no window is open; empty
    while one is. Then a share that would rise is kept. `waits`: whether a look before kept it; while the step stays, it
    still is. `notes` are added to the reason.
    """
    judgement = _judge(plan, state, evidence)
    seen = replace(_with_evidence(plan, state, evidence, window), judged=judgement.judged)
    course = look(plan, seen, evidence, judgement.gates)
    step, last = plan.step(state.index), state.index == len(plan.steps) - 1
    decision = decide(
        step,
        last=last,
        baked=_baked(plan, seen, window, is_fresh=evidence.is_fresh)._replace(cut_short=cut_short),
        now=judgement.now,
        at_bake_end=judgement.at_bake_end,
        look=course,
        held=held,
        notes=[*missing_metrics(seen.missing), *notes, *_lateness(seen)],
    )
    asked = ask(
        decision,
        questions,
        following=Next.PROMOTE if last else Next.NEXT_STEP,
        goes_on=evidence.is_fresh
        and not (held or course.suspicion)
        and (course.pace.share >= step.percent or not last),
        is_asked=state.awaits_since is not None and course.pace.share >= step.percent,
    )
    is_fresh = evidence.is_fresh or seen.newest != state.newest
    held = held or ("" if asked.awaits is None else asked.decision.reason)
    hurry = cut_short if judgement.at_bake_end.verdict is Verdict.PASS and not course.held else ""
    moved = move(plan, seen, course, judgement.now, asked.decision, held=held, is_fresh=is_fresh, hurry=hurry)
    rises = moved.decision.next in (Next.NEXT_STEP, Next.RAISE) and step.passes is not Passes.HOLD_BACK
    if rises and outside:
        stays = Decision(Next.STAY, f"{outside}: {asked.decision.reason}")
        moved = move(plan, seen, course, judgement.now, stays, held=outside, is_fresh=is_fresh)
    still_waits = waits and moved.decision.next is Next.STAY and asked.awaits is None
    is_outside = bool(outside) and (rises or still_waits)
    return Looked(seen, judgement.now, moved.decision, moved.state, asked.awaits, is_outside=is_outside)


def _judge(plan: Plan, state: StepState, evidence: Evidence) -> _Judgement:
    step = plan.step(state.index)
    judge = Judge(replace(plan.gates.judge, min_requests=step.min_requests))
    before = state.judged or judge.new_state()
    judged, now = judge.update(before, evidence.minutes, step=state.index)
    at_bake_end = judge.at_bake_end(judged)
    if judge.rules.asks_superiority(state.index):
        now = _without_proof(now)
    return _Judgement(judged, now, at_bake_end, judge.views(judged, before=before))


def _without_proof(assessment: Assessment) -> Assessment:
    """Return what does not end a step early.

    A proof that the canary is better is used at the end of the bake, which says how long users' behaviour must be seen.
    """
    if assessment.verdict is not Verdict.PASS:
        return assessment
    return replace(assessment, verdict=Verdict.CONTINUE)


def _with_evidence(plan: Plan, state: StepState, evidence: Evidence, window: Window) -> StepState:
    """Return the step with what this look has seen."""
    newest = _newer(state.newest, evidence.newest)
    late = state.late_seconds
    if newest is not None and newest != state.newest:
        late = round(window.now - _end_of(plan, newest))
    return replace(
        state,
        next_period=evidence.end,
        seen=state.seen + evidence.seen,
        newest=newest,
        newest_of_canary=_newer(state.newest_of_canary, evidence.newest_of_canary),
        late_seconds=late,
        looked={str(number): digest for number, digest in evidence.looked.items()},
        missing=_added(state.missing, evidence.missing),
        requests=state.requests + evidence.canary_requests,
        bracketed=state.bracketed or evidence.bracketed,
    )


def _newer(before: int | None, found: int | None) -> int | None:
    return before if found is None else max(found, found if before is None else before)


def _end_of(plan: Plan, period: int) -> int:
    return (period + 1) * plan.settings.metric_period_seconds


def _added(
    before: Mapping[str, Mapping[str, int]], found: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    """Return the sum of both, by gate and side."""
    gates = [*before, *(gate for gate in found if gate not in before)]
    return {gate: dict(Counter(before.get(gate, {})) + Counter(found.get(gate, {}))) for gate in gates}


def _baked(plan: Plan, state: StepState, window: Window, *, is_fresh: bool) -> Baked:
    period = plan.settings.metric_period_seconds
    newest = state.newest_of_canary
    seen_until = state.shifted_at if newest is None else _end_of(plan, newest)
    return Baked(
        seen=state.seen * period,
        elapsed=state.next_period * period - state.began_at - (state.held_seconds - state.held_before),
        blind=window.now - seen_until,
        is_fresh=is_fresh,
        requests=state.requests,
        lasted=window.now - state.began_at,
        is_undecided=state.undecided_since is not None,
    )


def _lateness(state: StepState) -> list[str]:
    return [] if state.late_seconds is None else [sentences.LATE.format(late=state.late_seconds)]
