from dataclasses import dataclass, field
from typing import Any

import pytest

from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.autoscaling.tracking import TrackingSpeed
from canary_tools.aws_models.hosting.sagemaker_hosting import SageMakerHosting
from canary_tools.aws_models.sagemaker.instances import SimulatedHost
from canary_tools.aws_models.sagemaker.timing import Timing
from canary_tools.aws_models.undocumented import Undocumented
from canary_tools.clock import VirtualClock

START = 1_800_000_000.0
TIMING = Timing(fleet_update_seconds=600, instance_launch_seconds=180, weight_update_seconds=30)
ROLE = "arn:aws:iam::000000000000:role/execution"

Weights = dict[str, tuple[str, float, int]]


@dataclass
class VirtualSageMaker:
    """SageMaker on a virtual clock, with shortcuts for what every test needs."""

    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START))
    host: SimulatedHost = field(default_factory=SimulatedHost)
    recorded: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    undocumented: Undocumented = Undocumented()  # noqa: RUF009 - frozen

    def __post_init__(self) -> None:
        self.hosting = SageMakerHosting(
            place=Place(account="000000000000", region="us-east-1"),
            clock=self.clock,
            host=self.host,
            timing=TIMING,
            record=lambda **point: self.recorded.append({**point, "at": self.clock.now()}),
            metric_delay=lambda _source: 5.0,
            tracking_speed=TrackingSpeed(period_seconds=60, periods_out=3, periods_in=5),
            undocumented=self.undocumented,
        )
        self.hosting.endpoints.on_change.append(lambda endpoint: self.statuses.append(str(endpoint.status)))

    def wait(self, seconds: float) -> None:
        self.clock.advance_to(self.clock.now() + seconds)

    def add_model(self, name: str) -> None:
        container = {"Image": f"image:{name}", "ModelDataUrl": f"s3://models/{name}.tar.gz"}
        self.hosting.catalogue.models.create(
            {"ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": container}
        )

    def add_config(self, name: str, variants: Weights, **members: object) -> None:
        """Create an endpoint config, and those of its models that are new, from (model, weight, count) by variant."""
        known = {row["ModelName"] for row in self.hosting.catalogue.models.list({})["Models"]}
        for model in {model for model, _, _ in variants.values()} - known:
            self.add_model(model)
        rows = [
            {
                "VariantName": variant,
                "ModelName": model,
                "InitialVariantWeight": weight,
                "InitialInstanceCount": count,
                "InstanceType": "ml.m5.xlarge",
            }
            for variant, (model, weight, count) in variants.items()
        ]
        self.hosting.catalogue.configs.create({"EndpointConfigName": name, "ProductionVariants": rows, **members})

    def serve(self, **members: object) -> None:
        """Bring the endpoint `shop` into service: `variant-a` at weight 100, `variant-b` at 0."""
        self.add_config("first", {"variant-a": ("v1", 100, 2), "variant-b": ("v1", 0, 1)}, **members)
        self.hosting.endpoints.create({"EndpointName": "shop", "EndpointConfigName": "first"})
        self.wait(TIMING.fleet_update_seconds)

    def update(self, config: str, **members: object) -> None:
        self.hosting.endpoints.update({"EndpointName": "shop", "EndpointConfigName": config, **members})

    def shift(self, **weights: float) -> None:
        rows = [{"VariantName": f"variant-{slot}", "DesiredWeight": weight} for slot, weight in weights.items()]
        self.hosting.endpoints.update_weights_and_capacities(
            {"EndpointName": "shop", "DesiredWeightsAndCapacities": rows}
        )

    def describe(self) -> dict[str, Any]:
        return self.hosting.endpoints.describe({"EndpointName": "shop"})

    def variants(self) -> dict[str, tuple[float, int]]:
        """Current weight and instance count by variant."""
        return {
            row["VariantName"]: (row["CurrentWeight"], row["CurrentInstanceCount"])
            for row in self.describe()["ProductionVariants"]
        }

    def register(self, slot: str, low: int, high: int, **members: object) -> None:
        self.hosting.scaling.register({**scaling_identity(slot), "MinCapacity": low, "MaxCapacity": high, **members})


def scaling_identity(slot: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": f"endpoint/shop/variant/variant-{slot}",
    }


@pytest.fixture
def sagemaker() -> VirtualSageMaker:
    return VirtualSageMaker()
