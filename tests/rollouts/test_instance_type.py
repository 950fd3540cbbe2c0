"""A release on another instance type: its deploy fails at every point, it is promoted, and the next is abandoned."""

import time
from typing import Any

import pytest
from rollout.contract.names import NOT_JUDGED, PROMOTED

from tests.rollouts.declaring import POINTS, UNTIL_ENDED_SECONDS, Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B, scalable_targets

pytestmark = pytest.mark.long

USUAL, LARGER = "ml.m5.xlarge", "ml.m5.4xlarge"
FOLLOWED = 1000


def types(shop: DeployedShop) -> dict[str, str]:
    sagemaker = shop.stage.client("sagemaker")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=shop.look().config_name)
    return {variant["VariantName"]: variant["InstanceType"] for variant in config["ProductionVariants"]}


def policies(shop: DeployedShop) -> dict[str, Any]:
    """Return what the size of each registered slot follows."""
    client = shop.stage.client("application-autoscaling")
    return {
        target["ResourceId"]: [
            (policy["PolicyName"], policy["TargetTrackingScalingPolicyConfiguration"])
            for policy in client.describe_scaling_policies(
                ServiceNamespace="sagemaker", ResourceId=target["ResourceId"]
            )["ScalingPolicies"]
        ]
        for target in scalable_targets(shop.stage, shop.name)
    }


def test_a_release_on_another_instance_type(shop: DeployedShop) -> None:
    # Given an endpoint that scales
    shop.deploy(Declaration(version="v1", invocations_per_instance=FOLLOWED))
    fresh, followed = shop.comes_to_rest(stable=A), policies(shop)
    assert [len(found) for found in followed.values()] == [1, 1]

    # When the deploy of a release on another type fails, then everything is as after the first deploy
    for point in POINTS:
        larger = Declaration(version="v2", own_type=LARGER, invocations_per_instance=FOLLOWED, fails_after=point)
        assert shop.refused(larger).startswith("Refused: "), point
        assert shop.comes_to_rest(stable=A) == fresh, point
        assert (types(shop), policies(shop)) == ({A: USUAL, B: USUAL}, followed), point

    # When the release is promoted, then only its own slot has changed its type
    shop.deploy(Declaration(version="v2", own_type=LARGER, invocations_per_instance=FOLLOWED))
    assert shop.rollout_ends("v2").outcome == PROMOTED
    assert (types(shop), policies(shop)) == ({A: USUAL, B: LARGER}, followed)

    # When the next one, on the same type in the other slot, is abandoned, then the one that serves goes on
    shop.deploy(
        Declaration(
            version="v3", own_type=LARGER, invocations_per_instance=FOLLOWED, first_bake_seconds=UNTIL_ENDED_SECONDS
        )
    )
    stopped_at = time.time()
    shop.stop(shop.execution_in("Evaluate"))
    shop.seconds_until(stopped_at, lambda: shop.look().weights == {A: 0, B: 100}, what="weight 0")
    assert shop.rollout_ends("v3").outcome == NOT_JUDGED
    assert (types(shop), policies(shop)) == ({A: LARGER, B: LARGER}, followed)
