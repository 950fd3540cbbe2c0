"""The state of one endpoint, and its description."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from canary_tools.aws_models.sagemaker.variants import Fleet, variant_summary
from canary_tools.aws_models.undocumented import Undocumented


class Status(StrEnum):
    """The statuses of an endpoint that this model knows.

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
    """An endpoint, with the fleet in service and the fleet that is being deployed.

    Attributes:
        config_name: of the fleet in service; before there is one, of the fleet that was asked for.
        fleet: the fleet in service; `None` until the first one is.
        pending: the fleet that is being deployed, if any.
        pending_percent: of the requests, what that fleet answers already.
        failure_reason: why the last change failed; reset when the next change begins.
        created: seconds since the epoch; so is `modified`.
    """

    name: str
    arn: str
    status: Status
    config_name: str
    created: float
    modified: float
    fleet: Fleet | None = None
    pending: Fleet | None = None
    pending_percent: int = 0
    failure_reason: str | None = None
    deployment_config: Mapping[str, Any] | None = None

    def answering(self, generator: random.Random) -> Fleet | None:
        """Return the fleet that answers a request."""
        if self.pending_percent and 100 * generator.random() < self.pending_percent:
            return self.pending
        return self.fleet

    @property
    def in_progress(self) -> bool:
        """Whether a change runs. No other change is accepted then."""
        return self.status in IN_PROGRESS


def describe(endpoint: Endpoint, undocumented: Undocumented) -> dict[str, Any]:
    """Return the answer of `DescribeEndpoint`."""
    answer: dict[str, Any] = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config_name,
        "EndpointStatus": str(endpoint.status),
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
    }
    if endpoint.fleet is not None:
        answer["ProductionVariants"] = _production_variants(endpoint.fleet, undocumented)
    if endpoint.pending is not None:
        answer["PendingDeploymentSummary"] = _pending_summary(endpoint.pending)
    if endpoint.failure_reason is not None:
        answer["FailureReason"] = endpoint.failure_reason
    if endpoint.deployment_config is not None:
        answer["LastDeploymentConfig"] = endpoint.deployment_config
    if endpoint.fleet is not None and "MetricsConfig" in endpoint.fleet.config:
        answer["MetricsConfig"] = endpoint.fleet.config["MetricsConfig"]
    return answer


def _production_variants(fleet: Fleet, undocumented: Undocumented) -> list[dict[str, Any]]:
    rows = [variant_summary(variant, fleet.started) for variant in fleet.variants.values()]
    if not undocumented.desired_values_are_told:
        rows = [{key: value for key, value in row.items() if not key.startswith("Desired")} for row in rows]
    return rows if undocumented.variants_in_order else rows[::-1]


def _pending_summary(fleet: Fleet) -> dict[str, Any]:
    variants = [
        {**variant_summary(variant, fleet.started), "InstanceType": variant.instance_type}
        for variant in fleet.variants.values()
    ]
    return {"EndpointConfigName": fleet.config_name, "StartTime": fleet.started, "ProductionVariants": variants}
