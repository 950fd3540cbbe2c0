"""Deploys at the wrong time: refused before anything changed, or undone."""

import pytest
from rollout.contract.names import PROMOTED

from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B


@pytest.mark.long
def test_a_deploy_during_a_rollout_is_refused_and_the_rollout_goes_on(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1", rollout_held=True))
    shop.deploy(Declaration(version="v2", rollout_held=True))
    before, running = shop.rollout_reaches("v2", 100), shop.look()

    sentence = shop.refused(Declaration(version="v3", rollout_held=True))

    assert (
        f"rollout {before.name} of endpoint {shop.name} is running; wait for its end, or abort it, and deploy again"
        in sentence
    )
    assert shop.look() == running
    shop.let_rollout_go_on()
    assert shop.rollout_ends("v2").outcome == PROMOTED
    shop.comes_to_rest(stable=B)
    assert not shop.visitors_of("v3")


def test_a_deploy_while_both_slots_serve_is_refused_until_one_has_all_the_weight(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1"))
    before = shop.comes_to_rest(stable=A)
    shop.set_weights({A: 70, B: 30})

    sentence = shop.refused(Declaration(version="v2"))

    assert (
        f"exactly one variant of endpoint {shop.name} must have all the weight, got variant-a 70, variant-b 30; "
        "set the weight of the variant that must not serve to 0 with UpdateEndpointWeightsAndCapacities" in sentence
    )
    assert shop.look().config_name == before.config_name

    # When somebody does as the sentence says, then the same deploy goes through
    shop.set_weights({A: 100, B: 0})
    shop.deploy(Declaration(version="v2"))
    shop.rollout_reaches("v2", 100)


def test_an_update_that_sagemaker_undoes_without_a_word_fails_the_deploy_loudly(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1"))
    before = shop.comes_to_rest(stable=A)
    reason = "Unable to provision requested ML compute capacity"
    shop.stage.sandbox.sagemaker.fail_next_update(shop.name, reason)

    sentence = shop.refused(Declaration(version="v2"))

    assert f"SageMaker did not move endpoint {shop.name} to endpoint config" in sentence
    assert f"it is InService on {before.config_name}, because: {reason}" in sentence
    assert shop.comes_to_rest(stable=A).config_name == before.config_name
    assert shop.rollout("v2") is None


def test_a_deploy_that_fails_after_the_endpoint_was_updated_is_undone_and_starts_no_rollout(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1"))
    before = shop.comes_to_rest(stable=A)
    models = shop.models()

    sentence = shop.refused(Declaration(version="v2", fails_after="VerifiedEndpoint"))

    assert sentence.startswith("Refused: ")
    assert shop.comes_to_rest(stable=A).config_name == before.config_name
    assert shop.models() == models
    assert shop.rollout("v2") is None

    # When the cause is gone, then the same release can be deployed
    shop.deploy(Declaration(version="v2"))
    shop.rollout_reaches("v2", 100)
