"""Every interval of a bake: look at everything that can end the rollout, then judge the step."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from rollout import clients, clock, sentences
from rollout.alarm_states import held_by_alarms
from rollout.contract.errors import GateFailed, Inconclusive, MetricsMissing, Throttled, Unavailable
from rollout.contract.exposure import EVERYTHING
from rollout.contract.plan import Plan
from rollout.contract.states import Next, StepState
from rollout.contract.timing import LOOKS_OVER_MAXIMUM, OVER_MAXIMUM_SECONDS
from rollout.decisions.bake import Baked, Decision, decide, missing_metrics
from rollout.decisions.capacity import Excess, excess
from rollout.endpoint import weights_for
from rollout.evidence.findings import Evidence
from rollout.evidence.reader import EvidenceReader
from rollout.evidence.window import Window
from rollout.floors import hold_floors
from rollout.gates import Assessment, GateAssessment, Judge, Verdict
from rollout.notices import notify
from rollout.shares import foreseen_percent, look, move
from rollout.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.contract.events import Task
    from rollout.contract.lock import Lock
    from rollout.contract.plan import Step
    from rollout.contract.records import GateRecord, StepRecord
    from rollout.endpoint import EndpointView
    from rollout.gates import GateView

ENDINGS = {Next.REJECT: GateFailed, Next.GIVE_UP: Inconclusive, Next.TAKE_BACK: MetricsMissing}


def handler(event: Task, _context: object) -> dict[str, object]:
    """Return the step with `next`: `STAY`, `HOLD_BACK`, `RAISE`, `LOWER`, `NEXT_STEP` or `PROMOTE`."""
    plan = Plan.parse(event["plan"])
    reader = EvidenceReader(
        plan.settings.endpoint,
        sources=plan.gates.sources,
        period_seconds=plan.settings.metric_period_seconds,
        client=clients.client("cloudwatch"),
    )
    state = StepState.parse(event["step"])
    return evaluate(World.of(plan.settings), reader, event["execution"], plan, state).to_json()


def evaluate(world: World, reader: EvidenceReader, execution: str, plan: Plan, state: StepState) -> StepState:
    """Look, give the metric periods that have come to the gates once, and decide.

    Raises:
        AlarmRaised: when an alarm of the caller is in ALARM, or one of the canary through its own fault.
        AlarmRaisedAlone: when one of the canary is, and stable serves nobody to compare it with.
        CapacityUnavailable: when the traffic stays above what `max_instances` can serve.
        EndpointChanged: when another hand moved the endpoint.
        GateFailed: when the evidence is against the canary.
        Inconclusive: when `max_bake` is over and there is still too little evidence.
        MetricsMissing: when nothing of the canary was seen for `BLIND_SECONDS`.
    """
    step = plan.step(state.index)
    lock = world.own_lock(execution)
    view = _refuse_another_hand(world, lock, state)
    held = held_by_alarms(world, lock, must_be_known=True)
    window = _window(world, state)
    evidence, not_answered = _read(reader, window, lock)
    percent = foreseen_percent(plan, state)
    hold_floors(world, lock, view, canary_percent=percent, requests_per_minute=evidence.requests_per_minute)
    over = _excess(world, plan, state, evidence.requests_per_minute)

    judgement = _judge(plan, step, state, evidence)
    seen = replace(_with_evidence(world, state, evidence, window), over_maximum_since=over.since)
    after = replace(seen, judged=judgement.judged, bracketed=judgement.bracketed)
    course = look(plan, after, evidence, judgement.gates)
    held = held or over.sentence
    decision = decide(
        step,
        last=state.index == len(plan.steps) - 1,
        baked=_baked(world, after, window, is_fresh=evidence.is_fresh),
        now=judgement.now,
        at_bake_end=judgement.at_bake_end,
        look=course,
        held=held,
        notes=[*missing_metrics(after.missing), *not_answered, *_lateness(after)],
    )
    is_fresh = evidence.is_fresh or after.newest != state.newest
    moved = move(plan, after, course, judgement.now, decision, held=held, is_fresh=is_fresh)
    _record(world, execution, step, after, judgement.now, moved.decision)
    _call_a_person(world, execution, plan, state, judgement.now)
    if moved.decision.next in ENDINGS:
        raise ENDINGS[moved.decision.next](moved.decision.reason)
    return replace(moved.state, next=moved.decision.next)


def _call_a_person(world: World, execution: str, plan: Plan, state: StepState, now: Assessment) -> None:
    """Send an event when the gates begin to wait for a person: the step is held from now on, and they say why."""
    judge = Judge(plan.gates.judge)
    waited = judge.at_bake_end(state.judged or judge.new_state()).waits_for_a_person
    if now.waits_for_a_person and not waited:
        version = (world.ledger.rollout(execution) or {}).get("version", "")
        notify(world.settings.endpoint, "Needs Attention", version=version, execution=execution, reason=now.reason)


def _window(world: World, state: StepState) -> Window:
    """Return the metric periods that nobody has used yet."""
    return Window(
        begun=ceil(state.shifted_at / world.settings.metric_period_seconds),
        first=state.next_period,
        now=clock.now(),
        step=state.index,
        exposure=state.exposure,
        looked={int(number): digest for number, digest in state.looked.items()},
    )


def _read(reader: EvidenceReader, window: Window, lock: Lock) -> tuple[Evidence, list[str]]:
    """Return the evidence, and a sentence when CloudWatch did not answer.

    Then nothing is known, and no period is used: they are read later.
    """
    try:
        return reader.read(window, stable=lock.stable, canary=lock.canary), []
    except (Throttled, Unavailable) as error:
        unused = Evidence(end=window.first, looked=window.looked)
        return unused, [sentences.NOT_ANSWERED.format(error=error)]


def _with_evidence(world: World, state: StepState, evidence: Evidence, window: Window) -> StepState:
    """Return the step with what this look has seen."""
    newest = _newer(state.newest, evidence.newest)
    late = state.late_seconds
    if newest is not None and newest != state.newest:
        late = round(window.now - _end_of(world, newest))
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
    )


def _newer(before: int | None, found: int | None) -> int | None:
    return before if found is None else max(found, found if before is None else before)


def _end_of(world: World, period: int) -> int:
    return (period + 1) * world.settings.metric_period_seconds


def _added(
    before: Mapping[str, Mapping[str, int]], found: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    """Return the sum of both, by gate and side."""
    gates = [*before, *(gate for gate in found if gate not in before)]
    return {gate: dict(Counter(before.get(gate, {})) + Counter(found.get(gate, {}))) for gate in gates}


def _baked(world: World, state: StepState, window: Window, *, is_fresh: bool) -> Baked:
    period = world.settings.metric_period_seconds
    newest = state.newest_of_canary
    seen_until = state.shifted_at if newest is None else _end_of(world, newest)
    return Baked(
        seen=state.seen * period,
        elapsed=state.next_period * period - state.began_at,
        blind=window.now - seen_until,
        is_fresh=is_fresh,
        requests=state.requests,
        lasted=window.now - state.began_at,
    )


def _lateness(state: StepState) -> list[str]:
    return [] if state.late_seconds is None else [sentences.LATE.format(late=state.late_seconds)]


def _excess(world: World, plan: Plan, state: StepState, requests_per_minute: float) -> Excess:
    """Tell whether the traffic needs more than `max_instances`: a step is held then, and its peak is waited for."""
    lasts = max(OVER_MAXIMUM_SECONDS, LOOKS_OVER_MAXIMUM * plan.evaluation_interval_seconds)
    return excess(
        requests_per_minute, world.settings.scaling, since=state.over_maximum_since, now=clock.now(),
        lasts_seconds=lasts,
    )  # fmt: skip


class _Judgement(NamedTuple):
    """What the gates say. `judged` is their state for the next evaluation."""

    judged: dict[str, Any]
    bracketed: bool
    now: Assessment
    at_bake_end: Assessment
    gates: Sequence[GateView]
    """What pacing must know of them."""


def _judge(plan: Plan, step: Step, state: StepState, evidence: Evidence) -> _Judgement:
    judge = Judge(replace(plan.gates.judge, min_requests=step.min_requests))
    before = state.judged or judge.new_state()
    judged, now = judge.update(before, evidence.minutes, step=state.index)
    at_bake_end = judge.at_bake_end(judged)
    if judge.rules.asks_superiority(state.index):
        now = _without_proof(now)
    bracketed = evidence.bracketed or state.bracketed
    if bracketed and step.percent < EVERYTHING:
        now = _without_proof(now)
        at_bake_end = _without_proof(at_bake_end) if judge.asks_proof(judged) else at_bake_end
    return _Judgement(judged, bracketed, now, at_bake_end, judge.views(judged, before=before))


def _without_proof(assessment: Assessment) -> Assessment:
    """Return what does not end a step early.

    Slow requests that were bounded from below prove nothing in the canary's favour. A proof that the canary is better
    is used at the end of the bake, which says how long users' behaviour must be seen.
    """
    if assessment.verdict is not Verdict.PASS:
        return assessment
    return replace(assessment, verdict=Verdict.CONTINUE)


def _refuse_another_hand(world: World, lock: Lock, state: StepState) -> EndpointView:
    view = world.endpoint.describe()
    view.refuse_other_config(lock.config_name)
    if view.weights != weights_for(stable=lock.stable, canary=lock.canary, canary_percent=state.exposure.wanted):
        world.own_lock(lock.holder)
        view.refuse_weights(view.weights)
    return view


def _record(
    world: World, execution: str, step: Step, state: StepState, assessment: Assessment, decision: Decision
) -> None:
    """Write into the ledger what was seen, and why it was decided."""
    progress: StepRecord = {
        "percent": state.exposure.wanted,
        "shifted_at": clock.iso(state.shifted_at),
        "canary_requests": state.requests,
        "reason": decision.reason,
        "gates": [_in_words(gate) for gate in assessment.gates],
    }
    if state.late_seconds is not None:
        progress["metrics_late_seconds"] = state.late_seconds
    if state.missing:
        progress["missing"] = missing_metrics(state.missing)
    if state.bracketed:
        progress["slow_requests"] = "bracketed by percentiles"
    if assessment.skipped:
        progress["skipped"] = list(assessment.skipped)
    if step.cohort is not None:
        progress["cohort"] = step.cohort.to_json()
    if decision.next not in (Next.STAY, Next.HOLD_BACK):
        progress["ended_at"] = clock.iso(clock.now())
    world.ledger.record_step(execution, state.exposure.number, progress)


def _in_words(gate: GateAssessment) -> GateRecord:
    return {
        "name": gate.name,
        "verdict": gate.verdict.value,
        "sentence": gate.sentence,
        "log_evidence": f"{gate.log_evidence:.3f}",
        "dispersion": f"{gate.dispersion:.3f}",
    }
