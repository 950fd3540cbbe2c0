"""Capacity before traffic: raise the floors for the coming step and wait for the instances."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout import clock, sentences
from rollout.alarm_states import held_by_alarms
from rollout.contract.errors import CapacityUnavailable, Inconclusive
from rollout.contract.plan import Passes, Plan
from rollout.contract.states import StepState
from rollout.contract.timing import CAPACITY_TIMEOUTS, OVER_MAXIMUM_SECONDS
from rollout.decisions.capacity import MINUTE, Traffic, canary_floor, excess
from rollout.floors import hold_floors, hold_minimum
from rollout.followed import TRAFFIC_WINDOW_SECONDS, followed_instances
from rollout.holding import counted, tell_resumed
from rollout.outside_windows import before_the_first_share, is_paused_before_the_first_share, wait_to_begin
from rollout.shares import first_percent, foreseen_percent
from rollout.way_back import plan_of
from rollout.world import World

if TYPE_CHECKING:
    from rollout.contract.events import Task
    from rollout.contract.lock import Lock
    from rollout.contract.scalings import Scalings
    from rollout.endpoint import EndpointView


def handler(event: Task, _context: object) -> dict[str, object]:
    """Return the step with `ready`: whether the canary has the instances that it needs."""
    plan = Plan.parse(event["plan"])
    return scale(World.of(plan.settings), event["execution"], plan, StepState.parse(event["step"])).to_json()


def scale(world: World, execution: str, plan: Plan, state: StepState) -> StepState:
    """Keep the floors of both slots where this step needs them, and look whether the instances are there.

    While the traffic needs more than `max_instances`, the step is not ready: nothing is raised in a peak. Nor while
    alarms hold it: instances may come for a long time, and the event of an alarm may be lost. Before the first share
    no instances are asked for while no window is open, or while somebody has paused the rollout, but those of a
    scheduled minimum of stable.

    Raises:
        AlarmRaised, AlarmRaisedAlone, CannotBegin: as `held_by_alarms` says.
        CapacityUnavailable: when instances are not there in time, or the traffic stays above the maximum.
        HeldTooLong: when it waited for a window or was paused for longer than the plan has room for.
        Inconclusive: when alarms hold the step for longer than instances may come.
    """
    lock = world.own_lock(execution)
    plan = plan_of(plan, lock)
    held = "" if lock.way_back is not None else held_by_alarms(world, lock, must_be_known=False)
    outside = before_the_first_share(plan, state, clock.now())
    if outside is not None or is_paused_before_the_first_share(state, lock):
        hold_minimum(world, lock)
        return wait_to_begin(world, plan, state, lock, outside)
    if state.held_at is not None:
        tell_resumed(world, lock, state.index, held_at=state.held_at)
    state = replace(counted(state, clock.now()), waits_to_begin=False, look_after=plan.poll_seconds)
    state = state if state.began_at else replace(state, held_before=state.held_seconds)
    view = world.endpoint.describe()
    now = clock.now()
    scalings, slots = world.scalings(), (lock.stable, lock.canary)
    traffic = Traffic(
        _busiest_minute(world, view, scalings, lock, now),
        followed_instances(world, view, scalings, slots=slots, full=lock.stable),
    )
    state = _with_a_share(plan, state, traffic.requests_per_minute)
    of_canary = scalings.of(lock.canary)
    least = canary_floor(traffic.needs(lock.canary, of_canary), state.exposure.wanted, of_canary)
    found = view.variants[lock.canary].instances
    percent = foreseen_percent(plan, state, must_wait=found < least)
    floors = hold_floors(world, lock, view, scalings, traffic, canary_percent=percent)
    over = excess(traffic, scalings, since=state.over_maximum_since, now=now, lasts_seconds=OVER_MAXIMUM_SECONDS)
    needed = _needed_now(plan, state, floors[lock.canary], least)
    after = replace(_timed(state, now, found=found, needed=needed), over_maximum_since=over.since)
    if found < needed:
        _refuse_late_instances(after, plan, now, lock.canary)
    if held:
        _refuse_to_wait_longer(after, plan, now, held)
    return replace(after, ready=found >= needed and over.since is None and not held)


def _with_a_share(plan: Plan, state: StepState, requests_per_minute: float) -> StepState:
    """Choose the share with which the first step begins; the later ones follow from what was seen.

    It is chosen anew until it is given: instances, a window or a person may be waited for while the traffic grows.
    """
    if state.exposure.served:
        return state
    percent = first_percent(plan, state, requests_per_minute=requests_per_minute)
    exposure = state.exposure.choose(percent) if state.exposure.percent is None else state.exposure
    return replace(state, exposure=replace(exposure, percent=percent))


def _needed_now(plan: Plan, state: StepState, floor: int, least: int) -> int:
    """Return the instances that are waited for. Those for later shares come while the present one is watched."""
    return floor if plan.step(state.index).passes is Passes.EVIDENCE else min(floor, least)


def _busiest_minute(world: World, view: EndpointView, scalings: Scalings, lock: Lock, now: float) -> float:
    """Return the requests of the busiest minute. Without one, stable's instances say how many there may be.

    If the scaling of stable follows something else, each of them counts as one of the canary's.
    """
    busiest = world.metrics.requests_per_minute(now - TRAFFIC_WINDOW_SECONDS, now, serving=view.serving_slots())
    if busiest.is_known:
        return busiest.requests
    of_stable, of_canary = (scalings.of(slot).invocations_per_instance for slot in (lock.stable, lock.canary))
    return max(busiest.requests, view.variants[lock.stable].instances * (of_stable or of_canary or 0))


def _timed(state: StepState, now: float, *, found: int, needed: int) -> StepState:
    """Return the step with the time since which nothing moves: neither the goal rose nor instances came."""
    moved = state.scaling_since is None or needed > state.instances or found > state.found
    return replace(
        state,
        scaling_since=now if moved else state.scaling_since,
        scaling_began=now if state.scaling_began is None else state.scaling_began,
        instances=needed,
        found=found,
    )


def _refuse_late_instances(state: StepState, plan: Plan, now: float, canary: str) -> None:
    idle, waited = now - (state.scaling_since or now), _waited(state, now)
    words = {"canary": canary, "found": state.found, "needed": state.instances}
    if idle > plan.capacity_timeout_seconds:
        raise CapacityUnavailable(sentences.NO_MORE_INSTANCES.format(minutes=idle / MINUTE, **words))
    if waited > CAPACITY_TIMEOUTS * plan.capacity_timeout_seconds:
        raise CapacityUnavailable(sentences.GROWS_TOO_FAST.format(minutes=waited / MINUTE, **words))


def _refuse_to_wait_longer(state: StepState, plan: Plan, now: float, held: str) -> None:
    waited = _waited(state, now)
    if waited > CAPACITY_TIMEOUTS * plan.capacity_timeout_seconds:
        words = {"elapsed": waited, "step": plan.step(state.index).title, "why": held}
        raise Inconclusive(sentences.NO_DECISION.format(**words))


def _waited(state: StepState, now: float) -> float:
    return now - (state.scaling_began or now)
