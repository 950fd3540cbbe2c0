"""Capacity before traffic: raise the floors for the coming step and wait for the instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout import clock
from rollout.decisions.capacity import canary_floor, instances_needed
from rollout.errors import CapacityUnavailable
from rollout.plan import Settings, Step, steps_of
from rollout.world import World

if TYPE_CHECKING:
    from rollout.endpoint import EndpointView
    from rollout.ledger import Lock

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
    floors = hold_floors(world, lock, step)
    view = world.endpoint.describe()
    ready = view.variants[lock.canary].instances >= floors[lock.canary]
    since = state.get("scaling_since", clock.now())
    if not ready:
        _raise_lost_floors(world, view, floors)
        _give_up_after(since + timeout_seconds, view, lock.canary, floors)
    return {**state, "scaling_since": since, "instances": floors[lock.canary], "ready": ready}


def hold_floors(world: World, lock: Lock, step: Step) -> dict[str, int]:
    """Set the floors that the whole current traffic needs on both slots, and return them.

    Stable's covers all of it, so that a rollback finds the capacity. Floors never fall during a rollout.
    """
    scaling = world.settings.scaling
    end = clock.now()
    busiest = world.metrics.requests_per_minute(end - TRAFFIC_WINDOW_SECONDS, end)
    needed = instances_needed(busiest, scaling)
    registered = world.scalers.registered()
    floors = {lock.stable: needed, lock.canary: canary_floor(needed, step.percent, scaling)}
    for slot, floor in floors.items():
        floors[slot] = max(floor, registered[slot].floor)
        if registered[slot].floor != floors[slot] or not registered[slot].scale_in_suspended:
            world.scalers.set_floor(slot, floors[slot], suspend_scale_in=True)
    return floors


def _raise_lost_floors(world: World, view: EndpointView, floors: dict[str, int]) -> None:
    """Register again, once the endpoint is quiet, what was lost because it met a busy endpoint."""
    for slot, floor in floors.items():
        if view.quiet and view.variants[slot].instances < floor:
            world.scalers.set_floor(slot, floor, suspend_scale_in=True)


def _give_up_after(deadline: float, view: EndpointView, canary: str, floors: dict[str, int]) -> None:
    if clock.now() > deadline:
        raise CapacityUnavailable(
            f"{canary} has {view.variants[canary].instances} of the {floors[canary]} instances that it needs, "
            "and no more came in time"
        )
