"""Every interval of a bake: look at everything that can end the rollout, then judge the step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout import clients, clock, sentences
from rollout.alarm_states import held_by_alarms
from rollout.contract.errors import GateFailed, Inconclusive, MetricsMissing, Throttled, Unavailable
from rollout.contract.notice import Happened
from rollout.contract.plan import Plan
from rollout.contract.states import Next, StepState
from rollout.contract.timing import LOOKS_OVER_MAXIMUM, OVER_MAXIMUM_SECONDS
from rollout.decisions.bake import missing_metrics
from rollout.decisions.capacity import Excess, Traffic, excess
from rollout.decisions.windows import closed
from rollout.endpoint import weights_for
from rollout.evidence.findings import Evidence
from rollout.evidence.reader import EvidenceReader
from rollout.floors import hold_floors
from rollout.followed import followed_instances
from rollout.gates import Assessment, GateAssessment, Judge
from rollout.holding import counted, cut_short, hold, paused, questions, tell_resumed
from rollout.notices import tell_once
from rollout.shares import foreseen_percent, seconds_to_next_look
from rollout.step_look import look_at, window_of, with_instances
from rollout.world import World

if TYPE_CHECKING:
    from rollout.contract.events import Task
    from rollout.contract.lock import Lock
    from rollout.contract.plan import Step
    from rollout.contract.records import GateRecord, StepRecord
    from rollout.contract.scalings import Scalings
    from rollout.endpoint import EndpointView
    from rollout.evidence.window import Window
    from rollout.step_look import Looked

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
    """Look, give the metric periods that have come to the gates once, and decide. A way back asks no gate.

    Raises:
        AlarmRaised: when an alarm of the caller is in ALARM, or one of the canary through its own fault.
        AlarmRaisedAlone: when one of the canary is, and stable serves nobody to compare it with.
        CapacityUnavailable: when the traffic stays above what `max_instances` can serve.
        EndpointChanged: when another hand moved the endpoint.
        GateFailed: when the evidence is against the canary.
        HeldTooLong: when people and windows have held the rollout longer than its plan has room for.
        Inconclusive: when `max_bake` is over, there is still too little evidence, and the plan asks nobody then.
        MetricsMissing: when nothing of the canary was seen for `BLIND_SECONDS`.
        NotApproved: when nobody has approved in time a step that asks for it, or that was not decided.
    """
    lock = world.own_lock(execution)
    view = _refuse_another_hand(world, lock, state)
    if lock.way_back is not None:
        return replace(state, next=Next.PROMOTE)
    held = held_by_alarms(world, lock, must_be_known=True)
    state = with_instances(plan, state, view.variants[lock.canary].instances, clock.now())
    window = window_of(plan, state, clock.now())
    evidence, not_answered = _read(reader, window, lock)
    scalings, slots = world.scalings(), (lock.stable, lock.canary)
    traffic = Traffic(evidence.requests_per_minute, followed_instances(world, view, scalings, slots=slots))
    hold_floors(world, lock, view, scalings, traffic, canary_percent=foreseen_percent(plan, state))
    over = _excess(plan, state, traffic, scalings, is_seen=evidence.is_fresh or traffic.requests_per_minute > 0)

    now = clock.now()
    known = counted(replace(state, over_maximum_since=over.since), now)
    outside = closed(plan.windows, now)
    looked = look_at(
        plan, known, window, evidence, held=held or paused(lock) or over.sentence,
        outside="" if outside is None else outside.sentence, waits=state.is_outside,
        questions=questions(plan, known, lock, now), cut_short=cut_short(known, lock), notes=not_answered,
    )  # fmt: skip
    _record(world, execution, plan.step(state.index), looked, lock)
    _call_a_person(world, execution, plan, state, looked.now)
    if looked.decision.next in ENDINGS:
        raise ENDINGS[looked.decision.next](looked.decision.reason)
    wait = seconds_to_next_look(plan, looked.state, clock.now())
    looked = looked._replace(state=replace(looked.state, next=looked.decision.next, look_after=wait))
    after = hold(world, plan, looked, lock, outside, now)
    if state.held_at is not None and after.held_at is None:
        tell_resumed(world, lock, state.index, held_at=state.held_at)
    return after


def _call_a_person(world: World, execution: str, plan: Plan, state: StepState, now: Assessment) -> None:
    """Send an event when the gates begin to wait for a person: the step is held from now on, and they say why."""
    judge = Judge(plan.gates.judge)
    waited = judge.at_bake_end(state.judged or judge.new_state()).waits_for_a_person
    if now.waits_for_a_person and not waited:
        which = f"{state.exposure.number}/{state.next_period}"
        tell_once(world, execution, Happened.NEEDS_ATTENTION, now.reason, which=which)


def _read(reader: EvidenceReader, window: Window, lock: Lock) -> tuple[Evidence, list[str]]:
    """Return the evidence, and a sentence when CloudWatch did not answer.

    Then nothing is known, and no period is used: they are read later.
    """
    try:
        return reader.read(window, stable=lock.stable, canary=lock.canary), []
    except (Throttled, Unavailable) as error:
        unused = Evidence(end=window.first, looked=window.looked)
        return unused, [sentences.NOT_ANSWERED.format(error=error)]


def _excess(plan: Plan, state: StepState, traffic: Traffic, scalings: Scalings, *, is_seen: bool) -> Excess:
    """Tell whether the traffic needs more than `max_instances`: a step is held then, and its peak is waited for.

    A look that saw no metric period (`is_seen`) says nothing of the traffic: the time goes on.
    """
    if state.over_maximum_since is not None and not is_seen:
        return Excess(state.over_maximum_since)
    lasts = max(OVER_MAXIMUM_SECONDS, LOOKS_OVER_MAXIMUM * plan.evaluation_interval_seconds)
    return excess(traffic, scalings, since=state.over_maximum_since, now=clock.now(), lasts_seconds=lasts)


def _refuse_another_hand(world: World, lock: Lock, state: StepState) -> EndpointView:
    view = world.endpoint.describe()
    view.refuse_other_config(lock.config_name)
    if view.weights != weights_for(stable=lock.stable, canary=lock.canary, canary_percent=state.exposure.wanted):
        world.own_lock(lock.holder)
        view.refuse_weights(view.weights)
    return view


def _record(world: World, execution: str, step: Step, looked: Looked, lock: Lock) -> None:
    """Write into the ledger what was seen, and why it was decided."""
    state, assessment, decision = looked.seen, looked.now, looked.decision
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
    if lock.approved is not None and lock.approved_step == state.index:
        progress["approved"] = lock.approved.to_json()
    if lock.cut_short is not None and lock.cut_short_step == state.index:
        progress["promoted"] = lock.cut_short.to_json()
    if lock.paused is not None:
        progress["paused"] = lock.paused.to_json()
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
