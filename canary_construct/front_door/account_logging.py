"""The role by which API Gateway writes logs: one an account and region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct

from canary_construct.permissions.acknowledged_statement import add_statement

if TYPE_CHECKING:
    from constructs import IDependable

_WRITE_LOGS = (
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "logs:GetLogEvents",
    "logs:FilterLogEvents",
)


def account_logging(scope: Construct) -> IDependable:
    """Let API Gateway write logs in this account and region; both resources stay when the stack goes.

    Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
    """
    logging = Construct(scope, "AccountLogging")
    role = iam.Role(logging, "Role", assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"))
    statement = iam.PolicyStatement(actions=list(_WRITE_LOGS), resources=["*"])
    add_statement(role, statement, reason="API Gateway writes the logs of every API in the account with this one role")
    role.apply_removal_policy(RemovalPolicy.RETAIN)
    account = apigateway.CfnAccount(logging, "Resource", cloud_watch_role_arn=role.role_arn)
    account.node.add_dependency(role)
    account.apply_removal_policy(RemovalPolicy.RETAIN)
    return logging
