"""The first release of an endpoint."""

from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B
from tests.rollouts.stage import eventually


def test_the_first_release_serves_at_once_and_needs_no_rollout(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1"))

    slots = shop.comes_to_rest(stable=A)

    assert slots.instances == {A: 2, B: 1}
    assert shop.rollout("v1") is None
    eventually(lambda: shop.visitors_of("v1"), what="an answer of v1")
