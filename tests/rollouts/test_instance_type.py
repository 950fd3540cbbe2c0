"""A release on another instance type: its deploy fails at every point, it is promoted, and the next is abandoned.

The same with a scaling of its own, and a judged release is rolled back.
"""

import time
from dataclasses import replace
from typing import Any

import pytest
from rollout.contract.names import NOT_JUDGED, PROMOTED, ROLLED_BACK

from canary_construct import InstanceScaling
from tests.rollouts.declaring import POINTS, UNTIL_ENDED_SECONDS, Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B, scalable_targets
from tests.rollouts.stage import eventually

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


OWN_FOLLOWED = 300
OWN = InstanceScaling(min_instances=3, max_instances=6, idle_instances=2, invocations_per_instance=OWN_FOLLOWED)
"""Of the releases on larger instances."""


def targets(shop: DeployedShop) -> dict[str, list[float]]:
    """Return the number of requests a minute that the size of each slot follows."""
    return {
        resource.rsplit("/", 1)[1]: [policy["TargetValue"] for _, policy in found]
        for resource, found in policies(shop).items()
    }


def ceilings(shop: DeployedShop) -> dict[str, int]:
    return {
        target["ResourceId"].rsplit("/", 1)[1]: target["MaxCapacity"]
        for target in scalable_targets(shop.stage, shop.name)
    }


def test_a_release_on_another_type_with_a_scaling_of_its_own(shop: DeployedShop) -> None:
    # Given an endpoint that scales
    shop.requests_per_second = 20.0
    usual = Declaration(version="v1", invocations_per_instance=FOLLOWED, steps=(50, 100), alarm_min_requests=60)
    shop.deploy(usual)
    fresh = shop.comes_to_rest(stable=A)
    assert (targets(shop), ceilings(shop)) == ({A: [FOLLOWED], B: [FOLLOWED]}, {A: 4, B: 1})

    # When a deploy with it fails after the endpoint has changed, then everything is as after the first deploy
    larger = replace(usual, version="v3", own_type=LARGER, own_scaling=OWN)
    failing = replace(larger, version="v2", environment=(("FAILURE_RATE", "0.1"),))
    assert shop.refused(replace(failing, fails_after="Resource")).startswith("Refused: ")
    assert shop.comes_to_rest(stable=A) == fresh
    assert (targets(shop), ceilings(shop)) == ({A: [FOLLOWED], B: [FOLLOWED]}, {A: 4, B: 1})

    # When a release with it errs, then its gate rolls it back, and each slot has what its own release asks for. Floors
    # come to rest when the traffic of a quarter of an hour was seen: for so long nobody waits here
    both = ({A: [FOLLOWED], B: [OWN_FOLLOWED]}, {A: USUAL, B: LARGER})
    shop.deploy(failing)
    assert shop.rollout_ends("v2").outcome == ROLLED_BACK
    rolled_back = shop.look()
    assert rolled_back.weights == {A: 100, B: 0}
    assert rolled_back.floors[A] >= fresh.floors[A]
    assert (targets(shop), types(shop)) == both

    # When a harmless one is promoted, then it has the instances that its own scaling asks for
    shop.deploy(larger)
    assert shop.rollout_ends("v3").outcome == PROMOTED
    promoted = shop.look()
    assert promoted.weights == {A: 0, B: 100}
    assert promoted.floors[B] >= OWN.min_instances
    assert (targets(shop), types(shop)) == both
    assert ceilings(shop)[B] == OWN.max_instances

    # When its scaling alone changes under the same version, then that is in force, and the endpoint is left alone
    more = replace(OWN, min_instances=5, invocations_per_instance=2 * OWN_FOLLOWED)
    shop.deploy(replace(larger, own_scaling=more))
    eventually(lambda: shop.look().floors[B] >= more.min_instances, what="the new minimum")
    eventually(lambda: targets(shop) == {A: [FOLLOWED], B: [2 * OWN_FOLLOWED]}, what="the new target")
    assert shop.look().config_name == promoted.config_name
    assert types(shop) == {A: USUAL, B: LARGER}
