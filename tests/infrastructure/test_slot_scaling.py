import json

import pytest

from canary_construct import InstanceScaling, ScalingMetric, ScheduledMinimum, Weekday
from tests.infrastructure.synthesis import ENDPOINT, Resources, depends_on, named, of_type, resources_of

pytestmark = pytest.mark.xdist_group("graph")

TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"


@pytest.fixture(scope="module")
def tracking() -> Resources:
    return resources_of(
        scaling=InstanceScaling(
            min_instances=2, max_instances=8, invocations_per_instance=3000, scale_in_cooldown_seconds=0
        )
    )


@pytest.mark.parametrize("letter", ["A", "B"])
def test_both_slots_have_the_same_bounds_which_never_move_a_count_and_scale_in_waits(
    tracking: Resources, letter: str
) -> None:
    target = named(tracking, f"Scaling{letter}", TARGET)
    assert target == {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": f"endpoint/{ENDPOINT}/variant/variant-{letter.lower()}",
        "MinCapacity": 1,
        "MaxCapacity": 8,
        "SuspendedState": {"DynamicScalingInSuspended": True},
    }


@pytest.mark.parametrize("letter", ["A", "B"])
def test_each_slot_follows_the_invocations_of_its_instances(tracking: Resources, letter: str) -> None:
    configuration = named(tracking, f"Tracking{letter}", POLICY)["TargetTrackingScalingPolicyConfiguration"]
    assert configuration == {
        "TargetValue": 3000,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        "ScaleInCooldown": 0,
        "ScaleOutCooldown": 60,
    }


@pytest.fixture(scope="module")
def following() -> Resources:
    gpu = ScalingMetric(namespace="Shop", metric_name="QueueLength", target=12.5, dimensions={"Kind": "ranker"})
    by_day = ScheduledMinimum(
        min_instances=6, start="08:00", end="20:30", days=(Weekday.MONDAY, Weekday.FRIDAY), time_zone="Europe/Berlin"
    )
    return resources_of(
        scaling=InstanceScaling(
            min_instances=2, max_instances=8, concurrency_per_instance=5, metrics=[gpu], scheduled_minimums=[by_day]
        )
    )


@pytest.mark.parametrize("letter", ["A", "B"])
def test_each_slot_follows_concurrency_and_the_callers_metric(following: Resources, letter: str) -> None:
    policies = {
        policy["Properties"]["PolicyName"]: policy["Properties"]["TargetTrackingScalingPolicyConfiguration"]
        for policy in of_type(following, POLICY).values()
        if policy["Properties"]["ScalingTargetId"]
        == {"Ref": next(name for name in following if f"Scaling{letter}" in name)}
    }
    cooldowns = {"ScaleInCooldown": 300, "ScaleOutCooldown": 60}
    slot = f"variant-{letter.lower()}"
    assert policies == {
        f"concurrency-{slot}": {
            "TargetValue": 5,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"
            },
            **cooldowns,
        },
        f"metric-QueueLength-{slot}": {
            "TargetValue": 12.5,
            "CustomizedMetricSpecification": {
                "Namespace": "Shop",
                "MetricName": "QueueLength",
                "Statistic": "Average",
                "Dimensions": [
                    {"Name": "EndpointName", "Value": ENDPOINT},
                    {"Name": "VariantName", "Value": slot},
                    {"Name": "Kind", "Value": "ranker"},
                ],
            },
            **cooldowns,
        },
    }


def test_scheduled_minimums_are_told_to_the_handlers_and_looked_at_every_five_minutes(following: Resources) -> None:
    scaling = json.loads(following_settings(following))["scaling"]
    assert scaling["scheduled"] == [
        {"min_instances": 6, "start": 480, "minutes": 750, "days": [0, 4], "time_zone": "Europe/Berlin"}
    ]
    rates = [rule["Properties"].get("ScheduleExpression") for rule in of_type(following, "AWS::Events::Rule").values()]
    assert [rate for rate in rates if rate] == ["rate(5 minutes)"]


def test_the_handlers_know_what_the_instances_follow(following: Resources) -> None:
    settings = json.loads(following_settings(following))
    assert "invocations_per_instance" not in settings["scaling"]
    assert [(metric["name"], metric["statistic"], metric["target"]) for metric in settings["scaling"]["follows"]] == [
        ("ConcurrentRequestsPerModel", "Maximum", "5"),
        ("QueueLength", "Average", "12.5"),
    ]


def following_settings(resources: Resources) -> str:
    (guard,) = of_type(resources, "Custom::ReleaseSlots").values()
    settings = guard["Properties"]["Settings"]
    return settings if isinstance(settings, str) else "".join(map(str, settings["Fn::Join"][1]))


def test_the_targets_are_registered_one_after_the_other(tracking: Resources) -> None:
    first, second = sorted(of_type(tracking, TARGET))
    assert first in depends_on(tracking, second)


def test_a_fixed_fleet_follows_nothing(resources: Resources) -> None:
    assert of_type(resources, POLICY) == {}
