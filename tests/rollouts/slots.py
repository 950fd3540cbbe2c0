"""An endpoint at one moment, as SageMaker and Application Auto Scaling describe it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.rollouts.stage import Stage

A, B = "variant-a", "variant-b"


@dataclass(frozen=True, kw_only=True)
class Slots:
    """The endpoint at one moment: its status, its config, and by slot weights, instances and floors."""

    status: str
    config_name: str
    weights: Mapping[str, float]
    instances: Mapping[str, int]
    floors: Mapping[str, int]
    suspended: frozenset[str]
    """Slots whose scaling is suspended in either direction."""


def slots_of(stage: Stage, endpoint_name: str) -> Slots:
    """Describe an endpoint and its scalable targets."""
    endpoint = stage.client("sagemaker").describe_endpoint(EndpointName=endpoint_name)
    variants = {variant["VariantName"]: variant for variant in endpoint["ProductionVariants"]}
    targets = {target["ResourceId"].rsplit("/", 1)[1]: target for target in scalable_targets(stage, endpoint_name)}
    return Slots(
        status=endpoint["EndpointStatus"],
        config_name=endpoint["EndpointConfigName"],
        weights={slot: variant["CurrentWeight"] for slot, variant in variants.items()},
        instances={slot: variant["CurrentInstanceCount"] for slot, variant in variants.items()},
        floors={slot: target["MinCapacity"] for slot, target in targets.items()},
        suspended=frozenset(slot for slot, target in targets.items() if any(target["SuspendedState"].values())),
    )


def scalable_targets(stage: Stage, endpoint_name: str) -> list[dict[str, Any]]:
    """Return an endpoint's scalable targets."""
    found: list[dict[str, Any]] = stage.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker",
        ResourceIds=[f"endpoint/{endpoint_name}/variant/{slot}" for slot in (A, B)],
    )["ScalableTargets"]
    return found
