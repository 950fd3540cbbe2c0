"""The role that a model's container runs under, where the caller gives none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Stack, Token
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from canary_construct.model_release import ModelRelease

_ECR_IMAGE = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z.]+/(?P<repository>[^:@]+)")


def model_role(scope: Construct, construct_id: str, release: ModelRelease) -> iam.Role:
    """Let the container be pulled, its model be read, and its logs and metrics be written.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    """
    role = iam.Role(scope, construct_id, assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    for statement in _statements(Stack.of(scope), release):
        role.add_to_policy(statement)
    return role


def _statements(stack: Stack, release: ModelRelease) -> Sequence[iam.PolicyStatement]:
    log_groups = stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name="/aws/sagemaker/Endpoints/*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    statements = [
        iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]),
        iam.PolicyStatement(
            actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            resources=[_repository_arn(stack, release.image_uri)],
        ),
        iam.PolicyStatement(
            actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resources=[log_groups],
        ),
        iam.PolicyStatement(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/Endpoints"]}},
        ),
    ]
    if release.model_data_url is not None:
        statements.append(_read_model(stack, release.model_data_url))
    return statements


def _read_model(stack: Stack, url: str) -> iam.PolicyStatement:
    if Token.is_unresolved(url):
        return iam.PolicyStatement(actions=["s3:GetObject"], resources=[f"arn:{stack.partition}:s3:::*"])
    return iam.PolicyStatement(
        actions=["s3:GetObject"], resources=[f"arn:{stack.partition}:s3:::{url.removeprefix('s3://')}"]
    )


def _repository_arn(stack: Stack, image_uri: str) -> str:
    """Return the image's repository, or all that this account may read when the URI is known only at deploy time."""
    found = None if Token.is_unresolved(image_uri) else _ECR_IMAGE.match(image_uri)
    if found is None:
        return f"arn:{stack.partition}:ecr:*:*:repository/*"
    return f"arn:{stack.partition}:ecr:{found['region']}:{found['account']}:repository/{found['repository']}"
