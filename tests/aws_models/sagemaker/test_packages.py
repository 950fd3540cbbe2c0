"""The model registry: versions, approvals, models that are made of them, and the events."""

from typing import Any

import pytest

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.sagemaker.packages import ModelPackage, emit_package_change

GROUP = "Ranker"
FIRST = "arn:aws:sagemaker:us-east-1:000000000000:model-package/Ranker/1"
CONTAINER = {"Image": "image:1", "ModelDataUrl": "s3://models/v1.tar.gz", "Environment": {"A": "1", "B": "1"}}


@pytest.fixture
def packages(sagemaker: Any) -> Any:
    found = sagemaker.hosting.catalogue.packages
    found.create_group({"ModelPackageGroupName": GROUP})
    return found


def register(packages: Any, **more: Any) -> str:
    arn: str = packages.create(
        {"ModelPackageGroupName": GROUP, "InferenceSpecification": {"Containers": [CONTAINER]}, **more}
    )["ModelPackageArn"]
    return arn


def model_of(sagemaker: Any, package: str, **environment: str) -> None:
    container = {"ModelPackageName": package, "Environment": environment}
    sagemaker.hosting.catalogue.models.create(
        {"ModelName": "v1", "ExecutionRoleArn": "role", "PrimaryContainer": container}
    )


def test_versions_are_counted_and_pending_until_somebody_approves_them(packages: Any) -> None:
    assert [register(packages), register(packages)] == [FIRST, FIRST.replace("/1", "/2")]
    described = packages.describe({"ModelPackageName": FIRST})
    assert (described["ModelApprovalStatus"], described["ModelPackageStatus"]) == ("PendingManualApproval", "Completed")
    packages.update({"ModelPackageArn": FIRST, "ModelApprovalStatus": "Approved"})
    assert packages.describe({"ModelPackageName": FIRST})["ModelApprovalStatus"] == "Approved"


def test_versions_are_listed_newest_first_by_approval(packages: Any) -> None:
    register(packages, ModelApprovalStatus="Approved")
    register(packages)
    register(packages, ModelApprovalStatus="Approved")
    rows = packages.list({"ModelPackageGroupName": GROUP, "ModelApprovalStatus": "Approved", "MaxResults": 1})
    assert [row["ModelPackageVersion"] for row in rows["ModelPackageSummaryList"]] == [3]
    assert len(packages.list({"ModelPackageGroupName": GROUP})["ModelPackageSummaryList"]) == 3


def test_a_model_of_a_package_has_its_containers_and_variables_of_its_own(sagemaker: Any, packages: Any) -> None:
    model_of(sagemaker, register(packages), B="2")
    assert sagemaker.hosting.catalogue.containers("v1") == [{**CONTAINER, "Environment": {"A": "1", "B": "2"}}]


@pytest.mark.parametrize(
    ("arn", "code", "sentence"),
    [
        (FIRST.replace("/1", "/2"), "ValidationException", "does not exist"),
        (FIRST.replace("Ranker", "ranker"), "ValidationException", "does not exist"),
        (FIRST.replace("us-east-1", "eu-west-1"), "ValidationException", "ARN should be scoped to correct region"),
        (FIRST.replace("000000000000", "123456789012"), "AccessDeniedException", "not authorized"),
        (FIRST.removesuffix("/1"), "ValidationException", "does not exist"),
    ],
)
def test_a_model_of_a_package_that_is_not_there_is_refused(
    sagemaker: Any, packages: Any, arn: str, code: str, sentence: str
) -> None:
    register(packages)
    with pytest.raises(ApiError, match=sentence) as refused:
        model_of(sagemaker, arn)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({}, "Missing ARN"),
        ({"ModelPackageGroupName": "other"}, "Model Package Group other does not exist"),
        ({"ModelPackageGroupName": GROUP, "ModelApprovalStatus": "Fine"}, "Member must satisfy enum value set"),
    ],
)
def test_what_is_no_version_of_a_group_is_refused(packages: Any, request_: dict[str, str], sentence: str) -> None:
    with pytest.raises(ApiError, match=sentence):
        packages.create(request_)


def test_a_group_is_made_once(packages: Any) -> None:
    with pytest.raises(ApiError, match="already exists"):
        packages.create_group({"ModelPackageGroupName": GROUP})


def test_every_change_is_an_event_with_the_members_of_aws(packages: Any) -> None:
    told: list[dict[str, Any]] = []

    def emit(**event: Any) -> None:
        told.append(event)

    def listen(package: ModelPackage) -> None:
        emit_package_change(emit, package)

    packages.on_change.append(listen)
    arn = register(packages)
    packages.update({"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"})
    assert [event["detail"]["ModelApprovalStatus"] for event in told] == ["PendingManualApproval", "Approved"]
    last = told[-1]
    assert (last["source"], last["detail_type"]) == ("aws.sagemaker", "SageMaker Model Package State Change")
    assert last["resources"] == [arn]
    assert last["detail"]["ModelPackageGroupName"] == GROUP
    assert last["detail"]["ModelPackageArn"] == arn
    assert last["detail"]["CreationTime"].endswith("Z")
