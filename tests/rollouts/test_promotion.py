"""A release that does no harm, and deploys after its promotion."""

import pytest
from rollout.contract.names import PROMOTED

from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B

pytestmark = pytest.mark.long


def test_a_harmless_release_is_promoted_step_by_step_and_the_slots_change_roles(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1", steps=(50, 100)))
    before = shop.models()

    shop.deploy(Declaration(version="v2", steps=(50, 100)))
    rollout = shop.rollout_ends("v2")

    assert (rollout.outcome, rollout.reason) == (PROMOTED, "every step passed")
    assert [step.percent for step in rollout.steps] == [50, 100]
    slots = shop.comes_to_rest(stable=B)
    assert slots.instances == {A: 1, B: 2}
    assert shop.models()[A] == before[A], "the release before must stay, as the fast way back"
    assert shop.models()[B] != before[B]
    assert shop.kept_models() == set(shop.models().values())
    assert shop.kept_configs() == {slots.config_name}


def test_after_a_promotion_a_deploy_finds_the_roles_exchanged(shop: DeployedShop) -> None:
    # Given a release that was promoted into the other slot
    shop.deploy(Declaration(version="v1"))
    shop.deploy(Declaration(version="v2"))
    assert shop.rollout_ends("v2").outcome == PROMOTED
    promoted = shop.comes_to_rest(stable=B)

    # When only its scaling changes, then floors follow roles and the endpoint is left alone
    shop.deploy(Declaration(version="v2", min_instances=3, idle_instances=2))
    scaled = shop.comes_to_rest(stable=B, floor=3, idle_floor=2)
    assert scaled.config_name == promoted.config_name
    assert shop.rollout("v2") == shop.rollout_ends("v2"), "the same release again needs no other rollout"

    # When the label is given to another content, then the deploy is refused
    sentence = shop.refused(
        Declaration(version="v2", min_instances=3, idle_instances=2, environment=(("COLOUR", "blue"),))
    )
    assert "version v2 already names another content" in sentence
    assert "give the new content a new version" in sentence

    # When the instance type of all releases changes, then the deploy is refused before anything changes
    sentence = shop.refused(Declaration(version="v3", min_instances=3, idle_instances=2, instance_type="ml.m5.2xlarge"))
    assert "must stay ml.m5.xlarge, got ml.m5.2xlarge: it belongs to every release that has none of its own" in sentence

    refused = shop.comes_to_rest(stable=B, floor=3, idle_floor=2)
    assert refused.config_name == promoted.config_name
