"""Scaling policies: target tracking on a variant's invocations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollout.contract.names import SCALED_DIMENSION, SCALED_SERVICE

from canary_tools.aws_models.api.errors import validation_error
from canary_tools.aws_models.autoscaling.targets import VariantId

INVOCATIONS_PER_INSTANCE = "SageMakerVariantInvocationsPerInstance"
_KNOWN_METRICS = (INVOCATIONS_PER_INSTANCE, "SageMakerVariantConcurrentRequestsPerModelHighResolution")
_DEFAULT_COOLDOWN_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class ScalingPolicy:
    """One target-tracking policy.

    Attributes:
        configuration: the `TargetTrackingScalingPolicyConfiguration`.
        created: seconds since the epoch.
    """

    name: str
    arn: str
    variant: VariantId
    configuration: Mapping[str, Any]
    created: float

    @property
    def target_value(self) -> float:
        """The target of the metric: invocations per minute and instance."""
        return float(self.configuration["TargetValue"])

    @property
    def follows_invocations(self) -> bool:
        """Whether the policy tracks invocations per instance. Policies on other metrics are stored and do nothing."""
        predefined = self.configuration.get("PredefinedMetricSpecification", {})
        return bool(predefined.get("PredefinedMetricType") == INVOCATIONS_PER_INSTANCE)

    def cooldown_seconds(self, direction: str) -> int:
        """Return how long to wait after a scaling activity before the next one in `direction` (`In` or `Out`)."""
        return int(self.configuration.get(f"Scale{direction}Cooldown", _DEFAULT_COOLDOWN_SECONDS))


def check_policy(request: Mapping[str, Any]) -> None:
    """Refuse a policy that Application Auto Scaling would refuse, or that this model cannot follow.

    Raises:
        ApiError: `ValidationException`.
    """
    policy_type = request.get("PolicyType", "StepScaling")
    if policy_type != "TargetTrackingScaling":
        raise validation_error(f"This local AWS supports only TargetTrackingScaling policies, got {policy_type}.")
    if "TargetTrackingScalingPolicyConfiguration" not in request:
        raise validation_error("A target tracking scaling policy configuration must be specified.")
    configuration = request["TargetTrackingScalingPolicyConfiguration"]
    predefined = configuration.get("PredefinedMetricSpecification")
    if (predefined is None) == ("CustomizedMetricSpecification" not in configuration):
        raise validation_error("Specify either a predefined or a customized metric specification.")
    if predefined is not None and predefined["PredefinedMetricType"] not in _KNOWN_METRICS:
        raise validation_error(f"Predefined metric type must be one of {list(_KNOWN_METRICS)} for SageMaker variants.")


def described(policy: ScalingPolicy) -> dict[str, Any]:
    """Return a policy in the form of `DescribeScalingPolicies`."""
    return {
        "PolicyARN": policy.arn,
        "PolicyName": policy.name,
        "ServiceNamespace": SCALED_SERVICE,
        "ResourceId": policy.variant.resource_id,
        "ScalableDimension": SCALED_DIMENSION,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": policy.configuration,
        "Alarms": [],
        "CreationTime": policy.created,
    }
