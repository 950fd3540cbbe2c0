"""Last state of a rollout that passed every step."""

from __future__ import annotations

from typing import Any

from rollout.errors import LockLost
from rollout.plan import Settings
from rollout.safety import complete_promotion
from rollout.world import World


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Decide the promotion and bring the endpoint to rest with its roles exchanged."""
    return promote(World.of(Settings.parse(event["plan"])), event["execution"])


def promote(world: World, execution: str) -> dict[str, Any]:
    """Decide once, unless exposure was ordered to zero first; then complete, as often as it takes.

    Raises:
        Halted: when an alarm or an operator was faster.
        LockLost: when the lock is not this rollout's.
    """
    if not world.ledger.seal(execution):
        _explain(world, execution)
    lock = world.ledger.lock()
    if lock is not None and lock.holder == execution:
        complete_promotion(world, lock)
    return {"outcome": "PROMOTED"}


def _explain(world: World, execution: str) -> None:
    rollout = world.ledger.rollout(execution) or {}
    if rollout.get("outcome") == "PROMOTED":
        return
    world.own_lock(execution)
    raise LockLost(f"rollout {execution} could not decide its promotion")
