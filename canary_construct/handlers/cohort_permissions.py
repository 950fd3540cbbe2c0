"""What a front door adds to the permissions of the handlers: they may change its stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from canary_construct.permissions.acknowledged_statement import add_statement

if TYPE_CHECKING:
    from canary_construct.handlers.functions import Handlers

COHORT_HANDLERS = ("ReleaseSlots", "Settle", "Prepare", "ShiftTraffic", "RollBack", "Panic", "Abort", "Restore")
"""The shift handler begins and ends a cohort. The others end it, even when the rollout has stopped working."""


def allow_cohort_changes(handlers: Handlers, *, rest_api_id: str, stage_name: str) -> None:
    """Let the handlers change one stage. IAM cannot limit this to the variables of the stage.

    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_apigatewaymanagement.html
    """
    stage = Stack.of(handlers).format_arn(
        service="apigateway",
        account="",
        resource="/restapis",
        resource_name=f"{rest_api_id}/stages/{stage_name}",
    )
    for name in COHORT_HANDLERS:
        role = handlers[name].role
        assert role is not None
        add_statement(role, iam.PolicyStatement(actions=["apigateway:PATCH"], resources=[stage]))
