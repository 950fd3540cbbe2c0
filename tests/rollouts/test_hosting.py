"""How the instances of a release are hosted: through a promotion, a rollback and the way back."""

from typing import Any

from aws_cdk import Duration, Size
from rollout.contract.names import PROMOTED, ROLLED_BACK

from canary_construct import ModelHosting, RoutingStrategy
from tests.rollouts.declaring import Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B
from tests.rollouts.test_rejection import FAILS_SMOKE_TEST

OF_ALL = ModelHosting(
    startup_timeout=Duration.minutes(10),
    download_timeout=Duration.minutes(5),
    volume_size=Size.gibibytes(30),
    inference_ami_version="al2-ami-sagemaker-inference-gpu-2-1",
    routing_strategy=RoutingStrategy.RANDOM,
    enable_ssm=False,
)
LARGER = ModelHosting(
    volume_size=Size.gibibytes(60), routing_strategy=RoutingStrategy.LEAST_OUTSTANDING_REQUESTS, enable_ssm=True
)
AS_ALL = {
    "ContainerStartupHealthCheckTimeoutInSeconds": 600,
    "ModelDataDownloadTimeoutInSeconds": 300,
    "VolumeSizeInGB": 30,
    "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2-1",
    "RoutingConfig": {"RoutingStrategy": "RANDOM"},
    "EnableSSMAccess": False,
}
AS_LARGER = {
    **AS_ALL,
    "VolumeSizeInGB": 60,
    "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    "EnableSSMAccess": True,
}


def hosted(shop: DeployedShop) -> dict[str, dict[str, Any]]:
    sagemaker = shop.stage.client("sagemaker")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=shop.look().config_name)
    return {
        variant["VariantName"]: {name: variant.get(name) for name in AS_ALL} for variant in config["ProductionVariants"]
    }


def test_each_release_keeps_its_hosting_through_promotion_and_rollback(shop: DeployedShop) -> None:
    # Given a release that is hosted as the endpoint says
    shop.deploy(Declaration(version="v1", hosting=OF_ALL))
    assert hosted(shop) == {A: AS_ALL, B: AS_ALL}

    # When a release that overrides it is promoted, then the release before keeps its own
    shop.deploy(Declaration(version="v2", hosting=OF_ALL, own_hosting=LARGER))
    assert hosted(shop) == {A: AS_ALL, B: AS_LARGER}
    assert shop.rollout_ends("v2").outcome == PROMOTED
    promoted = shop.comes_to_rest(stable=B)

    # When its hosting changes under the same version, then the deploy is refused
    assert "version v2 already names another content" in shop.refused(Declaration(version="v2", hosting=OF_ALL))
    assert shop.comes_to_rest(stable=B).config_name == promoted.config_name

    # When a release that fails is rolled back, then the one that serves was hosted as before all the time
    shop.deploy(Declaration(version="v3", hosting=OF_ALL, environment=FAILS_SMOKE_TEST))
    assert hosted(shop) == {A: AS_ALL, B: AS_LARGER}
    assert shop.rollout_ends("v3").outcome == ROLLED_BACK
    shop.comes_to_rest(stable=B)
    assert hosted(shop) == {A: AS_ALL, B: AS_LARGER}
