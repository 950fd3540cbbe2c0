"""Scaling policies: target tracking on a variant's invocations or concurrent requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollout.contract.names import SCALED_DIMENSION, SCALED_SERVICE

from canary_tools.aws_models.api.errors import validation_error
from canary_tools.aws_models.autoscaling.targets import VariantId

INVOCATIONS_PER_INSTANCE = "SageMakerVariantInvocationsPerInstance"
CONCURRENCY_PER_INSTANCE = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
_KNOWN_METRICS = (INVOCATIONS_PER_INSTANCE, CONCURRENCY_PER_INSTANCE)
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
        """The target of the metric, for each instance: invocations a minute, or concurrent requests."""
        return float(self.configuration["TargetValue"])

    @property
    def metric_type(self) -> str | None:
        """The predefined metric; `None` for a customized one, which this model does not measure."""
        predefined: Mapping[str, str] = self.configuration.get("PredefinedMetricSpecification", {})
        return predefined.get("PredefinedMetricType")

    @property
    def may_scale_in(self) -> bool:
        """Whether the policy takes instances away."""
        return not self.configuration.get("DisableScaleIn", False)

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
