"""The role that the models' containers run under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam

from canary_construct.permissions.acknowledged_statement import add_statement

if TYPE_CHECKING:
    from constructs import Construct

    from canary_construct.hosting.model_archive import ModelArchive


def model_role(
    scope: Construct, construct_id: str, *, given: iam.IRole | None, archive: ModelArchive | None, in_vpc: bool
) -> iam.IRole:
    """Return the caller's role, or one that lets containers be pulled, their models be read, and logs be written.

    Nothing in it is of one release: a deploy must not take from the release that serves what the next one does not
    need, since SageMaker reads image and archive again for every new instance.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html (CreateModel)
    """
    if given is not None:
        if archive is not None and archive.is_shipped:
            _allow_reading(given, archive)
        return given
    role = iam.Role(scope, construct_id, assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    _allow_pulling(role)
    _allow_logs_and_metrics(role)
    if archive is not None:
        _allow_reading(role, archive)
    if in_vpc:
        _allow_network_interfaces(role)
    return role


def _allow_reading(role: iam.IRole, archive: ModelArchive) -> None:
    objects = f"arn:{Stack.of(role).partition}:s3:::*" if archive.readable is None else archive.readable
    add_statement(
        role,
        iam.PolicyStatement(actions=["s3:GetObject"], resources=[objects]),
        reason="the archive of the release before is read again whenever an instance is added",
    )


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
            conditions={"StringEquals": {"cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/Endpoints"]}},
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
