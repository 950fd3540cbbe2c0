import pytest

from canary_construct import InstanceScaling
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


def test_the_targets_are_registered_one_after_the_other(tracking: Resources) -> None:
    first, second = sorted(of_type(tracking, TARGET))
    assert first in depends_on(tracking, second)


def test_a_fixed_fleet_follows_nothing(resources: Resources) -> None:
    assert of_type(resources, POLICY) == {}
