"""The library is upgraded while one of its rollouts runs."""

import pytest
from rollout.contract.names import PROMOTED
from rollout.contract.plan import SCHEMA

from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.library import PROMOTED_BY_NEXT
from tests.rollouts.slots import B

pytestmark = pytest.mark.long


def test_the_next_library_finishes_a_rollout_that_this_one_began(shop: DeployedShop) -> None:
    # Given a rollout whose definition and handlers are of this library
    shop.deploy(Declaration(version="v1", rollout_held=True))
    shop.deploy(Declaration(version="v2", rollout_held=True))
    running = shop.rollout_reaches("v2", 100)
    before = shop.look()

    # When the stack gets the next one, which leaves the endpoint alone, then nothing holds the deploy up
    shop.deploy(Declaration(version="v2", rollout_held=True, next_library=True))
    assert shop.look() == before

    # And its handlers finish what the old definition asks for
    shop.let_rollout_go_on()
    rollout = shop.rollout_ends("v2")
    assert (rollout.name, rollout.outcome, rollout.reason) == (running.name, PROMOTED, PROMOTED_BY_NEXT)
    shop.comes_to_rest(stable=B)


def test_a_library_with_other_payloads_waits_for_the_end_of_the_rollout(shop: DeployedShop) -> None:
    shop.deploy(Declaration(version="v1", rollout_held=True))
    shop.deploy(Declaration(version="v2", rollout_held=True))
    running = shop.rollout_reaches("v2", 100)
    upgraded = Declaration(version="v2", rollout_held=True, next_library=True, schema=SCHEMA + 1)

    sentence = shop.refused(upgraded)

    assert f"rollout {running.name} of endpoint {shop.name} is running; wait for its end, or abort it" in sentence
    shop.let_rollout_go_on()
    rollout = shop.rollout_ends("v2")
    assert (rollout.name, rollout.outcome) == (running.name, PROMOTED)
    at_rest = shop.comes_to_rest(stable=B)

    # When the rollout is over, then the same deploy goes through and moves nothing
    shop.deploy(upgraded)
    assert shop.comes_to_rest(stable=B) == at_rest
