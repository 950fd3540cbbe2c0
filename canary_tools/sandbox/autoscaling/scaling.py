"""Application Auto Scaling's operations on SageMaker variants.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from canary_tools.clock import Clock
from canary_tools.sandbox.autoscaling import activities, policies, targets
from canary_tools.sandbox.autoscaling.activities import ActivityLog
from canary_tools.sandbox.autoscaling.policies import ScalingPolicy, check_policy
from canary_tools.sandbox.autoscaling.targets import ScalableTarget, VariantId, check_bounds
from canary_tools.sandbox.sagemaker.arns import Place
from canary_tools.sandbox.sagemaker.endpoint import Endpoint, Status
from canary_tools.sandbox.sagemaker.endpoints import Endpoints
from canary_tools.sandbox.sagemaker.errors import ApiError, validation_error
from canary_tools.sandbox.sagemaker.paging import page
from canary_tools.sandbox.sagemaker.variants import Variant

Request = Mapping[str, Any]

_NOT_SCALABLE = "ml.t"


class Scaling:
    """Targets, policies and activities of all variants; like the endpoints it knows no threads."""

    def __init__(self, *, place: Place, clock: Clock, endpoints: Endpoints) -> None:
        self._place = place
        self._clock = clock
        self._endpoints = endpoints
        self._targets: dict[VariantId, ScalableTarget] = {}
        self._policies: dict[tuple[VariantId, str], ScalingPolicy] = {}
        self._log = ActivityLog()
        endpoints.scaled_variants = self._scaled_variants
        endpoints.on_change.append(self._note_end_of_activity)
        endpoints.on_deleted.append(self._forget_endpoint)

    def register(self, request: Request) -> dict[str, Any]:
        """Answer `RegisterScalableTarget`: add or change a target, and bring its variant within the bounds.

        If the endpoint is busy the variant keeps its count, and nobody tries again.
        """
        variant_id = VariantId.parsed(request)
        variant = self._variant(variant_id)
        if variant.instance_type.startswith(_NOT_SCALABLE):
            raise validation_error(f"Instance type {variant.instance_type} does not support automatic scaling.")
        target = self._targets.get(variant_id)
        if target is None:
            target = self._added(variant_id, request)
        target.change(request)
        count = target.clamp(variant.desired_count)
        if count != variant.desired_count:
            self.set_count(variant_id, count, cause="the scalable target's bounds changed")
        return {"ScalableTargetARN": target.arn}

    def deregister(self, request: Request) -> dict[str, Any]:
        """Answer `DeregisterScalableTarget`, which deletes the target's policies, too."""
        variant_id = VariantId.parsed(request)
        if variant_id not in self._targets:
            raise _not_found(f"No scalable target found for {variant_id.resource_id}")
        self._forget(variant_id)
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

    def put_policy(self, request: Request) -> dict[str, Any]:
        """Answer `PutScalingPolicy`; its alarms are the sandbox's own loop, so none are named."""
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

    def tracked(self) -> Iterator[tuple[ScalingPolicy, ScalableTarget, Variant]]:
        """Yield every policy with its target and its variant, if the variant serves."""
        for policy in list(self._policies.values()):
            try:
                yield policy, self._targets[policy.variant], self._variant(policy.variant)
            except ApiError:
                continue

    def set_count(self, variant_id: VariantId, count: int, *, cause: str) -> bool:
        """Ask SageMaker for a number of instances; return whether it began to act."""
        now = self._clock.now()
        activity = self._log.begin(variant_id, count=count, cause=cause, now=now)
        desired = {"VariantName": variant_id.variant_name, "DesiredInstanceCount": count}
        try:
            self._endpoints.update_weights_and_capacities(
                {"EndpointName": variant_id.endpoint_name, "DesiredWeightsAndCapacities": [desired]}
            )
        except ApiError as error:
            self._log.end(activity, status=activities.FAILED, message=error.message, now=now)
            return False
        return True

    def _added(self, variant_id: VariantId, request: Request) -> ScalableTarget:
        if "MinCapacity" not in request or "MaxCapacity" not in request:
            raise validation_error("MinCapacity and MaxCapacity are required to register a scalable target")
        check_bounds(request["MinCapacity"], request["MaxCapacity"])
        self._targets[variant_id] = ScalableTarget(
            variant=variant_id,
            arn=f"arn:aws:application-autoscaling:{self._place.region}:{self._place.account}:scalable-target/"
            f"{variant_id.endpoint_name}-{variant_id.variant_name}",
            created=self._clock.now(),
            min_capacity=request["MinCapacity"],
            max_capacity=request["MaxCapacity"],
        )
        return self._targets[variant_id]

    def _variant(self, variant_id: VariantId) -> Variant:
        if self._endpoints.exists(variant_id.endpoint_name):
            fleet = self._endpoints.find(variant_id.endpoint_name).fleet
            if fleet is not None and variant_id.variant_name in fleet.variants:
                return fleet.variants[variant_id.variant_name]
        raise validation_error(f"SageMaker endpoint variant not found: {variant_id.resource_id}")

    def _policy_arn(self, variant_id: VariantId, name: str) -> str:
        return (
            f"arn:aws:autoscaling:{self._place.region}:{self._place.account}:scalingPolicy:"
            f"{variant_id.endpoint_name}-{variant_id.variant_name}:resource/{targets.NAMESPACE}/"
            f"{variant_id.resource_id}:policyName/{name}"
        )

    def _scaled_variants(self, endpoint_name: str) -> set[str]:
        return {known.variant_name for known in self._targets if known.endpoint_name == endpoint_name}

    def _note_end_of_activity(self, endpoint: Endpoint) -> None:
        if endpoint.status is not Status.IN_SERVICE or endpoint.fleet is None:
            return
        for activity in self._log.running(endpoint.name):
            variant = endpoint.fleet.variants.get(activity.variant.variant_name)
            reached = variant is not None and variant.current_count == activity.count
            self._log.end(
                activity,
                status=activities.SUCCESSFUL if reached else activities.FAILED,
                message=f"Successfully set desired instance count to {activity.count}." if reached
                else f"Failed to set desired instance count: {endpoint.failure_reason}",
                now=self._clock.now(),
            )  # fmt: skip

    def _forget_endpoint(self, endpoint_name: str) -> None:
        for variant_id in [known for known in self._targets if known.endpoint_name == endpoint_name]:
            self._forget(variant_id)

    def _forget(self, variant_id: VariantId) -> None:
        del self._targets[variant_id]
        self._policies = {key: policy for key, policy in self._policies.items() if key[0] != variant_id}


def _not_found(message: str) -> ApiError:
    return ApiError("ObjectNotFoundException", message)
