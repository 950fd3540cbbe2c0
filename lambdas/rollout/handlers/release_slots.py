"""`Custom::ReleaseSlots`: before an endpoint config is made, decide which slot the release goes to, or refuse.

It takes the lock for the deployment, so that nothing else moves the endpoint, and pauses dynamic scaling until the
stack settles. During a stack rollback it never fails and replays the answer that it gave to the old properties.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from rollout import clock
from rollout.contract.errors import DeployRefused, EndpointNotFound, EndpointUnusable
from rollout.contract.names import SLOTS, other_slot
from rollout.custom_resource import answer
from rollout.decisions.capacity import floors_at_rest
from rollout.decisions.placement import (
    Placement,
    Slots,
    first_placement,
    next_placement,
    refuse_unfit,
    slot_of,
)
from rollout.ledger import ROLLOUT, Release
from rollout.patience import insist
from rollout.plan import Settings
from rollout.safety import wait_until_quiet
from rollout.stack import is_rolling_back, stack_status
from rollout.sweep import all_of, sweep
from rollout.takeover import cause_of_death, end_dead_rollout
from rollout.world import World

if TYPE_CHECKING:
    from rollout.endpoint import EndpointView
    from rollout.ledger import Lock

PATIENCE_SECONDS = 10 * 60
LETTERS = dict(zip(SLOTS, "AB", strict=True))


def handler(event: dict[str, Any], _context: object) -> None:
    """Answer CloudFormation."""
    answer(event, release_slots)


def release_slots(event: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that the endpoint config and the scalable targets read."""
    properties = event["ResourceProperties"]
    world = World.of(Settings.parse(json.loads(properties["Settings"])))
    until = clock.now() + PATIENCE_SECONDS
    if event["RequestType"] == "Delete":
        _sweep_after_the_endpoint(world, until)
        return {}
    if is_rolling_back(stack_status(event["StackId"])):
        return insist(lambda: _replay(world, properties, request=event["RequestId"]), until=until)
    answered = world.ledger.answer(_digest(properties), request=event["RequestId"])
    if answered is not None:
        return answered
    return _place(world, properties, holder=event["RequestId"], first=_is_first(event), until=until)


def _sweep_after_the_endpoint(world: World, until: float) -> None:
    """Sweep once the endpoint is gone. One that stays is not this stack's, and needs its models and config."""
    try:
        wait_until_quiet(world.endpoint, until=until)
    except EndpointNotFound:
        sweep(world.settings.endpoint, all_of(world.settings.endpoint))


def _is_first(event: dict[str, Any]) -> bool:
    before = event.get("OldResourceProperties", {}).get("EndpointName")
    return bool(before != event["ResourceProperties"]["EndpointName"])


def _replay(world: World, properties: dict[str, Any], *, request: str) -> dict[str, Any]:
    """Return the answer of then, with the floors by the roles of now unless a rollout has set its own.

    What was never answered declares nothing: it is a late repetition of the request that is being undone.
    """
    own = world.ledger.answer(_digest(properties), request=request)
    if own is not None:
        return own
    stored = world.ledger.answer(_digest(properties))
    if stored is not None:
        _declare(world, properties)
    answer = _as_it_is(world, properties) if stored is None else stored
    lock = world.ledger.lock()
    runs = lock is not None and lock.kind == ROLLOUT
    if runs and stored is not None:
        answer = _with_the_models_that_serve(answer, _as_it_is(world, properties))
    answer = _versions(world, answer) | answer
    if runs:
        return answer
    try:
        return answer | _min_capacities(_floors(world, world.endpoint.describe().stable_slot()))
    except (EndpointNotFound, EndpointUnusable):
        return answer


def _as_it_is(world: World, properties: dict[str, Any]) -> dict[str, Any]:
    """Return what keeps every slot as it is, for want of an answer: no slot may change its model by a rollback."""
    try:
        view = world.endpoint.describe()
        slots = _placements(world.endpoint.config(view.config_name))
    except EndpointNotFound:
        slots = first_placement(properties["ModelName"], world.settings.scaling)
    return _attributes(slots, {slot: placement.instances for slot, placement in slots.items()})


def _with_the_models_that_serve(stored: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Return what was answered then, unless it would change a model under a rollout that runs (invariant 1)."""
    models = [f"Model{letter}" for letter in LETTERS.values()]
    return stored if all(stored[model] == now[model] for model in models) else now


def _place(world: World, properties: dict[str, Any], *, holder: str, first: bool, until: float) -> dict[str, Any]:
    _lock(world, holder, until)
    try:
        attributes = _decide(world, properties, holder=holder, first=first, until=until)
    except Exception:
        world.ledger.free(holder)
        raise
    _declare(world, properties, anew=first)
    attributes |= _versions(world, attributes)
    world.ledger.remember_answer(_digest(properties), attributes, request=holder)
    return attributes


def _declare(world: World, properties: dict[str, Any], *, anew: bool = False) -> None:
    scaling = json.loads(properties["Settings"])["scaling"]
    world.ledger.declare(_release(properties), properties["ModelName"], scaling, anew=anew)


def _versions(world: World, attributes: dict[str, Any]) -> dict[str, str]:
    """Return which release each slot's model holds; empty for a model that no deploy has declared."""
    held = {letter: world.ledger.release_in(attributes[f"Model{letter}"]) for letter in LETTERS.values()}
    return {f"Version{letter}": "" if release is None else release.version for letter, release in held.items()}


def _lock(world: World, holder: str, until: float) -> None:
    if world.ledger.lock_for_deployment(holder, clock.now()):
        return
    lock = world.ledger.lock()
    left = lock is None or _is_left(world, lock, until)
    if left and world.ledger.lock_for_deployment(holder, clock.now()):
        return
    rollout = "a rollout" if lock is None else f"rollout {lock.holder}"
    raise DeployRefused(
        f"{rollout} of endpoint {world.settings.endpoint} is running; wait for its end, or abort it, and deploy again"
    )


def _is_left(world: World, lock: Lock, until: float) -> bool:
    """Tell whether a rollout has given its lock up; one that died is brought to its safe end for it."""
    if world.ledger.free_if_over(lock.holder):
        return True
    cause = insist(lambda: cause_of_death(lock), until=until)
    if not cause:
        return False
    try:
        insist(lambda: end_dead_rollout(world, lock.holder, cause), until=until)
    except Exception as error:
        raise DeployRefused(
            f"rollout {lock.holder} of endpoint {world.settings.endpoint} cannot go on ({cause}), and what it left "
            f"cannot be restored: {error}; see to that, and deploy again"
        ) from error
    return True


def _decide(world: World, properties: dict[str, Any], *, holder: str, first: bool, until: float) -> dict[str, Any]:
    view = _look(world, until)
    if first:
        if view is not None:
            raise DeployRefused(
                f"an endpoint named {view.name} exists already and is not part of this stack; choose another "
                "endpoint_name or delete it"
            )
        slots = first_placement(properties["ModelName"], world.settings.scaling)
        return _attributes(slots, _floors(world, SLOTS[0]))
    if view is None:
        raise DeployRefused(
            f"endpoint {world.settings.endpoint} was deleted outside this stack; remove the construct from the stack, "
            "deploy, and add it again"
        )
    stable = _serving_slot(view)
    slots = _next_slots(world, properties, view, stable)
    _suspend_scaling(world, holder, until)
    return _attributes(slots, _floors(world, stable))


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
        return "wait until it is, and deploy again"
    return "remove the construct from the stack, deploy, and add it again"


def _suspend_scaling(world: World, holder: str, until: float) -> None:
    """Pause dynamic scaling, and wait for what it had begun until then."""
    slots = list(world.scalers.registered())
    try:
        for slot in slots:
            world.scalers.suspend(slot)
        _look(world, until)
        _prove_held(world, holder)
    except Exception:
        _let_scale_again(world, holder, slots)
        raise


def _prove_held(world: World, holder: str) -> None:
    """Refuse a deploy that went back while this handler waited: CloudFormation does not wait for it."""
    lock = world.ledger.lock()
    if lock is None or lock.holder != holder:
        raise DeployRefused(f"this deploy of endpoint {world.settings.endpoint} has ended meanwhile; deploy again")


def _let_scale_again(world: World, holder: str, slots: list[str]) -> None:
    """Undo the pause, for whoever has the lock by now: another deployment pauses too, a rollout keeps its instances."""
    lock = world.ledger.lock()
    if lock is not None and lock.kind != ROLLOUT and lock.holder != holder:
        return
    let_scale = world.scalers.resume if lock is None or lock.kind != ROLLOUT else world.scalers.keep_instances
    for slot in slots:
        let_scale(slot)


def _serving_slot(view: EndpointView) -> str:
    try:
        return view.stable_slot()
    except EndpointUnusable as error:
        raise DeployRefused(str(error)) from error


def _next_slots(world: World, properties: dict[str, Any], view: EndpointView, stable: str) -> Slots:
    release = _release(properties)
    variants = world.endpoint.config(view.config_name)
    _refuse_other_instance_type(world, variants, properties["InstanceType"])
    now = _placements(variants)
    in_slots = {slot: world.ledger.release_in(placement.model_name) for slot, placement in now.items()}
    known = world.ledger.release(release.version)
    if known is not None and known.same_content(release) and slot_of(release, in_slots) is not None:
        return now
    refuse_unfit(release, known)
    return next_placement(now, properties["ModelName"], world.settings.scaling, stable=stable)


def _placements(variants: list[dict[str, Any]]) -> Slots:
    """Read an endpoint config as the slots that it declares."""
    return {
        variant["VariantName"]: Placement(
            model_name=variant["ModelName"],
            weight=int(variant["InitialVariantWeight"]),
            instances=int(variant["InitialInstanceCount"]),
        )
        for variant in variants
    }


def _refuse_other_instance_type(world: World, variants: list[dict[str, Any]], instance_type: str) -> None:
    live = {variant["VariantName"]: variant["InstanceType"] for variant in variants}
    if set(live.values()) != {instance_type} and world.scalers.registered():
        raise DeployRefused(
            f"the instance type of endpoint {world.settings.endpoint} cannot change from {live[SLOTS[0]]} to "
            f"{instance_type} while its variants are scalable targets; create a second CanaryEndpoint with the new type"
        )


def _release(properties: dict[str, Any]) -> Release:
    return Release(version=properties["Version"], digest=properties["ContentDigest"])


def _floors(world: World, stable: str) -> dict[str, int]:
    return floors_at_rest(stable, other_slot(stable), world.settings.scaling)


def _attributes(slots: Slots, floors: dict[str, int]) -> dict[str, Any]:
    attributes: dict[str, Any] = _min_capacities(floors)
    for slot, letter in LETTERS.items():
        attributes |= {
            f"Model{letter}": slots[slot].model_name,
            f"Weight{letter}": slots[slot].weight,
            f"Instances{letter}": slots[slot].instances,
        }
    return attributes


def _min_capacities(floors: dict[str, int]) -> dict[str, Any]:
    return {f"MinCapacity{letter}": floors[slot] for slot, letter in LETTERS.items()}


def _digest(properties: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(properties, sort_keys=True).encode()).hexdigest()
