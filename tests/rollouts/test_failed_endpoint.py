"""An endpoint that SageMaker will never bring back: what a team can still do with its stack."""

from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.left_behind import left_behind
from tests.rollouts.slots import A
from tests.rollouts.stage import eventually

REASON = "Unable to provision requested ML compute capacity"
EMPTY = Declaration(version="none", endpoint=False)


def test_a_deploy_to_a_failed_endpoint_is_refused_and_tells_the_way_out(shop: DeployedShop) -> None:
    # Given an endpoint that failed by another hand
    shop.deploy(Declaration(version="v1"))
    config = shop.comes_to_rest(stable=A).config_name
    shop.stage.sandbox.sagemaker.fail_next_update(shop.name, REASON, silent=False)
    shop.stage.client("sagemaker").update_endpoint(EndpointName=shop.name, EndpointConfigName=config)
    eventually(lambda: shop.look().status == "Failed", what="a failed endpoint")

    # When the team deploys its next release, then nothing changes
    sentence = shop.refused(Declaration(version="v2"))
    assert (
        f"endpoint {shop.name} is Failed: {REASON}; it must be InService; remove the construct from the stack, deploy, "
        "and add it again" in sentence
    )
    assert shop.lock() is None
    assert shop.look().config_name == config

    # When it does as the sentence says, then nothing is left, and its release serves on a new endpoint
    shop.close_to_visitors()
    shop.deploy(EMPTY)
    assert left_behind(shop) == []
    shop.deploy(Declaration(version="v2"))
    shop.comes_to_rest(stable=A)


def test_a_stack_whose_endpoint_failed_leaves_nothing_behind(shop: DeployedShop) -> None:
    # Given a deploy whose fleet failed in a way that SageMaker does not take back, so that neither can CloudFormation
    shop.deploy(Declaration(version="v1"))
    shop.comes_to_rest(stable=A)
    shop.stage.sandbox.sagemaker.fail_next_update(shop.name, REASON, silent=False)
    status, sentence = shop.try_to_deploy(Declaration(version="v2"))
    assert status == "UPDATE_ROLLBACK_FAILED"
    assert REASON in sentence
    assert shop.look().status == "Failed"

    shop.delete()

    assert left_behind(shop) == []


def test_a_first_deploy_that_fails_after_the_endpoint_leaves_nothing_behind(shop: DeployedShop) -> None:
    status, sentence = shop.try_to_deploy(Declaration(version="v1", fails_after="VerifiedEndpoint"))
    assert (status, sentence.partition(":")[0]) == ("ROLLBACK_COMPLETE", "Refused")
    assert left_behind(shop) == []
