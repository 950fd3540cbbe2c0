"""The model registry: what is pending is refused, and an approval deploys by itself."""

import io
import tarfile

from rollout.contract.names import PROMOTED, ROLLED_BACK

from tests.rollouts.declaring import IMAGE, MODEL, Declaration, group_of
from tests.rollouts.deployed_shop import DeployedShop
from tests.rollouts.slots import A, B
from tests.rollouts.test_rejection import FAILS_SMOKE_TEST


class Registry:
    """A model package group and its bucket, as the team that trains models uses them."""

    def __init__(self, shop: DeployedShop) -> None:
        self._group, self._sagemaker = group_of(shop.name), shop.stage.client("sagemaker")
        self._sagemaker.create_model_package_group(ModelPackageGroupName=self._group)
        s3 = shop.stage.client("s3")
        s3.create_bucket(Bucket=self._group)
        s3.put_object(Bucket=self._group, Key="model.tar.gz", Body=_archive())

    def register(self, version: int, *environment: tuple[str, str], approved: bool = False) -> str:
        variables = {"VERSION": str(version), **dict(environment)}
        data = f"s3://{self._group}/model.tar.gz"
        arn: str = self._sagemaker.create_model_package(
            ModelPackageGroupName=self._group,
            ModelApprovalStatus="Approved" if approved else "PendingManualApproval",
            InferenceSpecification={
                "Containers": [{"Image": IMAGE, "ModelDataUrl": data, "Environment": variables}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        )["ModelPackageArn"]
        assert arn.endswith(f"/{version}")
        return arn

    def approve(self, arn: str) -> None:
        self._sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.add(MODEL, arcname=".")
    return buffer.getvalue()


def test_what_is_pending_is_refused_and_an_approval_deploys_by_itself(shop: DeployedShop) -> None:
    # Given an endpoint that serves an approved version
    registry = Registry(shop)
    shop.deploy(Declaration(version="1", package=registry.register(1, approved=True)))

    # When somebody deploys a version that is pending, then the deploy is refused and nothing has changed
    second = registry.register(2)
    models, before = shop.models(), shop.comes_to_rest(stable=A)
    reasons = shop.refused(Declaration(version="2", package=second))
    assert f"model package {second} is PendingManualApproval, and must be Approved" in reasons
    assert (shop.models(), shop.comes_to_rest(stable=A)) == (models, before)

    # When it is approved, then it is deployed without anybody's doing, and promoted
    registry.approve(second)
    assert shop.rollout_ends("2").outcome == PROMOTED
    shop.comes_to_rest(stable=B)
    model = shop.stage.client("sagemaker").describe_model(ModelName=shop.models()[B])
    assert model["PrimaryContainer"]["ModelPackageName"] == second

    # When one that fails is approved, then it is deployed as well, and rolled back
    registry.approve(registry.register(3, *FAILS_SMOKE_TEST))
    assert shop.rollout_ends("3").outcome == ROLLED_BACK
    shop.comes_to_rest(stable=B)
    assert {request.version for request in shop.visitors_of("2")} == {"2"}
    assert shop.visitors_of("3") == []
