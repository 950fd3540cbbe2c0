"""`Custom::ReleaseSlots`: before an endpoint config is made, decide which slot the release goes to, or refuse.

It takes the lock for the deployment, so that nothing else moves the endpoint, and pauses dynamic scaling until the
stack settles. During a stack rollback it never fails and replays the answer that it gave to the old properties.

SageMaker refuses another instance type for a variant that is a scalable target. So both ways it takes the idle slot's
target away when the type of that slot changes, and `settle` registers it again when the stack is at rest.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rollout import adoption, clock, sentences
from rollout.contract.adoption import KEPT, Adoption
from rollout.contract.errors import DeployRefused, EndpointNotFound, EndpointUnusable
from rollout.contract.hosting import INSTANCE_TYPE, RELEASE_TYPE, SlotHosting, knobs_of
from rollout.contract.lock import ROLLOUT
from rollout.contract.names import SLOTS
from rollout.contract.plan import Settings
from rollout.contract.reads import Reads
from rollout.contract.states import Failure
from rollout.custom_resource import Event, answer
from rollout.decisions.keeping import Kept, refuse_lost, refuse_unreadable_package
from rollout.decisions.placement import (
    Asked,
    Placement,
    Slots,
    as_they_are,
    first_placement,
    next_placement,
    refuse_dropped,
    refuse_other_default,
    refuse_rejected,
    refuse_unfit,
    slot_of,
    types_changed,
)
from rollout.ending import end_rollout
from rollout.endpoint import wait_until_quiet
from rollout.interfaces import wait_until_gone
from rollout.ledger import Release
from rollout.packages import describe
from rollout.patience import insist
from rollout.scaling import Suspension
from rollout.stack import is_rolling_back, stack_status
from rollout.sweep import all_of, sweep
from rollout.takeover import cause_of_death
from rollout.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.contract.lock import Lock
    from rollout.endpoint import EndpointView

Answer = dict[str, str | int]
"""The attributes that the endpoint config reads."""
PATIENCE_SECONDS = 10 * 60
FLEET_SECONDS = 3 * 60
"""More, when a stack goes back: an update of the fleet takes about ten minutes. A Lambda may take 15."""
DEPLOYED = "Deployed"
"""Why a hold-back ends, by name."""
UNREGISTERED_SECONDS = 2
"""How long a target must stay away: a handler of a rollout that has ended may register it once more."""
TRIES_TO_DEREGISTER = 5
LETTERS = dict(zip(SLOTS, "AB", strict=True))


def handler(event: Event, _context: object) -> None:
    """Answer CloudFormation."""
    answer(event, release_slots)


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What the properties of the resource ask for. `digest` is of them all."""

    release: Release
    asked: Asked
    default_types: tuple[str, str]
    """The instance type of releases that have none of their own: before this deploy, and now."""
    dropped: Sequence[str]
    """The knobs that the endpoint had before this deploy, and has no more."""
    digest: str
    reads: Reads
    kept: Kept
    adoption: Adoption | None

    @classmethod
    def parse(cls, properties: Mapping[str, Any], before: Mapping[str, Any]) -> _Wanted:
        hosting, default_type = _hosting(properties), properties[INSTANCE_TYPE]
        asked = Asked(
            model_name=properties["ModelName"],
            instance_type=properties.get(RELEASE_TYPE, default_type),
            hosting=hosting,
        )
        return cls(
            release=Release(version=properties["Version"], digest=_content_digest(properties)),
            asked=asked,
            default_types=(before.get(INSTANCE_TYPE, default_type), default_type),
            dropped=sorted(_hosting(before).endpoint.keys() - hosting.endpoint.keys()),
            digest=_digest(properties),
            reads=Reads(
                buckets=tuple(properties.get("ModelBuckets", ())),
                key=properties.get("ModelKey", ""),
                role=properties.get("ModelRole", ""),
                functions=tuple(properties.get("ModelFunctions", ())),
                package=properties.get("ModelPackage", ""),
            ),
            kept=_kept(properties),
            adoption=Adoption.parse(properties),
        )


def _hosting(properties: Mapping[str, Any]) -> SlotHosting:
    return SlotHosting.parse(json.loads(properties["Hosting"])) if "Hosting" in properties else SlotHosting()


def _kept(properties: Mapping[str, Any]) -> Kept:
    """Return what the stack keeps. Of a role that the library makes, the functions are left out when there is none."""
    buckets = properties.get("ReadableBuckets")
    return Kept(
        buckets=buckets,
        keys=properties.get("UsableKeys"),
        roles=properties.get("KeptRoles"),
        functions=properties.get("CallableFunctions", None if buckets is None else []),
    )


def _content_digest(properties: Mapping[str, Any]) -> str:
    """Return the digest of the release's content, with the values that were not known at synth."""
    digest: str = properties["ContentDigest"]
    values = properties.get("ContentValues")
    return _digest([digest, values]) if values else digest


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def release_slots(event: Event) -> Answer:
    """Answer a request for the resource."""
    world = World.of(Settings.parse(json.loads(event["ResourceProperties"]["Settings"])))
    until = clock.now() + PATIENCE_SECONDS
    if event["RequestType"] == "Delete":
        _end_with_the_stack(world, until, event["ResourceProperties"])
        return {}
    waiting = Adoption.parse(event["ResourceProperties"])
    if waiting is not None and "Version" not in event["ResourceProperties"]:
        _leave_as_it_is(world, waiting, event, until)
        return {f"Version{letter}": "" for letter in LETTERS.values()}
    wanted = _Wanted.parse(event["ResourceProperties"], event.get("OldResourceProperties", {}))
    if is_rolling_back(stack_status(event["StackId"])):
        until += FLEET_SECONDS
        return insist(lambda: _replay(world, wanted, request=event["RequestId"], until=until), until=until)
    answered = world.ledger.answer(wanted.digest, request=event["RequestId"])
    if answered is not None:
        return answered
    return _place(world, wanted, holder=event["RequestId"], first=_is_first(event), until=until)


def _end_with_the_stack(world: World, until: float, properties: Mapping[str, Any]) -> None:
    """Sweep once the endpoint is gone. One that stays needs its models and config; only one that is kept is ours."""
    try:
        view = wait_until_quiet(world.endpoint, until=until)
    except EndpointNotFound:
        sweep(world.settings.endpoint, all_of(world.settings.endpoint))
        if "SecurityGroup" in properties:
            wait_until_gone(properties["SecurityGroup"], until=until)
        return
    if KEPT in properties:
        insist(lambda: adoption.leave(world, view, until=until), until=until)


def _leave_as_it_is(world: World, waiting: Adoption, event: Event, until: float) -> None:
    """Answer a deploy that has no release yet: it changes nothing about the endpoint."""
    if is_rolling_back(stack_status(event["StackId"])):
        until += FLEET_SECONDS
        insist(lambda: adoption.go_back(world, until=until), until=until)
        return
    view = _look(world, until)
    if view is None:
        raise DeployRefused(sentences.ADOPTS_OWN.format(endpoint=world.settings.endpoint))
    properties = event["ResourceProperties"]
    insist(
        lambda: adoption.check(
            world,
            waiting,
            view,
            stack_id=event["StackId"],
            instance_type=properties["InstanceType"],
            knobs=_hosting(properties).endpoint,
        ),
        until=until,
    )


def _is_first(event: Event) -> bool:
    before = event.get("OldResourceProperties", {}).get("EndpointName")
    return bool(before != event["ResourceProperties"]["EndpointName"])


def _replay(world: World, wanted: _Wanted, *, request: str, until: float) -> Answer:
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
        wait_until_quiet(world.endpoint, until=until)
    stored = world.ledger.answer(wanted.digest)
    if stored is not None:
        _declare(world, wanted, _known_reads(world, wanted))
    answer = _as_it_is(world, wanted) if stored is None else stored
    lock = world.ledger.lock()
    if lock is not None and lock.kind == ROLLOUT and stored is not None:
        answer = _with_the_models_that_serve(answer, _as_it_is(world, wanted))
    _deregister(world, answer)
    return {**_versions(world, answer), **answer}


def _as_it_is(world: World, wanted: _Wanted) -> Answer:
    """Return what keeps every slot as it is, for want of an answer: no slot may change its model by a rollback."""
    try:
        view = world.endpoint.describe()
        slots = as_they_are(world.endpoint.config(view.config_name), wanted.asked.hosting)
    except EndpointNotFound:
        slots = first_placement(wanted.asked, world.settings.scaling)
    return _attributes(slots)


def _with_the_models_that_serve(stored: Answer, now: Answer) -> Answer:
    """Return what was answered then, unless it would change a model under a rollout that runs (invariant 1)."""
    models = [f"Model{letter}" for letter in LETTERS.values()]
    return stored if all(stored[model] == now[model] for model in models) else now


def _deregister(world: World, answer: Answer) -> list[str]:
    """Take away the scalable target of the idle slot if its instance type changes; return what is registered still."""
    slots = _retyped(world, answer)
    for _ in range(TRIES_TO_DEREGISTER):
        if not slots & world.scalers.registered().keys():
            return []
        for slot in slots:
            world.scalers.take_away(slot)
        clock.pause(UNREGISTERED_SECONDS)
    return sorted(slots & world.scalers.registered().keys())


def _retyped(world: World, answer: Answer) -> set[str]:
    """Return the slots whose instance type changes. One that serves is none of them, whatever the answer says."""
    try:
        view = world.endpoint.describe()
        live = world.endpoint.config(view.config_name)
    except (EndpointNotFound, EndpointUnusable):
        return set()
    slots = {slot: live[slot] for slot in LETTERS if slot in live}
    wanted = {
        slot: answer.get(f"{INSTANCE_TYPE}{LETTERS[slot]}", placed.instance_type) for slot, placed in slots.items()
    }
    return set(types_changed(slots, wanted)) - set(view.serving_slots())


def _place(world: World, wanted: _Wanted, *, holder: str, first: bool, until: float) -> Answer:
    _lock(world, holder, until)
    try:
        attributes, reads = _decide(world, wanted, holder=holder, first=first, until=until)
    except Exception:
        world.ledger.free(holder)
        raise
    _change_types(world, attributes, until)
    _declare(world, wanted, reads, anew=first)
    attributes.update(_versions(world, attributes))
    world.ledger.remember_answer(wanted.digest, attributes, request=holder)
    return attributes


def _change_types(world: World, attributes: Answer, until: float) -> None:
    """Make way for another instance type. If that fails, the lock stays, so that `settle` looks at it and registers."""
    left = insist(lambda: _deregister(world, attributes), until=until)
    if left:
        words = {"slots": ", ".join(left), "endpoint": world.settings.endpoint}
        raise DeployRefused(sentences.STAYS_REGISTERED.format(**words))


def _declare(world: World, wanted: _Wanted, reads: Reads, *, anew: bool = False) -> None:
    world.ledger.declare(wanted.release, wanted.asked.model_name, world.settings.scaling, reads=reads, anew=anew)


def _versions(world: World, attributes: Answer) -> dict[str, str]:
    """Return which release each slot's model holds; empty for a model that no deploy has declared."""
    held = {letter: world.ledger.release_in(str(attributes[f"Model{letter}"])) for letter in LETTERS.values()}
    return {f"Version{letter}": "" if release is None else release.version for letter, release in held.items()}


def _lock(world: World, holder: str, until: float) -> None:
    if world.ledger.lock_for_deployment(holder, clock.now()):
        return
    lock = world.ledger.lock()
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


def _decide(world: World, wanted: _Wanted, *, holder: str, first: bool, until: float) -> tuple[Answer, Reads]:
    view = _look(world, until)
    if first:
        if view is not None and wanted.adoption is not None:
            raise DeployRefused(sentences.ADOPTS_FIRST.format(endpoint=view.name))
        if view is not None:
            raise DeployRefused(sentences.NAME_TAKEN.format(endpoint=view.name))
        slots = first_placement(wanted.asked, world.settings.scaling)
        return _attributes(slots), _reads(world, wanted, slots, view, until)
    if view is None:
        raise DeployRefused(sentences.DELETED_OUTSIDE.format(endpoint=world.settings.endpoint))
    if wanted.adoption is not None and not adoption.has_slots(view):
        idle = {SLOTS[1]: wanted.asked.released(world.settings.scaling)}
        reads = _reads(world, wanted, idle, view, until)
        serving = {SLOTS[0]: _adopted(world, wanted, wanted.adoption, view, holder=holder, until=until)}
        return _attributes({**serving, **idle}), reads
    slots = _next_slots(world, wanted, view, _serving_slot(view))
    reads = _reads(world, wanted, slots, view, until)
    _refuse_unreadable(world, wanted, slots)
    _suspend_scaling(world, holder, until)
    return _attributes(slots), reads


def _reads(world: World, wanted: _Wanted, slots: Slots, view: EndpointView | None, until: float) -> Reads:
    """Return what the model reads. The package of one that comes into a slot is asked for it, and must be approved.

    One that is in a slot stays there, approved or not.

    Raises:
        DeployRefused: when the package may not be deployed, or the models' role may not read what it needs.
    """
    if not wanted.reads.package:
        return wanted.reads
    live = {} if view is None else world.endpoint.config(view.config_name)
    comes = wanted.asked.model_name in _models(slots) - _models(live)
    reads = _asked_reads(wanted, until) if comes else _known_reads(world, wanted)
    refuse_unreadable_package(wanted.release.version, reads, wanted.kept)
    return reads


def _asked_reads(wanted: _Wanted, until: float) -> Reads:
    package = insist(lambda: describe(wanted.reads.package), until=until)
    if package.problem:
        raise DeployRefused(package.problem)
    return replace(wanted.reads, buckets=package.buckets)


def _known_reads(world: World, wanted: _Wanted) -> Reads:
    known = world.ledger.reads(wanted.asked.model_name).buckets
    return replace(wanted.reads, buckets=known) if wanted.reads.package else wanted.reads


def _models(slots: Slots) -> set[str]:
    return {placed.model_name for placed in slots.values()}


def _adopted(
    world: World, wanted: _Wanted, adopted: Adoption, view: EndpointView, *, holder: str, until: float
) -> Placement:
    """Return the slot in which the live model serves on, and make way for it."""
    refuse_unfit(wanted.release, world.ledger.release(wanted.release.version))
    _, instance_type = wanted.default_types

    def take_over() -> tuple[dict[str, Any], int]:
        return adoption.take_over(
            world,
            adopted,
            view,
            instance_type=instance_type,
            knobs=wanted.asked.hosting.endpoint,
            prove=lambda: _prove_held(world, holder),
            until=until,
        )

    live, instances = insist(take_over, until=until)
    return Placement(
        model_name=live["ModelName"],
        weight=100,
        instances=instances,
        instance_type=instance_type,
        hosting=wanted.asked.hosting.kept(knobs_of(live)),
    )


def _look(world: World, until: float) -> EndpointView | None:
    try:
        view = wait_until_quiet(world.endpoint, until=until)
        view.refuse_unless_quiet()
    except EndpointNotFound:
        return None
    except EndpointUnusable as error:
        raise DeployRefused(f"{error}; {_way_out(view)}") from error
    return view


def _way_out(view: EndpointView) -> str:
    """Return what to do: SageMaker takes nothing but the deletion of an endpoint that is Failed."""
    if view.working:
        return sentences.WAIT
    return sentences.MAKE_ANEW


def _suspend_scaling(world: World, holder: str, until: float) -> None:
    """Pause dynamic scaling, and wait for what it had begun until then."""
    slots = list(world.scalers.registered())
    try:
        for slot in slots:
            world.scalers.suspend(slot, Suspension.ALL)
        _look(world, until)
        _prove_held(world, holder)
    except Exception:
        _let_scale_again(world, holder, slots)
        raise


def _prove_held(world: World, holder: str) -> None:
    """Refuse a deploy that went back while this handler waited: CloudFormation does not wait for it."""
    lock = world.ledger.lock()
    if lock is None or lock.holder != holder:
        raise DeployRefused(sentences.DEPLOY_ENDED.format(endpoint=world.settings.endpoint))


def _let_scale_again(world: World, holder: str, slots: list[str]) -> None:
    """Undo the pause, as the holder of the lock needs it: another deployment pauses too, a rollout keeps instances.

    So does a rollout that has ended and whose traffic was not seen yet.
    """
    lock = world.ledger.lock()
    if lock is not None and lock.kind != ROLLOUT and lock.holder != holder:
        return
    kept = (lock is not None and lock.kind == ROLLOUT) or world.ledger.landing() is not None
    for slot in slots:
        world.scalers.suspend(slot, Suspension.SCALE_IN if kept else Suspension.NONE)


def _serving_slot(view: EndpointView) -> str:
    try:
        return view.stable_slot()
    except EndpointUnusable as error:
        raise DeployRefused(str(error)) from error


def _next_slots(world: World, wanted: _Wanted, view: EndpointView, stable: str) -> Slots:
    release = wanted.release
    now = world.endpoint.config(view.config_name)
    refuse_other_default(*wanted.default_types, endpoint=view.name)
    refuse_dropped(wanted.dropped, now[stable].hosting, endpoint=view.name)
    in_slots = world.releases_in(now)
    known = world.ledger.release(release.version)
    if known is not None and known.same_content(release) and slot_of(release, in_slots) is not None:
        refuse_rejected(known, declared=world.ledger.declared(), serving=in_slots[stable])
        return as_they_are(now, wanted.asked.hosting)
    refuse_unfit(release, known)
    return next_placement(now, wanted.asked, world.settings.scaling, stable=stable)


def _refuse_unreadable(world: World, wanted: _Wanted, slots: Slots) -> None:
    """Refuse a deploy that would take away what a model that stays in a slot reads."""
    for model in _models(slots) - {wanted.asked.model_name}:
        release = world.ledger.release_in(model)
        if release is not None:
            refuse_lost(release.version, world.ledger.reads(model), wanted.kept)


def _attributes(slots: Slots) -> Answer:
    attributes: Answer = {}
    for slot, letter in LETTERS.items():
        attributes |= {
            f"Model{letter}": slots[slot].model_name,
            f"Weight{letter}": slots[slot].weight,
            f"Instances{letter}": slots[slot].instances,
            f"{INSTANCE_TYPE}{letter}": slots[slot].instance_type,
            **{f"{name}{letter}": value for name, value in slots[slot].hosting.items()},
        }
    return attributes
