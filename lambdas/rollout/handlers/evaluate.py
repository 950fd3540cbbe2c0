"""Every interval of a bake: look at everything that can end the rollout, then judge the step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from rollout import clients, clock
from rollout.contract.errors import AlarmRaised, EndpointChanged, GateFailed, Inconclusive
from rollout.contract.gate_rules import GateRules
from rollout.contract.names import CALLER
from rollout.contract.timing import FINAL_AFTER_PERIODS
from rollout.decisions.bake import Decision, Next, decide, outage
from rollout.endpoint import weights_for
from rollout.evidence import Evidence, EvidenceReader, Window
from rollout.gates import Assessment, GateAssessment, Judge, Verdict
from rollout.handlers.scale_canary import hold_floors
from rollout.metrics import DELETED, UNKNOWN
from rollout.plan import Settings, Step, steps_of
from rollout.world import World

if TYPE_CHECKING:
    from rollout.endpoint import EndpointView
    from rollout.ledger import Lock

EVERYTHING = 100
"""Percent: nothing is left to compare with, and no proof is asked."""

ENDINGS = {Next.REJECT: GateFailed, Next.GIVE_UP: Inconclusive}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return the step with `next`: `STAY`, `NEXT_STEP` or `PROMOTE`."""
    plan = event["plan"]
    settings = Settings.parse(plan)
    reader = EvidenceReader(
        settings.endpoint,
        sources=GateRules.parse(plan["gates"]).sources,
        period_seconds=settings.metric_period_seconds,
        client=clients.client("cloudwatch"),
    )
    return evaluate(World.of(settings), reader, event["execution"], plan, event["step"])


def evaluate(
    world: World, reader: EvidenceReader, execution: str, plan: dict[str, Any], state: dict[str, Any]
) -> dict[str, Any]:
    """Look, give the final metric periods to the gates once, and decide.

    Raises:
        AlarmRaised: when an alarm of the canary or of the caller is in ALARM.
        EndpointChanged: when another hand moved the endpoint.
        GateFailed: when the evidence is against the canary.
        Inconclusive: when `max_bake` is over and the evidence is still too thin.
    """
    steps = steps_of(plan)
    step = steps[state["index"]]
    lock = world.own_lock(execution)
    view = _refuse_another_hand(world, lock, step)
    world.metrics.publish_traffic_share(
        weights_for(stable=lock.stable, canary=lock.canary, canary_percent=step.percent)
    )
    unknown = _refuse_raised_alarms(world, lock)
    period = world.settings.metric_period_seconds
    until = int(clock.now() // period)
    end = max(state["next_period"], until - FINAL_AFTER_PERIODS)
    window = Window(first=state["next_period"], end=end, until=until, step=state["index"], canary_percent=step.percent)
    evidence = reader.read(window, stable=lock.stable, canary=lock.canary)
    hold_floors(world, lock, step, view, requests_per_minute=evidence.requests_per_minute)

    judgement = _judge(plan, step, state, evidence)
    in_outage = outage(plan.get("outage"), evidence.canary_errors, before=state.get("outage", ""))
    decision = decide(
        step,
        last=state["index"] == len(steps) - 1,
        baked_seconds=end * period - state["shifted_at"],
        now=judgement.now,
        at_bake_end=judgement.at_bake_end,
        unknown_alarms=unknown,
        outage=in_outage,
    )
    after = {
        **state, "next_period": end, "judged": judgement.judged, "bracketed": judgement.bracketed,
        "requests": state["requests"] + evidence.canary_requests, "outage": in_outage, "next": decision.next.value,
    }  # fmt: skip
    _record(world, execution, step, after, judgement.now, decision)
    return after


class _Judgement(NamedTuple):
    """What the gates say. `judged` is their state after this evaluation, to be handed to the next one."""

    judged: dict[str, Any]
    bracketed: bool
    now: Assessment
    at_bake_end: Assessment


def _judge(plan: dict[str, Any], step: Step, state: dict[str, Any], evidence: Evidence) -> _Judgement:
    judge = Judge(replace(GateRules.parse(plan["gates"]).judge, min_requests=step.min_requests))
    judged, now = judge.update(state.get("judged") or judge.new_state(), evidence.minutes, step=state["index"])
    at_bake_end = judge.at_bake_end(judged)
    bracketed = evidence.bracketed or bool(state.get("bracketed"))
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
    if view.config_name != lock.config_name:
        raise EndpointChanged(
            f"endpoint {view.name} is on config {view.config_name}, the rollout started on {lock.config_name}"
        )
    expected = weights_for(stable=lock.stable, canary=lock.canary, canary_percent=step.percent)
    if view.weights != expected:
        world.own_lock(lock.holder)
        raise EndpointChanged(f"another hand changed the weights of endpoint {view.name} to {view.weights}")
    return view


def _refuse_raised_alarms(world: World, lock: Lock) -> list[str]:
    """Return the alarms whose state is unknown: those that were deleted, and the caller's without data.

    A slot's alarm without data is quiet by its definition.
    """
    states = world.metrics.alarm_states(world.settings.alarms_that_stop(lock.canary))
    raised = [name for name, state in states.items() if state == "ALARM"]
    if raised:
        raise AlarmRaised(f"{', '.join(raised)} is in ALARM")
    callers = world.settings.alarms[CALLER]
    return [name for name, state in states.items() if state == DELETED or (state == UNKNOWN and name in callers)]


def _record(
    world: World, execution: str, step: Step, state: dict[str, Any], assessment: Assessment, decision: Decision
) -> None:
    """Write into the ledger what was seen and why it was decided, then act on a decision against the canary."""
    progress: dict[str, Any] = {
        "percent": step.percent,
        "shifted_at": clock.iso(state["shifted_at"]),
        "canary_requests": state["requests"],
        "reason": decision.reason,
        "gates": [_in_words(gate) for gate in assessment.gates],
    }
    if state["bracketed"]:
        progress["slow_requests"] = "bracketed by percentiles"
    if assessment.skipped:
        progress["skipped"] = list(assessment.skipped)
    if step.cohort is not None:
        progress["cohort"] = dict(step.cohort)
    if decision.next is not Next.STAY:
        progress["ended_at"] = clock.iso(clock.now())
    world.ledger.record_step(execution, state["index"], progress)
    if decision.next in ENDINGS:
        raise ENDINGS[decision.next](decision.reason)


def _in_words(gate: GateAssessment) -> dict[str, str]:
    return {
        "name": gate.name,
        "verdict": gate.verdict.value,
        "sentence": gate.sentence,
        "log_evidence": f"{gate.log_evidence:.3f}",
        "dispersion": f"{gate.dispersion:.3f}",
    }
