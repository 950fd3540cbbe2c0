"""Scaling activities: what auto scaling did or tried to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollout.contract.names import SCALED_DIMENSION, SCALED_SERVICE

from canary_tools.aws_models.api.paging import page
from canary_tools.aws_models.autoscaling.targets import VariantId

IN_PROGRESS, SUCCESSFUL, FAILED = "InProgress", "Successful", "Failed"


@dataclass(kw_only=True)
class Activity:
    """One attempt to change a variant's instance count.

    Attributes:
        count: the instance count that was asked for.
        cause: a sentence that says why.
        started: seconds since the epoch; so is `ended`.
    """

    number: int
    variant: VariantId
    count: int
    cause: str
    started: float
    status: str = IN_PROGRESS
    message: str = ""
    ended: float | None = None


class ActivityLog:
    """All scaling activities, oldest first."""

    def __init__(self) -> None:
        self._activities: list[Activity] = []

    def begin(self, variant: VariantId, *, count: int, cause: str, now: float) -> Activity:
        """Record the start of an activity."""
        activity = Activity(number=len(self._activities) + 1, variant=variant, count=count, cause=cause, started=now)
        self._activities.append(activity)
        return activity

    def end(self, activity: Activity, *, status: str, message: str, now: float) -> None:
        """Record the end of an activity."""
        activity.status, activity.message, activity.ended = status, message, now

    def running(self, endpoint_name: str) -> list[Activity]:
        """Return the activities of an endpoint that still run."""
        return [
            activity
            for activity in self._activities
            if activity.status == IN_PROGRESS and activity.variant.endpoint_name == endpoint_name
        ]

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `DescribeScalingActivities`, newest first."""
        wanted = request.get("ResourceId")
        rows = [
            _described(activity)
            for activity in reversed(self._activities)
            if wanted is None or activity.variant.resource_id == wanted
        ]
        return page("ScalingActivities", rows, request)


def _described(activity: Activity) -> dict[str, Any]:
    row: dict[str, Any] = {
        "ActivityId": f"00000000-0000-4000-8000-{activity.number:012d}",
        "ServiceNamespace": SCALED_SERVICE,
        "ResourceId": activity.variant.resource_id,
        "ScalableDimension": SCALED_DIMENSION,
        "Description": f"Setting desired instance count to {activity.count}.",
        "Cause": activity.cause,
        "StartTime": activity.started,
        "StatusCode": activity.status,
        "StatusMessage": activity.message,
    }
    if activity.ended is not None:
        row["EndTime"] = activity.ended
    return row
