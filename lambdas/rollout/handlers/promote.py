"""Last state of a rollout that passed every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import sentences
from rollout.contract.errors import LockLost, PromotionUnfinished, Throttled, Unavailable
from rollout.contract.names import PROMOTED
from rollout.contract.plan import Settings
from rollout.ending import complete_promotion
from rollout.endpoint import weights_for
from rollout.world import World

if TYPE_CHECKING:
    from rollout.contract.events import Task
    from rollout.contract.lock import Lock


def handler(event: Task, _context: object) -> dict[str, str]:
    """Decide the promotion and bring the endpoint to rest with its roles exchanged."""
    promote(World.of(Settings.parse(event["plan"])), event["execution"])
    return {"outcome": PROMOTED}


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
    except (Throttled, Unavailable) as error:
        raise PromotionUnfinished(str(error)) from error


def _decide(world: World, lock: Lock) -> None:
    if lock.sealed:
        return
    view = world.endpoint.describe()
    if not view.shows(weights_for(stable=lock.stable, canary=lock.canary, canary_percent=100)):
        world.own_lock(lock.holder)
        view.refuse_weights(view.desired_weights)
    if not world.ledger.seal(lock.holder):
        world.own_lock(lock.holder)
        raise LockLost(sentences.NOT_DECIDED.format(execution=lock.holder))
