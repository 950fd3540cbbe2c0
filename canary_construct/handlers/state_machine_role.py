"""The role of a stack's state machines: they may call the handlers, write their log and send their traces.

The role that CDK makes would also allow every version and alias of each function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from canary_construct.permissions.acknowledged_statement import add_statement
from canary_construct.permissions.endpoint_scope import StackScope
from canary_construct.permissions.permission import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_lambda as lambda_
    from constructs import Construct

DELIVER_LOGS = Permission[StackScope](
    actions=[
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
    ],
    resources=lambda _: ["*"],
    reason="log deliveries and log resource policies know no resource",
)
TRACE = Permission[StackScope](
    actions=[
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    ],
    resources=lambda _: ["*"],
    reason="X-Ray's actions know no resource",
)
STATES = ("Prepare", "SmokeTest", "ScaleCanary", "ShiftTraffic", "Evaluate", "Promote", "RollBack")


def state_machine_role(scope: Construct, construct_id: str, *, functions: Mapping[str, lambda_.Function]) -> iam.Role:
    """Let Step Functions call the handlers of its states, and write logs and traces.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html (logs),
    https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html (traces)
    """
    role = iam.Role(scope, construct_id, assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
    called = [functions[name].function_arn for name in STATES]
    add_statement(role, iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=called))
    for permission in (DELIVER_LOGS, TRACE):
        statement = iam.PolicyStatement(actions=list(permission.actions), resources=["*"])
        add_statement(role, statement, reason=permission.reason)
    return role
