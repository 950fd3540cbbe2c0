"""A live endpoint that was made before its stack: one variant, scaled, with a model that nobody declared."""

from typing import Any

from rollout.contract.adoption import Adoption

from tests.lambdas.fakes.settings import ENDPOINT, INSTANCE_TYPE
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import EXECUTION_ROLE, scaling_id

VARIANT, CONFIG, MODEL = "AllTraffic", "old-config", "old-legacy"
LOGICAL_ID = "Recommender"
BOUNDS = {"MinCapacity": 2, "MaxCapacity": 6}
POLICY = {
    "TargetValue": 70.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
}
AS_BEFORE = ([(2, 6, False)], ["requests"])


class Live:
    """The endpoint, in service and scaled, and imported into the stack."""

    def __init__(self, shop: Shop) -> None:
        self._aws = shop.aws
        self.adoption = Adoption(variant=VARIANT, version="legacy", config_name=CONFIG, logical_id=LOGICAL_ID)
        catalogue, endpoints = shop.aws.sagemaker.catalogue, shop.aws.sagemaker.endpoints
        container = {"Image": "image:1", "ModelDataUrl": "s3://models/old.tar.gz"}
        catalogue.models.create({"ModelName": MODEL, "ExecutionRoleArn": EXECUTION_ROLE, "PrimaryContainer": container})
        variant = {
            "VariantName": VARIANT, "ModelName": MODEL, "InstanceType": INSTANCE_TYPE, "InitialInstanceCount": 2,
            "InitialVariantWeight": 1,
        }  # fmt: skip
        catalogue.configs.create({"EndpointConfigName": CONFIG, "ProductionVariants": [variant]})
        endpoints.create({"EndpointName": ENDPOINT, "EndpointConfigName": CONFIG})
        shop.wait_until_quiet()
        scaling = shop.aws.sagemaker.scaling
        scaling.register({**scaling_id(VARIANT), **BOUNDS})
        policy = {"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": POLICY}
        scaling.put_policy({**scaling_id(VARIANT), "PolicyName": "requests", **policy})
        shop.aws.stacks.owned[LOGICAL_ID] = endpoints.find(ENDPOINT).arn

    def scaling(self) -> tuple[list[tuple[int, int, bool]], list[str]]:
        """Return bounds and suspension of the live variant, and its policies."""
        of: dict[str, Any] = {"ServiceNamespace": "sagemaker", "ResourceIds": [scaling_id(VARIANT)["ResourceId"]]}
        targets = self._aws.sagemaker.scaling.describe_targets(of)["ScalableTargets"]
        policies = self._aws.sagemaker.scaling.describe_policies({"ResourceId": of["ResourceIds"][0]})
        bounds = [
            (target["MinCapacity"], target["MaxCapacity"], any(target["SuspendedState"].values())) for target in targets
        ]
        return bounds, [policy["PolicyName"] for policy in policies["ScalingPolicies"]]
