"""First state: can a rollout start now? Then pin what it works on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollout import clock, sentences
from rollout.contract.errors import CannotBegin, LockLost, NothingToRelease
from rollout.contract.names import CALLER, ROLLED_BACK, other_slot
from rollout.contract.notice import Happened
from rollout.contract.plan import Settings
from rollout.contract.states import Prepared
from rollout.contract.timing import PREPARE_SECONDS
from rollout.floors import prove_in_time, suspend_scale_in
from rollout.metrics import DELETED, raised_in
from rollout.notices import tell_once
from rollout.packages import refuse_withdrawn
from rollout.takeover import end_if_dead
from rollout.way_back import former_of
from rollout.world import World

if TYPE_CHECKING:
    from rollout.contract.events import Task
    from rollout.contract.lock import Lock
    from rollout.contract.way_back import WayBack
    from rollout.endpoint import EndpointView
    from rollout.ledger import Release


def handler(event: Task, _context: object) -> dict[str, object]:
    """Return what this rollout works on; `ready` says whether it may begin."""
    world, execution = World.of(Settings.parse(event["plan"])), event["execution"]
    try:
        return prepare(world, execution, event["started_at"]).to_json()
    except NothingToRelease as error:
        _leave_as_it_was(world, execution, error)
        raise


def _leave_as_it_was(world: World, execution: str, error: NothingToRelease) -> None:
    """Give the lock back: nothing began, so nothing ends, and nobody is told of an end.

    Raises:
        CannotBegin: when the rollout did begin, with a release that is not declared any more.
    """
    if world.ledger.rollout(execution) is not None:
        raise CannotBegin(str(error)) from error
    world.ledger.free(execution)


def prepare(world: World, execution: str, started_at: str) -> Prepared:
    """Take the lock, look at the endpoint and the alarms, and pin the slots and the endpoint config.

    Raises:
        NothingToRelease: when no release waits in the idle slot, or the one that does was rejected.
        CannotBegin, EndpointUnusable, LockLost, Halted: when the rollout cannot begin.
    """
    back = _take_lock(world, execution).way_back
    out_of_patience = clock.now() > clock.seconds_of(started_at) + PREPARE_SECONDS
    view = world.endpoint.describe()
    if not view.quiet:
        if out_of_patience or not view.working:
            view.refuse_unless_quiet()
        return Prepared()
    stable = view.stable_slot()
    canary = other_slot(stable)
    if back is None:
        release = _release_in(world, view, canary)
        refuse_withdrawn(world.ledger)
    else:
        release = _former_release(world, view, back)
    serving = world.releases_in_slots(view)[stable]
    former = "" if serving is None else serving.version
    world.ledger.open_rollout(execution, release, clock.now(), former=former, way_back=back)
    stages = world.settings.api_stages
    world.ledger.pin(execution, stable=stable, canary=canary, config_name=view.config_name, api_stages=stages)
    found = Prepared(version=release.version, stable=stable, canary=canary)
    if back is None and _alarms_are_raised(world, canary, final=out_of_patience):
        return found
    suspend_scale_in(world)
    prove_in_time(world, execution)
    begun = sentences.STARTED.format(version=release.version, canary=canary, stable=stable)
    tell_once(world, execution, Happened.STARTED, begun, stable=stable, canary=canary)
    return replace(found, ready=True)


def _take_lock(world: World, execution: str) -> Lock:
    """Take the lock if it is free or its holder is dead, and prove that this rollout may go on.

    An order to halt stays in force.
    """
    machine = world.settings.state_machine_arn
    taken = world.ledger.lock_for_rollout(execution, clock.now(), state_machine=machine)
    if not taken and _another_died(world, execution):
        taken = world.ledger.lock_for_rollout(execution, clock.now(), state_machine=machine)
    lock = world.own_lock(execution)
    if world.ledger.free_if_over(execution):
        raise LockLost(sentences.OVER_ALREADY.format(execution=execution))
    return lock


def _another_died(world: World, execution: str) -> bool:
    """Tell whether the lock was a dead rollout's; that rollout is ended here."""
    lock = world.ledger.lock()
    return lock is not None and lock.holder != execution and end_if_dead(world, lock)


def _release_in(world: World, view: EndpointView, canary: str) -> Release:
    declared = world.ledger.declared()
    in_slots = world.releases_in_slots(view)
    serving, held = in_slots[other_slot(canary)], in_slots[canary]
    if declared is not None and serving is not None and serving.same_content(declared):
        raise NothingToRelease(sentences.SERVES_ALREADY.format(version=declared.version))
    if declared is None or held is None or not held.same_content(declared):
        raise NothingToRelease(sentences.NOT_IN_IDLE_SLOT.format(canary=canary))
    if declared.outcome == ROLLED_BACK:
        raise NothingToRelease(sentences.ROLLED_BACK_BEFORE.format(version=declared.version))
    return declared


def _former_release(world: World, view: EndpointView, back: WayBack) -> Release:
    """Return the release that the traffic goes back to, if the slots hold what the order names.

    Raises:
        NothingToRelease: when they do not: another rollout or a deploy came between.
    """
    serving, former = former_of(world.ledger, world.releases_in_slots(view), view.stable_slot())
    if (serving.version, former.version) != (back.leaves, back.to):
        words = {"leaves": back.leaves, "to": back.to, "serving": serving.version, "former": former.version}
        raise NothingToRelease(sentences.BACK_CHANGED.format(**words))
    return former


def _alarms_are_raised(world: World, canary: str, *, final: bool) -> bool:
    """Tell whether to wait because an alarm is in ALARM still.

    After all patience one of the canary's slot prevents nothing: it tells of the release before, and `Evaluate` judges
    by what this one does.

    Raises:
        CannotBegin: when an alarm of the caller is in ALARM after all patience, or when an alarm that should watch the
            rollout does not exist.
    """
    states = world.metrics.alarm_states(world.settings.alarms_that_stop(canary))
    deleted = [name for name, state in states.items() if state == DELETED]
    if deleted:
        raise CannotBegin(sentences.ALARMS_DELETED.format(alarms=", ".join(deleted)))
    raised = raised_in(states)
    of_caller = [name for name in raised if name in world.settings.alarms[CALLER]]
    if of_caller and final:
        raise CannotBegin(sentences.was_in_alarm(of_caller))
    return bool(raised) and not final
