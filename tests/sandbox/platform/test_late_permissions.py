"""A first deploy whose roles get their permissions late."""

from dataclasses import replace

from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A
from tests.rollouts.stage import SETTINGS, Stage, eventually

LONGEST = 60.0
"""Seconds: users report up to a minute. Source: https://github.com/aws/aws-cdk/issues/37675"""


def test_a_first_deploy_survives_policies_that_take_effect_late() -> None:
    with Stage(replace(SETTINGS, policy_delay_seconds=LONGEST)) as stage, DeployedShop(stage, "late-shop") as shop:
        shop.deploy(Declaration(version="v1"))
        slots = shop.comes_to_rest(stable=A)
        assert slots.instances[A] == 2
        eventually(lambda: shop.visitors_of("v1"), what="an answer of v1")
        shop.close_to_visitors()
        shop.delete()
