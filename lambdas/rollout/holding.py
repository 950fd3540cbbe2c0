"""A person holds a rollout: it was paused, or a step that has passed waits for approval.

Looks go on: gates, alarms and the brake can lower its share and end it. No look raises it (one before may have decided
a share that is still given), and the time does not count against `max_bake`. Both have a limit, after which the rollout
is rolled back and nobody is judged.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout import clock, sentences
from rollout.contract.errors import HeldTooLong, NotApproved
from rollout.contract.notice import Happened
from rollout.contract.order import Order
from rollout.notices import tell_once

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.contract.plan import Plan
    from rollout.contract.records import RolloutRecord
    from rollout.contract.states import StepState
    from rollout.step_look import Looked
    from rollout.world import World

HOUR = 60 * 60
CLOCKS_DIFFER_SECONDS = 300
"""By how much the clock of who gives an order may be wrong."""


def counted(state: StepState, now: float) -> StepState:
    """Return the step with the time since the last look, if that look found the rollout held."""
    if state.held_at is None:
        return state
    return replace(state, held_seconds=state.held_seconds + round(now - state.held_at), held_at=None)


def paused(lock: Lock) -> str:
    """Return who paused the rollout, and why; empty while nobody has."""
    return "" if lock.paused is None else sentences.PAUSED.format(order=lock.paused.sentence)


def unapproved(plan: Plan, state: StepState, lock: Lock, now: float) -> str:
    """Return what to say of this step if it passes; empty when it needs no approval, or has it."""
    asks = plan.step(state.index).approval_seconds
    if not asks or lock.approved_step == state.index:
        return ""
    return sentences.AWAITS_APPROVAL.format(until=clock.iso(_until(plan, state, now)))


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


def hold(world: World, plan: Plan, looked: Looked, lock: Lock, now: float) -> StepState:
    """Return the step as it goes on, held or not. Tell once that it waits for approval.

    Raises:
        HeldTooLong: when people have held the rollout for longer than its plan has room for.
        NotApproved: when nobody has approved the step in time.
    """
    state = looked.state
    if looked.awaits:
        _ask(world, plan, looked, lock, now)
        state = replace(state, awaits_since=state.awaits_since or now)
    elif lock.awaits is not None:
        world.ledger.await_no_approval(lock.holder)
    if lock.paused is not None:
        tell_once(world, lock.holder, Happened.HELD, paused(lock), which=lock.paused.at, who=lock.paused.who)
    elif not looked.awaits:
        return state
    limit = plan.longest_hold_seconds
    if state.held_seconds > limit:
        words = {"hours": state.held_seconds / HOUR, "limit": limit / HOUR}
        raise HeldTooLong(sentences.HELD_TOO_LONG.format(**words))
    wait = max(state.look_after, plan.hold_interval_seconds)
    return replace(state, held_at=now, look_after=wait)


def _ask(world: World, plan: Plan, looked: Looked, lock: Lock, now: float) -> None:
    state = looked.state
    step, until = plan.step(state.index), _until(plan, state, now)
    if now >= until:
        words = {"step": step.title, "hours": step.approval_seconds / HOUR}
        raise NotApproved(sentences.NOT_APPROVED.format(**words))
    world.ledger.await_approval(lock.holder, state.index, until)
    tell_once(
        world, lock.holder, Happened.NEEDS_APPROVAL, looked.decision.reason, which=str(state.index + 1),
        step=state.index + 1, title=step.title, until=clock.iso(until),
    )  # fmt: skip


def tell_resumed(world: World, lock: Lock, step: int, *, held_at: float) -> None:
    """Tell once that nothing holds the rollout any more. `held_at`: when the last look found it held."""
    since = clock.iso(held_at - CLOCKS_DIFFER_SECONDS)
    answers = [(lock.resumed, sentences.RESUMED)]
    if lock.approved_step == step:
        answers.append((lock.approved, sentences.APPROVED))
    newest = max(((order.at, order, said) for order, said in answers if order and order.at >= since), default=None)
    reason, who = sentences.NOT_HELD, ""
    if newest is not None:
        _, order, said = newest
        reason, who = said.format(order=order.sentence), order.who
    tell_once(world, lock.holder, Happened.RESUMED, reason, which=clock.iso(held_at), who=who)


def _until(plan: Plan, state: StepState, now: float) -> float:
    return (state.awaits_since or now) + plan.step(state.index).approval_seconds
