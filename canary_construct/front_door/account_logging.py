"""The role by which API Gateway writes logs: one an account and region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct

from canary_construct.cdk.acknowledged import acknowledge

if TYPE_CHECKING:
    from constructs import IDependable

SINGLETON_ID = "CanaryAccountLogging"
_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
_REASON = "API Gateway writes the logs of every API in the account with this one role, and names AWS's policy for it"


def account_logging(scope: Construct) -> IDependable:
    """Let API Gateway write logs in this account and region: once a stack, and it stays when the stack goes.

    Every API of the region would lose its logs with the role, or with its permissions. So the role has AWS's own
    policy, which no stack deletes. Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
    """
    stack = Stack.of(scope)
    existing = stack.node.try_find_child(SINGLETON_ID)
    return _declare(stack) if existing is None else existing


def _declare(stack: Stack) -> IDependable:
    logging = Construct(stack, SINGLETON_ID)
    role = iam.Role(
        logging,
        "Role",
        assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
        managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(_POLICY)],
    )
    finding = f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{_POLICY}]"
    acknowledge(role, finding, reason=_REASON)
    role.apply_removal_policy(RemovalPolicy.RETAIN)
    account = apigateway.CfnAccount(logging, "Resource", cloud_watch_role_arn=role.role_arn)
    account.node.add_dependency(role)
    account.apply_removal_policy(RemovalPolicy.RETAIN)
    return logging
