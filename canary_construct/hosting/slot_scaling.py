"""How many instances each slot has: its bounds, and the target that its size follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Token
from aws_cdk import aws_applicationautoscaling as appscaling
from rollout.contract.names import SCALED_DIMENSION, SCALED_SERVICE

from canary_construct.props.slot import Slot

if TYPE_CHECKING:
    from aws_cdk import CustomResource
    from aws_cdk import aws_sagemaker as sagemaker
    from constructs import Construct

    from canary_construct.hosting.hosting import Hosting
    from canary_construct.props.instance_scaling import InstanceScaling


def scalable_targets(
    scope: Construct, hosting: Hosting, *, slots: CustomResource, endpoint: sagemaker.CfnEndpoint
) -> list[appscaling.CfnScalableTarget]:
    """Declare the bounds of both slots. The guard answers the floor that each slot's role has now.

    A fixed fleet has its floor as its ceiling and no target to follow.
    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-register.html
    """
    return [_scalable_target(scope, hosting, slot, slots, endpoint) for slot in Slot]


def _scalable_target(
    scope: Construct, hosting: Hosting, slot: Slot, slots: CustomResource, endpoint: sagemaker.CfnEndpoint
) -> appscaling.CfnScalableTarget:
    scaling = hosting.scaling
    floor = Token.as_number(slots.get_att(f"MinCapacity{slot.name}"))
    target = appscaling.CfnScalableTarget(
        scope,
        f"Scaling{slot.name}",
        service_namespace=SCALED_SERVICE,
        scalable_dimension=SCALED_DIMENSION,
        resource_id=f"endpoint/{hosting.endpoint_name}/variant/{slot.value}",
        min_capacity=floor,
        max_capacity=floor if scaling.invocations_per_instance is None else scaling.max_instances,
    )
    target.add_resource_dependency(endpoint)
    if scaling.invocations_per_instance is not None:
        _track_invocations(scope, target, slot, scaling, scaling.invocations_per_instance)
    return target


def _track_invocations(
    scope: Construct,
    target: appscaling.CfnScalableTarget,
    slot: Slot,
    scaling: InstanceScaling,
    invocations_per_instance: int,
) -> None:
    configuration = appscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
        target_value=invocations_per_instance,
        predefined_metric_specification=appscaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
            predefined_metric_type="SageMakerVariantInvocationsPerInstance"
        ),
        scale_in_cooldown=scaling.scale_in_cooldown_seconds,
        scale_out_cooldown=scaling.scale_out_cooldown_seconds,
    )
    appscaling.CfnScalingPolicy(
        scope,
        f"Tracking{slot.name}",
        policy_name=f"invocations-{slot.value}",
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.ref,
        target_tracking_scaling_policy_configuration=configuration,
    )
