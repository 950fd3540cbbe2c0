"""The role of the models' containers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aws_cdk import Annotations, ArnFormat, Stack
from aws_cdk import aws_iam as iam
from rollout.contract.names import SAGEMAKER_NAMESPACE

from canary_construct.permissions.acknowledged_statement import add_statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

    from canary_construct.hosting.model_archive import ModelArchive

_IMPORTED = (
    "this role is not made by the app, which may be unable to change it: let it read the archives of all releases in "
    "both slots, also of the one before the newest"
)


@dataclass(frozen=True, kw_only=True)
class ModelSources:
    """Where the archives of the releases are: the newest and kept releases' own, and the caller's buckets.

    `credentials`: the functions that the private registries of all these releases need; `newest_credentials`: of the
    newest.
    """

    newest: Sequence[ModelArchive]
    kept: Sequence[ModelArchive]
    buckets: Sequence[s3.IBucket]
    key: kms.IKey | None
    newest_credentials: Sequence[lambda_.IFunction]
    credentials: Sequence[lambda_.IFunction]

    def names(self) -> list[str] | None:
        """Return the names of the buckets; `None` when a name is known only at deploy time."""
        archives = [archive.bucket for archive in self.archives()]
        known = [bucket for bucket in archives if bucket is not None]
        if len(known) < len(archives):
            return None
        return list(dict.fromkeys([*known, *(bucket.bucket_name for bucket in self.buckets)]))

    def archives(self) -> list[ModelArchive]:
        """Return the archives of the newest release and of kept ones."""
        return [*self.newest, *self.kept]

    def shipped(self) -> ModelSources:
        """Return the same without archives that are where the caller put them."""
        newest, kept = ([each for each in archives if each.is_shipped] for archives in (self.newest, self.kept))
        return replace(self, newest=newest, kept=kept)

    def listed(self) -> list[str] | None:
        """Return the names of buckets that may hold uncompressed models; `None` when a name is known only later."""
        own = [archive for archive in self.archives() if not archive.is_shipped]
        return replace(self, newest=own, kept=()).names()

    def encryption_keys(self) -> list[kms.IKey]:
        """Return the keys that encrypt the archives."""
        of_buckets = [bucket.encryption_key for bucket in self.buckets]
        return [key for key in (self.key, *of_buckets) if key is not None]


@dataclass(frozen=True, kw_only=True)
class ModelNeeds:
    """What the containers do besides reading their archives and writing logs."""

    in_vpc: bool
    ssm_access: bool


def model_role(scope: Construct, construct_id: str, *, sources: ModelSources, needs: ModelNeeds) -> iam.Role:
    """Return a role that may pull the images, read the models of all releases, and write logs.

    SageMaker reads image and archive again for every new instance. So a deploy must keep the permissions of the release
    that serves, even if the next release does not need them.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html (CreateModel)
    """
    role = iam.Role(scope, construct_id, assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    _allow_pulling(role)
    _allow_logs_and_metrics(role)
    _allow_reading(role, sources)
    if needs.in_vpc:
        _allow_network_interfaces(role)
    if needs.ssm_access:
        _allow_shells(role)
    return role


def complete_given_role(role: iam.IRole, sources: ModelSources) -> iam.IRole:
    """Allow the caller's role to read the stack's own archives and the caller's buckets.

    If the app cannot change the role, a note says so at synth.
    """
    _allow_reading(role, sources.shipped())
    if not iam.Role.is_role(role):
        Annotations.of(role).add_info_v2("canary-construct:imported-role", _IMPORTED)
    return role


def _allow_reading(role: iam.IRole, sources: ModelSources) -> None:
    names = ["*"] if (known := sources.names()) is None else [f"{name}/*" for name in known]
    if names:
        add_statement(
            role,
            iam.PolicyStatement(actions=["s3:GetObject"], resources=_in_s3(role, names)),
            reason="the archive of the release before is read again whenever an instance is added",
        )
    listed = ["*"] if (own := sources.listed()) is None else own
    if listed:
        add_statement(
            role,
            iam.PolicyStatement(actions=["s3:ListBucket"], resources=_in_s3(role, listed)),
            reason="a release that is deployed with its bucket may lie below a prefix, which SageMaker lists",
        )
    for key in sources.encryption_keys():
        key.grant_decrypt(role)
    for function in sources.credentials:
        add_statement(role, iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn]))


def _in_s3(role: iam.IRole, names: Sequence[str]) -> list[str]:
    return [f"arn:{Stack.of(role).partition}:s3:::{name}" for name in names]


def _allow_pulling(role: iam.Role) -> None:
    add_statement(
        role,
        iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]),
        reason="GetAuthorizationToken knows no resource",
    )
    add_statement(
        role,
        iam.PolicyStatement(
            actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            resources=[f"arn:{Stack.of(role).partition}:ecr:*:*:repository/*"],
        ),
        reason="the image of the release before is pulled again whenever an instance is added, wherever it is from",
    )


def _allow_logs_and_metrics(role: iam.Role) -> None:
    log_groups = Stack.of(role).format_arn(
        service="logs",
        resource="log-group",
        resource_name="/aws/sagemaker/Endpoints/*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    add_statement(
        role,
        iam.PolicyStatement(
            actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resources=[log_groups],
        ),
        reason="SageMaker names the log streams",
    )
    add_statement(
        role,
        iam.PolicyStatement(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": [SAGEMAKER_NAMESPACE, "/aws/sagemaker/Endpoints"]}},
        ),
        reason="PutMetricData knows no resource; the condition limits it to SageMaker's namespaces",
    )


def _allow_network_interfaces(role: iam.Role) -> None:
    add_statement(
        role,
        iam.PolicyStatement(
            actions=[
                "ec2:CreateNetworkInterface",
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            resources=["*"],
        ),
        reason="SageMaker makes and names the network interfaces, and the describing actions know no resource",
    )


def _allow_shells(role: iam.Role) -> None:
    """Let the agent of Systems Manager in the containers talk to its service.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/ssm-access.html
    """
    channels = ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel")
    add_statement(
        role,
        iam.PolicyStatement(actions=[f"ssmmessages:{channel}" for channel in channels], resources=["*"]),
        reason="the channels of Systems Manager know no resource",
    )
