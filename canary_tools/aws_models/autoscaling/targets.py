"""Scalable targets: the variants that are scaled, with their bounds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rollout.contract.names import SCALED_DIMENSION, SCALED_SERVICE

from canary_tools.aws_models.api.errors import validation_error

_RESOURCE = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")
_ROLE = (
    "arn:aws:iam::{account}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
_NOT_SUSPENDED = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}


@dataclass(frozen=True)
class VariantId:
    """The name of a variant in Application Auto Scaling."""

    endpoint_name: str
    variant_name: str

    @classmethod
    def parsed(cls, request: Mapping[str, Any]) -> "VariantId":
        """Read the variant that a request names. This model knows one namespace and one dimension.

        Raises:
            ApiError: `ValidationException` for another namespace or dimension, or a malformed `ResourceId`.
        """
        if (
            request["ServiceNamespace"] != SCALED_SERVICE
            or request.get("ScalableDimension", SCALED_DIMENSION) != SCALED_DIMENSION
        ):
            raise validation_error(
                f"Unsupported service namespace, resource type or scalable dimension: {request['ServiceNamespace']}, "
                f"{request.get('ScalableDimension')}"
            )
        match = _RESOURCE.fullmatch(request["ResourceId"])
        if match is None:
            raise validation_error(f"Unsupported resource ID: {request['ResourceId']}")
        return cls(match[1], match[2])

    @property
    def resource_id(self) -> str:
        """The `ResourceId`, such as `endpoint/shop/variant/variant-a`."""
        return f"endpoint/{self.endpoint_name}/variant/{self.variant_name}"


@dataclass(kw_only=True)
class ScalableTarget:
    """One registered variant.

    Attributes:
        suspended: the members of `SuspendedState`; true means suspended.
        created: seconds since the epoch.
    """

    variant: VariantId
    arn: str
    created: float
    min_capacity: int
    max_capacity: int
    suspended: dict[str, bool] = field(default_factory=lambda: dict(_NOT_SUSPENDED))
    tags: dict[str, str] = field(default_factory=dict)

    def change(self, request: Mapping[str, Any]) -> None:
        """Apply a `RegisterScalableTarget` request. What it leaves out stays as it is.

        Raises:
            ApiError: `ValidationException` for bounds that contradict each other. Nothing is changed then.
        """
        low = request.get("MinCapacity", self.min_capacity)
        high = request.get("MaxCapacity", self.max_capacity)
        check_bounds(low, high)
        self.min_capacity, self.max_capacity = low, high
        self.suspended.update(request.get("SuspendedState", {}))

    def clamp(self, count: int) -> int:
        """Return the count within the bounds that is nearest to `count`."""
        return min(max(count, self.min_capacity), self.max_capacity)


def check_bounds(low: int, high: int) -> None:
    """Refuse a minimum that is below 0 or above the maximum.

    Raises:
        ApiError: `ValidationException`.
    """
    if low < 0:
        raise validation_error(f"Minimum capacity must not be negative, got {low}")
    if low > high:
        raise validation_error("Maximum capacity cannot be less than minimum capacity")


def described(target: ScalableTarget, account: str) -> dict[str, Any]:
    """Return a target in the form of `DescribeScalableTargets`."""
    return {
        "ServiceNamespace": SCALED_SERVICE,
        "ResourceId": target.variant.resource_id,
        "ScalableDimension": SCALED_DIMENSION,
        "MinCapacity": target.min_capacity,
        "MaxCapacity": target.max_capacity,
        "RoleARN": _ROLE.format(account=account),
        "CreationTime": target.created,
        "SuspendedState": dict(target.suspended),
        "ScalableTargetARN": target.arn,
    }
