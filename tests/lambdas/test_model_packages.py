"""Releases of the model registry: who asks whether a package is approved, and what its model reads."""

import pytest
from rollout.contract.names import NOT_JUDGED, PROMOTED

from canary_tools.aws_models.api.errors import ApiError
from tests.lambdas.fakes.aws import DENIED, THROTTLED, Aws
from tests.lambdas.fakes.settings import A, B
from tests.lambdas.fakes.shop import Shop
from tests.lambdas.fakes.stack import DeployFailed
from tests.lambdas.test_release_slots import nothing_changed, refused

GROUP = "ranker"
REGISTRY = "registry"
"""The bucket with the model data of the packages."""


class Registry:
    """The group of model packages, as the team that trains models sees it."""

    def __init__(self, aws: Aws) -> None:
        self._packages = aws.sagemaker.catalogue.packages
        self._packages.create_group({"ModelPackageGroupName": GROUP})

    def register(self, approval: str = "Approved", *, status: str = "Completed", prefix: bool = False) -> str:
        url = f"s3://{REGISTRY}/ranker/"
        source = {"S3DataSource": {"S3Uri": url, "S3DataType": "S3Prefix", "CompressionType": "None"}}
        data = {"ModelDataSource": source} if prefix else {"ModelDataUrl": f"{url}model.tar.gz"}
        request = {
            "ModelPackageGroupName": GROUP,
            "ModelApprovalStatus": approval,
            "InferenceSpecification": {"Containers": [{"Image": "image:1", **data}]},
        }
        arn: str = self._packages.create(request)["ModelPackageArn"]
        self._packages.find(arn).status = status
        return arn

    def set(self, arn: str, approval: str) -> None:
        self._packages.update({"ModelPackageArn": arn, "ModelApprovalStatus": approval})


@pytest.fixture
def registry(aws: Aws) -> Registry:
    return Registry(aws)


def test_an_approved_package_goes_to_the_idle_slot_and_is_promoted(serving: Shop, registry: Registry) -> None:
    serving.promote("v2", package=registry.register())
    assert serving.models()[B] == "model-v2-digest-of-v2"


def test_a_package_may_be_the_first_release(shop: Shop, registry: Registry) -> None:
    shop.serve_first(package=registry.register())
    assert shop.weights() == {A: 100, B: 0}


@pytest.mark.parametrize(
    ("approval", "status", "sentence"),
    [
        ("PendingManualApproval", "Completed", "is PendingManualApproval, and must be Approved"),
        ("Rejected", "Completed", "is Rejected, and must be Approved"),
        ("Approved", "InProgress", "is InProgress, and must be Completed"),
        ("Approved", "Failed", "is Failed, and must be Completed"),
    ],
)
def test_a_package_that_is_not_approved_is_refused_before_anything_changed(
    serving: Shop, registry: Registry, approval: str, status: str, sentence: str
) -> None:
    package = registry.register(approval, status=status)
    assert f"model package {package} {sentence}" in refused(serving, "v2", package=package)
    assert nothing_changed(serving)
    assert serving.aws.asked("UpdateEndpoint") == []


def test_the_first_release_is_refused_as_well(shop: Shop, registry: Registry) -> None:
    assert "must be Approved" in refused(shop, "v1", package=registry.register("Rejected"))
    assert shop.aws.asked("CreateEndpoint") == []


def test_a_package_that_was_deleted_meanwhile_is_refused(aws: Aws, serving: Shop, registry: Registry) -> None:
    package = registry.register()
    aws.fail("DescribeModelPackage", ApiError("ValidationException", f"ModelPackage {package} does not exist."))
    assert f"the registry does not know model package {package}" in refused(serving, "v2", package=package)
    assert nothing_changed(serving)


def test_a_package_without_a_version_is_refused(aws: Aws, serving: Shop, registry: Registry) -> None:
    """A deploy-time value is not checked at synth."""
    package = registry.register()
    found = aws.sagemaker.catalogue.packages.find(package)
    described = {name: value for name, value in found.described().items() if name != "ModelPackageVersion"}
    found.described = lambda: described  # type: ignore[method-assign]  # as SageMaker describes one of no group
    assert f"model package {package} is no version of a group" in refused(serving, "v2", package=package)


def test_a_registry_that_limits_calls_is_asked_again(aws: Aws, serving: Shop, registry: Registry) -> None:
    aws.fail("DescribeModelPackage", THROTTLED, times=6)
    serving.deploy("v2", package=registry.register())
    assert serving.models()[B] == "model-v2-digest-of-v2"


def test_what_iam_denies_is_said_in_its_words_and_changes_nothing(aws: Aws, serving: Shop, registry: Registry) -> None:
    aws.fail("DescribeModelPackage", DENIED, times=1000)
    with pytest.raises(Exception, match="not authorized"):
        serving.deploy("v2", package=registry.register())
    assert serving.weights() == {A: 100, B: 0}
    assert serving.lock() is None


# Who looks a second time


def test_an_approval_that_is_withdrawn_after_the_guard_prevents_the_rollout(serving: Shop, registry: Registry) -> None:
    package = registry.register()
    execution = serving.release("v2", package=package)
    assert execution is not None
    registry.set(package, "Rejected")
    serving.run(execution)
    outcome, reason = serving.outcome(execution)
    assert outcome == NOT_JUDGED
    assert f"model package {package} is Rejected" in reason
    assert serving.weights() == {A: 100, B: 0}
    assert serving.unsafe() == []


@pytest.mark.parametrize("approval", ["Rejected", "PendingManualApproval"])
def test_an_approval_that_is_withdrawn_while_the_rollout_waits_prevents_its_first_share(
    aws: Aws, serving: Shop, registry: Registry, approval: str
) -> None:
    """It was deployed on Friday evening, rejected on Sunday, and got its traffic on Monday."""
    package = registry.register()
    execution = serving.release("v2", package=package)
    assert execution is not None
    serving.run(execution, until="ShiftTraffic")
    registry.set(package, approval)
    serving.run(execution)
    outcome, reason = serving.outcome(execution)
    assert outcome == NOT_JUDGED
    assert f"model package {package} is {approval}" in reason
    assert aws.asked("UpdateEndpointWeightsAndCapacities") == []
    assert serving.unsafe() == []


@pytest.mark.parametrize("error", [THROTTLED, DENIED], ids=["throttled", "denied"])
def test_a_registry_that_never_answers_before_the_first_share_ends_safe(
    aws: Aws, serving: Shop, registry: Registry, error: Exception
) -> None:
    execution = serving.release("v2", package=registry.register())
    assert execution is not None
    serving.run(execution, until="ShiftTraffic")
    aws.fail("DescribeModelPackage", error, times=100_000)
    serving.run(execution)
    assert serving.outcome(execution)[0] == NOT_JUDGED
    assert aws.asked("UpdateEndpointWeightsAndCapacities") == []
    assert serving.unsafe() == []


def test_a_registry_that_is_throttled_for_a_while_delays_the_first_share_only(
    aws: Aws, serving: Shop, registry: Registry
) -> None:
    execution = serving.release("v2", package=registry.register())
    assert execution is not None
    serving.run(execution, until="ShiftTraffic")
    aws.fail("DescribeModelPackage", THROTTLED, times=6)
    serving.run(execution)
    assert serving.outcome(execution)[0] == PROMOTED


def test_a_withdrawal_after_the_first_share_ends_nothing(serving: Shop, registry: Registry) -> None:
    package = registry.register()
    execution = serving.release("v2", package=package)
    assert execution is not None
    serving.run(execution, until="Evaluate")
    registry.set(package, "Rejected")
    serving.run(execution)
    assert serving.outcome(execution)[0] == PROMOTED


def test_the_same_version_may_be_tried_again_once_it_is_approved(serving: Shop, registry: Registry) -> None:
    package = registry.register()
    execution = serving.release("v2", package=package)
    assert execution is not None
    registry.set(package, "PendingManualApproval")
    serving.run(execution)
    registry.set(package, "Approved")
    again = serving.start("by-hand")
    serving.run(again)
    assert serving.outcome(again)[0] == PROMOTED


def test_a_package_that_serves_is_not_asked_for_again(aws: Aws, shop: Shop, registry: Registry) -> None:
    """A change of scaling must not be refused because nobody would approve the model of last year today."""
    package = registry.register()
    shop.serve_first(package=package)
    registry.set(package, "Rejected")
    asked = len(aws.asked("DescribeModelPackage"))
    shop.deploy("v1", package=package, tags="team=shop")
    assert len(aws.asked("DescribeModelPackage")) == asked


def test_a_stack_that_goes_back_asks_nobody(aws: Aws, shop: Shop, registry: Registry) -> None:
    first, second = registry.register(), registry.register()
    shop.serve_first(package=first)
    registry.set(first, "Rejected")
    shop.stack.sibling_fails = True
    with pytest.raises(DeployFailed):
        shop.deploy("v2", package=second)
    shop.settle()
    assert [call["ModelPackageName"] for call in aws.asked("DescribeModelPackage")] == [first, second]
    assert shop.weights() == {A: 100, B: 0}
    assert shop.unsafe() == []


# What the model of a package reads


@pytest.mark.parametrize("prefix", [False, True])
def test_a_package_whose_bucket_the_role_may_not_read_is_refused(
    serving: Shop, registry: Registry, *, prefix: bool
) -> None:
    assert refused(serving, "v2", package=registry.register(prefix=prefix), readable=("models",)) == (
        "version v2 reads its model data from bucket registry, as its model package says, and the models' role may not "
        "read that bucket after this deploy; add the bucket to model_buckets, and deploy again"
    )
    assert nothing_changed(serving)


def test_a_role_of_the_callers_is_not_judged(serving: Shop, registry: Registry) -> None:
    serving.deploy("v2", package=registry.register())
    assert serving.ledger.reads("model-v2-digest-of-v2").buckets == (REGISTRY,)


def test_a_later_deploy_keeps_the_bucket_of_a_package_in_a_slot(shop: Shop, registry: Registry) -> None:
    package = registry.register()
    shop.serve_first(package=package, readable=(REGISTRY,))
    assert "bucket registry, as its model package says" in refused(shop, "v1", package=package, readable=(), tags="t")
    assert "reads its archive from bucket registry" in refused(shop, "v2", buckets=("m",), readable=("m",))
    shop.deploy("v1", package=package, readable=(REGISTRY,), tags="team=shop")
    assert shop.ledger.reads("model-v1-digest-of-v1").buckets == (REGISTRY,)


def test_a_stack_that_went_back_still_knows_the_bucket(shop: Shop, registry: Registry) -> None:
    shop.serve_first(package=registry.register(), readable=(REGISTRY,))
    shop.stack.sibling_fails = True
    with pytest.raises(DeployFailed):
        shop.deploy("v2", readable=(REGISTRY,))
    shop.stack.sibling_fails = False
    shop.settle()
    assert "reads its archive from bucket registry" in refused(shop, "v3", buckets=("m",), readable=("m",))
