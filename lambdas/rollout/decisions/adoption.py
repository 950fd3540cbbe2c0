"""Whether a live endpoint can be taken over: what a canary endpoint would not carry on, is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout import sentences
from rollout.contract.errors import DeployRefused
from rollout.contract.hosting import KNOBS, ROUTING_CONFIG, knobs_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from rollout.contract.adoption import Adoption
    from rollout.contract.hosting import Knobs
    from rollout.contract.plan import Scaling

OF_EVERY_VARIANT = {"VariantName", "ModelName", "InitialInstanceCount", "InstanceType", "InitialVariantWeight"}
OF_EVERY_CONFIG = {"EndpointConfigName", "EndpointConfigArn", "ProductionVariants", "CreationTime", "ResponseMetadata"}
REPLACED = {"MetricsConfig"}
"""The construct has its own."""
CAPTURE = "DataCaptureConfig"
TARGET_TRACKING = "TargetTrackingScaling"


def live_variant(adoption: Adoption, config: Mapping[str, Any], *, instance_type: str, knobs: Knobs) -> dict[str, Any]:
    """Return the one variant of an endpoint config, as `DescribeEndpointConfig` has it.

    `instance_type` and `knobs`: what the construct says of its slots.

    Raises:
        DeployRefused: when the endpoint has other variants, or anything that it would lose.
    """
    variants: Sequence[Mapping[str, Any]] = config["ProductionVariants"]
    where = {"config": config["EndpointConfigName"], "variant": adoption.variant}
    names = [variant["VariantName"] for variant in variants]
    if names != [adoption.variant]:
        raise DeployRefused(sentences.ADOPTS_ONE_VARIANT.format(found=", ".join(names), **where))
    (variant,) = variants
    kept = OF_EVERY_CONFIG | REPLACED | set(adoption.carried)
    lost = [*_others(config, kept), *_others(variant, {*OF_EVERY_VARIANT, *KNOBS, ROUTING_CONFIG})]
    if lost:
        raise DeployRefused(sentences.ADOPTS_WITHOUT.format(lost=", ".join(lost), config=where["config"]))
    if variant["InstanceType"] != instance_type:
        types = {"now": variant["InstanceType"], "wanted": instance_type}
        raise DeployRefused(sentences.ADOPTS_TYPE.format(**types, **where))
    unknown = {name: value for name, value in knobs_of(variant).items() if name not in knobs}
    if unknown:
        values = ", ".join(f"{name} {value}" for name, value in unknown.items())
        raise DeployRefused(sentences.ADOPTS_HOSTING.format(knobs=values, **where))
    return dict(variant)


def _others(described: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    """Yield what else is set. SageMaker also describes what is turned off."""
    for name, value in described.items():
        off = not value or (name == CAPTURE and not value.get("EnableCapture"))
        if name not in known and not off:
            yield name


def refuse_too_many(instances: int, scaling: Scaling, *, variant: str) -> None:
    """Refuse a fleet that does not fit the bounds of a slot: instances would go while all users need them.

    Raises:
        DeployRefused: with both numbers.
    """
    if instances > scaling.max_instances:
        words = {"variant": variant, "instances": instances, "maximum": scaling.max_instances}
        raise DeployRefused(sentences.ADOPTS_FEWER.format(**words))


def refuse_lost_scaling(
    policies: Sequence[Mapping[str, Any]], actions: Sequence[Mapping[str, Any]], *, variant: str
) -> None:
    """Refuse scaling that cannot be put back as it was: alarms call a step policy by an ARN that would be another one.

    Raises:
        DeployRefused: with the names of policies and scheduled actions.
    """
    names = [policy["PolicyName"] for policy in policies if policy["PolicyType"] != TARGET_TRACKING]
    names += [action["ScheduledActionName"] for action in actions]
    if names:
        raise DeployRefused(sentences.ADOPTS_SCALING.format(variant=variant, names=", ".join(names)))
