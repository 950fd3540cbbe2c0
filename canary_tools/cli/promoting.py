"""Skips what is left of a bake: what a person is asked before, and the order."""

from dataclasses import dataclass

from rollout.contract import operator
from rollout.contract.lock import Lock
from rollout.contract.plan import Passes
from rollout.watching.evidence import gates_of
from rollout.watching.executing import Executing
from rollout.watching.page import duration
from rollout.watching.reading import Reader

from canary_tools.cli.orders import Ordered, next_look, order_now, running_lock, sent
from canary_tools.cli.refusals import CannotAct
from canary_tools.cli.session import Session
from canary_tools.cli.statuses import Status

NOT_SKIPPED = (
    "Not skipped: the requests that the step needs, what its gates ask for at the end of a bake, a failed gate, an "
    "alarm, instances, and a person's approval."
)


ENDING = {"Promote", "RollBack", "WaitForRollback"}
"""States of the state machine in which the last bake is over."""


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """The bake that may be cut short. `question`: what is skipped and what not, for the person who decides."""

    lock: Lock
    step: int
    question: str


def promotion(reader: Reader) -> Promotion:
    """Return what would be skipped now.

    Raises:
        CannotAct: when no bake runs, or something else than time holds it.
    """
    lock = running_lock(reader, "promote")
    _refuse_held(lock)
    now = reader.executing(lock)
    if now is None or not now.step.began_at or now.state in ENDING:
        state = "it has not begun" if now is None else f"it is in {now.state}"
        raise CannotAct(f"rollout {lock.holder} has no bake to skip: {state}", Status.NOTHING)
    index = now.step.index
    if lock.cut_short is not None and lock.cut_short_step == index:
        raise CannotAct(
            f"the rest of this bake is skipped already, by {lock.cut_short.sentence}; see `canary status` for what the "
            "step still waits for",
            Status.NOTHING,
        )
    return Promotion(lock=lock, step=index, question=f"{_skipped(lock, now)} {NOT_SKIPPED}{_against(reader, now)}")


def promote(session: Session, reader: Reader, asked: Promotion, *, reason: str) -> Ordered:
    """Order it. Raises `CannotAct` when the rollout has gone on meanwhile."""
    request = operator.promote(asked.lock.holder, asked.step, order_now(session.who, reason))
    sentence = f"the rest of the bake of step {asked.step + 1} is skipped {next_look(reader)}, if nothing else holds it"
    return sent(session, reader, request, asked.lock, sentence)


def _refuse_held(lock: Lock) -> None:
    if lock.halted:
        raise CannotAct(f"rollout {lock.holder} is ending: {lock.halted}", Status.NOTHING)
    if lock.way_back is not None:
        raise CannotAct("a way back has no bake: it gets all the traffic when its instances are there", Status.NOTHING)
    if lock.promoted_at:
        raise CannotAct(
            "the release is promoted; `canary abort` ends its hold-back, and the release keeps all the traffic",
            Status.NOTHING,
        )
    if lock.answer is not None:
        raise CannotAct(
            f"the step that has baked is approved by {lock.answer.sentence}, and goes on at its next look",
            Status.NOTHING,
        )
    if lock.awaits is not None:
        raise CannotAct(
            f"step {lock.awaits + 1} has baked, and waits for approval: `canary approve` or `canary reject`",
            Status.NOTHING,
        )
    if lock.paused is not None:
        raise CannotAct(f"the rollout is paused by {lock.paused.sentence}: `canary resume` first", Status.NOTHING)


def _skipped(lock: Lock, now: Executing) -> str:
    step, state = now.plan.step(now.step.index), now.step
    left = duration(max(0.0, step.bake_seconds - state.seen * now.plan.settings.metric_period_seconds))
    where = f"Step {state.index + 1} of {len(now.plan.steps)} ({step.title}) of rollout {lock.holder}"
    share = state.exposure.percent or 0.0
    if step.passes is not Passes.EVIDENCE and share < step.percent:
        return (
            f"{where}: its share goes from {share:g} % to {step.percent} % at once, whatever the harm budget says, and "
            f"then {left} of its bake are skipped."
        )
    return f"{where}: what is left of its bake, {left}, is skipped."


def _against(reader: Reader, now: Executing) -> str:
    """Return what the gates have against the canary by now; empty when that is nothing."""
    record = next((each for each in reader.rollouts() if each.execution == now.name), None)
    gates = gates_of(now, record.steps[-1] if record is not None and record.steps else None)
    against = [f"{gate.name}: {gate.sentence}" for gate in gates if gate.filled >= SUSPICIOUS]
    return (
        f" Warning: evidence against the canary, not enough to roll it back: {'; '.join(against)}." if against else ""
    )


SUSPICIOUS = 0.25
"""The part of the way from no evidence to a rollback from which on a person is warned."""
