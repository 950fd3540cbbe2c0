"""Last state of a rollout that passed every step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout.contract.errors import EndpointChanged, LockLost, PromotionUnfinished, Throttled, Unavailable
from rollout.contract.names import PROMOTED
from rollout.endpoint import weights_for
from rollout.plan import Settings
from rollout.safety import complete_promotion
from rollout.world import World

if TYPE_CHECKING:
    from rollout.ledger import Lock


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Decide the promotion and bring the endpoint to rest with its roles exchanged."""
    return promote(World.of(Settings.parse(event["plan"])), event["execution"])


def promote(world: World, execution: str) -> dict[str, Any]:
    """Decide once, unless exposure was ordered to zero first; then complete, as often as it takes.

    Raises:
        EndpointChanged: when another hand took the canary's traffic before the decision, or is about to.
        Halted: when an alarm or an operator was faster.
        LockLost: when the lock is not this rollout's.
        PromotionUnfinished: when AWS was not ready; it may be decided, so that nobody may undo it.
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
    return {"outcome": PROMOTED}


def _decide(world: World, lock: Lock) -> None:
    if lock.sealed:
        return
    view = world.endpoint.describe()
    if not view.shows(weights_for(stable=lock.stable, canary=lock.canary, canary_percent=100)):
        world.own_lock(lock.holder)
        raise EndpointChanged(f"another hand changed the weights of endpoint {view.name} to {view.desired_weights}")
    if not world.ledger.seal(lock.holder):
        world.own_lock(lock.holder)
        raise LockLost(f"rollout {lock.holder} could not decide its promotion")
