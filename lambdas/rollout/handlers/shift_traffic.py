"""The only place where exposure rises (invariant 2)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from rollout import clock, sentences
from rollout.alarm_states import held_by_alarms
from rollout.contract.cohort import Cohort
from rollout.contract.errors import (
    CapacityUnavailable,
    EndpointTooSlow,
    Inconclusive,
    LockLost,
    Throttled,
    Unavailable,
)
from rollout.contract.names import PROMOTED
from rollout.contract.notice import Happened
from rollout.contract.plan import Passes, Plan
from rollout.contract.states import StepState
from rollout.contract.timing import RAISING_SECONDS
from rollout.endpoint import in_words, weights_for
from rollout.exposure import lower_former_until_zero, lower_until_zero
from rollout.notices import tell_once
from rollout.outside_windows import before_this_share, put_back
from rollout.packages import refuse_withdrawn
from rollout.shares import seconds_to_next_look
from rollout.way_back import AT_ONCE_SECONDS, plan_of
from rollout.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.contract.events import Task
    from rollout.contract.lock import Lock
    from rollout.contract.plan import Step
    from rollout.contract.records import StepRecord
    from rollout.endpoint import EndpointView

LOWERING_SECONDS = 10 * 60


def handler(event: Task, _context: object) -> dict[str, object]:
    """Return the step with `in_place`: whether the endpoint has the weights of this step."""
    plan = Plan.parse(event["plan"])
    return shift(World.of(plan.settings), event["execution"], plan, StepState.parse(event["step"])).to_json()


def shift(world: World, execution: str, plan: Plan, state: StepState) -> StepState:
    """Ask for the weights or the cohort of this step if they are not there, and say whether they are.

    Nothing is raised while alarms hold the step, and nothing asked for when its time is over: nobody would wait for it.
    Nor is anything raised while no window is open: then the rollout goes on at the share that it has.

    Raises:
        AlarmRaised, AlarmRaisedAlone, CannotBegin: as `held_by_alarms` says; before the first share also when the
            release's model package is not approved any more.
        HeldTooLong: when it was held for longer than its plan has room for.
        Inconclusive: when alarms hold the step for as long as the weights may take.
        EndpointTooSlow: when the endpoint does not take them in time.
        EndpointChanged: when another hand changed it.
        CapacityUnavailable: when the canary has lost instances.
        Halted, LockLost: when the rollout may not go on.
    """
    lock = world.own_lock(execution)
    lowers = state.exposure.wanted < state.exposure.before
    plan = plan_of(plan, lock)
    held = "" if lock.way_back is not None else _held(world, lock, lowers=lowers)
    step = plan.step(state.index)
    wanted = _weights(lock, state.exposure.wanted)
    view = world.endpoint.describe()
    requested_at = clock.now() if state.shift_requested_at is None else state.shift_requested_at
    if view.quiet and view.shows(wanted) and world.ledger.cohort() == _cohort_of(lock, step):
        begun = _begin_bake(world, execution, plan, state, requested_at=requested_at)
        return begun if lock.way_back is None else replace(begun, look_after=AT_ONCE_SECONDS)
    outside = None if lowers else before_this_share(plan, state, lock, clock.now())
    if outside is not None:
        return put_back(world, plan, state, lock, outside)
    waited = clock.now() - requested_at
    if waited > plan.weights_timeout_seconds:
        _refuse_to_wait_longer(view, step, wanted, waited=waited, held=held)
    if view.quiet and (lowers or not held):
        _prove_safe(view, lock, state, lowers=lowers)
        if not state.exposure.served and lock.way_back is None:
            refuse_withdrawn(world.ledger)
        _expose(world, lock, step, None if view.shows(wanted) else wanted, share=state.exposure.number)
    return replace(state, shift_requested_at=requested_at, in_place=False, look_after=plan.poll_seconds)


def _held(world: World, lock: Lock, *, lowers: bool) -> str:
    """Return why nothing may be raised now. A lower share does not wait until CloudWatch answers."""
    try:
        return held_by_alarms(world, lock, must_be_known=False)
    except (Throttled, Unavailable) as error:
        if not lowers:
            raise
        return sentences.NOT_ANSWERED.format(error=error)


def _refuse_to_wait_longer(
    view: EndpointView, step: Step, wanted: dict[str, int], *, waited: float, held: str
) -> NoReturn:
    if held:
        raise Inconclusive(sentences.NO_DECISION.format(elapsed=waited, step=step.title, why=held))
    words = {"wanted": in_words(wanted), "now": in_words(view.weights)}
    raise EndpointTooSlow(sentences.WEIGHTS_NOT_TAKEN.format(endpoint=view.name, **words))


def _cohort_of(lock: Lock, step: Step) -> Cohort | None:
    return None if step.cohort is None else Cohort(variant=lock.canary, rule=step.cohort, salt=lock.holder)


def _expose(world: World, lock: Lock, step: Step, weights: dict[str, int] | None, *, share: int) -> None:
    """Withdraw the cohort of an earlier step, order weights unless they are in force, and publish this step's cohort.

    A step has one kind of exposure. `share`: its number.
    """
    cohorts, cohort = world.cohorts, _cohort_of(lock, step)
    if cohort is None and world.ledger.cohort() is not None:
        cohorts.make_way(lock)
    if weights is not None:
        _raise(world, lock, lambda: world.endpoint.set_weights(weights), calls=1, share=share)
    if cohort is not None:
        _raise(world, lock, partial(cohorts.publish, cohort), calls=len(cohorts.stages) + 1, share=share)


def _raise(world: World, lock: Lock, expose: Callable[[], None], *, calls: int, share: int) -> None:
    """Announce in the lock that so many calls raise exposure now, raise it, and look again.

    A lower share is announced as well: after a rollback to zero it would be a raise.

    Nothing comes between announcement and order: if this handler dies there, the handler that ends the rollout knows
    how long to look.
    """
    if not world.ledger.announce_raise(lock.holder, clock.now() + calls * RAISING_SECONDS, share=share):
        world.own_lock(lock.holder)
        raise LockLost(sentences.NOT_ANNOUNCED.format(execution=lock.holder))
    try:
        expose()
    finally:  # a raise whose answer is lost may have had its effect
        _lower_if_halted_meanwhile(world, lock)


def _weights(lock: Lock, percent: float) -> dict[str, int]:
    return weights_for(stable=lock.stable, canary=lock.canary, canary_percent=percent)


def _begin_bake(world: World, execution: str, plan: Plan, state: StepState, *, requested_at: float) -> StepState:
    """Return the step at its new share, which the ledger has from now on."""
    now, exposure = clock.now(), state.exposure
    progress: StepRecord = {"percent": exposure.wanted, "shifted_at": clock.iso(now), "canary_requests": 0}
    world.ledger.record_step(execution, exposure.number, progress)
    _tell_step(world, execution, plan, state)
    waited = now - (requested_at if state.scaling_began is None else state.scaling_began)
    served = state.in_force(now, requested_at=requested_at, period_seconds=world.settings.metric_period_seconds)
    counted = replace(served.exposure, waited_seconds=exposure.waited_seconds + waited)
    return replace(served, exposure=counted, look_after=seconds_to_next_look(plan, served, now))


def _tell_step(world: World, execution: str, plan: Plan, state: StepState) -> None:
    """Tell once that a step has its first share. A hold-back is told as the promotion that it is."""
    step, number, of = plan.step(state.index), state.index + 1, len(plan.steps)
    if step.passes is Passes.HOLD_BACK:
        return
    if step.cohort is None:
        reason = sentences.STEP_BEGINS.format(number=number, of=of, share=state.exposure.wanted)
    else:
        reason = sentences.COHORT_STEP_BEGINS.format(number=number, of=of, title=step.title)
    tell_once(
        world, execution, Happened.STEP, reason, which=str(number),
        step=number, steps=of, title=step.title, percent=state.exposure.wanted,
    )  # fmt: skip


def _prove_safe(view: EndpointView, lock: Lock, state: StepState, *, lowers: bool) -> None:
    """Prove that the endpoint is as the share before left it. Before the first one the canary's weight is 0."""
    view.refuse_other_config(lock.config_name)
    before = state.exposure.before
    unchanged = view.shows(_weights(lock, before)) if before else view.weights[lock.canary] == 0
    if not unchanged:
        view.refuse_weights(view.weights)
    found = view.variants[lock.canary].instances
    if found < state.instances and not lowers:
        words = {"canary": lock.canary, "found": found, "needed": state.instances}
        raise CapacityUnavailable(sentences.TOO_FEW_INSTANCES.format(**words))


def _lower_if_halted_meanwhile(world: World, lock: Lock) -> None:
    """Undo the raise if the rollout was halted after this handler looked. The process that halted it may have ended.

    Lower also when the ledger does not answer: then nobody knows. A release that is promoted keeps its traffic, unless
    an alarm or a gate has taken it; what the raise gave the former release is taken when the hold-back is over.
    """
    try:
        world.own_lock(lock.holder)
    except Exception:
        until = clock.now() + LOWERING_SECONDS
        if not lock.promoted_at or _was_taken_back(world, lock):
            lower_until_zero(world, lock, until=until)
        elif _has_ended(world, lock):
            lower_former_until_zero(world, lock, until=until)
        raise


def _was_taken_back(world: World, lock: Lock) -> bool:
    """Tell whether an alarm or a gate took the traffic of a promoted release, in a hold-back that may be over."""
    now = world.ledger.lock()
    if now is not None and now.holder == lock.holder:
        return not now.is_held_back
    return (world.ledger.rollout(lock.holder) or {}).get("outcome") != PROMOTED


def _has_ended(world: World, lock: Lock) -> bool:
    """Tell whether a rollout has given up its lock. Until then whoever ends it takes the rest."""
    now = world.ledger.lock()
    return now is None or now.holder != lock.holder
