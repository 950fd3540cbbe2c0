from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from canary_construct import Container, ModelRelease, PrivateRegistry, S3Prefix
from tests.infrastructure.synthesis import (
    IMAGE,
    RELEASE,
    Resources,
    declare,
    properties,
    rendered,
    resources_of,
    stack,
    statements,
)

pytestmark = pytest.mark.xdist_group("guards")

FUNCTION = "arn:aws:lambda:eu-central-1:123456789012:function:registry"
FEATURES = Container(image_uri=f"{IMAGE}-features", model_data_url="s3://features/v1.tar.gz")
RANKER = Container(image_uri=IMAGE, model_data_url="s3://models/v1.tar.gz", environment={"TOP": "10"})
PIPELINE = ModelRelease(version="v1", containers=[FEATURES, RANKER])


def guard(resources: Resources) -> dict[str, Any]:
    return properties(resources, "Custom::ReleaseSlots")


def content(release: ModelRelease) -> str:
    digest: str = guard(resources_of(release=release))["ContentDigest"]
    return digest


def network(scope: Stack) -> dict[str, Any]:
    return {"vpc": ec2.Vpc(scope, "Vpc", max_azs=2)}


def registry(scope: Stack) -> PrivateRegistry:
    return PrivateRegistry(credentials=lambda_.Function.from_function_arn(scope, "Registry", FUNCTION))


def actions(resources: Resources, role: str = "ModelRole") -> dict[str, list[str]]:
    return {action: s["Resource"] for s in statements(resources, role) for action in s["Action"]}


def test_a_pipeline_has_its_containers_in_order_and_no_primary_one() -> None:
    named = [replace(FEATURES, hostname="features"), replace(RANKER, hostname="ranker")]
    model = properties(resources_of(release=replace(PIPELINE, containers=named)), "AWS::SageMaker::Model")
    assert "PrimaryContainer" not in model
    assert model["Containers"] == [
        {"ContainerHostname": "features", "Image": f"{IMAGE}-features", "ModelDataUrl": "s3://features/v1.tar.gz"},
        {
            "ContainerHostname": "ranker",
            "Image": IMAGE,
            "ModelDataUrl": "s3://models/v1.tar.gz",
            "Environment": {"TOP": "10"},
        },
    ]


@pytest.mark.parametrize(
    "containers",
    [
        [RANKER, FEATURES],
        [FEATURES, replace(RANKER, environment={"TOP": "11"})],
        [FEATURES, replace(RANKER, image_uri=f"{IMAGE}1")],
        [replace(FEATURES, model_data_url="s3://features/v2.tar.gz"), RANKER],
        [replace(FEATURES, model_data_url=None, model_data=S3Prefix(url="s3://features/v1/")), RANKER],
        [FEATURES, RANKER, RANKER],
    ],
    ids=["order", "environment", "image", "archive", "prefix", "one more"],
)
def test_whatever_changes_in_a_pipeline_is_another_content(containers: list[Container]) -> None:
    assert content(replace(PIPELINE, containers=containers)) != content(PIPELINE)


def test_an_archive_of_a_pipeline_that_is_shipped_counts_by_what_is_in_it(tmp_path: Path) -> None:
    def shipped(folder: str, weights: str) -> ModelRelease:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "weights").write_text(weights)
        own = Container.from_asset(image_uri=IMAGE, path=str(tmp_path / folder))
        return replace(PIPELINE, containers=[FEATURES, own])

    assert content(shipped("one", "1")) == content(shipped("again", "1")) != content(shipped("two", "2"))


def test_a_release_with_one_container_is_rendered_as_before(resources: Resources) -> None:
    """A library upgrade must not look like another content, nor call the guard."""
    model = properties(resources, "AWS::SageMaker::Model")
    assert model["PrimaryContainer"] == {"Image": IMAGE, "ModelDataUrl": "s3://models/recommender/v1.tar.gz"}
    assert "Containers" not in model
    assert guard(resources)["ContentDigest"] == "49ee2e7dca6f451c71f75db3a18126e00e017853993950b639eb2619df247455"
    assert guard(resources)["ModelBuckets"] == ["models"]
    assert {"ModelFunctions", "CallableFunctions"}.isdisjoint(guard(resources))


def test_the_role_reads_and_the_guard_knows_each_archive_of_a_pipeline() -> None:
    resources = resources_of(release=PIPELINE)
    assert actions(resources)["s3:GetObject"] == [
        "arn:<AWS::Partition>:s3:::features/*",
        "arn:<AWS::Partition>:s3:::models/*",
    ]
    assert guard(resources)["ModelBuckets"] == guard(resources)["ReadableBuckets"] == ["features", "models"]


def test_the_archives_of_a_kept_pipeline_stay_readable() -> None:
    resources = resources_of(kept_releases=[replace(PIPELINE, version="v0")])
    assert guard(resources)["ReadableBuckets"] == ["models", "features"]


def test_model_files_below_a_prefix_are_a_data_source_without_compression() -> None:
    release = ModelRelease(version="v1", image_uri=IMAGE, model_data=S3Prefix(url="s3://models/v1/"))
    resources = resources_of(release=release)
    assert properties(resources, "AWS::SageMaker::Model")["PrimaryContainer"] == {
        "Image": IMAGE,
        "ModelDataSource": {
            "S3DataSource": {"CompressionType": "None", "S3DataType": "S3Prefix", "S3Uri": "s3://models/v1/"}
        },
    }
    assert content(release) != content(replace(release, model_data=S3Prefix(url="s3://models/v2/")))
    assert guard(resources)["ModelBuckets"] == ["models"]


def test_the_role_may_list_the_buckets_of_models_before_and_after_they_lie_below_a_prefix(tmp_path: Path) -> None:
    assert actions(resources_of(release=PIPELINE))["s3:ListBucket"] == [
        "arn:<AWS::Partition>:s3:::features",
        "arn:<AWS::Partition>:s3:::models",
    ]
    (tmp_path / "model").mkdir()
    (tmp_path / "model/weights").write_text("1")
    shipped = ModelRelease.from_asset(version="v1", image_uri=IMAGE, path=str(tmp_path / "model"))
    assert "s3:ListBucket" not in actions(resources_of(release=shipped))


def test_an_image_of_a_private_registry_is_reached_through_the_vpc_with_credentials() -> None:
    shop = stack()
    declare(shop, release=replace(RELEASE, image_config=registry(shop)), **network(shop))
    resources = rendered(shop)
    assert properties(resources, "AWS::SageMaker::Model")["PrimaryContainer"]["ImageConfig"] == {
        "RepositoryAccessMode": "Vpc",
        "RepositoryAuthConfig": {"RepositoryCredentialsProviderArn": FUNCTION},
    }
    assert actions(resources)["lambda:InvokeFunction"] == [FUNCTION]
    assert guard(resources)["ModelFunctions"] == guard(resources)["CallableFunctions"] == [FUNCTION]


def test_the_credentials_of_a_kept_release_stay_callable() -> None:
    shop = stack()
    kept = replace(RELEASE, version="v0", image_config=registry(shop))
    declare(shop, kept_releases=[kept], **network(shop))
    resources = rendered(shop)
    assert actions(resources)["lambda:InvokeFunction"] == guard(resources)["CallableFunctions"] == [FUNCTION]
    assert "ModelFunctions" not in guard(resources)


def test_a_given_role_may_ask_for_the_credentials_as_well() -> None:
    shop = stack()
    role = iam.Role(shop, "Mine", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    declare(shop, role=role, release=replace(RELEASE, image_config=registry(shop)), **network(shop))
    assert actions(rendered(shop), "Mine") == {"lambda:InvokeFunction": [FUNCTION]}
    assert "CallableFunctions" not in guard(rendered(shop))


def test_a_registry_may_ask_for_no_credentials() -> None:
    shop = stack()
    declare(shop, release=replace(RELEASE, image_config=PrivateRegistry()), **network(shop))
    resources = rendered(shop)
    assert properties(resources, "AWS::SageMaker::Model")["PrimaryContainer"]["ImageConfig"] == {
        "RepositoryAccessMode": "Vpc"
    }
    assert "lambda:InvokeFunction" not in actions(resources)


def test_a_private_registry_without_a_vpc_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^image_config of release v1 needs a vpc, through which SageMaker reaches"):
        resources_of(release=replace(RELEASE, image_config=PrivateRegistry()))
