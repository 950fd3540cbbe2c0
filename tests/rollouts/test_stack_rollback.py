"""Deploys that something else in the stack makes fail, at every point of a deploy."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from rollout.contract.names import PROMOTED

from tests.rollouts.declaring import POINTS, Declaration, captured_in
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B
from tests.rollouts.test_hosting import LARGER, OF_ALL
from tests.rollouts.test_pipeline import SHIPPED

pytestmark = pytest.mark.long


def test_a_deploy_that_fails_at_any_point_is_undone_and_the_release_can_be_deployed_again(shop: DeployedShop) -> None:
    """The release differs in all that it can: a pipeline, hosted in another way, and its requests are captured."""
    shop.stage.client("s3").create_bucket(Bucket=captured_in(shop.name))
    shop.deploy(Declaration(version="v1", hosting=OF_ALL))
    shop.comes_to_rest(stable=A)
    v2 = Declaration(version="v2", hosting=OF_ALL, own_hosting=LARGER, features_below=SHIPPED, captured_percent=100)

    _fails_at(POINTS, shop, v2, stable=A)

    shop.deploy(v2)
    shop.rollout_reaches("v2", 100)


def test_a_resource_that_fails_while_the_fleet_is_swapped_lets_the_swap_end_first(shop: DeployedShop) -> None:
    """CloudFormation goes back in the middle of the swap, and SageMaker takes no other change until it is over."""
    shop.stage.client("s3").create_bucket(Bucket=captured_in(shop.name))
    shop.deploy(Declaration(version="v1", hosting=OF_ALL, fleet_watched=True))
    before, models = shop.comes_to_rest(stable=A), shop.models()
    hosted = Declaration(version="v2", hosting=OF_ALL, own_hosting=LARGER, fleet_watched=True)
    v2 = replace(hosted, features_below=SHIPPED, captured_percent=100)

    shop.stage.sandbox.sagemaker.fail_sibling(shop.name)
    assert "another resource of the stack failed" in shop.refused(v2)
    assert shop.comes_to_rest(stable=A) == before
    assert shop.models() == models
    assert shop.rollout("v2") is None

    shop.deploy(v2)
    shop.rollout_reaches("v2", 100)


def test_after_a_promotion_a_deploy_that_fails_leaves_the_roles_exchanged(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1"))
    shop.deploy(Declaration(version="v2"))
    assert shop.rollout_ends("v2").outcome == PROMOTED
    shop.comes_to_rest(stable=B)

    _fails_at(("Model", "Resource", "VerifiedEndpoint"), shop, Declaration(version="v3"), stable=B)

    shop.deploy(Declaration(version="v3"))
    shop.rollout_reaches("v3", 100)


def _fails_at(points: Sequence[str], shop: DeployedShop, declared: Declaration, *, stable: str) -> None:
    before, models = shop.comes_to_rest(stable=stable), shop.models()
    for point in points:
        sentence = shop.refused(replace(declared, fails_after=point))
        assert sentence.startswith("Refused: "), (point, sentence)
        assert shop.comes_to_rest(stable=stable) == before, point
        assert shop.models() == models, point
        assert shop.rollout(declared.version) is None, point
