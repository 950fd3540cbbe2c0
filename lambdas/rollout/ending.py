"""How a rollout ends: it is rolled back, or its decided promotion is completed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clock, sentences
from rollout.clock import iso
from rollout.contract.errors import EndpointBusy
from rollout.contract.names import PROMOTED, ROLLED_BACK
from rollout.exposure import halt_and_lower, lower_exposure
from rollout.floors import rest, rest_if_possible
from rollout.notices import notify

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.world import World


def end_rollout(world: World, execution: str, reason: str) -> None:
    """Bring a rollout that cannot go on to its safe end: traffic first, records second. This may be repeated.

    A rollout whose promotion was decided is completed instead. When another has the lock by now, nothing is changed.

    Raises:
        EndpointBusy: when SageMaker was not ready; the caller must come again.
    """
    lock = world.ledger.lock()
    if lock is None or lock.holder != execution:
        world.ledger.close_rollout(execution, ROLLED_BACK, reason, clock.now())
        lock = world.ledger.lock()  # a start at the same time has it now, or finds that its rollout is over
    if lock is None or lock.holder != execution:
        return
    if lock.sealed:
        complete_promotion(world, lock)
        return
    if not _lower(world, lock, reason):
        raise EndpointBusy(sentences.NOT_RESTORED_YET.format(endpoint=world.settings.endpoint))
    rest_if_possible(world, stable=lock.stable)
    _record_rollback(world, execution, lock.halted or reason)
    world.ledger.free(execution)


def _lower(world: World, lock: Lock, reason: str) -> bool:
    return halt_and_lower(world, lock, reason) and (not lock.canary or _traffic_stays(world, lock))


def _traffic_stays(world: World, lock: Lock) -> bool:
    """Lower a halted rollout, and tell whether its traffic will stay where it is.

    A raise is announced in the lock before it is sent, and none is announced after the order to halt. An announced
    raise may still arrive after its sender ended. `False` also when another has the lock: it ended this rollout.
    """
    looked_at = iso(clock.now())
    if not lower_exposure(world, lock):
        return False
    halted = world.ledger.lock()
    return halted is not None and halted.holder == lock.holder and looked_at >= halted.raising_until


def complete_promotion(world: World, lock: Lock) -> None:
    """Bring a rollout whose promotion is decided to rest: the canary's slot is the stable one from now on."""
    rest(world, stable=lock.canary)
    rollout = world.ledger.rollout(lock.holder) or {}
    version = rollout.get("version", "")
    world.ledger.decide_release(version, PROMOTED)
    reason = sentences.PROMOTED
    world.ledger.close_rollout(lock.holder, PROMOTED, reason, clock.now())
    notify(world.settings.endpoint, "Promoted", version=version, execution=lock.holder, reason=reason)
    world.ledger.free(lock.holder)


def _record_rollback(world: World, execution: str, reason: str) -> None:
    rollout = world.ledger.rollout(execution) or {}
    version = rollout.get("version", "")
    if version:
        world.ledger.decide_release(version, ROLLED_BACK)
    world.ledger.close_rollout(execution, ROLLED_BACK, reason, clock.now())
    notify(world.settings.endpoint, "Rolled Back", version=version, execution=execution, reason=reason)
