"""How a rollout ends: it is rolled back, or its decided promotion is completed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clock, sentences
from rollout.clock import iso
from rollout.contract.errors import EndpointBusy
from rollout.contract.names import NOT_JUDGED, PROMOTED, ROLLED_BACK
from rollout.exposure import halt_and_lower, lower_exposure
from rollout.landing import land, land_if_possible
from rollout.notices import notify
from rollout.second_look import cause_of_halt

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.contract.states import Failure
    from rollout.world import World

_TOLD_AS = {PROMOTED: "Promoted", ROLLED_BACK: "Rolled Back", NOT_JUDGED: "Not Judged"}


def end_rollout(world: World, execution: str, failure: Failure) -> None:
    """Bring a rollout that cannot go on to its safe end: traffic first, records second. This may be repeated.

    A rollout whose promotion was decided is completed instead. When another has the lock by now, nothing is changed.

    Raises:
        EndpointBusy: when SageMaker was not ready, or whose fault it was is not known yet; the caller must come again.
    """
    lock = world.ledger.lock()
    if lock is None or lock.holder != execution:
        world.ledger.close_rollout(execution, failure.outcome, failure.reason, clock.now())
        lock = world.ledger.lock()  # a start at the same time has it now, or finds that its rollout is over
    if lock is None or lock.holder != execution:
        return
    if lock.sealed:
        complete_promotion(world, lock)
        return
    halted = _lower(world, lock, failure)
    if halted is None:
        raise EndpointBusy(sentences.NOT_RESTORED_YET.format(endpoint=world.settings.endpoint))
    cause = cause_of_halt(world, halted)
    land_if_possible(world, stable=lock.stable)
    _record_end(world, execution, cause)
    world.ledger.free(execution)


def _lower(world: World, lock: Lock, failure: Failure) -> Lock | None:
    """Lower, and return the lock with the first order to halt; `None` while the traffic may still change."""
    if not halt_and_lower(world, lock, failure.reason, by=failure.error):
        return None
    looked_at = iso(clock.now())
    if lock.canary and not lower_exposure(world, lock):
        return None
    halted = world.ledger.lock()
    return halted if halted is not None and _traffic_stays(lock, halted, looked_at) else None


def _traffic_stays(lock: Lock, halted: Lock, looked_at: str) -> bool:
    """Tell whether traffic that was lowered will stay where it is.

    A raise is announced in the lock before it is sent, and none is announced after the order to halt. An announced
    raise may still arrive after its sender ended. `False` also when another has the lock: it ended this rollout.
    """
    return halted.holder == lock.holder and looked_at >= halted.raising_until


def complete_promotion(world: World, lock: Lock) -> None:
    """Bring a rollout whose promotion is decided to rest: the canary's slot is the stable one from now on."""
    land(world, stable=lock.canary)
    version = _version(world, lock.holder)
    world.ledger.decide_release(version, PROMOTED)
    _close_and_tell(world, lock.holder, version, PROMOTED, sentences.PROMOTED)
    world.ledger.free(lock.holder)


def _record_end(world: World, execution: str, failure: Failure) -> None:
    """Record how the rollout ended. Only a release that was judged spends its version label."""
    version = _version(world, execution)
    if version and failure.judged:
        world.ledger.decide_release(version, ROLLED_BACK)
    elif version:
        world.ledger.release_tried(version, clock.now())
    _close_and_tell(world, execution, version, failure.outcome, failure.reason)


def _version(world: World, execution: str) -> str:
    version: str = (world.ledger.rollout(execution) or {}).get("version", "")
    return version


def _close_and_tell(world: World, execution: str, version: str, outcome: str, reason: str) -> None:
    """Close the record and tell others once; a repetition tells only what was not told yet."""
    world.ledger.close_rollout(execution, outcome, reason, clock.now())
    if world.ledger.end_was_told(execution):
        return
    if notify(world.settings.endpoint, _TOLD_AS[outcome], version=version, execution=execution, reason=reason):
        world.ledger.record_told(execution)
