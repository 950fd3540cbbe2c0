"""State of a rollout that passed every step: the last one, or the one before its hold-back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import sentences
from rollout.contract.errors import EndpointBusy, LockLost, PromotionUnfinished, Throttled, Unavailable
from rollout.contract.names import PROMOTED
from rollout.contract.plan import Plan
from rollout.contract.states import StepState
from rollout.ending import complete_promotion
from rollout.hold_back import begin_hold_back, refuse_other_weights
from rollout.world import World

if TYPE_CHECKING:
    from rollout.contract.events import Task
    from rollout.contract.lock import Lock
    from rollout.contract.plan import HoldBackRule


def handler(event: Task, _context: object) -> dict[str, object]:
    """Decide the promotion and bring the endpoint to rest with its roles exchanged.

    Where the plan has a hold-back, that comes at its end, and `holds_back` says whether it begins now.
    """
    plan = Plan.parse(event["plan"])
    world, execution, index = World.of(plan.settings), event["execution"], StepState.parse(event["step"]).index
    if plan.hold_back is None:
        promote(world, execution)
        return {"outcome": PROMOTED}
    begins = plan.holds_back_after(index) and "way_back" not in (world.ledger.rollout(execution) or {})
    if begins:
        promote_held_back(world, execution, plan.hold_back)
    else:
        promote(world, execution)
    return {"outcome": PROMOTED, "holds_back": begins}


def promote_held_back(world: World, execution: str, rule: HoldBackRule) -> None:
    """Promote, and let the rollout go on.

    Raises:
        EndpointChanged, Halted, LockLost: as `begin_hold_back` says.
        PromotionUnfinished: when AWS was not ready.
    """
    try:
        begin_hold_back(world, execution, rule)
    except (Throttled, Unavailable) as error:
        raise PromotionUnfinished(str(error)) from error


def promote(world: World, execution: str) -> None:
    """Decide once, unless exposure was ordered to zero first; then complete, as often as it takes.

    Raises:
        EndpointChanged: when another hand took the canary's traffic before the decision, or is about to.
        Halted: when an alarm or an operator was faster.
        LockLost: when the lock is not this rollout's.
        PromotionUnfinished: when AWS was not ready; it may be decided, so nothing may undo it.
    """
    try:
        lock = world.ledger.lock()
        if lock is not None and lock.holder == execution:
            _decide(world, lock)
            complete_promotion(world, lock)
        elif (world.ledger.rollout(execution) or {}).get("outcome") != PROMOTED:
            world.own_lock(execution)
    except (EndpointBusy, Throttled, Unavailable) as error:
        raise PromotionUnfinished(str(error)) from error


def _decide(world: World, lock: Lock) -> None:
    if lock.sealed:
        return
    refuse_other_weights(world, lock)
    if not world.ledger.seal(lock.holder):
        world.own_lock(lock.holder)
        raise LockLost(sentences.NOT_DECIDED.format(execution=lock.holder))
