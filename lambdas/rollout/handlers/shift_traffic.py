"""The only place where exposure rises (invariant 2)."""

from __future__ import annotations

from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any

from rollout import clock
from rollout.contract.errors import CapacityUnavailable, EndpointChanged, LockLost
from rollout.endpoint import weights_for
from rollout.plan import Settings, Step, steps_of
from rollout.safety import lower_until_zero
from rollout.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.endpoint import EndpointView
    from rollout.ledger import Lock

LOWERING_SECONDS = 10 * 60
RAISING_SECONDS = 30
"""For each call that raises. None is repeated, so that it takes 13 s at most (`clients`); the rest is for clocks that
differ."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return the step with `in_place`: whether the endpoint has the weights of this step."""
    plan = event["plan"]
    world = World.of(Settings.parse(plan))
    return shift(world, event["execution"], steps_of(plan), event["step"], plan["weights_timeout_seconds"])


def shift(
    world: World, execution: str, steps: list[Step], state: dict[str, Any], timeout_seconds: int
) -> dict[str, Any]:
    """Ask for the weights or the cohort of this step if they are not there, and say whether they are."""
    lock = world.own_lock(execution)
    step = steps[state["index"]]
    wanted = weights_for(stable=lock.stable, canary=lock.canary, canary_percent=step.percent)
    view = world.endpoint.describe()
    requested_at = state.get("shift_requested_at", clock.now())
    if view.quiet and view.shows(wanted) and _cohort_is(world, lock, step):
        return _begin_bake(world, execution, step, state)
    if view.quiet:
        before = 0 if state["index"] == 0 else steps[state["index"] - 1].percent
        _prove_safe(view, lock, weights_for(stable=lock.stable, canary=lock.canary, canary_percent=before), state)
        _expose(world, lock, step, None if view.shows(wanted) else wanted)
    if clock.now() > requested_at + timeout_seconds:
        raise EndpointChanged(f"endpoint {view.name} did not take the weights {wanted} in time, it has {view.weights}")
    return {**state, "shift_requested_at": requested_at, "in_place": False}


def _cohort_is(world: World, lock: Lock, step: Step) -> bool:
    """Tell whether the cohort of this step, or none, is published."""
    wanted = {"variant": lock.canary, "rule": step.cohort, "salt": lock.holder}
    return world.ledger.cohort() == (None if step.cohort is None else wanted)


def _expose(world: World, lock: Lock, step: Step, weights: dict[str, int] | None) -> None:
    """End the cohort of an earlier step, order weights unless they are in force, and publish this step's cohort.

    A step has one kind of exposure.
    """
    cohorts, cohort = world.cohorts, step.cohort
    if cohort is None and world.ledger.cohort() is not None:
        cohorts.make_way(lock)
    if weights is not None:
        _raise(world, lock, lambda: world.endpoint.set_weights(weights), calls=1)
    if cohort is not None:
        publish = partial(cohorts.publish, lock.holder, canary=lock.canary, rule=cohort)
        _raise(world, lock, publish, calls=len(cohorts.stages) + 1)


def _raise(world: World, lock: Lock, expose: Callable[[], None], *, calls: int) -> None:
    """Announce in the lock that so many calls raise exposure now, raise it, and look again.

    Nothing comes between announcement and order: should this handler die there, the rollout's end knows how long to
    look.
    """
    if not world.ledger.announce_raise(lock.holder, clock.now() + calls * RAISING_SECONDS):
        world.own_lock(lock.holder)
        raise LockLost(f"rollout {lock.holder} could not announce its raise")
    try:
        expose()
    finally:  # a raise whose answer is lost may have had its effect
        _lower_if_halted_meanwhile(world, lock)


def _begin_bake(world: World, execution: str, step: Step, state: dict[str, Any]) -> dict[str, Any]:
    shifted_at = clock.now()
    progress = {"percent": step.percent, "shifted_at": clock.iso(shifted_at), "canary_requests": 0}
    world.ledger.record_step(execution, state["index"], progress)
    period = world.settings.metric_period_seconds
    first_whole_period = ceil(shifted_at / period)
    return {
        **state, "in_place": True, "shifted_at": shifted_at, "next_period": first_whole_period, "requests": 0,
    }  # fmt: skip


def _prove_safe(view: EndpointView, lock: Lock, before: dict[str, int], state: dict[str, Any]) -> None:
    if view.config_name != lock.config_name:
        raise EndpointChanged(
            f"endpoint {view.name} is on config {view.config_name}, the rollout started on {lock.config_name}"
        )
    first_shift = state["index"] == 0
    unchanged = view.weights[lock.canary] == 0 if first_shift else view.shows(before)
    if not unchanged:
        raise EndpointChanged(f"another hand changed the weights of endpoint {view.name} to {view.weights}")
    if view.variants[lock.canary].instances < state["instances"]:
        raise CapacityUnavailable(
            f"{lock.canary} has {view.variants[lock.canary].instances} of {state['instances']} instances"
        )


def _lower_if_halted_meanwhile(world: World, lock: Lock) -> None:
    """Undo the raise if an order to halt came after the look, from a hand that may have gone home already.

    So it is when the ledger does not tell: then nobody knows.
    """
    try:
        world.own_lock(lock.holder)
    except Exception:
        until = clock.now() + LOWERING_SECONDS
        lower_until_zero(world, lock, until=until)
        raise
