"""Scalable targets: which variants are scaled, and between which bounds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from canary_tools.aws_models.api.errors import validation_error

NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
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
    """A variant as Application Auto Scaling names it."""

    endpoint_name: str
    variant_name: str

    @classmethod
    def parsed(cls, request: Mapping[str, Any]) -> "VariantId":
        """Read the `ResourceId` of a request for the only namespace and dimension that exist here.

        Raises:
            ApiError: `ValidationException` for any other.
        """
        if request["ServiceNamespace"] != NAMESPACE or request.get("ScalableDimension", DIMENSION) != DIMENSION:
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
        """The `ResourceId`."""
        return f"endpoint/{self.endpoint_name}/variant/{self.variant_name}"


@dataclass(kw_only=True)
class ScalableTarget:
    """One registration.

    Attributes:
        suspended: the members of `SuspendedState`.
        created: seconds since the epoch.
    """

    variant: VariantId
    arn: str
    created: float
    min_capacity: int
    max_capacity: int
    suspended: dict[str, bool] = field(default_factory=lambda: dict(_NOT_SUSPENDED))

    def change(self, request: Mapping[str, Any]) -> None:
        """Take over what a `RegisterScalableTarget` says, and keep what it leaves out.

        Raises:
            ApiError: the bounds contradict each other; nothing was changed.
        """
        low = request.get("MinCapacity", self.min_capacity)
        high = request.get("MaxCapacity", self.max_capacity)
        check_bounds(low, high)
        self.min_capacity, self.max_capacity = low, high
        self.suspended.update(request.get("SuspendedState", {}))

    def clamp(self, count: int) -> int:
        """Return the count nearest to `count` within the bounds."""
        return min(max(count, self.min_capacity), self.max_capacity)


def check_bounds(low: int, high: int) -> None:
    """Refuse a minimum below 0 or above the maximum.

    Raises:
        ApiError: `ValidationException`.
    """
    if low < 0:
        raise validation_error(f"Minimum capacity must not be negative, got {low}")
    if low > high:
        raise validation_error("Maximum capacity cannot be less than minimum capacity")


def described(target: ScalableTarget, account: str) -> dict[str, Any]:
    """Return a target as `DescribeScalableTargets` lists it."""
    return {
        "ServiceNamespace": NAMESPACE,
        "ResourceId": target.variant.resource_id,
        "ScalableDimension": DIMENSION,
        "MinCapacity": target.min_capacity,
        "MaxCapacity": target.max_capacity,
        "RoleARN": _ROLE.format(account=account),
        "CreationTime": target.created,
        "SuspendedState": dict(target.suspended),
        "ScalableTargetARN": target.arn,
    }
