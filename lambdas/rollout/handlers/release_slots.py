"""`Custom::ReleaseSlots`: before an endpoint config is made, decide which slot the release goes to, or refuse.

It takes the lock for the deployment, so that nothing else moves the endpoint, and pauses dynamic scaling until the
stack settles. During a stack rollback it never fails and replays the answer that it gave to the old properties.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from rollout import clock
from rollout.custom_resource import answer
from rollout.decisions.placement import (
    Placement,
    Slots,
    first_placement,
    next_placement,
    refuse_unfit,
    slot_of,
)
from rollout.errors import DeployRefused, EndpointNotFound, EndpointUnusable
from rollout.ledger import Release
from rollout.plan import SLOTS, Settings
from rollout.safety import wait_until_quiet
from rollout.stack import is_rolling_back, stack_status
from rollout.sweep import sweep
from rollout.world import World

if TYPE_CHECKING:
    from rollout.endpoint import EndpointView

PATIENCE_SECONDS = 10 * 60


def handler(event: dict[str, Any], _context: object) -> None:
    """Answer CloudFormation."""
    answer(event, release_slots)


def release_slots(event: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that the endpoint config and the scalable targets read."""
    properties = event["ResourceProperties"]
    world = World.of(Settings.parse(json.loads(properties["Settings"])))
    if event["RequestType"] == "Delete":
        sweep(world.settings.endpoint)
        return {}
    if is_rolling_back(stack_status(event["StackId"])):
        return _replay(world, properties)
    return _place(world, properties, holder=event["RequestId"], first=_is_first(event))


def _is_first(event: dict[str, Any]) -> bool:
    before = event.get("OldResourceProperties", {}).get("EndpointName")
    return bool(before != event["ResourceProperties"]["EndpointName"])


def _replay(world: World, properties: dict[str, Any]) -> dict[str, Any]:
    world.ledger.declare(_release(properties), properties["ModelName"])
    stored = world.ledger.answer(_digest(properties))
    return stored if stored is not None else _attributes(_first(properties), _floors(properties, SLOTS[0]))


def _place(world: World, properties: dict[str, Any], *, holder: str, first: bool) -> dict[str, Any]:
    _lock(world, holder)
    try:
        attributes = _decide(world, properties, first=first)
    except Exception:
        world.ledger.free(holder)
        raise
    world.ledger.declare(_release(properties), properties["ModelName"])
    world.ledger.remember_answer(_digest(properties), attributes)
    return attributes


def _lock(world: World, holder: str) -> None:
    if world.ledger.lock_for_deployment(holder, clock.now()):
        return
    lock = world.ledger.lock()
    rollout = "a rollout" if lock is None else f"rollout {lock.holder}"
    raise DeployRefused(
        f"{rollout} of endpoint {world.settings.endpoint} is running; wait for its end, or abort it, and deploy again"
    )


def _decide(world: World, properties: dict[str, Any], *, first: bool) -> dict[str, Any]:
    view = _look(world)
    if first:
        if view is not None:
            raise DeployRefused(
                f"an endpoint named {view.name} exists already and is not part of this stack; choose another "
                "endpoint_name or delete it"
            )
        return _attributes(_first(properties), _floors(properties, SLOTS[0]))
    if view is None:
        raise DeployRefused(
            f"endpoint {world.settings.endpoint} was deleted outside this stack; remove the construct from the stack, "
            "deploy, and add it again"
        )
    stable = _serving_slot(view)
    slots = _next_slots(world, properties, view, stable)
    for slot in world.scalers.registered():
        world.scalers.suspend(slot)
    return _attributes(slots, _floors(properties, stable))


def _look(world: World) -> EndpointView | None:
    try:
        view = wait_until_quiet(world.endpoint, until=clock.now() + PATIENCE_SECONDS)
    except EndpointNotFound:
        return None
    if not view.quiet:
        why = f": {view.failure_reason}" if view.failure_reason else ""
        raise DeployRefused(f"endpoint {view.name} is {view.status}{why}; it must be InService before a deploy")
    return view


def _serving_slot(view: EndpointView) -> str:
    try:
        return view.stable_slot()
    except EndpointUnusable as error:
        raise DeployRefused(str(error)) from error


def _next_slots(world: World, properties: dict[str, Any], view: EndpointView, stable: str) -> Slots:
    release = _release(properties)
    variants = {v["VariantName"]: v for v in world.endpoint.config(view.config_name)}
    _refuse_other_instance_type(world, variants, properties["InstanceType"])
    now = {
        slot: Placement(
            model_name=variants[slot]["ModelName"],
            weight=int(variants[slot]["InitialVariantWeight"]),
            instances=int(variants[slot]["InitialInstanceCount"]),
        )
        for slot in SLOTS
    }
    in_slots = {slot: world.ledger.release_in(placement.model_name) for slot, placement in now.items()}
    known = world.ledger.release(release.version)
    if known is not None and known.same_content(release) and slot_of(release, in_slots) is not None:
        return now
    refuse_unfit(release, known)
    return next_placement(now, properties["ModelName"], stable=stable, **_role_floors(properties))


def _refuse_other_instance_type(world: World, variants: dict[str, Any], instance_type: str) -> None:
    live = {slot: variant["InstanceType"] for slot, variant in variants.items()}
    if set(live.values()) != {instance_type} and world.scalers.registered():
        raise DeployRefused(
            f"the instance type of endpoint {world.settings.endpoint} cannot change from {live[SLOTS[0]]} to "
            f"{instance_type} while its variants are scalable targets; create a second CanaryEndpoint with the new type"
        )


def _release(properties: dict[str, Any]) -> Release:
    return Release(version=properties["Version"], digest=properties["ContentDigest"])


def _role_floors(properties: dict[str, Any]) -> dict[str, int]:
    scaling = json.loads(properties["Settings"])["scaling"]
    return {"min_instances": scaling["min_instances"], "idle_instances": scaling["idle_instances"]}


def _first(properties: dict[str, Any]) -> Slots:
    return first_placement(properties["ModelName"], **_role_floors(properties))


def _floors(properties: dict[str, Any], stable: str) -> dict[str, int]:
    floors = _role_floors(properties)
    return {slot: floors["min_instances" if slot == stable else "idle_instances"] for slot in SLOTS}


def _attributes(slots: Slots, floors: dict[str, int]) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for slot, letter in zip(SLOTS, "AB", strict=True):
        attributes |= {
            f"Model{letter}": slots[slot].model_name,
            f"Weight{letter}": slots[slot].weight,
            f"Instances{letter}": slots[slot].instances,
            f"MinCapacity{letter}": floors[slot],
        }
    return attributes


def _digest(properties: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(properties, sort_keys=True).encode()).hexdigest()
