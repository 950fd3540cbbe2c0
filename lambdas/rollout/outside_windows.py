"""A rollout waits because no window is open, or because somebody has paused it before its first share.

Only the shift handler raises, and it looks at the clock again: a window may close while instances come. What was
ordered in a window is given. Lowering never waits.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from rollout import clock
from rollout.contract.plan import Passes
from rollout.decisions.windows import closed
from rollout.holding import counted, held_now, tell_closed, tell_paused

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.contract.plan import Plan
    from rollout.contract.states import StepState
    from rollout.decisions.windows import Closed
    from rollout.world import World


def before_the_first_share(plan: Plan, state: StepState, now: float) -> Closed | None:
    """Return the window that a rollout waits for before it gives the canary anything; `None` when it may begin."""
    return None if state.exposure.served else closed(plan.windows, now)


def is_paused_before_the_first_share(state: StepState, lock: Lock) -> bool:
    """Tell whether somebody has paused a rollout that has given the canary nothing yet."""
    return lock.paused is not None and not state.exposure.served


def before_this_share(plan: Plan, state: StepState, lock: Lock, now: float) -> Closed | None:
    """Return the window that a chosen share waits for.

    `None` when it may be given: it was ordered while a window was open, or it belongs to the hold-back, whose release
    is promoted.
    """
    was_ordered = lock.share_number == state.exposure.number
    is_promoted = plan.step(state.index).passes is Passes.HOLD_BACK
    return None if was_ordered or is_promoted else closed(plan.windows, now)


def wait_to_begin(world: World, plan: Plan, state: StepState, lock: Lock, outside: Closed | None) -> StepState:
    """Return the first step as it waits. No instances are asked for until it goes on, and its bake begins then.

    It is told once that it waits: for whom, and for each window.

    Raises:
        HeldTooLong: when the rollout has waited longer than its plan has room for.
    """
    now = clock.now()
    tell_paused(world, lock)
    if outside is not None:
        tell_closed(world, lock, outside)
    waiting = counted(state, now)
    waiting = replace(
        waiting,
        held_before=waiting.held_seconds,
        scaling_since=None,
        scaling_began=None,
        shift_requested_at=None,
        ready=False,
        in_place=False,
        waits_to_begin=True,
    )
    return held_now(plan, waiting, now, outside)


def put_back(world: World, plan: Plan, state: StepState, lock: Lock, outside: Closed) -> StepState:
    """Return the rollout at the share that it has, which gates and alarms go on to watch.

    When the share belongs to a new step, the step before begins its bake anew: what it had shown is kept, and it is
    passed again when a window is open.
    """
    if not state.exposure.served:
        return wait_to_begin(world, plan, state, lock, outside)
    now, exposure = clock.now(), state.exposure
    back = replace(
        state,
        exposure=replace(exposure, percent=exposure.before, number=exposure.number - 1),
        scaling_since=None,
        scaling_began=None,
        shift_requested_at=None,
        ready=True,
        in_place=True,
        look_after=plan.evaluation_interval_seconds,
    )
    if state.began_at:
        return back
    period = plan.settings.metric_period_seconds
    return replace(
        back,
        index=state.index - 1,
        began_at=now,
        shifted_at=now,
        held_before=state.held_seconds,
        next_period=state.next_period or ceil(now / period),
    )
