"""`AWS::ApplicationAutoScaling::ScalableTarget` and `AWS::ApplicationAutoScaling::ScalingPolicy`."""

from collections.abc import Callable, Mapping
from typing import Any

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.autoscaling.scaling import Scaling
from canary_tools.sandbox.emulator.turns import Turns
from canary_tools.sandbox.sagemaker_types.properties import api_request

Properties = Mapping[str, Any]
Outcome = tuple[str, dict[str, Any]]

_SERVICE = "application-autoscaling"
_IDENTITY = ("ResourceId", "ScalableDimension", "ServiceNamespace")


class ScalableTargetType:
    """The handlers of a target. `Ref` is `ResourceId|ScalableDimension|ServiceNamespace`."""

    def __init__(self, scaling: Scaling, turns: Turns) -> None:
        self._scaling = scaling
        self._turns = turns

    def create(self, _logical_id: str, properties: Properties, _stack_name: str) -> Outcome:
        """Register the target."""
        with self._turns:
            self._register({**properties, "Tags": _tag_map(properties)})
        reference = "|".join(properties[name] for name in _IDENTITY)
        return reference, {"Id": reference}

    def update(self, physical_id: str, old: Properties, new: Properties, _stack_name: str, _logical_id: str) -> Outcome:
        """Register the target again, with the bounds of the template, even if only its tags have changed."""
        with self._turns:
            arn = self._register({name: value for name, value in new.items() if name != "Tags"})
            self._scaling.untag({"ResourceARN": arn, "TagKeys": list(_tag_map(old))})
            self._scaling.tag({"ResourceARN": arn, "Tags": _tag_map(new)})
        return physical_id, {"Id": physical_id}

    def delete(self, physical_id: str, _properties: Properties) -> None:
        """Deregister the target if it exists."""
        identity = dict(zip(_IDENTITY, physical_id.split("|"), strict=True))
        with self._turns:
            _ignoring_absence(lambda: self._scaling.deregister(identity))

    def _register(self, properties: Properties) -> str:
        answer = self._scaling.register(api_request(_SERVICE, "RegisterScalableTarget", properties))
        return str(answer["ScalableTargetARN"])


class ScalingPolicyType:
    """The handlers of a policy. `Ref` is the ARN of the policy."""

    def __init__(self, scaling: Scaling, turns: Turns) -> None:
        self._scaling = scaling
        self._turns = turns

    def create(self, _logical_id: str, properties: Properties, _stack_name: str) -> Outcome:
        """Put the policy."""
        request = api_request(_SERVICE, "PutScalingPolicy", _with_identity(properties))
        with self._turns:
            arn = self._scaling.put_policy(request)["PolicyARN"]
        return arn, {"Arn": arn}

    def update(self, _physical_id: str, _old: Properties, new: Properties, stack_name: str, logical_id: str) -> Outcome:
        """Put the policy again."""
        return self.create(logical_id, new, stack_name)

    def delete(self, _physical_id: str, properties: Properties) -> None:
        """Delete the policy if it exists. The deletion of its target may have deleted it."""
        request = api_request(_SERVICE, "DeleteScalingPolicy", _with_identity(properties))
        with self._turns:
            _ignoring_absence(lambda: self._scaling.delete_policy(request))


def _tag_map(properties: Properties) -> dict[str, str]:
    """Return the tags as the API has them: the template has a list of `Key` and `Value`."""
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags", ())}


def _with_identity(properties: Properties) -> dict[str, Any]:
    """Return the properties, with a `ScalingTargetId` (the `Ref` of a target) replaced by the target's properties."""
    if "ScalingTargetId" not in properties:
        return dict(properties)
    identity = zip(_IDENTITY, properties["ScalingTargetId"].split("|"), strict=True)
    return {**properties, **dict(identity)}


def _ignoring_absence(call: Callable[[], object]) -> None:
    try:
        call()
    except ApiError as error:
        if error.code != "ObjectNotFoundException":
            raise
