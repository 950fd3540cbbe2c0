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


def load(
    sagemaker: Any, *, per_minute: int, minutes: float, busy_seconds: float = 1e-6, every_seconds: int = 60
) -> None:
    """Let requests come for some minutes, each of which keeps the model busy for a time."""
    for _ in range(round(minutes * 60 / every_seconds)):
        fleet = sagemaker.hosting.endpoints.find("shop").fleet
        invocation = ServedInvocation(
            model_status=200,
            model_microseconds=round(busy_seconds * 1e6),
            overhead_microseconds=1,
            instance_count=sagemaker.variants()["variant-a"][1],
        )
        source = metric_source("shop", fleet, "variant-a")
        if per_minute:
            sagemaker.hosting.metrics.observe(source, invocation, count=round(per_minute * every_seconds / 60))
        sagemaker.wait(every_seconds)


def follow(sagemaker: Any, name: str, target: float, specification: dict[str, Any]) -> None:
    sagemaker.hosting.scaling.put_policy(
        {
            **IDENTITY,
            "PolicyName": name,
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": target,
                "ScaleInCooldown": 0,
                "ScaleOutCooldown": 0,
                **specification,
            },
        }
    )


CONCURRENCY = {
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"
    }
}
GPU = {
    "CustomizedMetricSpecification": {
        "Namespace": "/aws/sagemaker/Endpoints", "MetricName": "GPUUtilization", "Statistic": "Average",
    }
}  # fmt: skip


def test_concurrent_requests_add_instances_within_a_minute(sagemaker: Any) -> None:
    """600 a minute, each of which takes 2 s: 20 at the same time, 4 for each instance."""
    sagemaker.serve()
    sagemaker.register("a", 2, 6)
    follow(sagemaker, "concurrency", 4, CONCURRENCY)
    load(sagemaker, per_minute=600, minutes=0.5, busy_seconds=2, every_seconds=10)
    assert sagemaker.describe()["EndpointStatus"] == "InService"
    load(sagemaker, per_minute=600, minutes=0.5, busy_seconds=2, every_seconds=10)
    assert sagemaker.describe()["EndpointStatus"] == "Updating"
    load(sagemaker, per_minute=600, minutes=4, busy_seconds=2, every_seconds=10)
    assert sagemaker.variants()["variant-a"] == (100, 5)


def test_concurrent_requests_are_published_as_an_average_over_the_instances(sagemaker: Any) -> None:
    sagemaker.serve()
    load(sagemaker, per_minute=600, minutes=3, busy_seconds=2)
    points = [point["values"] for point in sagemaker.recorded if point["name"] == "ConcurrentRequestsPerModel"]
    assert {10.0: 1} in [dict(values) for values in points]


def test_any_policy_adds_instances_and_all_must_agree_to_take_them_away(sagemaker: Any) -> None:
    track(sagemaker, ScaleInCooldown=0)
    follow(sagemaker, "concurrency", 4, CONCURRENCY)
    load(sagemaker, per_minute=60, minutes=6, busy_seconds=16, every_seconds=10)
    assert sagemaker.variants()["variant-a"] == (100, 4)
    load(sagemaker, per_minute=60, minutes=20, busy_seconds=16, every_seconds=10)
    assert sagemaker.variants()["variant-a"] == (100, 4)
    load(sagemaker, per_minute=60, minutes=12, busy_seconds=0.1, every_seconds=10)
    assert sagemaker.variants()["variant-a"] == (100, 2)


def test_a_policy_on_a_metric_that_nobody_measures_takes_nothing_away(sagemaker: Any) -> None:
    track(sagemaker, ScaleInCooldown=0)
    follow(sagemaker, "gpu", 70, GPU)
    load(sagemaker, per_minute=450, minutes=7)
    load(sagemaker, per_minute=0, minutes=20)
    assert sagemaker.variants()["variant-a"] == (100, 5)


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
