"""SageMaker's model registry: groups of model packages, their versions, and which of them are approved."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from canary_tools.aws_models.api.errors import ApiError, validation_error
from canary_tools.aws_models.api.events import Emit
from canary_tools.aws_models.api.operations import Request
from canary_tools.aws_models.api.paging import page
from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.sagemaker.arns import name_in
from canary_tools.aws_models.sagemaker.config_rules import check_name
from canary_tools.clock import Clock

APPROVALS = ("Approved", "Rejected", "PendingManualApproval")
"""Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateModelPackage.html"""
_VERSION = re.compile(r"arn:aws[a-z-]*:sagemaker:([a-z0-9-]*):(\d{12}):model-package/([a-zA-Z0-9-]+)/(\d+)")
_TOLD = ("ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "CreationTime", "ModelPackageStatus")


@dataclass
class ModelPackage:
    """One version of a group.

    Attributes:
        specification: image and model data of each container, in the form of `CreateModelPackage`.
        created, modified: seconds since the epoch.
    """

    arn: str
    group: str
    version: int
    specification: Mapping[str, Any]
    approval: str
    created: float
    modified: float
    status: str = "Completed"

    def described(self) -> dict[str, Any]:
        """Return the answer of `DescribeModelPackage`."""
        return {
            "ModelPackageName": self.group,
            "ModelPackageGroupName": self.group,
            "ModelPackageVersion": self.version,
            "ModelPackageArn": self.arn,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "InferenceSpecification": self.specification,
            "ModelPackageStatus": self.status,
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "ModelApprovalStatus": self.approval,
        }


@dataclass
class _Group:
    arn: str
    created: float
    packages: list[ModelPackage] = field(default_factory=list)


class ModelPackages:
    """All versions of all groups. Packages without a group, which the Marketplace sells, are not modelled.

    ARNs keep the case of a group's name: a denied call names `model-package/modelPackageGroupTurbine/1`. Source:
    https://github.com/aws-samples/ml-edge-getting-started/issues/18

    Attributes:
        on_change: each is called with a package that was made or changed.
    """

    def __init__(self, *, place: Place, clock: Clock) -> None:
        self._place = place
        self._clock = clock
        self._groups: dict[str, _Group] = {}
        self.on_change: list[Callable[[ModelPackage], None]] = []

    def create_group(self, request: Request) -> dict[str, Any]:
        """Answer `CreateModelPackageGroup`."""
        name = request["ModelPackageGroupName"]
        check_name("ModelPackageGroupName", name)
        if name in self._groups:
            raise validation_error(f"Model Package Group already exists: {self._groups[name].arn}")
        arn = self._place.arn("sagemaker", f"model-package-group/{name}")
        self._groups[name] = _Group(arn=arn, created=self._clock.now())
        return {"ModelPackageGroupArn": arn}

    def create(self, request: Request) -> dict[str, Any]:
        """Answer `CreateModelPackage`: the next version of a group. AWS validates it for a while; here it is complete.

        The sentence for a missing group name is known from a public report:
        https://github.com/getmoto/moto/pull/7165
        """
        if "ModelPackageGroupName" not in request:
            raise validation_error("Missing ARN")
        name = name_in(request["ModelPackageGroupName"])
        group = self._group(name)
        now, version = self._clock.now(), len(group.packages) + 1
        package = ModelPackage(
            arn=self._place.arn("sagemaker", f"model-package/{name}/{version}"),
            group=name,
            version=version,
            specification=request.get("InferenceSpecification", {}),
            approval=_approval(request, otherwise="PendingManualApproval"),
            created=now,
            modified=now,
        )
        group.packages.append(package)
        self._tell(package)
        return {"ModelPackageArn": package.arn}

    def describe(self, request: Request) -> dict[str, Any]:
        """Answer `DescribeModelPackage`."""
        return self.find(request["ModelPackageName"]).described()

    def update(self, request: Request) -> dict[str, Any]:
        """Answer `UpdateModelPackage`, of which the approval is modelled."""
        package = self.find(request["ModelPackageArn"])
        package.approval = _approval(request, otherwise=package.approval)
        package.modified = self._clock.now()
        self._tell(package)
        return {"ModelPackageArn": package.arn}

    def list(self, request: Request) -> dict[str, Any]:
        """Answer `ListModelPackages`, the newest version first, whatever order is asked for."""
        group = self._group(name_in(request["ModelPackageGroupName"]))
        wanted = request.get("ModelApprovalStatus")
        rows = [
            {name: value for name, value in package.described().items() if name in (*_TOLD, "ModelApprovalStatus")}
            for package in reversed(group.packages)
            if wanted in {None, package.approval}
        ]
        return page("ModelPackageSummaryList", rows, request)

    def find(self, arn: str) -> ModelPackage:
        """Return a version by its ARN.

        AWS's sentence for another region is known from public reports, the one for what is not there is not:
        https://github.com/aws/amazon-sagemaker-examples/issues/1438

        Raises:
            ApiError: `ValidationException` for another region or what is not there; `AccessDeniedException` for another
                account, whose groups share nothing with this one.
        """
        found = _VERSION.fullmatch(arn)
        if found is None:
            raise validation_error(f"ModelPackage {arn} does not exist.")
        region, account, group, version = found.groups()
        if region != self._place.region:
            raise validation_error(f"ARN should be scoped to correct region: {self._place.region}")
        if account != self._place.account:
            raise ApiError("AccessDeniedException", f"User is not authorized to access model package {arn}.")
        packages = self._groups[group].packages if group in self._groups else []
        if not 1 <= int(version) <= len(packages):
            raise validation_error(f"ModelPackage {arn} does not exist.")
        return packages[int(version) - 1]

    def containers(self, declared: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Return what a container of a model stands for: itself, or the containers of its package.

        Variables of the model go before those of the package.
        """
        if "ModelPackageName" not in declared:
            return [declared]
        own = declared.get("Environment", {})
        containers = self.find(declared["ModelPackageName"]).specification.get("Containers", ())
        return [{**each, "Environment": {**each.get("Environment", {}), **own}} for each in containers]

    def _group(self, name: str) -> _Group:
        if name not in self._groups:
            raise validation_error(f"Model Package Group {name} does not exist.")
        return self._groups[name]

    def _tell(self, package: ModelPackage) -> None:
        for listener in self.on_change:
            listener(package)


def _approval(request: Request, *, otherwise: str) -> str:
    approval: str = request.get("ModelApprovalStatus", otherwise)
    if approval not in APPROVALS:
        raise validation_error(
            f"1 validation error detected: Value '{approval}' at 'modelApprovalStatus' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(APPROVALS)}]"
        )
    return approval


def emit_package_change(emit: Emit, package: ModelPackage) -> None:
    """Put the event of a change on the bus.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html (model package
    state change)
    """
    described = {name: value for name, value in package.described().items() if name != "ModelPackageName"}
    times = {"CreationTime": _iso(package.created), "LastModifiedTime": _iso(package.modified)}
    emit(
        source="aws.sagemaker",
        detail_type="SageMaker Model Package State Change",
        resources=[package.arn],
        detail={**described, **times},
    )


def _iso(seconds: float) -> str:
    """Return a time as the event has it.

    >>> _iso(1614186014.5)
    '2021-02-24T17:00:14Z'
    """
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
