"""The logs of the functions and of the state machines: one group each a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Annotations, ArnFormat, Aws, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

    from canary_construct.props.handler_settings import HandlerSettings

VENDED_LOGS = "/aws/vendedlogs/states/"
_IMPORTED = (
    "this key is not made by the app, which cannot change its policy: let logs.{}.amazonaws.com use it for the log "
    "groups of this account"
)


def function_log(scope: Construct, settings: HandlerSettings) -> logs.LogGroup:
    """Declare the log of all functions of a stack."""
    return _log_group(scope, "Logs", settings, name=None)


def rollout_log(scope: Construct, settings: HandlerSettings) -> logs.LogGroup:
    """Declare the log of all state machines of a stack.

    A group outside `/aws/vendedlogs/` would add itself to a resource policy of 5,120 characters that the whole account
    shares. Source: https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html
    """
    return _log_group(scope, "RolloutLog", settings, name=f"{VENDED_LOGS}{Aws.STACK_NAME}-rollouts")


def open_to_logs(scope: Construct, key: kms.IKey) -> None:
    """Let CloudWatch Logs use a key for the log groups of this account and region.

    The statement names no group, because each group names the key.
    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """
    stack = Stack.of(scope)
    groups = stack.format_arn(
        service="logs", resource="log-group", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    statement = iam.PolicyStatement(
        principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
        actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        resources=["*"],
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    )
    if not key.add_to_resource_policy(statement).statement_added:
        Annotations.of(scope).add_info_v2("canary-construct:imported-key", _IMPORTED.format(stack.region))


def _log_group(scope: Construct, construct_id: str, settings: HandlerSettings, *, name: str | None) -> logs.LogGroup:
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name,
        retention=settings.log_retention,
        encryption_key=settings.encryption_key,
        removal_policy=RemovalPolicy.DESTROY,
    )
