"""Capacity before traffic: raise the floors for the coming step and wait for the instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout import clock
from rollout.contract.errors import CapacityUnavailable
from rollout.contract.names import SLOTS
from rollout.decisions.capacity import canary_floor, instances_needed
from rollout.plan import Settings, Step, steps_of
from rollout.safety import prove_in_time
from rollout.world import World

if TYPE_CHECKING:
    from rollout.endpoint import EndpointView
    from rollout.ledger import Lock
    from rollout.scaling import SlotScaling

TRAFFIC_WINDOW_SECONDS = 300


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return the step with `ready`: whether the canary has the instances that it needs."""
    plan = event["plan"]
    world = World.of(Settings.parse(plan))
    step = steps_of(plan)[event["step"]["index"]]
    return scale(world, event["execution"], step, event["step"], plan["capacity_timeout_seconds"])


def scale(world: World, execution: str, step: Step, state: dict[str, Any], timeout_seconds: int) -> dict[str, Any]:
    """Keep the floors of both slots where this step needs them, and look whether the instances are there."""
    lock = world.own_lock(execution)
    view = world.endpoint.describe()
    now = clock.now()
    busiest = world.metrics.requests_per_minute(now - TRAFFIC_WINDOW_SECONDS, now)
    floors = hold_floors(world, lock, step, view, requests_per_minute=busiest)
    ready = view.variants[lock.canary].instances >= floors[lock.canary]
    since = state.get("scaling_since", clock.now())
    if not ready:
        _give_up_after(since + timeout_seconds, view, lock.canary, floors)
    return {**state, "scaling_since": since, "instances": floors[lock.canary], "ready": ready}


def hold_floors(
    world: World, lock: Lock, step: Step, view: EndpointView, *, requests_per_minute: float
) -> dict[str, int]:
    """Set the floors that the traffic of both slots together needs, and return them.

    Stable's covers all of it, so that a rollback finds the capacity. Floors never fall during a rollout. One that met
    a busy endpoint raised nothing: it is set again once the endpoint is quiet.

    Raises:
        CapacityUnavailable: when the traffic needs more than the declared maximum, or a slot is not scaled any more.
        Halted, LockLost: when the rollout ended meanwhile.
    """
    scaling = world.settings.scaling
    needed = instances_needed(requests_per_minute, scaling)
    registered = _registered(world)
    floors = {lock.stable: needed, lock.canary: canary_floor(needed, step.expected_percent, scaling)}
    floors = {slot: max(floor, registered[slot].floor) for slot, floor in floors.items()}
    missing = [slot for slot, floor in floors.items() if _must_register(view, slot, floor, registered[slot])]
    for slot in missing:
        world.scalers.set_floor(slot, floors[slot], suspend_scale_in=True)
    if missing:
        prove_in_time(world, lock.holder)
    return floors


def _registered(world: World) -> dict[str, SlotScaling]:
    registered = world.scalers.registered()
    for slot in SLOTS:
        if slot not in registered:
            raise CapacityUnavailable(f"{slot} of endpoint {world.settings.endpoint} is no scalable target any more")
    return registered


def _must_register(view: EndpointView, slot: str, floor: int, registered: SlotScaling) -> bool:
    lost = view.quiet and view.variants[slot].instances < floor
    return lost or registered.floor != floor or not registered.scale_in_suspended


def _give_up_after(deadline: float, view: EndpointView, canary: str, floors: dict[str, int]) -> None:
    if clock.now() > deadline:
        raise CapacityUnavailable(
            f"{canary} has {view.variants[canary].instances} of the {floors[canary]} instances that it needs, "
            "and no more came in time"
        )
