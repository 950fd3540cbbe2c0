"""How many instances each slot has: its bounds, and the target that its size follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk.aws_applicationautoscaling import CfnScalingPolicy
from rollout.contract.names import ENDPOINT_DIMENSION, SCALED_DIMENSION, SCALED_SERVICE, VARIANT_DIMENSION

from canary_construct.hosting.overridden import ScalableTarget, ScalingPolicy
from canary_construct.props.slot import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from constructs import Construct

    from canary_construct.hosting.hosting import Hosting
    from canary_construct.hosting.overridden import Endpoint
    from canary_construct.props.instance_scaling import InstanceScaling
    from canary_construct.props.scaling_metric import ScalingMetric

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
    targets = zip(Slot, (first, second), strict=True)
    return [first, second, *(policy for slot, target in targets for policy in _policies(scope, hosting, slot, target))]


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


def _policies(scope: Construct, hosting: Hosting, slot: Slot, target: ScalableTarget) -> Iterator[ScalingPolicy]:
    """Yield a policy for each metric that the instances of a slot follow."""
    scaling = hosting.scaling
    for construct_id, name, metric_type, value in (
        ("Tracking", "invocations", "SageMakerVariantInvocationsPerInstance", scaling.invocations_per_instance),
        (
            "Concurrency",
            "concurrency",
            "SageMakerVariantConcurrentRequestsPerModelHighResolution",
            scaling.concurrency_per_instance,
        ),
    ):
        if value is not None:
            predefined = CfnScalingPolicy.PredefinedMetricSpecificationProperty(predefined_metric_type=metric_type)
            followed = _configuration(scaling, value, predefined_metric_specification=predefined)
            yield _policy(scope, f"{construct_id}{slot.name}", f"{name}-{slot.value}", target, followed)
    for metric in scaling.metrics:
        customized = _customized(metric, hosting.endpoint_name, slot)
        followed = _configuration(scaling, metric.target, customized_metric_specification=customized)
        name = metric.metric_name
        yield _policy(scope, f"Metric{name}{slot.name}", f"metric-{name}-{slot.value}", target, followed)


def _customized(
    metric: ScalingMetric, endpoint_name: str, slot: Slot
) -> CfnScalingPolicy.CustomizedMetricSpecificationProperty:
    dimensions = {ENDPOINT_DIMENSION: endpoint_name, VARIANT_DIMENSION: slot.value, **metric.dimensions}
    return CfnScalingPolicy.CustomizedMetricSpecificationProperty(
        namespace=metric.namespace,
        metric_name=metric.metric_name,
        statistic=metric.statistic.value,
        dimensions=[
            CfnScalingPolicy.MetricDimensionProperty(name=name, value=value) for name, value in dimensions.items()
        ],
    )


def _configuration(
    scaling: InstanceScaling, target_value: float, **specification: Any
) -> CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty:
    return CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
        target_value=target_value,
        scale_in_cooldown=scaling.scale_in_cooldown_seconds,
        scale_out_cooldown=scaling.scale_out_cooldown_seconds,
        **specification,
    )


def _policy(
    scope: Construct,
    construct_id: str,
    name: str,
    target: ScalableTarget,
    configuration: CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty,
) -> ScalingPolicy:
    return ScalingPolicy(
        scope,
        construct_id,
        policy_name=name,
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.ref,
        target_tracking_scaling_policy_configuration=configuration,
    )
