"""What a deleted stack leaves behind: nothing."""

import pytest
from rollout.contract.names import PROMOTED, ROLLED_BACK

from tests.rollouts.declaring import UNTIL_ENDED_SECONDS, Declaration, neighbour_name
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.left_behind import left_behind
from tests.rollouts.slots import A, B, scalable_targets, slots_of
from tests.rollouts.stage import eventually


def test_a_stack_at_rest_leaves_nothing_behind(shop: DeployedShop) -> None:
    # Given models and configs that CloudFormation replaced and kept
    shop.deploy(Declaration(version="v1"))
    shop.deploy(Declaration(version="v2", environment=(("FAILS_SMOKE_TEST", "yes"),)))
    assert shop.rollout_ends("v2").outcome == ROLLED_BACK
    shop.comes_to_rest(stable=A)
    assert len(shop.kept_models()) == len(("v1", "v2"))

    shop.delete()

    assert left_behind(shop) == []


def test_a_stack_in_the_middle_of_a_rollout_leaves_nothing_behind(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1"))
    shop.deploy(Declaration(version="v2", first_bake_seconds=UNTIL_ENDED_SECONDS))
    shop.rollout_reaches("v2", 100)

    shop.delete()

    assert left_behind(shop) == []


@pytest.mark.long
def test_an_endpoint_that_leaves_a_stack_of_two_in_mid_rollout_leaves_nothing_behind(shop: DeployedShop) -> None:
    # Given two endpoints in one stack, each on its way to the next release
    neighbour = neighbour_name(shop.name)
    shop.deploy(Declaration(version="v1", neighbours=1))
    shop.deploy(Declaration(version="v2", neighbours=1))
    eventually(lambda: slots_of(shop.stage, neighbour).weights == {A: 0, B: 100}, what="v2 on trial next door")
    shop.rollout_reaches("v2", 100)

    # When one of them leaves the stack
    shop.deploy(Declaration(version="v2"))

    # Then nothing of it is left, and the other one goes on
    listings = [
        ("list_models", "Models", "ModelName"),
        ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
        ("list_endpoints", "Endpoints", "EndpointName"),
    ]
    named = [name for listing in listings for name in shop.named("sagemaker", *listing)]
    assert [name for name in named if "neighbour" in name.lower()] == []
    assert scalable_targets(shop.stage, neighbour) == []
    assert shop.rollout_ends("v2").outcome == PROMOTED
    shop.comes_to_rest(stable=B)
