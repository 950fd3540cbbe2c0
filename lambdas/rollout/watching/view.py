"""What a look shows, typed: the same for people and for machines. Nothing is asked here."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rollout import clock
from rollout.contract.lock import Lock
from rollout.contract.names import CALLER, PROMOTED, SLOTS, other_slot
from rollout.contract.plan import Passes, Plan
from rollout.contract.states import Awaits
from rollout.contract.timing import longest_bake_seconds
from rollout.decisions.windows import closed
from rollout.watching.counts import complete
from rollout.watching.evidence import GateView, gates_of
from rollout.watching.executing import Executing
from rollout.watching.reading import Reading
from rollout.watching.records import Rollout

SCHEMA = 1
"""Of the JSON. A field may be added under the same number; none is taken away or changes its meaning."""
STABLE, CANARY, IDLE = "stable", "canary", "idle"
UNKNOWN_ROLE = "unknown"
PASSED, NOW, TO_COME = "passed", "now", "to come"
LAST = 10
"""How many ended rollouts are shown."""


@dataclass(frozen=True, kw_only=True)
class SlotView:
    """One production variant. Percentages are of all requests; what is not known is `None`, a version is empty then.

    `observed_percent`: in the newest metric period that all slots with weight have published.
    """

    name: str
    role: str
    version: str
    weight_percent: float
    observed_percent: float | None
    requests: float | None
    instances: int
    desired_instances: int


@dataclass(frozen=True, kw_only=True)
class StepView:
    """The step of a running rollout. `number` counts from 1. Times in seconds; `None` is not known yet.

    `baked_seconds` of `bake_seconds` were seen at the present share. `at_most_seconds`: until the step ends without a
    decision.
    """

    number: int
    of: int
    title: str
    share_percent: float | None
    baked_seconds: float
    bake_seconds: int
    at_most_seconds: float | None
    requests: int
    min_requests: int
    instances: int
    instances_needed: int
    metrics_late_seconds: int | None


@dataclass(frozen=True, kw_only=True)
class StageView:
    """One step of the plan. `state`: `passed`, `now` or `to come`. `asks`: whether a person must approve it."""

    title: str
    state: str
    asks: bool


@dataclass(frozen=True, kw_only=True)
class EndedView:
    """One rollout that has ended. `shares`: those that the canary had, in percent."""

    execution: str
    version: str
    outcome: str
    reason: str
    started_at: str
    ended_at: str
    shares: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class RolloutView:
    """A rollout that runs, or the last one. `state`: of the state machine; empty when it has ended.

    `paused`: by whom and why. `awaits`: which approval it waits for, and until when. `approved`: which step was
    approved, and by whom, until the next look takes the answer. `outside`: which window its share waits for. Empty
    while that is not so. `question`: what a person is asked of the step, one of `states.Awaits`.
    `course`: the steps of a rollout that runs. `leaves`: of a way back after a promotion, the version that is left.
    """

    execution: str
    version: str
    outcome: str
    reason: str
    state: str
    started_at: str
    ended_at: str
    promoted_at: str
    halted: str
    paused: str
    awaits: str
    approved: str
    question: str
    leaves: str
    outside: str
    step: StepView | None
    course: Sequence[StageView]
    gates: Sequence[GateView]

    @property
    def is_held(self) -> bool:
        """Tell whether its share waits: the time does not count against the step."""
        return bool(self.awaits or self.approved or self.paused or self.outside)


@dataclass(frozen=True, kw_only=True)
class AlarmView:
    """One alarm. `of`: a slot, or `caller` for one that the caller of the construct gave."""

    name: str
    of: str
    state: str


@dataclass(frozen=True, kw_only=True)
class StatusView:
    """One look at an endpoint. `held_by`: who has the lock; empty when nobody changes the endpoint.

    `way_back`: the version that a rollback would give the traffic to; empty while a rollout or a deploy works on the
    endpoint, or nothing shows that there is one. Of one that is ordered and has not begun, it is there as well.
    `history`: the last ten rollouts that have ended, the newest first.
    """

    endpoint: str
    stack: str
    region: str
    at: str
    status: str
    held_by: str
    declared: str
    slots: Sequence[SlotView]
    rollout: RolloutView | None
    alarms: Sequence[AlarmView]
    way_back: str
    history: Sequence[EndedView]
    summary: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {"schema": SCHEMA, **asdict(self)}


def view_of(reading: Reading) -> StatusView:
    """Return what a look shows."""
    rollout = _rollout(reading)
    return StatusView(
        endpoint=reading.target.endpoint,
        stack=reading.target.stack,
        region=reading.region,
        at=clock.iso(reading.now),
        status=reading.endpoint.status + (", update pending" if reading.endpoint.update_pending else ""),
        held_by="" if reading.lock is None else f"{reading.lock.kind} {reading.lock.holder}",
        declared="" if reading.declared is None else reading.declared.version,
        slots=[_slot(reading, slot) for slot in SLOTS if slot in reading.endpoint.variants],
        rollout=rollout,
        alarms=_alarms(reading.plan, reading.alarms),
        way_back=_way_back(reading),
        history=[ended_view(each) for each in reversed(reading.rollouts) if not each.is_running][:LAST],
        summary=_summary(reading, rollout),
    )


def _slot(reading: Reading, slot: str) -> SlotView:
    variants = reading.endpoint.variants
    total = sum(variant.weight for variant in variants.values())
    counted = complete(reading.counts, reading.endpoint.serving_slots())
    return SlotView(
        name=slot,
        role=_role(reading, slot),
        version=reading.versions.get(slot, ""),
        weight_percent=100 * variants[slot].weight / total if total else 0.0,
        observed_percent=None if counted is None else counted.percent(slot),
        requests=None if counted is None else counted.requests.get(slot, 0.0),
        instances=variants[slot].instances,
        desired_instances=variants[slot].desired_instances,
    )


def _role(reading: Reading, slot: str) -> str:
    lock = reading.lock
    if reading.runs and lock is not None and lock.canary:
        return CANARY if slot == lock.canary else STABLE
    serving = reading.endpoint.serving_slots()
    if len(serving) != 1:
        return UNKNOWN_ROLE
    return STABLE if slot in serving else IDLE


def _rollout(reading: Reading) -> RolloutView | None:
    record = reading.rollout
    if record is None:
        return None
    lock, running = reading.lock, reading.executing
    holds = lock is not None and lock.holder == record.execution
    now = running if running is not None and running.name == record.execution else None
    return RolloutView(
        execution=record.execution,
        version=record.version,
        outcome=record.outcome,
        reason=record.reason or _last_reason(record),
        state="" if now is None else now.state,
        started_at=record.started_at,
        ended_at=record.ended_at,
        promoted_at=record.promoted_at,
        halted=lock.halted if lock is not None and holds else "",
        paused=lock.paused.sentence if lock is not None and holds and lock.paused is not None else "",
        awaits=_awaits(lock) if lock is not None and holds else "",
        approved=_approved(lock) if lock is not None and holds else "",
        question=lock.awaits_what if lock is not None and holds and lock.awaits is not None else "",
        leaves=record.leaves,
        outside=_outside(now, reading.now) if lock is not None and lock.paused is None and lock.awaits is None else "",
        step=None if now is None else step_view(now, reading.now),
        course=[] if now is None else course_of(now),
        gates=gates_of(now, record.steps[-1] if record.steps else None),
    )


def _awaits(lock: Lock) -> str:
    if lock.awaits is None or lock.answer is not None:
        return ""
    what = ", whose time is over without a decision" if lock.awaits_what == Awaits.DECISION else ""
    return f"step {lock.awaits + 1}{what}, until {lock.awaits_until[:16].replace('T', ' ')} UTC"


def _approved(lock: Lock) -> str:
    if lock.awaits is None or lock.answer is None:
        return ""
    return f"step {lock.awaits + 1}, by {lock.answer.sentence}"


def _outside(executing: Executing | None, now: float) -> str:
    """Return which window a rollout waits for that nothing else holds."""
    if executing is None or not executing.step.is_outside:
        return ""
    found = closed(executing.plan.windows, now)
    return "" if found is None else found.sentence


def _last_reason(record: Rollout) -> str:
    return record.steps[-1].get("reason", "") if record.steps else ""


def step_view(executing: Executing, now: float) -> StepView:
    """Return the step that an execution is in."""
    plan, state = executing.plan, executing.step
    step = plan.step(state.index)
    period = plan.settings.metric_period_seconds
    longest = longest_bake_seconds(step.bake_seconds, step.max_bake_seconds)
    title = "hold-back" if step.passes is Passes.HOLD_BACK else step.title
    return StepView(
        number=state.index + 1,
        of=len(plan.steps) + (plan.hold_back is not None),
        title=title,
        share_percent=state.exposure.percent,
        baked_seconds=state.seen * period,
        bake_seconds=step.bake_seconds,
        at_most_seconds=max(0.0, state.began_at + longest - now) if state.began_at else None,
        requests=state.requests,
        min_requests=step.min_requests,
        instances=state.found,
        instances_needed=state.instances,
        metrics_late_seconds=state.late_seconds,
    )


def course_of(executing: Executing) -> list[StageView]:
    """Return the steps of the plan that an execution follows."""
    plan, current = executing.plan, executing.step.index
    steps = [*plan.steps, *([] if plan.hold_back is None else [plan.hold_back.step])]
    return [
        StageView(
            title="hold-back" if step.passes is Passes.HOLD_BACK else step.title,
            state=PASSED if index < current else NOW if index == current else TO_COME,
            asks=bool(step.approval_seconds),
        )
        for index, step in enumerate(steps)
    ]


def ended_view(record: Rollout) -> EndedView:
    """Return a rollout that has ended."""
    return EndedView(
        execution=record.execution,
        version=record.version,
        outcome=record.outcome,
        reason=record.reason,
        started_at=record.started_at,
        ended_at=record.ended_at,
        shares=[float(step["percent"]) for step in record.steps],
    )


def _alarms(plan: Plan, states: Mapping[str, str]) -> list[AlarmView]:
    return [
        AlarmView(name=name, of=of, state=states.get(name, "UNKNOWN"))
        for of in (*SLOTS, CALLER)
        for name in plan.settings.alarms.get(of, ())
    ]


def _summary(reading: Reading, rollout: RolloutView | None) -> str:
    """Return what happens now, in a sentence."""
    lock = reading.lock
    if lock is not None and not reading.runs:
        return "a deploy holds the lock of the endpoint; a rollout may follow when the stack has settled"
    if lock is not None and lock.way_back is not None and not lock.halted:
        back, state = lock.way_back, "it begins" if reading.executing is None else reading.executing.state
        return f"{back.to} gets the traffic of {back.leaves} back, as {back.order.sentence} ordered: {state}"
    if reading.runs:
        return _running(reading, rollout)
    if len(reading.endpoint.serving_slots()) != 1:
        return "both variants have weight, or none, and no rollout runs; see `canary doctor`"
    serving = reading.versions.get(reading.endpoint.stable_slot(), "") or "a release that the ledger does not know"
    last = "" if rollout is None else f"; the last rollout ended {rollout.outcome}"
    former = _way_back(reading)
    may = f"; `canary rollback` goes back to {former}" if former else ""
    return f"{serving} serves all the traffic, and no rollout runs{last}{may}"


def _way_back(reading: Reading) -> str:
    """Return the version that the traffic can go back to; empty when there is none, or nothing shows it.

    One that was ordered, and whose execution nobody has started yet, can still be started.
    """
    last, serving, lock = reading.rollout, reading.endpoint.serving_slots(), reading.lock
    ordered = None if lock is None else lock.way_back
    if lock is not None and ordered is not None and last is not None and last.version == ordered.leaves:
        return "" if reading.executing is not None or lock.halted or lock.sealed else ordered.to
    if reading.lock is not None or last is None or last.outcome != PROMOTED or last.leaves or len(serving) != 1:
        return ""
    in_place = (reading.versions.get(serving[0]), reading.versions.get(other_slot(serving[0])))
    return last.former if in_place == (last.version, last.former) else ""


def _running(reading: Reading, rollout: RolloutView | None) -> str:
    lock = reading.lock
    assert lock is not None
    if rollout is None or rollout.execution != lock.holder:
        return f"rollout {lock.holder} begins"
    if lock.halted:
        return f"{rollout.version} loses its traffic: {lock.halted}"
    waits = _waits(rollout)
    if waits:
        return f"{rollout.version} {waits}"
    if rollout.step is None:
        return f"rollout of {rollout.version} runs; its execution has no step yet"
    share = rollout.step.share_percent
    now = "" if share is None else f" at {share:g} %"
    where = f"step {rollout.step.number} of {rollout.step.of} ({rollout.step.title})"
    return f"{rollout.version} is in {where}{now}: {rollout.state}"


def _waits(rollout: RolloutView) -> str:
    """Return what a rollout waits for; empty when it goes on."""
    if rollout.awaits:
        return f"waits for approval of {rollout.awaits}: `canary approve` or `canary reject`"
    if rollout.approved and not rollout.paused:
        return f"goes on at its next look: approved is {rollout.approved}"
    if rollout.paused:
        return f"is paused by {rollout.paused}; `canary resume` lets it go on"
    return f"waits for a window: {rollout.outside}" if rollout.outside else ""


def canary_of(reading: Reading) -> str:
    """Return the slot that holds, or would hold, the canary; empty when both slots serve, or none."""
    if reading.lock is not None and reading.lock.canary:
        return reading.lock.canary
    serving = reading.endpoint.serving_slots()
    return other_slot(serving[0]) if len(serving) == 1 else ""
