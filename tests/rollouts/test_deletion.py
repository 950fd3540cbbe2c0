"""What a deleted stack leaves behind: nothing."""

import pytest

from examples.recommender.rollouts import ROLLED_BACK
from tests.rollouts.declaring import Declaration
from tests.rollouts.left_behind import left_behind
from tests.rollouts.shop import Shop
from tests.rollouts.slots import A

pytestmark = pytest.mark.xdist_group("rollouts")


def test_a_stack_at_rest_leaves_nothing_behind(shop: Shop) -> None:
    # Given models and configs that CloudFormation replaced and kept
    shop.deploy(Declaration(version="v1"))
    shop.deploy(Declaration(version="v2", environment=(("FAILS_SMOKE_TEST", "yes"),)))
    assert shop.rollout_ends("v2").outcome == ROLLED_BACK
    shop.comes_to_rest(stable=A)
    assert len(shop.kept_models()) == len(("v1", "v2"))

    shop.delete()

    assert left_behind(shop) == []


def test_a_stack_in_the_middle_of_a_rollout_leaves_nothing_behind(shop: Shop) -> None:
    shop.deploy(Declaration(version="v1"))
    shop.deploy(Declaration(version="v2"))
    shop.rollout_reaches("v2", 100)

    shop.delete()

    assert left_behind(shop) == []
