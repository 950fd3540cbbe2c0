"""How a rollout ends: it is rolled back, or its decided promotion is completed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clock, sentences
from rollout.contract.errors import EndpointBusy
from rollout.contract.names import NOT_JUDGED, PROMOTED, ROLLED_BACK
from rollout.contract.notice import Happened
from rollout.contract.way_back import WayBack
from rollout.exposure import halt_and_lower, has_no_weight, is_divided, lower_exposure, traffic_stays
from rollout.hold_back import keeps_its_traffic, take_the_rest
from rollout.holding import with_cuts
from rollout.landing import land_if_possible
from rollout.notices import tell_once
from rollout.second_look import cause_of_halt

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.contract.records import RolloutRecord
    from rollout.contract.states import Failure
    from rollout.world import World

_TOLD_AS = {PROMOTED: Happened.PROMOTED, ROLLED_BACK: Happened.ROLLED_BACK, NOT_JUDGED: Happened.NOT_JUDGED}


def end_rollout(world: World, execution: str, failure: Failure) -> None:
    """Bring a rollout that cannot go on to its safe end: traffic first, records second. This may be repeated.

    A rollout whose promotion was decided is completed instead. So is one in its hold-back, unless an alarm or a gate is
    against the release. When another has the lock by now, nothing is changed.

    Raises:
        EndpointBusy: when SageMaker was not ready, or whose fault it was is not known yet; the caller must come again.
    """
    lock = world.ledger.lock()
    if lock is None or lock.holder != execution:
        world.ledger.close_rollout(execution, failure.outcome, failure.reason, clock.now())
        lock = world.ledger.lock()  # a start at the same time has it now, or finds that its rollout is over
    if lock is None or lock.holder != execution:
        return
    if keeps_its_traffic(world, lock, failure):
        lock = _settled(world, take_the_rest(world, lock, because=failure.reason))
    if lock.sealed:
        complete_promotion(world, lock)
        return
    halted = _settled(world, _lower(world, lock, failure))
    cause = cause_of_halt(world, halted)
    land_if_possible(world, stable=lock.stable)
    _record_end(world, execution, cause)
    _prove_nobody_raised_meanwhile(world, halted)
    world.ledger.free(execution)


def _prove_nobody_raised_meanwhile(world: World, lock: Lock) -> None:
    """Look once more before the lock is free. Until then what another hand gives the canary is taken from it.

    Raises:
        EndpointBusy: when there was something to take.
    """
    if lock.canary and not has_no_weight(world.endpoint, lock):
        lower_exposure(world, lock)
        raise EndpointBusy(sentences.NOT_RESTORED_YET.format(endpoint=world.settings.endpoint))


def _settled(world: World, lock: Lock | None) -> Lock:
    """Return the lock of a rollout whose traffic stays where it is.

    Raises:
        EndpointBusy: while it may still change.
    """
    if lock is None:
        raise EndpointBusy(sentences.NOT_RESTORED_YET.format(endpoint=world.settings.endpoint))
    return lock


def _lower(world: World, lock: Lock, failure: Failure) -> Lock | None:
    """Lower, and return the lock with the first order to halt; `None` while the traffic may still change."""
    if not halt_and_lower(world, lock, failure.reason, by=failure.error):
        return None
    looked_at = clock.now()
    if lock.canary and not lower_exposure(world, lock):
        return None
    return traffic_stays(world, lock, looked_at)


def complete_promotion(world: World, lock: Lock) -> None:
    """Bring a rollout whose promotion is decided to rest: the canary's slot is the stable one from now on.

    Raises:
        EndpointBusy: when another hand gave the former release a part of the traffic meanwhile; `end_rollout` takes it.
    """
    land_if_possible(world, stable=lock.canary)
    record = _record_of(world, lock.holder)
    world.ledger.promote_release(record.get("version", ""), former=record.get("former", ""))
    if lock.way_back is not None:
        world.ledger.decide_release(lock.way_back.leaves, ROLLED_BACK)
    shorter = sentences.HELD_BACK_SHORTER.format(why=lock.kept_because)
    why = shorter if lock.kept_because else sentences.PROMOTED
    _close_and_tell(world, lock.holder, record, PROMOTED, why if lock.way_back is None else _said(lock.way_back))
    if is_divided(world.endpoint):
        raise EndpointBusy(sentences.NOT_RESTORED_YET.format(endpoint=world.settings.endpoint))
    world.ledger.free(lock.holder)


def _record_end(world: World, execution: str, failure: Failure) -> None:
    """Record how the rollout ended. Only a release that was judged spends its version label.

    One that ended before it was prepared has no version on record. It tried the release that was declared last.
    """
    record = _record_of(world, execution)
    version = record.get("version", "")
    if version and failure.judged:
        world.ledger.decide_release(version, ROLLED_BACK)
    elif version:
        world.ledger.release_tried(version, clock.now())
    elif (declared := world.ledger.declared()) is not None:
        world.ledger.release_tried(declared.version, clock.now())
    _close_and_tell(world, execution, record, failure.outcome, failure.reason)


def _record_of(world: World, execution: str) -> RolloutRecord:
    return world.ledger.rollout(execution) or {}


def _close_and_tell(world: World, execution: str, record: RolloutRecord, outcome: str, why: str) -> None:
    """Close the record and tell others once; a repetition tells only what was not told yet.

    A promotion is told when it happens. When a hold-back follows it, its end is not told. A way back is told as the
    rollback of the release that is left.
    """
    reason = with_cuts(record, why)
    world.ledger.close_rollout(execution, outcome, reason, clock.now())
    if outcome == PROMOTED and "way_back" in record:
        left = WayBack.parse(record["way_back"]).leaves
        tell_once(world, execution, Happened.ROLLED_BACK, reason, version=left)
    else:
        tell_once(world, execution, _TOLD_AS[outcome], reason)


def _said(back: WayBack) -> str:
    return sentences.WAY_BACK.format(to=back.to, leaves=back.leaves, order=back.order.sentence)
