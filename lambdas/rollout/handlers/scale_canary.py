"""Capacity before traffic: raise the floors for the coming step and wait for the instances."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rollout import clock, sentences
from rollout.contract.errors import CapacityUnavailable
from rollout.contract.plan import Plan
from rollout.contract.states import StepState
from rollout.floors import hold_floors
from rollout.world import World

TRAFFIC_WINDOW_SECONDS = 300


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return the step with `ready`: whether the canary has the instances that it needs."""
    plan = Plan.parse(event["plan"])
    return scale(World.of(plan.settings), event["execution"], plan, StepState.parse(event["step"])).to_json()


def scale(world: World, execution: str, plan: Plan, state: StepState) -> StepState:
    """Keep the floors of both slots where this step needs them, and look whether the instances are there.

    Raises:
        CapacityUnavailable: when they are not there in time.
    """
    lock = world.own_lock(execution)
    view = world.endpoint.describe()
    now = clock.now()
    busiest = world.metrics.requests_per_minute(now - TRAFFIC_WINDOW_SECONDS, now)
    floors = hold_floors(world, lock, plan.steps[state.index], view, requests_per_minute=busiest)
    found, needed = view.variants[lock.canary].instances, floors[lock.canary]
    since = clock.now() if state.scaling_since is None else state.scaling_since
    if found < needed and clock.now() > since + plan.capacity_timeout_seconds:
        raise CapacityUnavailable(sentences.NO_MORE_INSTANCES.format(canary=lock.canary, found=found, needed=needed))
    return replace(state, scaling_since=since, instances=needed, ready=found >= needed)
