"""The scaling floors of both slots: during a rollout, and at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import sentences
from rollout.contract.errors import CapacityUnavailable, EndpointNotFound, EndpointUnusable, Halted, LockLost
from rollout.contract.lock import ROLLOUT
from rollout.contract.names import SLOTS, other_slot
from rollout.decisions.capacity import canary_floor, ceiling, floors_at_rest
from rollout.scaling import Suspension

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollout.contract.lock import Lock
    from rollout.contract.plan import Scaling
    from rollout.contract.scalings import Scalings
    from rollout.decisions.capacity import Traffic
    from rollout.endpoint import EndpointView
    from rollout.scaling import SlotScaling
    from rollout.world import World


def hold_floors(
    world: World,
    lock: Lock,
    view: EndpointView,
    scalings: Scalings,
    traffic: Traffic,
    *,
    canary_percent: float,
) -> dict[str, int]:
    """Set the floors that the traffic of both slots together needs, and return them.

    `canary_percent`: the share that the canary shall be able to take. Each slot counts in instances of its own kind.
    Stable's floor covers all of the traffic, so that a rollback finds the capacity. Floors never fall during a rollout.
    A floor that was set while the endpoint was busy added no instances: it is set again.

    Raises:
        CapacityUnavailable: when a slot is not scaled any more.
        Halted, LockLost: when the rollout ended meanwhile.
    """
    of_stable, of_canary = scalings.of(lock.stable), scalings.of(lock.canary)
    for_all = traffic.needs(lock.canary, of_canary)
    wanted = {
        lock.stable: traffic.needs(lock.stable, of_stable),
        lock.canary: canary_floor(for_all, canary_percent, of_canary),
    }
    registered = _registered(world)
    floors = {slot: max(floor, registered[slot].floor) for slot, floor in wanted.items()}
    missing = [
        slot for slot, floor in floors.items() if _must_register(view, slot, floor, scalings.of(slot), registered[slot])
    ]
    for slot in missing:
        world.scalers.set_floor(slot, floors[slot], scalings.of(slot), Suspension.SCALE_IN)
    if missing:
        prove_in_time(world, lock.holder)
    return floors


def hold_minimum(world: World, lock: Lock) -> None:
    """Bring a scheduled minimum of stable into force while a rollout waits, and asks for no instances of its own.

    The clock leaves the floors to the rollout that has the lock. A floor that was set while the endpoint was busy is
    set again.

    Raises:
        CapacityUnavailable: when a slot is not scaled any more.
        Halted, LockLost: when the rollout ended meanwhile.
    """
    scalings = world.scalings()
    if not scalings.are_scheduled:
        return
    scaling, registered = scalings.of(lock.stable), _registered(world)[lock.stable]
    floor = max(scaling.min_instances, registered.floor)
    if _must_register(world.endpoint.describe(), lock.stable, floor, scaling, registered):
        world.scalers.set_floor(lock.stable, floor, scaling, Suspension.SCALE_IN)
        prove_in_time(world, lock.holder)


def _registered(world: World) -> dict[str, SlotScaling]:
    registered = world.scalers.registered()
    for slot in SLOTS:
        if slot not in registered:
            raise CapacityUnavailable(sentences.NOT_SCALABLE.format(slot=slot, endpoint=world.settings.endpoint))
    return registered


def _must_register(view: EndpointView, slot: str, floor: int, scaling: Scaling, registered: SlotScaling) -> bool:
    lost = view.quiet and view.variants[slot].instances < floor
    bounds = (registered.floor, registered.ceiling)
    return lost or bounds != (floor, ceiling(floor, scaling)) or not registered.scale_in_suspended


def suspend_scale_in(world: World) -> None:
    """Keep the instances that there are: a rollback must find the capacity that it left. Both slots may grow again."""
    scalings = world.scalings()
    for slot, registered in world.scalers.registered().items():
        world.scalers.set_floor(slot, registered.floor, scalings.of(slot), Suspension.SCALE_IN)


def keep_instances(world: World, *, stable: str, unfinished: bool = False) -> None:
    """Keep the instances of a rollout that has ended; a floor that a deploy raised meanwhile is in force at once.

    The bounds are those of the last accepted deploy: it may have lowered the maximum. `unfinished`: see
    `slots_to_scale`.
    """
    scalings, registered = world.scalings(), world.scalers.registered()
    floors = floors_at_rest(stable, other_slot(stable), scalings)
    for slot in slots_to_scale(world, stable=stable, unfinished=unfinished):
        scaling, floor = scalings.of(slot), floors[slot]
        kept = max(floor, registered[slot].floor) if slot in registered else floor
        world.scalers.set_floor(slot, min(kept, scaling.max_instances), scaling, Suspension.SCALE_IN)


def slots_to_scale(world: World, *, stable: str, unfinished: bool) -> list[str]:
    """Return the slots that may be scalable targets now: both, unless the stack has stopped on its way (`unfinished`).

    CloudFormation goes on where it stopped, and does not call a guard again that has answered. So an idle slot whose
    target the guard took away has none until the stack is at rest: SageMaker would refuse its other instance type.
    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html
    """
    kept_away = set(SLOTS) - world.scalers.registered().keys() - {stable} if unfinished else set()
    return [slot for slot in SLOTS if slot not in kept_away]


def rest(world: World, *, stable: str, unfinished: bool = False) -> None:
    """Give each slot the bounds of its role, and let dynamic scaling work again.

    The idle slot has its floor and no more: target tracking removes no instance of a variant for which SageMaker
    publishes nothing. The floors are those of the last accepted deploy: a late event carries older ones.
    `unfinished`: see `slots_to_scale`.
    """
    scalings, idle = world.scalings(), other_slot(stable)
    floors = floors_at_rest(stable, idle, scalings)
    world.scalers.set_floor(stable, floors[stable], scalings.of(stable), Suspension.NONE)
    if idle in slots_to_scale(world, stable=stable, unfinished=unfinished):
        world.scalers.set_size(idle, floors[idle])


def follow(world: World, slots: Iterable[str]) -> None:
    """Put what the sizes of these slots follow, as the last accepted deploy asked for it.

    Whoever takes a slot's target away, for another instance type, takes its policy as well. CloudFormation knows
    neither: it would not put them again when a stack goes back, and its clean-up would delete them.
    """
    scalings = world.scalings()
    for slot in slots:
        world.scalers.follow(slot, scalings.of(slot))


def suspend(world: World, suspended: Suspension) -> None:
    """Suspend dynamic scaling of the slots that are registered, or resume it. A deploy may have taken one away."""
    for slot in world.scalers.registered():
        world.scalers.suspend(slot, suspended)


def suspend_for(world: World, lock: Lock | None) -> None:
    """Suspend dynamic scaling as who has the lock needs it: a deployment all of it, a rollout scale-in.

    Without a lock nothing is suspended, unless a rollout has ended whose traffic was not seen yet.
    """
    if lock is not None and lock.kind != ROLLOUT:
        suspend(world, Suspension.ALL)
        return
    keeps_instances = lock is not None or world.ledger.landing() is not None
    suspend(world, Suspension.SCALE_IN if keeps_instances else Suspension.NONE)


def follows_traffic(world: World, slot: str) -> bool:
    """Tell whether target tracking sizes the fleet of a slot; otherwise its floor does."""
    return world.scalings().of(slot).is_tracked


def keep_minimum(world: World, *, unfinished: bool = False) -> None:
    """Bring the floors to rest when another minimum is in force than that of the slot that serves.

    A busy endpoint, or one whose weights do not show the roles, is looked at again with the next event of the clock.
    `unfinished`: see `slots_to_scale`.
    """
    try:
        view = world.endpoint.describe()
        if not view.quiet:
            return
        stable = view.stable_slot()
    except (EndpointNotFound, EndpointUnusable):
        return
    registered = world.scalers.registered()
    if stable not in registered or registered[stable].floor != world.scalings().of(stable).min_instances:
        rest(world, stable=stable, unfinished=unfinished)


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
    if lock is None:
        return world.ledger.landing() is not None
    return follows_traffic(world, lock.canary if lock.sealed or lock.is_held_back else lock.stable)
