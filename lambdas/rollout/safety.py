"""How exposure is lowered, and how an endpoint comes to rest. Nothing in here can raise an exposure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clock
from rollout.clock import iso
from rollout.contract.errors import EndpointNotFound, EndpointUnusable, Halted, LockLost, Throttled, Unavailable
from rollout.contract.names import PROMOTED, ROLLED_BACK, other_slot
from rollout.decisions.capacity import floors_at_rest
from rollout.endpoint import weights_for
from rollout.notices import notify
from rollout.patience import NOT_READY
from rollout.plan import Scaling

if TYPE_CHECKING:
    from rollout.endpoint import Endpoint, EndpointView
    from rollout.ledger import Lock
    from rollout.world import World

LOOK_AGAIN_SECONDS = 0.5


def lower_exposure(world: World, lock: Lock) -> bool:
    """End the cohort, order the canary's weight to zero if it is not there yet, and tell whether both will stay so."""
    try:
        lowered = _lower_weight(world.endpoint, lock)
    finally:
        cohort_ended = _end_cohort(world, lock)
    return lowered and cohort_ended


def _lower_weight(endpoint: Endpoint, lock: Lock) -> bool:
    target = weights_for(stable=lock.stable, canary=lock.canary, canary_percent=0)
    try:
        view = endpoint.describe()
        if view.shows(target):
            return not view.working
        endpoint.set_weights(target)
    except EndpointNotFound:
        return True
    except NOT_READY:
        return False
    return False


def _end_cohort(world: World, lock: Lock) -> bool:
    try:
        world.cohorts.withdraw(lock)
    except NOT_READY:
        return False
    return True


def lower_until_zero(world: World, lock: Lock, *, until: float) -> bool:
    """Lower, look and lower again until zero is seen or the time (seconds since the epoch) is over.

    Once somebody else has the lock the roles may be others, and what they do is theirs.
    """
    while not lower_exposure(world, lock):
        if clock.now() >= until:
            return False
        clock.pause(LOOK_AGAIN_SECONDS)
        if _another_has_the_lock(world, lock):
            return True
    return True


def _another_has_the_lock(world: World, lock: Lock) -> bool:
    try:
        now = world.ledger.lock()
    except NOT_READY:
        return False
    return now is not None and now.holder != lock.holder


def halt_and_lower(world: World, lock: Lock, reason: str) -> bool:
    """Order the rollout's exposure to zero, and lower it even when the ledger cannot be written.

    `False`: the lock changed hands or the promotion was decided meanwhile, and nothing was lowered.
    """
    try:
        return world.ledger.halt(lock.holder, reason, clock.now())
    except Exception:
        if lock.canary and not may_be_decided(world, stable=lock.stable, canary=lock.canary):
            lower_exposure(world, lock)
        raise


def may_be_decided(world: World, *, stable: str, canary: str) -> bool:
    """Tell whether the promotion may be decided, which the ledger alone knows: with all the weight at the canary."""
    everything = weights_for(stable=stable, canary=canary, canary_percent=100)
    return world.endpoint.describe().shows(everything)


def wait_until_quiet(endpoint: Endpoint, *, until: float) -> EndpointView:
    """Look until SageMaker accepts changes, or never will, or the time is over; return the last look.

    Raises:
        EndpointNotFound: when there is no endpoint.
    """
    while True:
        try:
            view = endpoint.describe()
            if view.quiet or not view.working or clock.now() >= until:
                return view
        except (Throttled, Unavailable):
            if clock.now() >= until:
                raise
        clock.pause(LOOK_AGAIN_SECONDS * 4)


def rest(world: World, *, stable: str) -> None:
    """Give each slot the floor of its role and let dynamic scaling work again.

    The floors are those that the last deploy declared: an event that comes late carries those of its own time.
    """
    declared = world.ledger.declared_scaling()
    scaling = world.settings.scaling if declared is None else Scaling(**declared)
    scalers = world.scalers.of(scaling)
    for slot, floor in floors_at_rest(stable, other_slot(stable), scaling).items():
        scalers.set_floor(slot, floor, suspend_scale_in=False)


def prove_in_time(world: World, execution: str) -> None:
    """Prove, after floors were set, that the rollout had not ended by then; otherwise bring them to rest again.

    A stopped execution's Lambda runs on, and may set floors when the restore path has been and gone.

    Raises:
        Halted, LockLost: when it had ended.
    """
    try:
        world.own_lock(execution)
    except (Halted, LockLost):
        lock = world.ledger.lock()
        if lock is None or lock.holder == execution:
            _rest_if_possible(world)
        raise


def end_rollout(world: World, execution: str, reason: str) -> bool:
    """Bring a rollout that cannot go on to its safe end: traffic first, records second.

    Returns `True` when everything is restored, or when nothing is this rollout's to restore; `False` when SageMaker
    is not ready and the caller must come again. A rollout whose promotion was decided is completed instead.
    """
    lock = world.ledger.lock()
    if lock is None or lock.holder != execution:
        world.ledger.close_rollout(execution, ROLLED_BACK, reason, clock.now())
        lock = world.ledger.lock()  # a start that was under way has it now, or finds that its rollout is over
    if lock is None or lock.holder != execution:
        return True
    if lock.sealed:
        complete_promotion(world, lock)
        return True
    if not halt_and_lower(world, lock, reason):
        return False
    if lock.canary and not _traffic_stays(world, lock):
        return False
    _rest_if_possible(world, stable=lock.stable)
    _record_rollback(world, execution, lock.halted or reason)
    world.ledger.free(execution)
    return True


def _traffic_stays(world: World, lock: Lock) -> bool:
    """Lower a halted rollout, and tell whether the traffic is where it stays.

    A raise is announced in the lock before it is sent, and none is announced after the order to halt. It may be on its
    way though its sender is dead. `False` also when the lock is not this rollout's any more: somebody else ended it.
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
    reason = "every step passed"
    world.ledger.close_rollout(lock.holder, PROMOTED, reason, clock.now())
    notify(world.settings.endpoint, "Promoted", version=version, execution=lock.holder, reason=reason)
    world.ledger.free(lock.holder)


def _rest_if_possible(world: World, *, stable: str = "") -> None:
    """Restore what there is: nothing for an endpoint that is gone or whose weights nobody here has touched.

    A rollout that pinned its slots knows which one is stable. The weights may not tell: the Lambda of a stopped
    execution may move them once more before it sees the order to halt and lowers them again.
    """
    try:
        view = world.endpoint.describe()
        rest(world, stable=stable or view.stable_slot())
    except (EndpointNotFound, EndpointUnusable):
        return


def _record_rollback(world: World, execution: str, reason: str) -> None:
    rollout = world.ledger.rollout(execution) or {}
    version = rollout.get("version", "")
    if version:
        world.ledger.decide_release(version, ROLLED_BACK)
    world.ledger.close_rollout(execution, ROLLED_BACK, reason, clock.now())
    notify(world.settings.endpoint, "Rolled Back", version=version, execution=execution, reason=reason)
