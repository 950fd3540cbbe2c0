"""The stack has reached a terminal status: let scaling work again, and start the rollout if a release waits.

Events come at least once and in any order. So everything here may be repeated, and a status that the stack has already
left is ignored. If every delivery of an event fails, its lock is still there: a rule looks at it every quarter of an
hour. The same rule ends the landing of a rollout, brings scheduled minimums into force, and lets the slots grow while a
deploy takes long.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from rollout import clients, clock, sentences
from rollout.adoption import has_slots, still_waits
from rollout.contract.errors import EndpointBusy, EndpointNotFound, EndpointUnusable
from rollout.contract.lock import ROLLOUT
from rollout.contract.names import PROMOTED, ROLLED_BACK, other_slot
from rollout.contract.plan import Settings
from rollout.endpoint import wait_until_quiet
from rollout.executions import start, unused_name
from rollout.floors import follow, keep_minimum, slots_to_scale, suspend, suspend_for
from rollout.landing import come_down, is_overdue
from rollout.long_deploy import let_slots_grow
from rollout.patience import deadline, insist_loudly
from rollout.scaling import Suspension
from rollout.stack import deploy_began_at, stack_status
from rollout.sweep import sweep, unneeded_by
from rollout.takeover import end_if_dead
from rollout.world import World

if TYPE_CHECKING:
    from rollout.contract.events import StackChanged
    from rollout.contract.landing import Landing
    from rollout.contract.lock import Lock
    from rollout.endpoint import EndpointView
    from rollout.ledger import Release
    from rollout.patience import Context

logger = logging.getLogger(__name__)

DEPLOYED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
STARTED_FROM = DEPLOYED | {"UPDATE_ROLLBACK_COMPLETE"}
"""A deploy that was refused leaves the release of the one before waiting, whose own event it may have overtaken."""

UNFINISHED = frozenset({"UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"})
"""The stack has stopped on its way, and goes on when a person lets it."""


def handler(event: StackChanged, context: Context) -> None:
    """Act on one stack event, or, without a `status`, on a lock that may have been left behind and on a landing."""
    until = deadline(context)
    world = World.of(Settings.parse(event["settings"]))
    act = _settle_event if "status" in event else _settle_what_was_left
    insist_loudly(world.settings.endpoint, lambda: act(world, event, until), until=until)


def _settle_event(world: World, event: StackChanged, until: float) -> None:
    """Read the lock before the status: one of them shows a deployment that began after the event."""
    lock = world.ledger.lock()
    if stack_status(event["stack_id"]) == event["status"]:
        settle(world, lock, event["stack_id"], event["status"], until)


def _settle_what_was_left(world: World, event: StackChanged, until: float) -> None:
    """Settle once more while there is a lock; a rollout that runs stays as it is.

    While a deploy takes long, let the slots grow. Without a lock, look whether a rollout has landed, or whether another
    minimum of instances is in force.
    """
    lock = world.ledger.lock()
    landing = world.ledger.landing() if lock is None else None
    if lock is None and landing is None and not world.scalings().are_scheduled:
        return
    status = stack_status(event["stack_id"])
    if status.startswith("DELETE_"):
        return
    if status.endswith("_IN_PROGRESS"):
        if lock is not None:
            let_slots_grow(world, lock)
    elif lock is not None:
        settle(world, lock, event["stack_id"], status, until)
    elif not world.ledger.owns_endpoint():
        return
    elif landing is not None:
        _look_at_landing(world, landing, unfinished=status in UNFINISHED)
    else:
        keep_minimum(world, unfinished=status in UNFINISHED)
        _pause_for_the_next(world)


def _look_at_landing(world: World, landing: Landing, *, unfinished: bool) -> None:
    """End a landing that may end. A busy endpoint is looked at again with the next event of the clock.

    Not for ever: floors for which there are no instances make auto scaling ask for them again and again, which keeps
    the endpoint busy.

    Raises:
        EndpointUnusable: when the weights do not show the roles; scaling works again, floors stay.
    """
    try:
        view = world.endpoint.describe()
    except EndpointNotFound:
        world.ledger.end_landing(landing)
        return
    if not view.working:
        stable = _stable_slot(world, None, view)
    elif is_overdue(landing) and len(view.serving_slots()) == 1:
        stable = view.stable_slot()
    else:
        return
    come_down(world, stable=stable, unfinished=unfinished)
    _pause_for_the_next(world)


def _pause_for_the_next(world: World) -> None:
    """Suspend scaling again if somebody took the lock while the floors came to rest."""
    lock = world.ledger.lock()
    if lock is not None:
        suspend_for(world, lock)


def settle(world: World, lock: Lock | None, stack_id: str, status: str, until: float) -> None:
    """Bring the endpoint to rest by its current roles, then hand the lock over or give it back.

    `lock` is what the ended deployment left. If another has taken the lock since then, the endpoint is its own. If the
    stack changed meanwhile, it is settled when it comes to rest again. The endpoint of another stack, whose name made
    the guard refuse this one, is left alone.

    Raises:
        EndpointBusy: when the endpoint did not come to rest in time; the event is delivered again.
        EndpointUnusable: when it never will, or when the weights do not show the roles.
    """
    if lock is not None and lock.kind == ROLLOUT:
        _start(world, lock.holder)
        return
    if not world.ledger.owns_endpoint():
        _free(world, lock)
        return
    try:
        view = wait_until_quiet(world.endpoint, until=until)
    except EndpointNotFound:
        _free(world, lock)
        return
    if view.working:
        raise EndpointBusy(sentences.NOT_SETTLED.format(endpoint=view.name, status=view.status))
    if world.ledger.lock() != lock or stack_status(stack_id) != status:
        return
    if view.quiet and not has_slots(view) and still_waits(world, view, until=until):
        _free(world, lock)
        return
    stable, unfinished = _stable_slot(world, lock, view), status in UNFINISHED
    come_down(world, stable=stable, unfinished=unfinished)
    follow(world, slots_to_scale(world, stable=stable, unfinished=unfinished))
    if lock is not None and status in DEPLOYED:
        _tidy(world, lock, view)
    release = _waiting_release(world, view, stable)
    if release is not None and world.settings.start_on_deploy and _is_deployed(release, stack_id, status):
        _hand_over(world, lock, release, stable)
    else:
        _free(world, lock)


def _tidy(world: World, lock: Lock, view: EndpointView) -> None:
    """Sweep what the deploy left behind; what cannot be swept now is swept after a later deploy.

    The next deploy may take the lock at any moment. The list that is swept must not contain what that deploy placed.
    """
    try:
        unneeded = unneeded_by(world, view)
        if world.ledger.lock() == lock:
            sweep(world.settings.endpoint, unneeded)
    except (ClientError, BotoCoreError):
        logger.exception("sweeping after the deploy failed")


def _stable_slot(world: World, lock: Lock | None, view: EndpointView) -> str:
    """Return the slot that serves. Without one, free the lock, resume scaling, leave the floors, and raise.

    A landing is over then: nobody knows where the traffic should arrive.
    """
    try:
        view.refuse_unless_quiet()
        return view.stable_slot()
    except EndpointUnusable:
        _free(world, lock)
        suspend(world, Suspension.NONE)
        landing = world.ledger.landing()
        if landing is not None:
            world.ledger.end_landing(landing)
        raise


def _waiting_release(world: World, view: EndpointView, stable: str) -> Release | None:
    """Return the release that was deployed last, if it waits in the idle slot and was not rejected."""
    declared = world.ledger.declared()
    in_slots = world.releases_in_slots(view)
    serving, idle = in_slots[stable], in_slots[other_slot(stable)]
    if declared is None or idle is None or not idle.same_content(declared):
        return None
    if serving is not None and serving.same_content(declared):
        world.ledger.decide_release(declared.version, PROMOTED)
        return None
    return None if declared.outcome == ROLLED_BACK else declared


def _is_deployed(release: Release, stack_id: str, status: str) -> bool:
    """Tell whether this status starts the release. One that was tried and not judged asks for a deploy after that.

    Events come late and twice. They must not try a release again and again that AWS does not let begin.
    """
    if not release.tried_at:
        return status in STARTED_FROM
    return status in DEPLOYED and deploy_began_at(stack_id) > release.tried_at


def _hand_over(world: World, lock: Lock | None, release: Release, stable: str) -> None:
    before, machine = None if lock is None else lock.holder, world.settings.state_machine_arn
    name = unused_name(world.ledger, clients.client("stepfunctions"), machine, release.version)
    known = {"state_machine": machine, "stable": stable, "canary": other_slot(stable)}
    if world.ledger.lock_for_rollout(name, clock.now(), instead_of=before, **known):
        _start(world, name)


def _start(world: World, name: str) -> None:
    """Start the rollout that has the lock. If it is over, free its lock and restore what it left.

    Raises:
        EndpointBusy: when SageMaker was not ready; the event is delivered again.
    """
    if world.ledger.free_if_over(name):
        return
    if start(clients.client("stepfunctions"), world.settings.state_machine_arn, name):
        return
    lock = world.ledger.lock()
    if lock is not None and lock.holder == name:
        end_if_dead(world, lock)


def _free(world: World, lock: Lock | None) -> None:
    if lock is not None:
        world.ledger.free(lock.holder)
