"""`Custom::ReleaseSlots`: before an endpoint config is made, decide which slot the release goes to, or refuse.

It takes the lock for the deployment, so that nothing else moves the endpoint, and pauses dynamic scaling until the
stack settles, or takes long. During a stack rollback it never fails and replays the answer that it gave to the old
properties.

SageMaker refuses another instance type for a variant that is a scalable target. So both ways it takes the idle slot's
target away when the type of that slot changes, and `settle` registers it again when the stack is at rest.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from rollout import adoption, clock, sentences
from rollout.contract.adoption import KEPT, Adoption
from rollout.contract.errors import DeployRefused, EndpointNotFound, EndpointUnusable
from rollout.contract.lock import DEPLOYMENT, ROLLOUT
from rollout.contract.names import PROMOTED, SLOTS
from rollout.contract.plan import Settings
from rollout.contract.states import Failure
from rollout.custom_resource import Event, answer, physical_id
from rollout.decisions.placement import as_they_are, first_placement
from rollout.deploy_request import Wanted, hosting_of
from rollout.ending import end_rollout
from rollout.endpoint import wait_until_quiet
from rollout.interfaces import wait_until_gone
from rollout.long_deploy import pause_again
from rollout.patience import insist
from rollout.retyping import deregister
from rollout.slot_decision import LETTERS, Answer, answer_of, decide, known_reads, look, prove_held, refuse_before
from rollout.stack import is_rolling_back, stack_status
from rollout.sweep import all_of, sweep
from rollout.takeover import cause_of_death
from rollout.world import World

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.contract.reads import Reads

PATIENCE_SECONDS = 10 * 60
FLEET_SECONDS = 3 * 60
"""More, when a stack goes back: an update of the fleet takes about ten minutes. A Lambda may take 15."""
NEVER_MADE = ":never-made"
"""After the endpoint's name: the physical ID of a resource whose creation failed. CloudFormation deletes it, too."""
UNDOES = "undo "
"""Before the request that undoes a deploy: together they are the holder of the lock."""
DEPLOYED = "Deployed"
"""Why a hold-back ends, by name."""


def handler(event: Event, _context: object) -> None:
    """Answer CloudFormation."""
    answer(event, release_slots, failed_id=lambda event: physical_id(event) + NEVER_MADE)


def release_slots(event: Event) -> Answer:
    """Answer a request for the resource."""
    world = World.of(Settings.parse(json.loads(event["ResourceProperties"]["Settings"])))
    until = clock.now() + PATIENCE_SECONDS
    if event["RequestType"] == "Delete":
        _end_with_the_stack(world, until, event)
        return {}
    waiting = Adoption.parse(event["ResourceProperties"])
    if waiting is not None and "Version" not in event["ResourceProperties"]:
        _leave_as_it_is(world, waiting, event, until)
        return {f"Version{letter}": "" for letter in LETTERS.values()}
    wanted = Wanted.parse(
        event["ResourceProperties"], event.get("OldResourceProperties", {}), scaling=world.settings.scaling
    )
    if is_rolling_back(stack_status(event["StackId"])):
        until += FLEET_SECONDS
        insist(lambda: _take_over(world, event["RequestId"]), until=until)
        return insist(lambda: _replay(world, wanted, request=event["RequestId"], until=until), until=until)
    answered = world.ledger.answer(wanted.digest, request=event["RequestId"])
    if answered is not None:
        return answered
    return _place(world, wanted, event, until=until)


def _end_with_the_stack(world: World, until: float, event: Event) -> None:
    """Sweep once the endpoint is gone. One that stays needs its models and config; only one that is kept is ours.

    A resource whose creation failed never had the endpoint: another one has it, and perhaps a rollout.
    """
    try:
        view = wait_until_quiet(world.endpoint, until=until)
    except EndpointNotFound:
        sweep(world.settings.endpoint, all_of(world.settings.endpoint))
        world.ledger.disown_endpoint()
        if "SecurityGroup" in event["ResourceProperties"]:
            wait_until_gone(event["ResourceProperties"]["SecurityGroup"], until=until)
        return
    properties = event["ResourceProperties"]
    if KEPT in properties and event.get("PhysicalResourceId") == physical_id(event):
        insist(lambda: adoption.leave(world, view, until=until), until=until)


def _leave_as_it_is(world: World, waiting: Adoption, event: Event, until: float) -> None:
    """Answer a deploy that has no release yet: it changes nothing about the endpoint."""
    if is_rolling_back(stack_status(event["StackId"])):
        until += FLEET_SECONDS
        insist(lambda: _take_over(world, event["RequestId"]), until=until)
        insist(lambda: adoption.go_back(world, until=until), until=until)
        return
    view = look(world, until)
    if view is None:
        raise DeployRefused(sentences.ADOPTS_OWN.format(endpoint=world.settings.endpoint))
    properties = event["ResourceProperties"]
    insist(
        lambda: adoption.check(
            world,
            waiting,
            view,
            first=_is_first(event),
            stack_id=event["StackId"],
            instance_type=properties["InstanceType"],
            knobs=hosting_of(properties).endpoint,
        ),
        until=until,
    )


def _take_over(world: World, request: str) -> None:
    """Take the lock of the deploy that is undone: its guard may wait still, and declares nothing without its lock.

    Its own request may come again while it is undone, and must not give the lock back.
    """
    lock = world.ledger.lock()
    if lock is not None and lock.kind == DEPLOYMENT:
        world.ledger.lock_for_deployment(f"{UNDOES}{request}", clock.now())


def _is_first(event: Event) -> bool:
    before = event.get("OldResourceProperties", {}).get("EndpointName")
    return bool(before != event["ResourceProperties"]["EndpointName"])


def _replay(world: World, wanted: Wanted, *, request: str, until: float) -> Answer:
    """Return the answer of then; a rollout that runs keeps its models.

    The answer comes when the endpoint is quiet, if that comes in time. When another resource of the stack fails,
    CloudFormation does not wait for an update of the endpoint, and SageMaker would refuse the way back: "Cannot update
    in-progress endpoint".
    What was never answered declares nothing: it is a late repetition of the request that is being undone.
    """
    own = world.ledger.answer(wanted.digest, request=request)
    if own is not None:
        return own
    with suppress(EndpointNotFound):
        pause_again(world, until=until)
        wait_until_quiet(world.endpoint, until=until)
    stored = world.ledger.answer(wanted.digest)
    answer = _as_it_is(world, wanted) if stored is None else stored
    lock = world.ledger.lock()
    if lock is not None and lock.kind == ROLLOUT and stored is not None:
        answer = _with_the_models_that_serve(answer, _as_it_is(world, wanted))
    if stored is not None:
        _declare(world, wanted, answer, known_reads(world, wanted))
    deregister(world, answer)
    return {**_versions(world, answer), **answer}


def _as_it_is(world: World, wanted: Wanted) -> Answer:
    """Return what keeps every slot as it is, for want of an answer: no slot may change its model by a rollback."""
    try:
        view = world.endpoint.describe()
        slots = as_they_are(world.endpoint.config(view.config_name), wanted.asked.hosting)
    except EndpointNotFound:
        slots = first_placement(wanted.asked)
    return answer_of(slots)


def _with_the_models_that_serve(stored: Answer, now: Answer) -> Answer:
    """Return what was answered then, unless it would change a model under a rollout that runs (invariant 1)."""
    models = [f"Model{letter}" for letter in LETTERS.values()]
    return stored if all(stored[model] == now[model] for model in models) else now


def _place(world: World, wanted: Wanted, event: Event, *, until: float) -> Answer:
    """Place the release, unless the deploy is undone meanwhile.

    It may be undone before the lock is there, which the status of the stack shows then, or afterwards, when the request
    that undoes it takes the lock.
    """
    holder, first = event["RequestId"], _is_first(event)
    _lock(world, wanted, holder=holder, first=first, until=until)
    try:
        _refuse_undone(world, event["StackId"])
        attributes, reads = decide(world, wanted, holder=holder, first=first, until=until)
    except Exception:
        world.ledger.free(holder)
        raise
    _change_types(world, attributes, until)
    _prove_not_undone(world, holder)
    _declare(world, wanted, attributes, reads, anew=first)
    attributes.update(_versions(world, attributes))
    world.ledger.remember_answer(wanted.digest, attributes, request=holder)
    return attributes


def _refuse_undone(world: World, stack_id: str) -> None:
    if is_rolling_back(stack_status(stack_id)):
        raise DeployRefused(sentences.DEPLOY_ENDED.format(endpoint=world.settings.endpoint))


def _prove_not_undone(world: World, holder: str) -> None:
    """Prove that the deploy goes on, after a target may have been taken away for another instance type.

    If the stack is at rest already, the lock is taken once more, so that `settle` looks at it and registers.

    Raises:
        DeployRefused: when the deploy was undone.
    """
    try:
        prove_held(world, holder)
    except DeployRefused:
        if world.ledger.lock() is None and set(SLOTS) - world.scalers.registered().keys():
            world.ledger.lock_for_deployment(holder, clock.now())
        raise


def _change_types(world: World, attributes: Answer, until: float) -> None:
    """Make way for another instance type. If that fails, the lock stays, so that `settle` looks at it and registers."""
    left = insist(lambda: deregister(world, attributes), until=until)
    if left:
        words = {"slots": ", ".join(left), "endpoint": world.settings.endpoint}
        raise DeployRefused(sentences.STAYS_REGISTERED.format(**words))


def _declare(world: World, wanted: Wanted, answer: Answer, reads: Reads, *, anew: bool = False) -> None:
    """Declare what the deploy asks for. A new label for the model that serves is promoted as the label before was."""
    model = wanted.asked.model_name
    named = None if anew else world.ledger.release_in(model)
    world.ledger.declare(
        wanted.release,
        model,
        world.settings.scaling,
        reads=reads,
        own_scaling=wanted.own_scaling,
        in_slots={slot: str(answer[f"Model{letter}"]) for slot, letter in LETTERS.items()},
        anew=anew,
    )
    if named is not None and named.version != wanted.release.version and _serves(world, model):
        before = world.ledger.release(named.version)
        if before is not None and before.outcome == PROMOTED:
            world.ledger.promote_release(wanted.release.version, former=before.former)


def _serves(world: World, model: str) -> bool:
    """Tell whether the slot that has all the weight holds this model."""
    try:
        view = world.endpoint.describe()
        return world.endpoint.config(view.config_name)[view.stable_slot()].model_name == model
    except (EndpointNotFound, EndpointUnusable):
        return False


def _versions(world: World, attributes: Answer) -> dict[str, str]:
    """Return which release each slot's model holds; empty for a model that no deploy has declared."""
    held = {letter: world.ledger.release_in(str(attributes[f"Model{letter}"])) for letter in LETTERS.values()}
    return {f"Version{letter}": "" if release is None else release.version for letter, release in held.items()}


def _lock(world: World, wanted: Wanted, *, holder: str, first: bool, until: float) -> None:
    if world.ledger.lock_for_deployment(holder, clock.now()):
        return
    lock = world.ledger.lock()
    if lock is not None and lock.is_held_back:
        refuse_before(world, wanted, stable=lock.canary, first=first, until=until)
    left = lock is None or _is_left(world, lock, until)
    if left and world.ledger.lock_for_deployment(holder, clock.now()):
        return
    rollout = "a rollout" if lock is None else f"rollout {lock.holder}"
    raise DeployRefused(sentences.ROLLOUT_RUNS.format(rollout=rollout, endpoint=world.settings.endpoint))


def _is_left(world: World, lock: Lock, until: float) -> bool:
    """Tell whether a rollout has given its lock up; one that died is brought to its safe end for it.

    One that is held back ends for a new deploy: its release is promoted.
    """
    if world.ledger.free_if_over(lock.holder):
        return True
    deployed = Failure(error=DEPLOYED, cause=sentences.NEW_DEPLOY) if lock.is_held_back else None
    cause = deployed or insist(lambda: cause_of_death(lock), until=until)
    if cause is None:
        return False
    try:
        insist(lambda: end_rollout(world, lock.holder, cause), until=until)
    except Exception as error:
        words = {"execution": lock.holder, "endpoint": world.settings.endpoint, "cause": cause.reason, "error": error}
        raise DeployRefused(sentences.ROLLOUT_DEAD.format(**words)) from error
    return True
