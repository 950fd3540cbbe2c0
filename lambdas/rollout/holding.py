"""A rollout is held: it was paused, a step waits for a person's yes, or its share would rise and no window is open.

A step waits when it has passed and its plan asks for approval, or when its time is over without a decision and the plan
asks a person then. Looks go on: gates, alarms and the brake can lower its share and end it. No look raises it (one
before may have decided a share that is still given), and the time does not count against `max_bake`. Everything has a
limit, after which the rollout is rolled back and nobody is judged.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from rollout import clock, sentences
from rollout.contract.errors import HeldTooLong, NotApproved
from rollout.contract.notice import Happened
from rollout.contract.order import Order
from rollout.contract.states import Awaits
from rollout.decisions.asking import Questions
from rollout.notices import tell_once

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.contract.plan import Plan
    from rollout.contract.records import RolloutRecord
    from rollout.contract.states import StepState
    from rollout.decisions.windows import Closed
    from rollout.step_look import Looked
    from rollout.world import World

HOUR = 60 * 60
CLOCKS_DIFFER_SECONDS = 300
"""By how much the clock of who gives an order may be wrong."""


def counted(state: StepState, now: float) -> StepState:
    """Return the step with the time since the last look, if that look found the rollout held."""
    if state.held_at is None:
        return state
    held = state.held_seconds + round(now - state.held_at)
    return replace(state, held_seconds=held, held_at=None, is_outside=False)


def paused(lock: Lock) -> str:
    """Return who paused the rollout, and why; empty while nobody has."""
    return "" if lock.paused is None else sentences.PAUSED.format(order=lock.paused.sentence)


def questions(plan: Plan, state: StepState, lock: Lock, now: float) -> Questions:
    """Return what a person is asked of this step, and what was answered.

    A yes to a step that has passed is none to one that was not decided; the other way round it is.
    """
    approved = lock.approved if lock.approved_step == state.index else None
    asks = bool(plan.step(state.index).approval_seconds) and approved is None
    passed, undecided = (clock.iso(_until(plan, state, what, now)) for what in Awaits)
    taken = approved if lock.awaits_what == Awaits.DECISION else None
    return Questions(
        passed=sentences.AWAITS_APPROVAL.format(until=passed) if asks else "",
        undecided=sentences.AWAITS_DECISION.format(until=undecided) if plan.undecided_seconds else "",
        taken_by="" if taken is None else taken.sentence,
    )


def cut_short(state: StepState, lock: Lock) -> str:
    """Return who said that the bake of this step counts as over, and why; empty when nobody has."""
    if lock.cut_short is None or lock.cut_short_step != state.index:
        return ""
    return sentences.CUT_SHORT.format(order=lock.cut_short.sentence)


def with_cuts(record: RolloutRecord, reason: str) -> str:
    """Return why a rollout ended, with who cut the bake of which share short, if anybody did."""
    told = {
        Order.parse(step["promoted"]): f"{step['percent']:g}"
        for step in record.get("steps", ())
        if step and "promoted" in step
    }
    cuts = [
        sentences.CUT_SHORT_AT.format(percent=percent, by=sentences.CUT_SHORT.format(order=order.sentence))
        for order, percent in told.items()
    ]
    return "; ".join([reason, *cuts])


def hold(world: World, plan: Plan, looked: Looked, lock: Lock, outside: Closed | None, now: float) -> StepState:
    """Return the step as it goes on, held or not. Tell once that it waits for a person, or for a window.

    Raises:
        HeldTooLong: when the rollout was held for longer than its plan has room for.
        NotApproved: when nobody has approved the step in time.
    """
    state = looked.state
    if looked.awaits is not None:
        _ask(world, plan, looked, looked.awaits, lock, now)
    elif lock.awaits is not None:
        world.ledger.await_no_approval(lock.holder)
    state = _asked_since(state, looked.awaits, now)
    tell_paused(world, lock)
    window = outside if looked.is_outside else None
    if window is not None:
        tell_closed(world, lock, window)
    is_held = looked.awaits is not None or lock.paused is not None or window is not None
    return held_now(plan, state, now, window) if is_held else state


def held_now(plan: Plan, state: StepState, now: float, outside: Closed | None) -> StepState:
    """Return a step that this look found held. The next look is not later than the window that it waits for opens.

    Raises:
        HeldTooLong: when the rollout was held for longer than its plan has room for.
    """
    limit = plan.longest_hold_seconds
    if state.held_seconds > limit:
        words = {"hours": state.held_seconds / HOUR, "limit": limit / HOUR}
        raise HeldTooLong(sentences.HELD_TOO_LONG.format(**words))
    wait = max(state.look_after, plan.hold_interval_seconds)
    if outside is not None:
        wait = ceil(min(wait, outside.seconds(now)))
    return replace(state, held_at=now, is_outside=outside is not None, look_after=wait)


def tell_paused(world: World, lock: Lock) -> None:
    """Tell once that somebody has paused the rollout, if anybody has."""
    if lock.paused is not None:
        tell_once(world, lock.holder, Happened.HELD, paused(lock), which=lock.paused.at, who=lock.paused.who)


def tell_closed(world: World, lock: Lock, outside: Closed) -> None:
    """Tell once that the rollout waits for the next window."""
    opens = "" if outside.opens is None else clock.iso(outside.opens)
    tell_once(world, lock.holder, Happened.HELD, outside.sentence, which=f"until {opens}", who="")


def _ask(world: World, plan: Plan, looked: Looked, what: Awaits, lock: Lock, now: float) -> None:
    state = looked.state
    until = _until(plan, state, what, now)
    if now >= until and world.ledger.end_question(lock.holder):
        raise NotApproved(_nobody_answered(plan, looked, what))
    world.ledger.await_approval(lock.holder, state.index, until, what=what)
    number = state.index + 1
    tell_once(
        world, lock.holder, Happened.NEEDS_APPROVAL, looked.decision.reason,
        which=f"{number}/{state.exposure.number}" if what is Awaits.APPROVAL else f"{number} {what}",
        step=number, title=plan.step(state.index).title, until=clock.iso(until),
    )  # fmt: skip


def tell_resumed(world: World, lock: Lock, step: int, *, held_at: float) -> None:
    """Tell once that nothing holds the rollout any more. `held_at`: when the last look found it held."""
    since = clock.iso(held_at - CLOCKS_DIFFER_SECONDS)
    approved = lock.approved if lock.approved_step == step else None
    newest = max((order for order in (lock.resumed, approved) if order and order.at >= since), key=_at, default=None)
    if newest is None:
        reason, who = sentences.NOT_HELD, ""
    elif newest is approved:
        reason, who = sentences.APPROVED.format(order=newest.sentence), newest.who
    else:
        reason, who = sentences.RESUMED.format(order=newest.sentence), newest.who
    tell_once(world, lock.holder, Happened.RESUMED, reason, which=clock.iso(held_at), who=who)


def _at(order: Order) -> str:
    return order.at


def _nobody_answered(plan: Plan, looked: Looked, what: Awaits) -> str:
    step = plan.step(looked.state.index)
    if what is Awaits.APPROVAL:
        return sentences.NOT_APPROVED.format(step=step.title, hours=step.approval_seconds / HOUR)
    words = {"step": step.title, "hours": plan.undecided_seconds / HOUR, "why": looked.decision.reason}
    return sentences.NOBODY_DECIDED.format(**words)


def _asked_since(state: StepState, what: Awaits | None, now: float) -> StepState:
    """Return the step with the time since which it asks. What it asks no more has all its time when it is asked again.

    That a step was not decided in its time stays so: see `decide`.
    """
    if what is Awaits.APPROVAL:
        return replace(state, awaits_since=state.awaits_since or now)
    state = replace(state, awaits_since=None)
    return state if what is None else replace(state, undecided_since=state.undecided_since or now)


def _until(plan: Plan, state: StepState, what: Awaits, now: float) -> float:
    if what is Awaits.APPROVAL:
        return (state.awaits_since or now) + plan.step(state.index).approval_seconds
    return (state.undecided_since or now) + plan.undecided_seconds
