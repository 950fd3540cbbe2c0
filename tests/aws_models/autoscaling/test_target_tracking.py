"""Target tracking follows the measured invocations."""

from typing import Any

import pytest

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.sagemaker.invocation_metrics import ServedInvocation
from canary_tools.aws_models.sagemaker.metric_source import metric_source

IDENTITY = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    "ResourceId": "endpoint/shop/variant/variant-a",
}


def track(sagemaker: Any, **members: object) -> None:
    """Hold `variant-a` at 100 invocations per minute and instance."""
    sagemaker.serve()
    sagemaker.register("a", 2, 6)
    configuration = {
        "TargetValue": 100.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        **members,
    }
    sagemaker.hosting.scaling.put_policy(
        {
            **IDENTITY,
            "PolicyName": "track",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": configuration,
        }
    )


def load(sagemaker: Any, *, per_minute: int, minutes: int) -> None:
    for _ in range(minutes):
        fleet = sagemaker.hosting.endpoints.find("shop").fleet
        invocation = ServedInvocation(model_status=200, model_microseconds=1, overhead_microseconds=1, instance_count=2)
        source = metric_source("shop", fleet, "variant-a")
        if per_minute:
            sagemaker.hosting.metrics.observe(source, invocation, count=per_minute)
        sagemaker.wait(60)


def test_three_busy_minutes_add_the_instances_that_the_load_needs(sagemaker: Any) -> None:
    track(sagemaker)
    load(sagemaker, per_minute=450, minutes=2)
    assert sagemaker.describe()["EndpointStatus"] == "InService"
    load(sagemaker, per_minute=450, minutes=5)
    assert sagemaker.variants()["variant-a"] == (100, 5)


def test_the_maximum_bounds_what_is_added(sagemaker: Any) -> None:
    track(sagemaker)
    load(sagemaker, per_minute=5000, minutes=7)
    assert sagemaker.variants()["variant-a"] == (100, 6)


def test_quiet_minutes_take_instances_away_down_to_the_minimum(sagemaker: Any) -> None:
    track(sagemaker, ScaleInCooldown=0)
    load(sagemaker, per_minute=450, minutes=7)
    load(sagemaker, per_minute=0, minutes=10)
    assert sagemaker.variants()["variant-a"] == (100, 2)


def test_suspended_scale_in_keeps_the_instances(sagemaker: Any) -> None:
    track(sagemaker, ScaleInCooldown=0)
    load(sagemaker, per_minute=450, minutes=7)
    sagemaker.register("a", 2, 6, SuspendedState={"DynamicScalingInSuspended": True})
    load(sagemaker, per_minute=0, minutes=20)
    assert sagemaker.variants()["variant-a"] == (100, 5)


def test_a_busy_endpoint_blocks_scaling_until_it_is_quiet(sagemaker: Any) -> None:
    track(sagemaker)
    sagemaker.update("first", RetainAllVariantProperties=True)
    load(sagemaker, per_minute=450, minutes=9)
    assert sagemaker.variants()["variant-a"] == (100, 2)
    load(sagemaker, per_minute=450, minutes=6)
    assert sagemaker.variants()["variant-a"] == (100, 5)


def test_deregistration_deletes_the_policies(sagemaker: Any) -> None:
    track(sagemaker)
    sagemaker.hosting.scaling.deregister(IDENTITY)
    assert sagemaker.hosting.scaling.describe_policies({})["ScalingPolicies"] == []
    with pytest.raises(ApiError, match="No scalable target"):
        sagemaker.hosting.scaling.deregister(IDENTITY)


def test_a_registration_keeps_what_it_does_not_mention(sagemaker: Any) -> None:
    sagemaker.serve()
    sagemaker.register("a", 2, 6, SuspendedState={"DynamicScalingInSuspended": True})
    sagemaker.hosting.scaling.register({**IDENTITY, "MinCapacity": 1})
    target = sagemaker.hosting.scaling.describe_targets({})["ScalableTargets"][0]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 6)
    assert target["SuspendedState"]["DynamicScalingInSuspended"] is True
