"""Model packages of SageMaker's registry: whether a version may be deployed, and what its model reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rollout import clients, sentences
from rollout.contract.errors import CannotBegin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rollout.ledger import Ledger

COMPLETED = "Completed"
APPROVED = "Approved"


@dataclass(frozen=True, kw_only=True)
class Package:
    """What the registry says of a package. `problem`: why it may not be deployed; empty when it may."""

    problem: str = ""
    buckets: tuple[str, ...] = ()
    """That hold its model data."""


def describe(arn: str) -> Package:
    """Ask the registry.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html

    Raises:
        Throttled, Unavailable: when it did not answer.
        ClientError: when the caller may not ask.
    """
    try:
        with clients.named_failures():
            found = clients.client("sagemaker").describe_model_package(ModelPackageName=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return Package(problem=sentences.PACKAGE_UNKNOWN.format(package=arn, error=error.response["Error"]["Message"]))
    containers = found.get("InferenceSpecification", {}).get("Containers", ())
    return Package(problem=_problem(arn, found), buckets=tuple(dict.fromkeys(_buckets(containers))))


def refuse_withdrawn(ledger: Ledger) -> None:
    """Look again whether the model package of the release on trial is approved.

    A deploy takes minutes after the guard has looked, and a rollout may wait for days before its first share: for a
    window, for instances, or for a person who paused it.

    Raises:
        CannotBegin: when it is not any more. The release may be tried again once it is.
        Throttled, Unavailable: when the registry did not answer.
    """
    package = ledger.reads(ledger.declared_model()).package
    problem = describe(package).problem if package else ""
    if problem:
        raise CannotBegin(problem)


def _problem(arn: str, found: Mapping[str, Any]) -> str:
    approval, status = found.get("ModelApprovalStatus", "without an approval"), found["ModelPackageStatus"]
    if "ModelPackageVersion" not in found:
        return sentences.PACKAGE_UNVERSIONED.format(package=arn)
    if status != COMPLETED:
        return sentences.PACKAGE_UNFINISHED.format(package=arn, status=status)
    return "" if approval == APPROVED else sentences.PACKAGE_NOT_APPROVED.format(package=arn, approval=approval)


def _buckets(containers: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for container in containers:
        source = container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri", "")
        for url in (container.get("ModelDataUrl", ""), source):
            scheme, _, place = url.partition("://")
            if scheme == "s3":
                yield place.partition("/")[0]
