"""Releases of the model registry, as CloudFormation gets them."""

import json
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Fn, Stack
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from canary_construct import CanaryEndpoint, ModelRelease, on_approved_package
from tests.infrastructure.synthesis import (
    ENDPOINT,
    INSTANCE_TYPE,
    RELEASE,
    Resources,
    declare,
    depends_on,
    of_type,
    only,
    properties,
    rendered,
    resources_of,
    stack,
    statements,
)

pytestmark = pytest.mark.xdist_group("guards")

ARN = "arn:aws:sagemaker:eu-central-1:123456789012:model-package/ranker/7"
OF_REGISTRY = ModelRelease.from_model_package(version="v1", arn=ARN)


@pytest.fixture(scope="module")
def resources() -> Resources:
    return resources_of(release=OF_REGISTRY)


def guard(resources: Resources) -> dict[str, Any]:
    return properties(resources, "Custom::ReleaseSlots")


def test_the_model_is_of_the_package_and_has_no_image_of_its_own(resources: Resources) -> None:
    assert properties(resources, "AWS::SageMaker::Model")["PrimaryContainer"] == {"ModelPackageName": ARN}
    assert guard(resources)["ModelPackage"] == ARN
    assert "ModelPackage" not in guard(resources_of())


def test_another_version_and_another_variable_are_another_content(resources: Resources) -> None:
    contents = [
        guard(resources_of(release=release))["ContentDigest"]
        for release in (
            ModelRelease.from_model_package(version="v1", arn=ARN.replace("/7", "/8")),
            ModelRelease.from_model_package(version="v1", arn=ARN, environment={"TOP": "10"}),
        )
    ]
    assert len({guard(resources)["ContentDigest"], *contents}) == 3


def test_who_asks_the_registry_may_ask_for_this_version_and_nothing_else(resources: Resources) -> None:
    asking = {
        handler: [s["Resource"] for s in statements(resources, f"{handler}Role") if "ModelPackage" in str(s["Action"])]
        for handler in ("ReleaseSlots", "Prepare", "Settle", "Evaluate", "Promote")
    }
    assert asking == {"ReleaseSlots": [[ARN]], "Prepare": [[ARN]], "Settle": [], "Evaluate": [], "Promote": []}
    (policy,) = [name for name in of_type(resources, "AWS::IAM::Policy") if "PackagePolicy" in name]
    assert policy in depends_on(resources, only(resources, "Custom::ReleaseSlots")[0])
    assert not [name for name in resources_of() if "PackagePolicy" in name]


def test_the_role_reads_the_buckets_that_are_named_and_the_guard_knows_them() -> None:
    shop = stack()
    declare(shop, release=OF_REGISTRY, model_buckets=[s3.Bucket.from_bucket_name(shop, "Registry", "registry")])
    resources = rendered(shop)
    reading = [s["Resource"] for s in statements(resources, "ModelRole") if s["Action"] == ["s3:GetObject"]]
    assert reading == [["arn:<AWS::Partition>:s3:::registry/*"]]
    assert guard(resources)["ReadableBuckets"] == ["registry"]


def test_without_a_bucket_the_guard_knows_that_the_role_reads_none(resources: Resources) -> None:
    assert guard(resources)["ReadableBuckets"] == []
    assert [s for s in statements(resources, "ModelRole") if s["Action"] == ["s3:GetObject"]] == []


def test_a_version_that_only_the_deploy_knows_is_in_the_content_as_a_value() -> None:
    shop = Stack(App(), "Shop")
    arn = CfnParameter(shop, "Package").value_as_string
    version = Fn.select(2, Fn.split("/", arn))
    CanaryEndpoint(
        shop,
        "Recommender",
        release=ModelRelease.from_model_package(version=version, arn=arn),
        instance_type=INSTANCE_TYPE,
        endpoint_name=ENDPOINT,
    )
    found = guard(rendered(shop))
    assert found["ContentValues"] == [{"Ref": "Package"}]
    assert found["ModelPackage"] == {"Ref": "Package"}


def test_a_kept_release_of_the_registry_needs_nothing_kept() -> None:
    kept = ModelRelease.from_model_package(version="v0", arn=ARN)
    assert guard(resources_of(kept_releases=[kept]))["ReadableBuckets"] == ["models"]


@pytest.mark.parametrize(
    "arn",
    [
        "ranker",
        "ranker/7",
        "arn:aws:sagemaker:eu-central-1:123456789012:model-package-group/ranker",
        "arn:aws:sagemaker:eu-central-1:123456789012:model-package/ranker",
        "arn:aws:sagemaker:eu-central-1:123456789012:model-package/ranker/newest",
        "arn:aws:sagemaker:eu-central-1:123456789012:model/ranker/7",
        "",
    ],
)
def test_what_names_no_version_is_refused(arn: str) -> None:
    with pytest.raises(ValueError, match=r"^arn must name one version of a model package, as in arn:aws:sagemaker:"):
        ModelRelease.from_model_package(version="v1", arn=arn)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"image_uri": "image"}, "image_uri"),
        ({"model_data_url": "s3://models/1.tar.gz"}, "model_data_url"),
        ({"containers": [RELEASE.all_containers()[0]] * 2}, "containers"),
    ],
)
def test_what_a_package_says_is_not_said_twice(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"release v1 has a model package, which says {said} itself"):
        replace(OF_REGISTRY, **more)


# The event of an approval


def test_a_rule_waits_for_approvals_in_one_group() -> None:
    shop = stack()
    code = lambda_.Code.from_inline("def handler(event, context): pass")
    function = lambda_.Function(shop, "Deploy", code=code, handler="index.handler", runtime=lambda_.Runtime.PYTHON_3_13)
    on_approved_package(shop, "Approved", group="ranker", target=targets.LambdaFunction(function))
    rule = properties(rendered(shop), "AWS::Events::Rule")
    assert rule["EventPattern"] == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {"ModelPackageGroupName": ["ranker"], "ModelApprovalStatus": ["Approved"]},
    }
    assert "Deploy" in json.dumps(rule["Targets"])


@pytest.mark.parametrize("group", [ARN, "a group", "", "arn:aws:sagemaker:eu-central-1:1:model-package-group/ranker"])
def test_a_group_that_is_no_name_is_refused(group: str) -> None:
    with pytest.raises(ValueError, match="group must be the name of a model package group, such as ranker, got"):
        on_approved_package(stack(), "Approved", group=group)
