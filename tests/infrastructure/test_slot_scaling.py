import pytest

from canary_construct import InstanceScaling
from tests.infrastructure.synthesis import ENDPOINT, Resources, named, of_type, only, resources_of

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
def test_each_slot_has_the_floor_that_the_guard_answered_for_its_role(tracking: Resources, letter: str) -> None:
    guard, _ = only(tracking, "Custom::ReleaseSlots")
    target = named(tracking, f"Scaling{letter}", TARGET)
    assert target == {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": f"endpoint/{ENDPOINT}/variant/variant-{letter.lower()}",
        "MinCapacity": {"Fn::GetAtt": [guard, f"MinCapacity{letter}"]},
        "MaxCapacity": 8,
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


@pytest.mark.parametrize("letter", ["A", "B"])
def test_a_fixed_fleet_has_its_floor_as_its_ceiling(resources: Resources, letter: str) -> None:
    target = named(resources, f"Scaling{letter}", TARGET)
    assert target["MaxCapacity"] == target["MinCapacity"]


def test_a_fixed_fleet_follows_nothing(resources: Resources) -> None:
    assert of_type(resources, POLICY) == {}
