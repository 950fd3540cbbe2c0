import json
from typing import Any

import pytest
from rollout.contract.plan import Settings
from rollout.decisions.following import policies_of

from canary_construct import InstanceScaling, ScalingMetric, ScheduledMinimum, Weekday
from tests.infrastructure.synthesis import ENDPOINT, Resources, of_type, resources_of

pytestmark = pytest.mark.xdist_group("graph")


@pytest.fixture(scope="module")
def tracking() -> Resources:
    return resources_of(
        scaling=InstanceScaling(
            min_instances=2, max_instances=8, invocations_per_instance=3000, scale_in_cooldown_seconds=0
        )
    )


def policies(resources: Resources, letter: str) -> dict[str, Any]:
    """Return what the handlers put for a slot, by what they are told."""
    settings = Settings.parse(json.loads(told(resources)))
    return dict(policies_of(settings.scaling, settings.endpoint, f"variant-{letter.lower()}"))


@pytest.mark.parametrize("letter", ["A", "B"])
def test_each_slot_follows_the_invocations_of_its_instances(tracking: Resources, letter: str) -> None:
    assert policies(tracking, letter) == {
        f"invocations-variant-{letter.lower()}": {
            "TargetValue": 3000,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
            "ScaleInCooldown": 0,
            "ScaleOutCooldown": 60,
        }
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
    cooldowns = {"ScaleInCooldown": 300, "ScaleOutCooldown": 60}
    slot = f"variant-{letter.lower()}"
    assert policies(following, letter) == {
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
    scaling = json.loads(told(following))["scaling"]
    assert scaling["scheduled"] == [
        {"min_instances": 6, "start": 480, "minutes": 750, "days": [0, 4], "time_zone": "Europe/Berlin"}
    ]
    rates = [rule["Properties"].get("ScheduleExpression") for rule in of_type(following, "AWS::Events::Rule").values()]
    assert [rate for rate in rates if rate] == ["rate(5 minutes)"]


def test_the_handlers_know_what_the_instances_follow(following: Resources) -> None:
    settings = json.loads(told(following))
    assert "invocations_per_instance" not in settings["scaling"]
    assert [(metric["name"], metric["statistic"], metric["target"]) for metric in settings["scaling"]["follows"]] == [
        ("ConcurrentRequestsPerModel", "Maximum", "5"),
        ("QueueLength", "Average", "12.5"),
    ]


def told(resources: Resources) -> str:
    (guard,) = of_type(resources, "Custom::ReleaseSlots").values()
    settings = guard["Properties"]["Settings"]
    return settings if isinstance(settings, str) else "".join(map(str, settings["Fn::Join"][1]))


def test_a_fixed_fleet_follows_nothing(resources: Resources) -> None:
    assert policies(resources, "A") == {}
