"""Application Auto Scaling's operations on SageMaker variants.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
"""

from collections.abc import Iterator
from typing import Any

from rollout.contract.names import SCALED_SERVICE

from canary_tools.aws_models.api.errors import ApiError, validation_error
from canary_tools.aws_models.api.operations import Request
from canary_tools.aws_models.api.paging import page
from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.autoscaling import activities, policies, targets
from canary_tools.aws_models.autoscaling.activities import ActivityLog
from canary_tools.aws_models.autoscaling.policies import ScalingPolicy, check_policy
from canary_tools.aws_models.autoscaling.scheduled_actions import ScheduledActions
from canary_tools.aws_models.autoscaling.targets import ScalableTarget, VariantId, check_bounds
from canary_tools.aws_models.autoscaling.variants import ScaledVariant, ScaledVariants
from canary_tools.aws_models.undocumented import ScalingCollision, Undocumented
from canary_tools.clock import Clock

_NOT_SCALABLE = "ml.t"


class Scaling:
    """Targets, policies and activities of all variants.

    It starts no thread and takes no lock: callers on several threads take turns.

    Attributes:
        deregistration_seconds: how long SageMaker takes a variant for scaled after its target is gone. AWS does not
            document it.
    """

    def __init__(self, *, place: Place, clock: Clock, variants: ScaledVariants, undocumented: Undocumented) -> None:
        self._place = place
        self._clock = clock
        self._variants = variants
        self._undocumented = undocumented
        self._targets: dict[VariantId, ScalableTarget] = {}
        self._policies: dict[tuple[VariantId, str], ScalingPolicy] = {}
        self._gone_at: dict[VariantId, float] = {}
        self.deregistration_seconds = 0.0
        self._log = ActivityLog()
        self.scheduled = ScheduledActions(place=place, clock=clock, is_registered=self._targets.__contains__)

    def register(self, request: Request) -> dict[str, Any]:
        """Answer `RegisterScalableTarget`: add or change a target, and bring its variant within the bounds.

        If a change of the endpoint runs, the variant keeps its count and the attempt is not repeated. The request is
        taken or refused then: AWS does not say.
        """
        variant_id = VariantId.parsed(request)
        variant = self._variant(variant_id)
        if variant.instance_type.startswith(_NOT_SCALABLE):
            raise validation_error(f"Instance type {variant.instance_type} does not support automatic scaling.")
        if self._undocumented.scaling_collision is ScalingCollision.REFUSED:
            self._variants.refuse_in_progress(variant_id)
        target = self._targets.get(variant_id)
        if target is None:
            target = self._added(variant_id, request)
        target.change(request)
        count = target.clamp(variant.desired_count)
        if count != variant.desired_count:
            self.set_count(variant_id, count, cause="the scalable target's bounds changed")
        return {"ScalableTargetARN": target.arn}

    def deregister(self, request: Request) -> dict[str, Any]:
        """Answer `DeregisterScalableTarget`. It also deletes the policies of the target."""
        variant_id = VariantId.parsed(request)
        if variant_id not in self._targets:
            raise _not_found(f"No scalable target found for {variant_id.resource_id}")
        self._forget(variant_id)
        self._gone_at[variant_id] = self._clock.now()
        return {}

    def describe_targets(self, request: Request) -> dict[str, Any]:
        """Answer `DescribeScalableTargets`."""
        wanted = request.get("ResourceIds")
        rows = [
            targets.described(target, self._place.account)
            for target in self._targets.values()
            if not wanted or target.variant.resource_id in wanted
        ]
        return page("ScalableTargets", rows, request)

    def list_tags(self, request: Request) -> dict[str, Any]:
        """Answer `ListTagsForResource`."""
        return {"Tags": dict(self._of_arn(request).tags)}

    def tag(self, request: Request) -> dict[str, Any]:
        """Answer `TagResource`."""
        self._of_arn(request).tags.update(request["Tags"])
        return {}

    def untag(self, request: Request) -> dict[str, Any]:
        """Answer `UntagResource`."""
        tags = self._of_arn(request).tags
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}

    def put_policy(self, request: Request) -> dict[str, Any]:
        """Answer `PutScalingPolicy`. The answer lists no alarms: `TargetTracking` does their work."""
        variant_id = VariantId.parsed(request)
        check_policy(request)
        if variant_id not in self._targets:
            raise _not_found(f"No scalable target registered for {variant_id.resource_id}")
        key = (variant_id, request["PolicyName"])
        known = self._policies.get(key)
        self._policies[key] = ScalingPolicy(
            name=request["PolicyName"],
            arn=self._policy_arn(variant_id, request["PolicyName"]),
            variant=variant_id,
            configuration=request["TargetTrackingScalingPolicyConfiguration"],
            created=known.created if known is not None else self._clock.now(),
        )
        return {"PolicyARN": self._policies[key].arn, "Alarms": []}

    def delete_policy(self, request: Request) -> dict[str, Any]:
        """Answer `DeleteScalingPolicy`."""
        key = (VariantId.parsed(request), request["PolicyName"])
        if key not in self._policies:
            raise _not_found(f"No scaling policy found: {request['PolicyName']}")
        del self._policies[key]
        return {}

    def describe_policies(self, request: Request) -> dict[str, Any]:
        """Answer `DescribeScalingPolicies`."""
        resource, names = request.get("ResourceId"), request.get("PolicyNames")
        rows = [
            policies.described(policy)
            for policy in self._policies.values()
            if (resource is None or policy.variant.resource_id == resource) and (not names or policy.name in names)
        ]
        return page("ScalingPolicies", rows, request)

    def describe_activities(self, request: Request) -> dict[str, Any]:
        """Answer `DescribeScalingActivities`."""
        return self._log.describe(request)

    def tracked(self, metric_type: str) -> Iterator[tuple[ScalingPolicy, ScalableTarget, ScaledVariant]]:
        """Yield every policy on this metric whose variant is in service, with its target and its variant."""
        for policy in list(self._policies.values()):
            variant = self._variants.find(policy.variant) if policy.metric_type == metric_type else None
            if variant is not None:
                yield policy, self._targets[policy.variant], variant

    def policies_of(self, variant: VariantId) -> list[ScalingPolicy]:
        """Return all policies of a variant."""
        return [policy for policy in self._policies.values() if policy.variant == variant]

    def set_count(self, variant_id: VariantId, count: int, *, cause: str) -> bool:
        """Ask SageMaker for a number of instances. Return whether SageMaker accepted the change."""
        now = self._clock.now()
        activity = self._log.begin(variant_id, count=count, cause=cause, now=now)
        try:
            self._variants.set_count(variant_id, count)
        except ApiError as error:
            self._log.end(activity, status=activities.FAILED, message=error.message, now=now)
            return False
        return True

    def scaled_variants(self, endpoint_name: str) -> set[str]:
        """Return the names of an endpoint's variants that are scalable targets, or were until a moment ago."""
        lately = self._clock.now() - self.deregistration_seconds
        gone = {variant for variant, moment in self._gone_at.items() if moment > lately}
        return {known.variant_name for known in {*self._targets, *gone} if known.endpoint_name == endpoint_name}

    def note_in_service(self, endpoint_name: str, *, failure_reason: str | None) -> None:
        """End the running activities of an endpoint whose last change is over.

        `failure_reason`: why that change failed, `None` if it did not.
        """
        for activity in self._log.running(endpoint_name):
            variant = self._variants.find(activity.variant)
            reached = variant is not None and variant.current_count == activity.count
            self._log.end(
                activity,
                status=activities.SUCCESSFUL if reached else activities.FAILED,
                message=f"Successfully set desired instance count to {activity.count}." if reached
                else f"Failed to set desired instance count: {failure_reason}",
                now=self._clock.now(),
            )  # fmt: skip

    def forget_endpoint(self, endpoint_name: str) -> None:
        """Delete the targets and policies of an endpoint that was deleted."""
        for variant_id in [known for known in self._targets if known.endpoint_name == endpoint_name]:
            self._forget(variant_id)

    def _added(self, variant_id: VariantId, request: Request) -> ScalableTarget:
        if "MinCapacity" not in request or "MaxCapacity" not in request:
            raise validation_error("MinCapacity and MaxCapacity are required to register a scalable target")
        check_bounds(request["MinCapacity"], request["MaxCapacity"])
        self._targets[variant_id] = ScalableTarget(
            variant=variant_id,
            arn=self._place.arn(
                "application-autoscaling",
                f"scalable-target/{variant_id.endpoint_name}-{variant_id.variant_name}",
            ),
            created=self._clock.now(),
            min_capacity=request["MinCapacity"],
            max_capacity=request["MaxCapacity"],
            tags=dict(request.get("Tags", {})),
        )
        return self._targets[variant_id]

    def _of_arn(self, request: Request) -> ScalableTarget:
        arn = request["ResourceARN"]
        for target in self._targets.values():
            if target.arn == arn:
                return target
        raise ApiError("ResourceNotFoundException", f"The specified resource doesn't exist: {arn}")

    def _variant(self, variant_id: VariantId) -> ScaledVariant:
        variant = self._variants.find(variant_id)
        if variant is None:
            raise validation_error(f"SageMaker endpoint variant not found: {variant_id.resource_id}")
        return variant

    def _policy_arn(self, variant_id: VariantId, name: str) -> str:
        owner = f"{variant_id.endpoint_name}-{variant_id.variant_name}"
        resource = f"resource/{SCALED_SERVICE}/{variant_id.resource_id}"
        return self._place.arn("autoscaling", f"scalingPolicy:{owner}:{resource}:policyName/{name}")

    def _forget(self, variant_id: VariantId) -> None:
        del self._targets[variant_id]
        self._policies = {key: policy for key, policy in self._policies.items() if key[0] != variant_id}
        self.scheduled.forget(variant_id)


def _not_found(message: str) -> ApiError:
    return ApiError("ObjectNotFoundException", message)
