"""Which slot the release of a deploy goes to, or why the deploy is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rollout import adoption, sentences
from rollout.contract.errors import DeployRefused, EndpointNotFound, EndpointUnusable
from rollout.contract.hosting import INSTANCE_TYPE, knobs_of
from rollout.contract.lock import ROLLOUT
from rollout.contract.names import SLOTS
from rollout.decisions.keeping import refuse_lost, refuse_unreadable_package
from rollout.decisions.placement import (
    Placement,
    as_they_are,
    first_placement,
    next_placement,
    refuse_dropped,
    refuse_other_default,
    refuse_rejected,
    refuse_unfit,
    slot_of,
)
from rollout.endpoint import wait_until_quiet
from rollout.packages import describe
from rollout.patience import insist
from rollout.scaling import Suspension

if TYPE_CHECKING:
    from rollout.contract.adoption import Adoption
    from rollout.contract.reads import Reads
    from rollout.decisions.placement import Slots
    from rollout.deploy_request import Wanted
    from rollout.endpoint import EndpointView
    from rollout.world import World

Answer = dict[str, str | int]
"""The attributes that the endpoint config reads."""
LETTERS = dict(zip(SLOTS, "AB", strict=True))


def decide(world: World, wanted: Wanted, *, holder: str, first: bool, until: float) -> tuple[Answer, Reads]:
    """Return what each slot holds after this deploy, and what the release's model reads.

    `holder`: of the lock. `first`: whether the stack makes the endpoint. Dynamic scaling of an endpoint that is there
    is suspended from now on.

    Raises:
        DeployRefused: with what to do; nothing has changed then.
    """
    view = _looked_at(world, wanted, first=first, until=until)
    if view is None:
        slots = first_placement(wanted.asked)
        return answer_of(slots), _reads(world, wanted, slots, view, until)
    if wanted.adoption is not None and not adoption.has_slots(view):
        idle = {SLOTS[1]: wanted.asked.released()}
        reads = _reads(world, wanted, idle, view, until)
        serving = {SLOTS[0]: _adopted(world, wanted, wanted.adoption, view, holder=holder, until=until)}
        return answer_of({**serving, **idle}), reads
    slots, reads = _planned(world, wanted, view, _serving_slot(view), until)
    _suspend_scaling(world, holder, until)
    return answer_of(slots), reads


def refuse_before(world: World, wanted: Wanted, *, stable: str, first: bool, until: float) -> None:
    """Refuse what `decide` would refuse, and change nothing: a hold-back ends only for a deploy that is none of these.

    `stable`: the slot that serves when the hold-back is over.

    Raises:
        DeployRefused: with what to do.
    """
    view = _looked_at(world, wanted, first=first, until=until)
    if view is not None:
        _planned(world, wanted, view, stable, until)


def _looked_at(world: World, wanted: Wanted, *, first: bool, until: float) -> EndpointView | None:
    """Return the endpoint once it is quiet; `None` when the stack makes it.

    Raises:
        DeployRefused: when it is there and should not, or the other way round.
    """
    view = look(world, until)
    if first and view is not None and wanted.adoption is not None:
        raise DeployRefused(sentences.ADOPTS_FIRST.format(endpoint=view.name))
    if first and view is not None:
        raise DeployRefused(sentences.NAME_TAKEN.format(endpoint=view.name))
    if not first and view is None:
        raise DeployRefused(sentences.DELETED_OUTSIDE.format(endpoint=world.settings.endpoint))
    return view


def _planned(world: World, wanted: Wanted, view: EndpointView, stable: str, until: float) -> tuple[Slots, Reads]:
    """Return what the slots shall hold, and what the release's model reads. This changes nothing."""
    slots = _next_slots(world, wanted, view, stable)
    reads = _reads(world, wanted, slots, view, until)
    _refuse_unreadable(world, wanted, slots)
    return slots, reads


def _reads(world: World, wanted: Wanted, slots: Slots, view: EndpointView | None, until: float) -> Reads:
    """Return what the model reads. The package of one that comes into a slot is asked for it, and must be approved.

    One that is in a slot stays there, approved or not.

    Raises:
        DeployRefused: when the package may not be deployed, or the models' role may not read what it needs.
    """
    if not wanted.reads.package:
        return wanted.reads
    live = {} if view is None else world.endpoint.config(view.config_name)
    comes = wanted.asked.model_name in _models(slots) - _models(live)
    reads = _asked_reads(wanted, until) if comes else known_reads(world, wanted)
    refuse_unreadable_package(wanted.release.version, reads, wanted.kept)
    return reads


def _asked_reads(wanted: Wanted, until: float) -> Reads:
    package = insist(lambda: describe(wanted.reads.package), until=until)
    if package.problem:
        raise DeployRefused(package.problem)
    return replace(wanted.reads, buckets=package.buckets)


def known_reads(world: World, wanted: Wanted) -> Reads:
    """Return what the model of a release reads that is not asked for its package again."""
    known = world.ledger.reads(wanted.asked.model_name).buckets
    return replace(wanted.reads, buckets=known) if wanted.reads.package else wanted.reads


def _models(slots: Slots) -> set[str]:
    return {placed.model_name for placed in slots.values()}


def _adopted(
    world: World, wanted: Wanted, adopted: Adoption, view: EndpointView, *, holder: str, until: float
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
            prove=lambda: prove_held(world, holder),
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


def look(world: World, until: float) -> EndpointView | None:
    """Return the endpoint once it is quiet; `None` when there is none.

    Raises:
        DeployRefused: when it stays busy, or is failed; with the way out.
    """
    try:
        view = wait_until_quiet(world.endpoint, until=until)
    except EndpointNotFound:
        return None
    try:
        view.refuse_unless_quiet()
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
        look(world, until)
        prove_held(world, holder)
    except Exception:
        _let_scale_again(world, holder, slots)
        raise


def prove_held(world: World, holder: str) -> None:
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


def _next_slots(world: World, wanted: Wanted, view: EndpointView, stable: str) -> Slots:
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
    if wanted.serves_in(now[stable], in_slots[stable]):
        return as_they_are(now, wanted.asked.hosting)
    own = world.ledger.own_scaling(now[stable].model_name)
    serving = world.settings.scaling if own is None else own
    return next_placement(now, wanted.asked, serving, stable=stable)


def _refuse_unreadable(world: World, wanted: Wanted, slots: Slots) -> None:
    """Refuse a deploy that would take away what a model that stays in a slot reads."""
    for model in _models(slots) - {wanted.asked.model_name}:
        release = world.ledger.release_in(model)
        if release is not None:
            refuse_lost(release.version, world.ledger.reads(model), wanted.kept)


def answer_of(slots: Slots) -> Answer:
    """Return what the slots hold as the attributes of the resource."""
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
