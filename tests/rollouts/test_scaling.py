"""Instances that follow concurrent requests, with a scheduled minimum, through a promotion and a rollback."""

from datetime import UTC, datetime, timedelta

from rollout.contract.names import PROMOTED, ROLLED_BACK

from canary_construct import ScheduledMinimum
from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B
from tests.rollouts.stage import eventually
from tests.rollouts.test_rejection import FAILS_SMOKE_TEST

AT_LEAST = 3
MANY = 1000
"""Requests at the same time that an instance is said to serve: a busy machine must not add any."""


def in_force_now() -> ScheduledMinimum:
    """A minimum that has held for an hour, and holds for longer than the test lasts."""
    now = datetime.now(UTC)
    start, end = (f"{now + timedelta(hours=hours):%H:%M}" for hours in (-1, 8))
    return ScheduledMinimum(min_instances=AT_LEAST, start=start, end=end)


def followed(shop: DeployedShop) -> dict[str, str]:
    """What the instances of each slot follow, by slot."""
    policies = shop.stage.client("application-autoscaling").describe_scaling_policies(ServiceNamespace="sagemaker")
    return {
        policy["ResourceId"].rsplit("/", 1)[1]: policy["TargetTrackingScalingPolicyConfiguration"][
            "PredefinedMetricSpecification"
        ]["PredefinedMetricType"]
        for policy in policies["ScalingPolicies"]
        if policy["ResourceId"].startswith(f"endpoint/{shop.name}/")
    }


def test_the_minimum_of_the_hour_goes_with_the_slot_that_serves(shop: DeployedShop) -> None:
    # Given an endpoint that scales by concurrent requests, in the hours of a larger minimum
    minimums = (in_force_now(),)
    shop.deploy(Declaration(version="v1", concurrency_per_instance=MANY, scheduled_minimums=minimums))
    shop.comes_to_rest(stable=A, floor=AT_LEAST)
    metric = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
    assert followed(shop) == {A: metric, B: metric}

    # When a release is promoted, then it had the minimum before it had the traffic, and keeps it
    shop.deploy(Declaration(version="v2", concurrency_per_instance=MANY, scheduled_minimums=minimums))
    shop.rollout_reaches("v2", 100)
    assert shop.look().instances == {A: AT_LEAST, B: AT_LEAST}
    assert shop.rollout_ends("v2").outcome == PROMOTED
    eventually(lambda: shop.lock() is None, what="a free lock")
    assert shop.look().floors[B] == AT_LEAST

    # When the next one is rolled back, then the slot that serves has kept it too
    failing = Declaration(
        version="v3", concurrency_per_instance=MANY, scheduled_minimums=minimums, environment=FAILS_SMOKE_TEST
    )
    shop.deploy(failing)
    assert shop.rollout_ends("v3").outcome == ROLLED_BACK
    eventually(lambda: shop.lock() is None, what="a free lock")
    assert shop.look().floors[B] == AT_LEAST
    assert shop.look().weights == {A: 0, B: 100}
