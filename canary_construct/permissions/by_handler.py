"""What each handler may do. Each has its own role, and `PERMISSIONS` holds every statement of every role.

Where the resource of a statement is `*`, AWS offers nothing narrower, and the reason stands beside it.
Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.contract.names import SCALED_DIMENSION, SCALED_SERVICE, TAG

from canary_construct.permissions.permission import Permission

if TYPE_CHECKING:
    from collections.abc import Sequence


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
            "application-autoscaling:service-namespace": SCALED_SERVICE,
            "application-autoscaling:scalable-dimension": SCALED_DIMENSION,
        }
    },
    reason="AWS makes the identifiers of scalable targets",
)
SCALE_ENDPOINT = _on_endpoint("DescribeEndpoint", "UpdateEndpointWeightsAndCapacities")
"""A role that registers a scalable target needs these actions of the target's service as well. Source:
https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html"""
READ_ALARMS = Permission(
    actions=["cloudwatch:DescribeAlarms"],
    resources=lambda _: ["*"],
    reason="composite alarms are described only with *",
)
READ_METRICS = Permission(
    actions=["cloudwatch:GetMetricData"], resources=lambda _: ["*"], reason="GetMetricData knows no resource"
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
        _ledger("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"), READ_STACK, READ_METRICS, READ_SCALING,
        *SCALING, START, LOOK_AT_EXECUTION, FIND_TAGGED, SWEEP, NOTIFY,
    ),
    "Prepare": (
        _ledger("GetItem", "PutItem", "UpdateItem", "DeleteItem"), READ_ALARMS, READ_SCALING, *SCALING,
        LOOK_AT_EXECUTION, NOTIFY,
    ),
    "SmokeTest": (READ_LEDGER, INVOKE),
    "ScaleCanary": (READ_LEDGER, READ_METRICS, READ_SCALING, *SCALING),
    "ShiftTraffic": (_ledger("GetItem", "UpdateItem"), READ_ENDPOINT, SET_WEIGHTS),
    "Evaluate": (
        _ledger("GetItem", "UpdateItem"), READ_ALARMS, READ_METRICS, READ_SCALING, *SCALING,
    ),
    "Promote": (_ledger("GetItem", "UpdateItem", "DeleteItem"), READ_SCALING, *SCALING, NOTIFY),
    "RollBack": (_ledger("GetItem", "UpdateItem", "DeleteItem"), READ_SCALING, *SCALING, NOTIFY),
    "Panic": (_ledger("GetItem", "UpdateItem"), READ_METRICS, READ_ENDPOINT, SET_WEIGHTS, NOTIFY),
    "Restore": (_ledger("GetItem", "UpdateItem", "DeleteItem"), READ_SCALING, *SCALING, LOOK_AT_EXECUTION, NOTIFY),
}  # fmt: skip
"""By handler. `SCALING` contains the weight call because AWS asks for it, not because the handler makes it."""
