"""The scaling floors of both slots: during a rollout, and at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clock, sentences
from rollout.contract.errors import CapacityUnavailable, EndpointNotFound, EndpointUnusable, Halted, LockLost
from rollout.contract.names import SLOTS, other_slot
from rollout.decisions.capacity import canary_floor, floors_at_rest, instances_needed
from rollout.decisions.minimum import in_force
from rollout.scaling import Suspension

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.contract.plan import Scaling
    from rollout.endpoint import EndpointView
    from rollout.scaling import SlotScaling
    from rollout.world import World


def hold_floors(
    world: World,
    lock: Lock,
    view: EndpointView,
    *,
    canary_percent: float,
    requests_per_minute: float,
    followed: float = 0,
) -> dict[str, int]:
    """Set the floors that the traffic of both slots together needs, and return them.

    `canary_percent`: the share that the canary shall be able to take. `followed`: the instances that the traffic needs
    by the metrics that scaling follows. Stable's floor covers all of the traffic, so that
    a rollback finds the capacity. Floors never fall during a rollout. A floor that was set while the endpoint was busy
    added no instances: it is set again.

    Raises:
        CapacityUnavailable: when a slot is not scaled any more.
        Halted, LockLost: when the rollout ended meanwhile.
    """
    scaling = in_force(world.settings.scaling, clock.now())
    needed = instances_needed(requests_per_minute, scaling, followed)
    registered = _registered(world)
    floors = {lock.stable: needed, lock.canary: canary_floor(needed, canary_percent, scaling)}
    floors = {slot: max(floor, registered[slot].floor) for slot, floor in floors.items()}
    missing = [slot for slot, floor in floors.items() if _must_register(world, view, slot, floor, registered[slot])]
    for slot in missing:
        world.scalers.set_floor(slot, floors[slot], Suspension.SCALE_IN)
    if missing:
        prove_in_time(world, lock.holder)
    return floors


def _registered(world: World) -> dict[str, SlotScaling]:
    registered = world.scalers.registered()
    for slot in SLOTS:
        if slot not in registered:
            raise CapacityUnavailable(sentences.NOT_SCALABLE.format(slot=slot, endpoint=world.settings.endpoint))
    return registered


def _must_register(world: World, view: EndpointView, slot: str, floor: int, registered: SlotScaling) -> bool:
    lost = view.quiet and view.variants[slot].instances < floor
    bounds = (registered.floor, registered.ceiling)
    return lost or bounds != (floor, world.scalers.ceiling(floor)) or not registered.scale_in_suspended


def suspend_scale_in(world: World) -> None:
    """Keep the instances that there are: a rollback must find the capacity that it left. Both slots may grow again."""
    for slot, registered in world.scalers.registered().items():
        world.scalers.set_floor(slot, registered.floor, Suspension.SCALE_IN)


def keep_instances(world: World, *, stable: str) -> None:
    """Keep the instances of a rollout that has ended; a floor that a deploy raised meanwhile is in force at once.

    The bounds are those of the last accepted deploy: it may have lowered the maximum.
    """
    scaling = _declared(world)
    scalers, registered = world.scalers.of(scaling), world.scalers.registered()
    for slot, floor in floors_at_rest(stable, other_slot(stable), scaling).items():
        kept = max(floor, registered[slot].floor) if slot in registered else floor
        scalers.set_floor(slot, min(kept, scaling.max_instances), Suspension.SCALE_IN)


def rest(world: World, *, stable: str) -> None:
    """Give each slot the bounds of its role, and let dynamic scaling work again.

    The idle slot has its floor and no more: target tracking removes no instance of a variant for which SageMaker
    publishes nothing. The floors are those of the last accepted deploy: a late event carries older ones.
    """
    scaling = _declared(world)
    scalers, idle = world.scalers.of(scaling), other_slot(stable)
    floors = floors_at_rest(stable, idle, scaling)
    scalers.set_floor(stable, floors[stable], Suspension.NONE)
    scalers.set_size(idle, floors[idle])


def follow(world: World) -> None:
    """Put what the sizes of both slots follow, as the last accepted deploy asked for it.

    Whoever takes a slot's target away, for another instance type, takes its policy as well. CloudFormation knows
    neither: it would not put them again when a stack goes back, and its clean-up would delete them.
    """
    scalers = world.scalers.of(_declared(world))
    for slot in SLOTS:
        scalers.follow(slot)


def suspend(world: World, suspended: Suspension) -> None:
    """Suspend dynamic scaling of the slots that are registered, or resume it. A deploy may have taken one away."""
    for slot in world.scalers.registered():
        world.scalers.suspend(slot, suspended)


def follows_traffic(world: World) -> bool:
    """Tell whether target tracking sizes the fleets; otherwise their floors do."""
    return _declared(world).is_tracked


def keep_minimum(world: World) -> None:
    """Bring the floors to rest when another minimum is in force than that of the slot that serves.

    A busy endpoint, or one whose weights do not show the roles, is looked at again with the next event of the clock.
    """
    try:
        view = world.endpoint.describe()
        if not view.quiet:
            return
        stable = view.stable_slot()
    except (EndpointNotFound, EndpointUnusable):
        return
    registered = world.scalers.registered()
    if stable not in registered or registered[stable].floor != _declared(world).min_instances:
        rest(world, stable=stable)


def _declared(world: World) -> Scaling:
    """Return the instances by role of the last accepted deploy, with the minimum that is in force now."""
    declared = world.ledger.declared_scaling()
    return in_force(world.settings.scaling if declared is None else declared, clock.now())


def _rest_if_possible(world: World) -> None:
    """Bring the floors to rest, if the endpoint exists and one slot serves."""
    try:
        rest(world, stable=world.endpoint.describe().stable_slot())
    except (EndpointNotFound, EndpointUnusable):
        return


def prove_in_time(world: World, execution: str) -> None:
    """Prove, after floors were set, that the rollout still runs; otherwise see that they come to rest.

    The Lambda of a stopped execution runs on. It may set floors after the restore path has finished.

    Raises:
        Halted, LockLost: when the rollout has ended.
    """
    try:
        world.own_lock(execution)
    except (Halted, LockLost):
        lock = world.ledger.lock()
        ended = lock is None or lock.holder == execution
        if ended and not _comes_to_rest_later(world, lock):
            _rest_if_possible(world)
        raise


def _comes_to_rest_later(world: World, lock: Lock | None) -> bool:
    """Tell whether somebody will end the rollout, or its landing: that brings the floors to rest, not too early."""
    return follows_traffic(world) and (lock is not None or world.ledger.landing() is not None)
