"""A deploy that takes long: the slots may grow again when the endpoint has its part of it behind it.

The guard suspends all dynamic scaling before the endpoint is updated: SageMaker refuses an update while auto scaling
changes instances, and the deploy would fail. `settle` lets scaling work again when the stack is at rest. Until then the
rest of the stack may take hours: a service that does not become stable, a database, the time for which a rollback
trigger is watched. So the clock lets the slots grow before that. What serves scales in only after `settle`.

When the stack goes back, the endpoint may be updated once more. The guard suspends all of it before.
Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clock
from rollout.clock import seconds_of
from rollout.contract.errors import EndpointNotFound, EndpointUnusable
from rollout.contract.lock import ROLLOUT
from rollout.endpoint import wait_until_quiet
from rollout.floors import suspend, suspend_for
from rollout.scaling import Suspension

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.world import World

STILL_SECONDS = 15 * 60
"""How long a deployment keeps scaling still at least: as long as a Lambda may run, so that the guard has answered."""


def let_slots_grow(world: World, lock: Lock) -> None:
    """Let auto scaling add instances if this deployment has updated the endpoint. A deploy that is young waits.

    The lock may change meanwhile. Then scaling is suspended as its new holder needs it.
    """
    if lock.kind == ROLLOUT or clock.now() < seconds_of(lock.taken_at) + STILL_SECONDS:
        return
    try:
        if not _is_updated(world):
            return
    except (EndpointNotFound, EndpointUnusable):
        return
    suspend(world, Suspension.SCALE_IN)
    now = world.ledger.lock()
    if now != lock:
        suspend_for(world, now)


def _is_updated(world: World) -> bool:
    """Tell whether the endpoint is at rest with the release of this deploy in a slot; otherwise its update will come.

    A busy endpoint is looked at again with the next event of the clock.
    """
    view, declared = world.endpoint.describe(), world.ledger.declared()
    if not view.quiet or declared is None:
        return False
    held = world.releases_in_slots(view).values()
    return any(release is not None and release.same_content(declared) for release in held)


def pause_again(world: World, *, until: float) -> None:
    """Suspend all dynamic scaling before the stack goes back, as the guard did before the endpoint was updated.

    The request that undoes the deploy has taken the lock, which is young again: the clock leaves it alone. A rollout
    that runs keeps its instances and may grow: its endpoint is not updated.

    Raises:
        EndpointNotFound: when there is no endpoint.
    """
    lock = world.ledger.lock()
    if lock is None or lock.kind == ROLLOUT:
        return
    if not all(slot.scale_out_suspended for slot in world.scalers.registered().values()):
        wait_until_quiet(world.endpoint, until=until)
        suspend(world, Suspension.ALL)
