"""What each handler may do. One role a handler; every statement of every role is in `PERMISSIONS`.

Where a statement's resource is `*`, AWS offers nothing narrower; the reason stands beside it.
Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam

from canary_construct.props.slots import TAG
from canary_construct.watching.slot_metrics import OWN_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, kw_only=True)
class EndpointScope:
    """The resources of one endpoint that statements name."""

    stack: Stack
    settled_stack: Stack
    """The stack whose events settle the endpoint: the outermost one."""
    endpoint_name: str
    ledger_arn: str

    def arn(self, service: str, resource: str, name: str, *, colon: bool = False) -> str:
        """Return an ARN in the stack's account and region."""
        separator = ArnFormat.COLON_RESOURCE_NAME if colon else ArnFormat.SLASH_RESOURCE_NAME
        return self.stack.format_arn(service=service, resource=resource, resource_name=name, arn_format=separator)

    @property
    def endpoint_arn(self) -> str:
        """Return the endpoint's ARN from its name, which is lower-case; handlers outlive the resource."""
        return self.arn("sagemaker", "endpoint", self.endpoint_name)

    @property
    def state_machine_name(self) -> str:
        """Return the name of the endpoint's state machine; with the longest endpoint name it has 71 characters."""
        return f"{self.endpoint_name}-rollout"

    @property
    def state_machine_arn(self) -> str:
        """Return the state machine's ARN from its name: those whom it calls cannot refer to it."""
        return self.arn("states", "stateMachine", self.state_machine_name, colon=True)


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Actions on the resources of one endpoint."""

    actions: Sequence[str]
    resources: Callable[[EndpointScope], Sequence[str]]
    conditions: Callable[[EndpointScope], dict[str, object]] | None = None
    reason: str = ""
    """Why the resource is a wildcard, where it is."""

    def statement(self, scope: EndpointScope) -> iam.PolicyStatement:
        """Return the IAM statement for one endpoint."""
        conditions = None if self.conditions is None else self.conditions(scope)
        return iam.PolicyStatement(
            actions=list(self.actions), resources=list(self.resources(scope)), conditions=conditions
        )


def _ledger(*actions: str) -> Permission:
    return Permission(
        actions=[f"dynamodb:{action}" for action in actions],
        resources=lambda scope: [scope.ledger_arn],
        conditions=lambda scope: {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [scope.endpoint_name]}},
    )


def _on_endpoint(*actions: str) -> Permission:
    return Permission(actions=[f"sagemaker:{action}" for action in actions], resources=lambda s: [s.endpoint_arn])


READ_ENDPOINT = _on_endpoint("DescribeEndpoint")
SET_WEIGHTS = _on_endpoint("UpdateEndpointWeightsAndCapacities")
INVOKE = _on_endpoint("InvokeEndpoint")
READ_CONFIG = Permission(
    actions=["sagemaker:DescribeEndpointConfig"],
    resources=lambda scope: [scope.arn("sagemaker", "endpoint-config", "*")],
    reason="CloudFormation makes the names of endpoint configs",
)
READ_SCALING = Permission(
    actions=["application-autoscaling:DescribeScalableTargets"],
    resources=lambda _: ["*"],
    reason="DescribeScalableTargets knows no resource",
)
SET_SCALING = Permission(
    actions=["application-autoscaling:RegisterScalableTarget"],
    resources=lambda scope: [scope.arn("application-autoscaling", "scalable-target", "*")],
    conditions=lambda _: {
        "StringEquals": {
            "application-autoscaling:service-namespace": "sagemaker",
            "application-autoscaling:scalable-dimension": "sagemaker:variant:DesiredInstanceCount",
        }
    },
    reason="AWS makes the identifiers of scalable targets",
)
SCALE_ENDPOINT = _on_endpoint("DescribeEndpoint", "UpdateEndpointWeightsAndCapacities")
"""Whoever registers a scalable target needs the target service's actions as well. Source:
https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html"""
READ_ALARMS = Permission(
    actions=["cloudwatch:DescribeAlarms"],
    resources=lambda _: ["*"],
    reason="composite alarms are described only with *",
)
READ_METRICS = Permission(
    actions=["cloudwatch:GetMetricData"], resources=lambda _: ["*"], reason="GetMetricData knows no resource"
)
PUBLISH_METRICS = Permission(
    actions=["cloudwatch:PutMetricData"],
    resources=lambda _: ["*"],
    conditions=lambda _: {"StringEquals": {"cloudwatch:namespace": OWN_NAMESPACE}},
    reason="PutMetricData knows no resource; the condition limits it to our namespace",
)
NOTIFY = Permission(actions=["events:PutEvents"], resources=lambda scope: [scope.arn("events", "event-bus", "default")])
READ_STACK = Permission(
    actions=["cloudformation:DescribeStacks"],
    resources=lambda scope: list(dict.fromkeys([scope.stack.stack_id, scope.settled_stack.stack_id])),
)
START = Permission(
    actions=["states:StartExecution"],
    resources=lambda scope: [scope.state_machine_arn],
)
STOP = Permission(
    actions=["states:StopExecution"],
    resources=lambda scope: [scope.arn("states", "execution", f"{scope.state_machine_name}:*", colon=True)],
    reason="executions are named after releases",
)
LOOK_AT_EXECUTION = Permission(
    actions=["states:DescribeExecution"],
    resources=lambda scope: [scope.arn("states", "execution", f"{scope.state_machine_name}:*", colon=True)],
    reason="executions are named after releases",
)
FIND_TAGGED = Permission(
    actions=["tag:GetResources", "sagemaker:ListModels", "sagemaker:ListEndpointConfigs"],
    resources=lambda _: ["*"],
    reason="these actions know no resource",
)
SWEEP = Permission(
    actions=["sagemaker:DeleteModel", "sagemaker:DeleteEndpointConfig"],
    resources=lambda scope: [scope.arn("sagemaker", "model", "*"), scope.arn("sagemaker", "endpoint-config", "*")],
    conditions=lambda scope: {"StringEquals": {f"aws:ResourceTag/{TAG}": scope.endpoint_name}},
    reason="CloudFormation makes the names of models and endpoint configs; the condition limits it to ours",
)

SCALING = (SET_SCALING, SCALE_ENDPOINT, READ_CONFIG)
READ_LEDGER = _ledger("GetItem")

PERMISSIONS: dict[str, Sequence[Permission]] = {
    "ReleaseSlots": (
        _ledger("GetItem", "PutItem", "UpdateItem", "DeleteItem"),
        READ_STACK, READ_SCALING, *SCALING, LOOK_AT_EXECUTION, FIND_TAGGED, SWEEP, NOTIFY,
    ),
    "VerifiedEndpoint": (_ledger("GetItem", "PutItem", "UpdateItem"), READ_STACK, READ_ENDPOINT, STOP),
    "Settle": (
        _ledger("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"), READ_STACK, *SCALING, START,
        LOOK_AT_EXECUTION, FIND_TAGGED, SWEEP, NOTIFY,
    ),
    "Prepare": (
        _ledger("GetItem", "PutItem", "UpdateItem", "DeleteItem"), READ_ALARMS, READ_SCALING, *SCALING,
        LOOK_AT_EXECUTION, NOTIFY,
    ),
    "SmokeTest": (READ_LEDGER, INVOKE),
    "ScaleCanary": (READ_LEDGER, READ_METRICS, READ_SCALING, *SCALING),
    "ShiftTraffic": (_ledger("GetItem", "UpdateItem"), READ_ENDPOINT, SET_WEIGHTS),
    "Evaluate": (
        _ledger("GetItem", "UpdateItem"), READ_ALARMS, READ_METRICS, PUBLISH_METRICS, READ_SCALING, *SCALING,
    ),
    "Promote": (_ledger("GetItem", "UpdateItem", "DeleteItem"), *SCALING, NOTIFY),
    "RollBack": (_ledger("GetItem", "UpdateItem", "DeleteItem"), *SCALING, NOTIFY),
    "Panic": (_ledger("GetItem", "UpdateItem"), READ_ENDPOINT, SET_WEIGHTS, NOTIFY),
    "Restore": (_ledger("GetItem", "UpdateItem", "DeleteItem"), *SCALING, NOTIFY),
}  # fmt: skip
"""By handler. `SCALING` contains the weight call because AWS asks for it, not because the handler makes it."""
