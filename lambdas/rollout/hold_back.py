"""The hold-back: the release is promoted, and the former one keeps a small share of the traffic, to compare with.

It is the last step of a rollout. Alarms and gates go on, and take the traffic back to the former release as in every
step before. Whatever else ends it leaves the release its traffic: its time, a new deploy, a person, an execution that
died.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clock, sentences
from rollout.contract.errors import AGAINST_A_PROMOTED, EndpointNotFound, LockLost
from rollout.contract.exposure import EVERYTHING
from rollout.contract.notice import Happened
from rollout.endpoint import weights_for
from rollout.exposure import lower_former, traffic_stays
from rollout.holding import with_cuts
from rollout.notices import tell_once

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.contract.plan import HoldBackRule
    from rollout.contract.states import Failure
    from rollout.world import World

HOUR = 60 * 60


def begin_hold_back(world: World, execution: str, rule: HoldBackRule) -> None:
    """Promote the release of a rollout that goes on, and tell it once. This may be repeated.

    Raises:
        EndpointChanged: when another hand took the canary's traffic.
        Halted: when an alarm or an operator was faster.
        LockLost: when the lock is not this rollout's.
    """
    lock = world.own_lock(execution)
    if not lock.promoted_at:
        refuse_other_weights(world, lock)
        if not world.ledger.promote(execution, clock.now()):
            world.own_lock(execution)
            raise LockLost(sentences.NOT_DECIDED.format(execution=execution))
    record = world.ledger.rollout(execution) or {}
    version = record.get("version", "")
    world.ledger.promote_release(version, former=record.get("former", ""))
    world.ledger.record_promotion(execution, clock.now())
    reason = sentences.HELD_BACK.format(percent=rule.percent, hours=rule.duration_seconds / HOUR)
    tell_once(world, execution, Happened.PROMOTED, with_cuts(record, reason))


def refuse_other_weights(world: World, lock: Lock) -> None:
    """Refuse to promote a canary that does not have all the traffic.

    Raises:
        EndpointChanged: when another hand took some of it.
        Halted, LockLost: when the rollout may not go on.
    """
    view = world.endpoint.describe()
    if not view.shows(weights_for(stable=lock.stable, canary=lock.canary, canary_percent=EVERYTHING)):
        world.own_lock(lock.holder)
        view.refuse_weights(view.desired_weights)


def keeps_its_traffic(world: World, lock: Lock, failure: Failure) -> bool:
    """Tell whether a release gets the rest of the traffic though its rollout cannot go on: its promotion is decided.

    Not when an alarm or a gate is against it in its hold-back. Nor when another hand took all its traffic: none is
    given back here.
    """
    if lock.sealed or not lock.is_held_back:
        return lock.sealed and (bool(lock.promoted_at) or _has_traffic(world, lock))
    return failure.error not in AGAINST_A_PROMOTED and _has_traffic(world, lock)


def _has_traffic(world: World, lock: Lock) -> bool:
    try:
        return world.endpoint.describe().weights[lock.canary] > 0
    except EndpointNotFound:
        return True


def take_the_rest(world: World, lock: Lock, *, because: str) -> Lock | None:
    """Decide that the release keeps all the traffic, and take the share of the former one.

    Return the lock when that is done and stays so. `None`: it is not yet, or an alarm or a gate was faster.
    """
    if not lock.sealed and not world.ledger.seal(lock.holder, because=because):
        return None
    looked_at = clock.now()
    return traffic_stays(world, lock, looked_at) if lower_former(world.endpoint, lock) else None
