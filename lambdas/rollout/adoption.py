"""Takes over an endpoint that was live before its stack had this library. Two deploys do that.

The first one has no release and leaves the endpoint as it is. From then on the guards are part of the stack, so that
CloudFormation calls them again when it undoes the second one. That one has a release: the live model goes into one
slot, with all the weight and as many instances as it has, and the release into the other one.
SageMaker removes a variant only when it is no scalable target. So its scaling is noted and taken away before, and put
back when the deploy is undone.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rollout import clients, sentences
from rollout.contract.adoption import FormerScaling
from rollout.contract.errors import DeployRefused, EndpointBusy, EndpointUnusable
from rollout.contract.names import SLOTS
from rollout.contract.reads import Reads
from rollout.decisions.adoption import live_variant, refuse_lost_scaling, refuse_too_many
from rollout.decisions.placement import refuse_unfit
from rollout.endpoint import wait_until_quiet
from rollout.floors import rest
from rollout.ledger import Release
from rollout.scaling import Suspension

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollout.contract.adoption import Adoption
    from rollout.contract.hosting import Knobs
    from rollout.endpoint import EndpointView
    from rollout.world import World

DIGEST = "adopted "
"""The digest of the live model's release, before the model's name: nobody knows what it was made of."""


def has_slots(view: EndpointView) -> bool:
    """Tell whether an endpoint has the variants of this library."""
    return any(slot in view.variants for slot in SLOTS)


def check(
    world: World,
    adoption: Adoption,
    view: EndpointView,
    *,
    first: bool,
    stack_id: str,
    instance_type: str,
    knobs: Knobs,
) -> None:
    """Refuse an endpoint that the second deploy could not take over, before anything changes.

    `first`: whether the stack has just got its guards. Slots that are there by then are of a stack that left them.

    Raises:
        DeployRefused: with what to do.
    """
    if _owned(stack_id, adoption.logical_id) != view.arn.lower():
        raise DeployRefused(sentences.ADOPTS_OWN.format(endpoint=view.name))
    if has_slots(view) and first:
        raise DeployRefused(sentences.ADOPTS_SLOTS.format(endpoint=view.name))
    if has_slots(view):
        raise DeployRefused(sentences.ADOPTED_ALREADY.format(endpoint=view.name))
    if view.config_name != adoption.config_name:
        words = {"endpoint": view.name, "now": view.config_name, "said": adoption.config_name}
        raise DeployRefused(sentences.ADOPTS_CONFIG.format(**words))
    config = world.endpoint.described_config(view.config_name)
    live_variant(adoption, config, instance_type=instance_type, knobs=knobs)
    live = view.variants[adoption.variant]
    refuse_too_many(live.most_instances, world.settings.scaling, variant=adoption.variant)
    _policies(world, adoption.variant)
    if not still_waits(world, view, until=0):
        world.ledger.remember_scaling(FormerScaling(variant=adoption.variant))


def _owned(stack_id: str, logical_id: str) -> str:
    """Return the ARN of the endpoint that the stack owns under this logical ID; empty without one.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResource.html
    """
    try:
        with clients.named_failures():
            found = clients.client("cloudformation").describe_stack_resource(
                StackName=stack_id, LogicalResourceId=logical_id
            )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return ""
    return str(found["StackResourceDetail"].get("PhysicalResourceId", "")).lower()


def take_over(
    world: World,
    adoption: Adoption,
    view: EndpointView,
    *,
    instance_type: str,
    knobs: Knobs,
    prove: Callable[[], None],
    until: float,
) -> tuple[dict[str, Any], int]:
    """Make way for the slots; return the live variant, and how many instances it has now.

    `prove`: raises when the deploy has ended meanwhile.

    Raises:
        DeployRefused: when the endpoint is not any more what it was. What was taken away of its scaling is put back
            here or by `settle`.
    """
    config = world.endpoint.described_config(view.config_name)
    variant = live_variant(adoption, config, instance_type=instance_type, knobs=knobs)
    release = Release(version=adoption.version, digest=f"{DIGEST}{variant['ModelName']}")
    refuse_unfit(release, world.ledger.release(release.version))
    live = view.variants[adoption.variant]
    refuse_too_many(live.most_instances, world.settings.scaling, variant=adoption.variant)
    instances = _without_scaling(world, view, adoption.variant, prove, until)
    world.ledger.declare(release, variant["ModelName"], world.settings.scaling, reads=Reads())
    return variant, instances


def _without_scaling(world: World, view: EndpointView, name: str, prove: Callable[[], None], until: float) -> int:
    """Take the scaling of the live variant away, and return how many instances it then has.

    The note comes first: whatever happens afterwards, it can be put back.
    """
    former = _noted(world, name)
    if former.target is None:
        prove()
        return view.variants[name].most_instances
    if world.scalers.target(name) is not None:  # an earlier attempt may have come further
        world.scalers.suspend(name, Suspension.ALL)
    instances = wait_until_quiet(world.endpoint, until=until).variants[name].most_instances
    refuse_too_many(instances, world.settings.scaling, variant=name)
    world.ledger.remember_scaling(replace(former, instances=instances))
    prove()
    world.scalers.take_away(name)
    try:
        prove()
    except DeployRefused:
        still_waits(world, world.endpoint.describe(), until=until)
        raise
    return instances


def _noted(world: World, name: str) -> FormerScaling:
    """Return how a variant is scaled, and note it. What an earlier attempt has noted and changed since is not read."""
    noted = world.ledger.former_scaling()
    if noted is not None and noted.variant == name and noted.target is not None:
        return noted
    former = FormerScaling(variant=name, target=world.scalers.target(name), policies=_policies(world, name))
    world.ledger.remember_scaling(former)
    return former


def _policies(world: World, variant: str) -> list[dict[str, Any]]:
    """Return the policies of a variant, if all that scales it can be put back."""
    policies = world.scalers.policies(variant)
    refuse_lost_scaling(policies, world.scalers.scheduled_actions(variant), variant=variant)
    return policies


def still_waits(world: World, view: EndpointView, *, until: float) -> bool:
    """Tell whether an endpoint waits to be taken over, and put its scaling back if a deploy took that away.

    Raises:
        EndpointBusy: when its instances do not come in time.
    """
    former = world.ledger.former_scaling()
    if former is None or former.variant not in view.variants:
        return False
    if former.target is not None:
        _put_back(world, view, former, until)
        world.ledger.remember_scaling(FormerScaling(variant=former.variant))
    return True


def _put_back(world: World, view: EndpointView, former: FormerScaling, until: float) -> None:
    """Give the variant the instances that it had, and the bounds and policies that it had.

    SageMaker has started it again with the instances of its endpoint config, which may be fewer.
    """
    assert former.target is not None
    target, put = former.target, world.scalers.put_target
    if view.variants[former.variant].instances < former.instances:
        floor = min(former.instances, target["MaxCapacity"])
        put(former.variant, {**target, "MinCapacity": floor})
        if wait_until_quiet(world.endpoint, until=until).working:
            raise EndpointBusy(sentences.NOT_SETTLED.format(endpoint=view.name, status=view.status))
    put(former.variant, target)
    for policy in former.policies:
        world.scalers.put_policy(former.variant, policy)


def go_back(world: World, *, until: float) -> None:
    """Let CloudFormation undo the deploy that made the slots: they must be no scalable targets then.

    If SageMaker never made them, the live variant gets its scaling back here.
    """
    view = wait_until_quiet(world.endpoint, until=until)
    if still_waits(world, view, until=until):
        return
    for slot in world.scalers.registered():
        world.scalers.take_away(slot)


def leave(world: World, view: EndpointView, *, until: float) -> None:
    """Let an endpoint go that stays when its stack goes: nothing that was held for a deploy or a rollout is held on."""
    if still_waits(world, view, until=until) or world.ledger.declared() is None:
        return
    try:
        rest(world, stable=view.stable_slot())
    except EndpointUnusable:
        return
