"""The state of one endpoint, and how SageMaker describes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from canary_tools.aws_models.sagemaker.variants import Fleet, variant_summary


class Status(StrEnum):
    """Endpoint statuses that occur here.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
    """

    CREATING = "Creating"
    UPDATING = "Updating"
    ROLLING_BACK = "RollingBack"
    IN_SERVICE = "InService"
    FAILED = "Failed"
    DELETING = "Deleting"


IN_PROGRESS = frozenset({Status.CREATING, Status.UPDATING, Status.ROLLING_BACK, Status.DELETING})


@dataclass(kw_only=True)
class Endpoint:
    """An endpoint with the fleet that serves and the one that is being deployed.

    Attributes:
        config_name: of the fleet that serves; while there is none, of the one that was asked for.
        fleet: `None` until the first one is in service.
        pending: the fleet of a running deployment.
        failure_reason: of the last change, until the next one begins.
        created: seconds since the epoch, as `modified`.
    """

    name: str
    arn: str
    status: Status
    config_name: str
    created: float
    modified: float
    fleet: Fleet | None = None
    pending: Fleet | None = None
    failure_reason: str | None = None
    deployment_config: Mapping[str, Any] | None = None

    @property
    def in_progress(self) -> bool:
        """Whether a change runs, so that no other is accepted."""
        return self.status in IN_PROGRESS


def describe(endpoint: Endpoint) -> dict[str, Any]:
    """Return what `DescribeEndpoint` answers."""
    answer: dict[str, Any] = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config_name,
        "EndpointStatus": str(endpoint.status),
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
    }
    if endpoint.fleet is not None:
        answer["ProductionVariants"] = production_variants(endpoint.fleet)
    if endpoint.pending is not None:
        answer["PendingDeploymentSummary"] = _pending_summary(endpoint.pending)
    if endpoint.failure_reason is not None:
        answer["FailureReason"] = endpoint.failure_reason
    if endpoint.deployment_config is not None:
        answer["LastDeploymentConfig"] = endpoint.deployment_config
    if endpoint.fleet is not None and "MetricsConfig" in endpoint.fleet.config:
        answer["MetricsConfig"] = endpoint.fleet.config["MetricsConfig"]
    return answer


def production_variants(fleet: Fleet) -> list[dict[str, Any]]:
    """Return the `ProductionVariants` of a fleet in service."""
    return [variant_summary(variant, fleet.started) for variant in fleet.variants.values()]


def _pending_summary(fleet: Fleet) -> dict[str, Any]:
    variants = [
        {**variant_summary(variant, fleet.started), "InstanceType": variant.instance_type}
        for variant in fleet.variants.values()
    ]
    return {"EndpointConfigName": fleet.config_name, "StartTime": fleet.started, "ProductionVariants": variants}
