"""Inference pipelines: two containers, model data below a prefix, and an image of a private registry."""

from rollout.contract.names import PROMOTED, ROLLED_BACK

from tests.rollouts.declaring import CREDENTIALS, FEATURES, Declaration
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import B
from tests.rollouts.test_rejection import FAILS_SMOKE_TEST

SHIPPED = ""


def below_a_prefix(shop: DeployedShop) -> str:
    """Put the model data of the first container into a bucket, uncompressed, and return where."""
    s3, bucket = shop.stage.client("s3"), f"{shop.name}-features"
    s3.create_bucket(Bucket=bucket)
    for file in FEATURES.rglob("*.py"):
        s3.put_object(Bucket=bucket, Key=f"1/{file.relative_to(FEATURES).as_posix()}", Body=file.read_bytes())
    return f"s3://{bucket}/1/"


def test_a_pipeline_is_promoted_and_one_that_fails_is_rolled_back(shop: DeployedShop) -> None:
    # Given a pipeline of two containers that are shipped with the stack
    shop.deploy(Declaration(version="v1", features_below=SHIPPED))

    # When the first container changes to uncompressed data and an image of a private registry
    prefix = below_a_prefix(shop)
    shop.deploy(Declaration(version="v2", features_below=prefix))
    assert shop.rollout_ends("v2").outcome == PROMOTED
    shop.comes_to_rest(stable=B)
    model = shop.stage.client("sagemaker").describe_model(ModelName=shop.models()[B])
    first, second = model["Containers"]
    assert first["ModelDataSource"]["S3DataSource"] == {
        "S3Uri": prefix,
        "S3DataType": "S3Prefix",
        "CompressionType": "None",
    }
    assert first["ImageConfig"] == {
        "RepositoryAccessMode": "Vpc",
        "RepositoryAuthConfig": {"RepositoryCredentialsProviderArn": CREDENTIALS},
    }
    assert second["ModelDataUrl"].startswith("s3://cdk-")

    # When a release changes nothing but the second container's environment, and fails
    failing = Declaration(version="v3", features_below=prefix, environment=FAILS_SMOKE_TEST)
    shop.deploy(failing)
    assert shop.rollout_ends("v3").outcome == ROLLED_BACK
    shop.comes_to_rest(stable=B)

    # When the same version comes with another container, then the deploy is refused
    assert "version v2 already names another content" in shop.refused(Declaration(version="v2", features_below=SHIPPED))
