"""Production variants in service, with their weights and instances, and the fleet that they form."""

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from canary_tools.aws_models.sagemaker.instances import Instance

RETAINED_WEIGHT = "DesiredWeight"
RETAINED_COUNT = "DesiredInstanceCount"


def single_precision(weight: float) -> float:
    """Round to a 32-bit float, in which SageMaker stores weights.

    >>> single_precision(0.1)
    0.10000000149011612
    >>> single_precision(10)
    10.0
    """
    return float(struct.unpack("f", struct.pack("f", weight))[0])


@dataclass(kw_only=True)
class Variant:
    """One variant of a fleet.

    Attributes:
        image: the container image that the model names.
        current_weight: the weight by which requests are split now.
        desired_weight: the weight that the last call asked for.
        desired_count: the number of instances that the last call asked for.
        instances: the instances in service.
    """

    name: str
    model_name: str
    instance_type: str
    image: str
    current_weight: float
    desired_weight: float
    desired_count: int
    instances: list[Instance] = field(default_factory=list)

    @property
    def current_count(self) -> int:
        """The number of instances in service."""
        return len(self.instances)


@dataclass(kw_only=True)
class Fleet:
    """All variants of one endpoint config, with their instances.

    Attributes:
        config: the properties of the endpoint config.
        started: when the deployment of the fleet began, in seconds since the epoch.
    """

    config_name: str
    config: Mapping[str, Any]
    variants: dict[str, Variant]
    started: float

    @classmethod
    def planned(
        cls,
        *,
        config_name: str,
        config: Mapping[str, Any],
        images: Mapping[str, str],
        retained_from: "Fleet | None",
        excluded: Collection[str],
        now: float,
    ) -> "Fleet":
        """Plan the fleet of an endpoint config.

        A variant keeps the weight and the instance count that the variant of the same name has in `retained_from`.
        Variants with a new name, and properties named in `excluded`, take the values of the endpoint config.

        Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html
        """
        variants = {}
        for declared in config["ProductionVariants"]:
            name = declared["VariantName"]
            kept = retained_from.variants.get(name) if retained_from is not None else None
            weight, count = declared["InitialVariantWeight"], declared["InitialInstanceCount"]
            if kept is not None and RETAINED_WEIGHT not in excluded:
                weight = kept.current_weight
            if kept is not None and RETAINED_COUNT not in excluded:
                count = kept.desired_count
            variants[name] = Variant(
                name=name,
                model_name=declared["ModelName"],
                instance_type=declared["InstanceType"],
                image=images[name],
                current_weight=single_precision(weight),
                desired_weight=single_precision(weight),
                desired_count=count,
            )
        return cls(config_name=config_name, config=config, variants=variants, started=now)

    def retire(self) -> None:
        """Let every instance finish its requests, then end."""
        for variant in self.variants.values():
            retire_all(variant.instances)
            variant.instances = []


def retire_all(instances: Sequence[Instance]) -> None:
    """Let the instances finish their requests, then end."""
    for instance in instances:
        instance.retire()


def variant_summary(variant: Variant, resolved_at: float) -> dict[str, Any]:
    """Return a `ProductionVariantSummary`. It names the image, never the model.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariantSummary.html
    """
    return {
        "VariantName": variant.name,
        "DeployedImages": [
            {"SpecifiedImage": variant.image, "ResolvedImage": variant.image, "ResolutionTime": resolved_at}
        ],
        "CurrentWeight": variant.current_weight,
        "DesiredWeight": variant.desired_weight,
        "CurrentInstanceCount": variant.current_count,
        "DesiredInstanceCount": variant.desired_count,
    }
