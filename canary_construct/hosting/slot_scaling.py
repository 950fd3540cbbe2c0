"""How many instances each slot has: its bounds, and the target that its size follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_applicationautoscaling as appscaling
from rollout.contract.names import SCALED_DIMENSION, SCALED_SERVICE

from canary_construct.hosting.overridden import ScalableTarget, ScalingPolicy
from canary_construct.props.slot import Slot

if TYPE_CHECKING:
    from constructs import Construct

    from canary_construct.hosting.hosting import Hosting
    from canary_construct.hosting.overridden import Endpoint
    from canary_construct.props.instance_scaling import InstanceScaling

FEWEST_INSTANCES = 1
"""SageMaker's least for an instance-based variant. Source:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html"""


def slot_scaling(scope: Construct, hosting: Hosting, *, endpoint: Endpoint) -> list[ScalableTarget | ScalingPolicy]:
    """Declare the bounds of both slots, and what their sizes follow; a fixed fleet follows nothing.

    Both slots have the same, widest bounds. CloudFormation registers them again whenever a tag changes, and does not
    know which slot serves by then; Application Auto Scaling moves a count outside of the bounds at once. The floors and
    ceilings of each role are set by the handlers: when the stack settles, and during a rollout. Until then nothing
    scales in: the bounds of the template would let go of instances that a rollout, or the role of the slot, needs.

    The second target waits for the first: the first one ever in an account makes a service-linked role. Sources:
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html and
    https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html
    """
    first, second = (_scalable_target(scope, hosting, slot, endpoint) for slot in Slot)
    second.add_resource_dependency(first)
    per_instance = hosting.scaling.invocations_per_instance
    if per_instance is None:
        return [first, second]
    targets = zip(Slot, (first, second), strict=True)
    policies = [_track_invocations(scope, target, slot, hosting.scaling, per_instance) for slot, target in targets]
    return [first, second, *policies]


def _scalable_target(scope: Construct, hosting: Hosting, slot: Slot, endpoint: Endpoint) -> ScalableTarget:
    target = ScalableTarget(
        scope,
        f"Scaling{slot.name}",
        service_namespace=SCALED_SERVICE,
        scalable_dimension=SCALED_DIMENSION,
        resource_id=f"endpoint/{hosting.endpoint_name}/variant/{slot.value}",
        min_capacity=FEWEST_INSTANCES,
        max_capacity=hosting.scaling.max_instances,
        suspended_state=ScalableTarget.SuspendedStateProperty(dynamic_scaling_in_suspended=True),
    )
    target.add_resource_dependency(endpoint)
    return target


def _track_invocations(
    scope: Construct,
    target: ScalableTarget,
    slot: Slot,
    scaling: InstanceScaling,
    invocations_per_instance: int,
) -> ScalingPolicy:
    configuration = appscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
        target_value=invocations_per_instance,
        predefined_metric_specification=appscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
            predefined_metric_type="SageMakerVariantInvocationsPerInstance"
        ),
        scale_in_cooldown=scaling.scale_in_cooldown_seconds,
        scale_out_cooldown=scaling.scale_out_cooldown_seconds,
    )
    return ScalingPolicy(
        scope,
        f"Tracking{slot.name}",
        policy_name=f"invocations-{slot.value}",
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.ref,
        target_tracking_scaling_policy_configuration=configuration,
    )
