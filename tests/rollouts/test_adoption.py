"""A live endpoint that a team adopts, releases to, and takes away from the library again, all under traffic."""

import pytest
from rollout.contract.names import PROMOTED

from tests.rollouts.declaring import POINTS, Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.live_endpoint import (
    FIRST,
    LEAST,
    MOST,
    VARIANT,
    described,
    imported,
    made_by_hand,
    scaling_of_the_variant,
)
from tests.rollouts.slots import A, B, scalable_targets
from tests.rollouts.stage import eventually

pytestmark = pytest.mark.long

NAME = "Live-Shop"
SCALED = {"min_instances": LEAST, "max_instances": MOST, "invocations_per_instance": 100_000}


def test_a_live_endpoint_is_adopted_released_to_and_left(shop: DeployedShop) -> None:
    # Given an endpoint that was made with boto3, and is used
    shop.name = NAME
    adopt = made_by_hand(shop)
    shop.open_to_visitors()
    before, scaling = described(shop), scaling_of_the_variant(shop)
    assert before["EndpointName"] == NAME
    assert scaling["bounds"] == [(LEAST, MOST)]

    # When the stack imports it, and is deployed without a release, then nothing about it changes
    imported(shop, adopt)
    waiting = Declaration(version="", adopt=adopt, **SCALED)
    shop.deploy(waiting)
    assert described(shop)["LastModifiedTime"] == before["LastModifiedTime"]
    assert scaling_of_the_variant(shop) == scaling

    # When the deploy of the first release fails at any point, then it serves as before, scaled as before
    for point in POINTS:
        reasons = shop.refused(Declaration(version="v1", adopt=adopt, fails_after=point, **SCALED))
        assert reasons.startswith("Refused: "), (point, reasons)
        _serves_as_before(shop, adopt.endpoint_config_name, scaling, point)
    shop.stage.sandbox.sagemaker.fail_sibling(NAME)
    shop.refused(Declaration(version="v1", adopt=adopt, **SCALED))
    _serves_as_before(shop, adopt.endpoint_config_name, scaling, "a sibling")

    # When it succeeds, then the live model keeps the traffic until the release is promoted
    shop.deploy(Declaration(version="v1", adopt=adopt, **SCALED))
    assert shop.models()[A] == f"{NAME}-model"
    assert scaling_of_the_variant(shop)["bounds"] == []
    assert shop.rollout_ends("v1").outcome == PROMOTED
    assert shop.look().weights == {A: 0, B: 100}

    # When the stack is deleted, then the endpoint serves on as it was, and scales
    models, weights = shop.models(), shop.look().weights
    shop.stage.client("cloudformation").delete_stack(StackName=shop.stack_id)
    eventually(lambda: shop.ended_status() == "DELETE_COMPLETE", what="the deletion", otherwise=shop.ended_status)
    eventually(lambda: shop.look().status == "InService", what="a quiet endpoint")
    assert (shop.models(), shop.look().weights) == (models, weights)
    assert not shop.look().suspended
    assert {target["ResourceId"].rsplit("/", 1)[1] for target in scalable_targets(shop.stage, NAME)} == {A, B}
    since = len(shop.visitors_of("v1"))
    eventually(lambda: len(shop.visitors_of("v1")) > since + 20, what="visitors after the library")
    assert f"{NAME}-model" in shop.kept_models()
    assert adopt.endpoint_config_name in shop.kept_configs()


def _serves_as_before(shop: DeployedShop, config_name: str, scaling: dict[str, object], point: str) -> None:
    def serves() -> bool:
        return scaling_of_the_variant(shop) == scaling and shop.lock() is None

    eventually(serves, what=f"the old scaling after {point}", otherwise=lambda: scaling_of_the_variant(shop))
    found = described(shop)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", config_name), point
    (variant,) = found["ProductionVariants"]
    assert (variant["VariantName"], variant["CurrentInstanceCount"]) == (VARIANT, FIRST), point
    assert scalable_targets(shop.stage, shop.name) == [], point
