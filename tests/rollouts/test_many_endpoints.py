"""As many endpoints in one stack as the library promises."""

import pytest

from canary_tools.sandbox.iam.policy_sizes import INLINE_CHARACTERS
from tests.rollouts.declaring import Declaration, neighbour_name
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B, slots_of
from tests.rollouts.stage import eventually

ENDPOINTS = 15


@pytest.mark.long
def test_fifteen_endpoints_of_a_stack_serve_their_first_release(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1", neighbours=ENDPOINTS - 1, min_instances=1))

    for number in range(1, ENDPOINTS):
        name = neighbour_name(shop.name, number)
        eventually(lambda name=name: slots_of(shop.stage, name).weights == {A: 100, B: 0}, what=f"v1 on {name}")
    assert 0 < max(shop.policy_characters().values()) < INLINE_CHARACTERS
