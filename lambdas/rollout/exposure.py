"""How exposure is lowered: the canary's, and, when the canary is promoted, what the former release keeps.

Nothing here can raise the exposure of a canary whose promotion is not decided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clock
from rollout.clock import iso
from rollout.contract.errors import EndpointNotFound
from rollout.contract.exposure import EVERYTHING
from rollout.endpoint import LOOK_AGAIN_SECONDS, weights_for
from rollout.patience import NOT_READY

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.contract.lock import Lock
    from rollout.endpoint import Endpoint
    from rollout.world import World


def lower_exposure(world: World, lock: Lock) -> bool:
    """Withdraw the cohort and order weight 0 for the canary, unless both are done; tell whether both will stay so."""
    try:
        lowered = _lower_weight(world.endpoint, lock)
    finally:
        withdrawn = _withdraw_cohort(world, lock)
    return lowered and withdrawn


def _lower_weight(endpoint: Endpoint, lock: Lock) -> bool:
    return _order(endpoint, weights_for(stable=lock.stable, canary=lock.canary, canary_percent=0))


def has_no_weight(endpoint: Endpoint, lock: Lock) -> bool:
    """Tell whether the canary has weight 0, now and in what SageMaker is about to do; also when nothing is left."""
    try:
        return endpoint.describe().shows(weights_for(stable=lock.stable, canary=lock.canary, canary_percent=0))
    except EndpointNotFound:
        return True


def is_divided(endpoint: Endpoint) -> bool:
    """Tell whether both slots have weight, now or in what SageMaker is about to do."""
    try:
        view = endpoint.describe()
    except EndpointNotFound:
        return False
    return any(min(weights.values()) > 0 for weights in (view.weights, view.desired_weights))


def lower_former(endpoint: Endpoint, lock: Lock) -> bool:
    """Order weight 0 for the release whose successor's promotion is decided, and tell whether it will stay so."""
    return _order(endpoint, weights_for(stable=lock.stable, canary=lock.canary, canary_percent=EVERYTHING))


def _order(endpoint: Endpoint, target: dict[str, int]) -> bool:
    """Order these weights unless they are there; tell whether they are, and stay."""
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


def _withdraw_cohort(world: World, lock: Lock) -> bool:
    try:
        world.cohorts.withdraw(lock)
    except NOT_READY:
        return False
    return True


def lower_until_zero(world: World, lock: Lock, *, until: float) -> bool:
    """Lower and look until zero is seen or the time (seconds since the epoch) is over.

    It also stops when somebody else has the lock: the roles may have changed, and the new holder acts for itself.
    """
    return _until_done(world, lock, lambda: lower_exposure(world, lock), until=until)


def lower_former_until_zero(world: World, lock: Lock, *, until: float) -> bool:
    """Do the same with the share of the release whose successor is promoted."""
    return _until_done(world, lock, lambda: lower_former(world.endpoint, lock), until=until)


def _until_done(world: World, lock: Lock, lower: Callable[[], bool], *, until: float) -> bool:
    while not lower():
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


def halt_and_lower(world: World, lock: Lock, reason: str, *, by: str) -> bool:
    """Record the order to lower the rollout's exposure to zero, and the name of its error. If that fails, lower anyway.

    `False`: the lock has another holder, or the promotion is decided; nothing was lowered.
    """
    try:
        return world.ledger.halt(lock.holder, reason, clock.now(), by=by)
    except Exception:
        if lock.canary and not may_be_decided(world, stable=lock.stable, canary=lock.canary):
            lower_exposure(world, lock)
        raise


def may_be_decided(world: World, *, stable: str, canary: str) -> bool:
    """Tell whether the promotion may be decided: the canary has all the weight. Only the ledger knows for certain."""
    everything = weights_for(stable=stable, canary=canary, canary_percent=EVERYTHING)
    return world.endpoint.describe().shows(everything)


def traffic_stays(world: World, lock: Lock, looked_at: float) -> Lock | None:
    """Return the lock of now if the weights that were seen at a moment will stay; `None` while they may change.

    A raise is announced in the lock before it is sent, and none is announced after the order to halt, nor after the
    promotion is decided. An announced raise may still arrive after its sender ended. `None` also when another has the
    lock: it ended this rollout.
    """
    now = world.ledger.lock()
    stays = now is not None and now.holder == lock.holder and iso(looked_at) >= now.raising_until
    return now if stays else None
