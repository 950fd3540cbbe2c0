"""Every interval of a bake: look at everything that can end the rollout, then judge the step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from rollout import clients, clock, sentences
from rollout.contract.errors import AlarmRaised, GateFailed, Inconclusive
from rollout.contract.names import CALLER
from rollout.contract.plan import Plan
from rollout.contract.states import Next, StepState
from rollout.contract.timing import FINAL_AFTER_PERIODS
from rollout.decisions.bake import Decision, decide, outage
from rollout.endpoint import weights_for
from rollout.evidence.reader import Evidence, EvidenceReader, Window
from rollout.floors import hold_floors
from rollout.gates import Assessment, GateAssessment, Judge, Verdict
from rollout.metrics import DELETED, UNKNOWN, raised_in
from rollout.world import World

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.contract.plan import Step
    from rollout.endpoint import EndpointView

EVERYTHING = 100
"""Percent: nothing is left to compare with, and no proof is asked."""

ENDINGS = {Next.REJECT: GateFailed, Next.GIVE_UP: Inconclusive}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return the step with `next`: `STAY`, `NEXT_STEP` or `PROMOTE`."""
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
    """Look, give the final metric periods to the gates once, and decide.

    Raises:
        AlarmRaised: when an alarm of the canary or of the caller is in ALARM.
        EndpointChanged: when another hand moved the endpoint.
        GateFailed: when the evidence is against the canary.
        Inconclusive: when `max_bake` is over and there is still too little evidence.
    """
    step = plan.steps[state.index]
    lock = world.own_lock(execution)
    view = _refuse_another_hand(world, lock, step)
    world.metrics.publish_traffic_share(
        weights_for(stable=lock.stable, canary=lock.canary, canary_percent=step.percent)
    )
    unknown = _refuse_raised_alarms(world, lock)
    window = _window(world, step, state)
    evidence = reader.read(window, stable=lock.stable, canary=lock.canary)
    hold_floors(world, lock, step, view, requests_per_minute=evidence.requests_per_minute)

    judgement = _judge(plan, step, state, evidence)
    in_outage = outage(plan.outage, evidence.canary_errors, before=state.outage)
    decision = decide(
        step,
        last=state.index == len(plan.steps) - 1,
        baked_seconds=window.end * world.settings.metric_period_seconds - state.shifted_at,
        now=judgement.now,
        at_bake_end=judgement.at_bake_end,
        unknown_alarms=unknown,
        outage=in_outage,
    )
    after = replace(
        state, next_period=window.end, judged=judgement.judged, bracketed=judgement.bracketed,
        requests=state.requests + evidence.canary_requests, outage=in_outage, next=decision.next,
    )  # fmt: skip
    _record(world, execution, step, after, judgement.now, decision)
    if decision.next in ENDINGS:
        raise ENDINGS[decision.next](decision.reason)
    return after


def _window(world: World, step: Step, state: StepState) -> Window:
    """Return the metric periods that nobody has read yet."""
    until = int(clock.now() // world.settings.metric_period_seconds)
    end = max(state.next_period, until - FINAL_AFTER_PERIODS)
    return Window(first=state.next_period, end=end, until=until, step=state.index, canary_percent=step.percent)


class _Judgement(NamedTuple):
    """What the gates say. `judged` is their state for the next evaluation."""

    judged: dict[str, Any]
    bracketed: bool
    now: Assessment
    at_bake_end: Assessment


def _judge(plan: Plan, step: Step, state: StepState, evidence: Evidence) -> _Judgement:
    judge = Judge(replace(plan.gates.judge, min_requests=step.min_requests))
    judged, now = judge.update(state.judged or judge.new_state(), evidence.minutes, step=state.index)
    at_bake_end = judge.at_bake_end(judged)
    bracketed = evidence.bracketed or state.bracketed
    if bracketed and step.percent < EVERYTHING:
        now = _without_proof(now)
        at_bake_end = _without_proof(at_bake_end) if judge.rules.require_proof else at_bake_end
    return _Judgement(judged, bracketed, now, at_bake_end)


def _without_proof(assessment: Assessment) -> Assessment:
    """Slow requests that were bounded from below prove nothing in the canary's favour."""
    if assessment.verdict is not Verdict.PASS:
        return assessment
    return replace(assessment, verdict=Verdict.CONTINUE)


def _refuse_another_hand(world: World, lock: Lock, step: Step) -> EndpointView:
    view = world.endpoint.describe()
    view.refuse_other_config(lock.config_name)
    if view.weights != weights_for(stable=lock.stable, canary=lock.canary, canary_percent=step.percent):
        world.own_lock(lock.holder)
        view.refuse_weights(view.weights)
    return view


def _refuse_raised_alarms(world: World, lock: Lock) -> list[str]:
    """Return the alarms whose state is unknown: those that were deleted, and the caller's without data.

    A slot's alarm without data is quiet by its definition.
    """
    states = world.metrics.alarm_states(world.settings.alarms_that_stop(lock.canary))
    raised = raised_in(states)
    if raised:
        raise AlarmRaised(sentences.in_alarm(raised))
    callers = world.settings.alarms[CALLER]
    return [name for name, state in states.items() if state == DELETED or (state == UNKNOWN and name in callers)]


def _record(
    world: World, execution: str, step: Step, state: StepState, assessment: Assessment, decision: Decision
) -> None:
    """Write into the ledger what was seen, and why it was decided."""
    progress: dict[str, object] = {
        "percent": step.percent,
        "shifted_at": clock.iso(state.shifted_at),
        "canary_requests": state.requests,
        "reason": decision.reason,
        "gates": [_in_words(gate) for gate in assessment.gates],
    }
    if state.bracketed:
        progress["slow_requests"] = "bracketed by percentiles"
    if assessment.skipped:
        progress["skipped"] = list(assessment.skipped)
    if step.cohort is not None:
        progress["cohort"] = step.cohort.to_json()
    if decision.next is not Next.STAY:
        progress["ended_at"] = clock.iso(clock.now())
    world.ledger.record_step(execution, state.index, progress)


def _in_words(gate: GateAssessment) -> dict[str, str]:
    return {
        "name": gate.name,
        "verdict": gate.verdict.value,
        "sentence": gate.sentence,
        "log_evidence": f"{gate.log_evidence:.3f}",
        "dispersion": f"{gate.dispersion:.3f}",
    }
