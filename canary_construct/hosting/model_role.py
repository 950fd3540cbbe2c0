"""The role of the models' containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Annotations, ArnFormat, Stack
from aws_cdk import aws_iam as iam
from rollout.contract.names import SAGEMAKER_NAMESPACE

from canary_construct.border.resources import refuse_unfit_role
from canary_construct.permissions.acknowledged_statement import add_statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from canary_construct.hosting.model_sources import ModelNeeds, ModelSources
    from canary_construct.props.data_capture import DataCapture

_IMPORTED = (
    "this role is not made by the app, which may be unable to change it: let it read the archives of all releases in "
    "both slots, also of the one before the newest"
)


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
    if needs.data_capture is not None:
        _allow_capturing(role, needs.data_capture)
    return role


def complete_given_role(role: iam.IRole, sources: ModelSources, needs: ModelNeeds) -> iam.IRole:
    """Allow the caller's role to read the stack's own archives and the caller's buckets, and to capture data.

    If the app cannot change the role, a note says so at synth.

    Raises:
        ValueError: when SageMaker may not assume it.
    """
    refuse_unfit_role(role)
    _allow_reading(role, sources.shipped())
    if needs.data_capture is not None:
        _allow_capturing(role, needs.data_capture)
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


def _allow_capturing(role: iam.IRole, capture: DataCapture) -> None:
    """Let SageMaker write captured requests and answers with the role of the model that answers.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
    """
    add_statement(
        role,
        iam.PolicyStatement(actions=["s3:PutObject"], resources=[capture.files_arn]),
        reason="SageMaker names the files of captured requests and answers",
    )
    if capture.key is not None:
        capture.key.grant(role, "kms:Decrypt", "kms:GenerateDataKey")


def allow_watching_alarms(role: iam.IRole) -> None:
    """Let SageMaker ask for the states of alarms while it swaps the fleet.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
    """
    add_statement(
        role,
        iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=["*"]),
        reason="composite alarms are described only with *",
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
