"""Scheduled actions of scalable targets. They are kept and described; the clock of this model never runs them.

Source: https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html
"""

from collections.abc import Callable
from typing import Any

from rollout.contract.names import SCALED_DIMENSION, SCALED_SERVICE

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.api.operations import Request
from canary_tools.aws_models.api.paging import page
from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.autoscaling.targets import VariantId
from canary_tools.clock import Clock


class ScheduledActions:
    """The actions of all targets. They go with their target."""

    def __init__(self, *, place: Place, clock: Clock, is_registered: Callable[[VariantId], bool]) -> None:
        self._place = place
        self._clock = clock
        self._is_registered = is_registered
        self._actions: dict[tuple[VariantId, str], dict[str, Any]] = {}

    def put(self, request: Request) -> dict[str, Any]:
        """Answer `PutScheduledAction`."""
        variant_id, name = VariantId.parsed(request), request["ScheduledActionName"]
        if not self._is_registered(variant_id):
            raise ApiError("ObjectNotFoundException", f"No scalable target registered for {variant_id.resource_id}")
        self._actions[variant_id, name] = {
            "ScheduledActionName": name,
            "ScheduledActionARN": self._place.arn("autoscaling", f"scheduledAction:{variant_id.resource_id}:{name}"),
            "ServiceNamespace": SCALED_SERVICE,
            "ResourceId": variant_id.resource_id,
            "ScalableDimension": SCALED_DIMENSION,
            "Schedule": request["Schedule"],
            "ScalableTargetAction": request.get("ScalableTargetAction", {}),
            "CreationTime": self._clock.now(),
        }
        return {}

    def describe(self, request: Request) -> dict[str, Any]:
        """Answer `DescribeScheduledActions`."""
        resource = request.get("ResourceId")
        rows = [action for (of, _), action in self._actions.items() if resource in (None, of.resource_id)]
        return page("ScheduledActions", rows, request)

    def forget(self, variant_id: VariantId) -> None:
        """Delete the actions of a target that was deregistered."""
        self._actions = {key: action for key, action in self._actions.items() if key[0] != variant_id}
