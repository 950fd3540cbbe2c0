"""What each handler may do. Each has its own role, and `PERMISSIONS` holds every statement of every role.

IAM takes 10,240 characters of policies for a role. So a statement that names no endpoint stands once in the role of
each handler that needs it, and each endpoint has the few policies of `ENDPOINT_POLICIES`, each for all its handlers.

Where the resource of a statement is `*`, AWS offers nothing narrower, and the reason stands beside it.
Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.contract.names import SCALED_DIMENSION, SCALED_SERVICE, STACK_TAG

from canary_construct.permissions.endpoint_scope import SCALING_SERVICE, EndpointScope, StackScope
from canary_construct.permissions.permission import Permission

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def _ledger(*actions: str) -> Permission[StackScope]:
    return Permission(actions=[f"dynamodb:{action}" for action in actions], resources=lambda scope: [scope.ledger_arn])


def _on_endpoint(*actions: str) -> Permission[EndpointScope]:
    return Permission(actions=[f"sagemaker:{action}" for action in actions], resources=lambda s: [s.endpoint_arn])


READ_ENDPOINT = _on_endpoint("DescribeEndpoint")
SET_WEIGHTS = _on_endpoint("DescribeEndpoint", "UpdateEndpointWeightsAndCapacities")
"""Whoever registers a scalable target needs these of the target's service as well. Source:
https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html"""
INVOKE = _on_endpoint("InvokeEndpoint")
DESCRIBE_PACKAGE = Permission[EndpointScope](
    actions=["sagemaker:DescribeModelPackage"],
    resources=lambda scope: [] if scope.package_arn is None else [scope.package_arn],
)
"""Of the version that the release is of, in whichever account its registry is."""
READ_CONFIG = Permission[StackScope](
    actions=["sagemaker:DescribeEndpointConfig"],
    resources=lambda scope: [scope.arn("sagemaker", "endpoint-config", "*")],
    reason="CloudFormation makes the names of endpoint configs",
)
READ_SCALING = Permission[StackScope](
    actions=["application-autoscaling:DescribeScalableTargets"],
    resources=lambda _: ["*"],
    reason="DescribeScalableTargets knows no resource",
)


def _on_targets(*actions: str) -> Permission[StackScope]:
    return Permission(
        actions=[f"application-autoscaling:{action}" for action in actions],
        resources=lambda scope: [scope.arn("application-autoscaling", "scalable-target", "*")],
        conditions=lambda _: {
            "StringEquals": {
                "application-autoscaling:service-namespace": SCALED_SERVICE,
                "application-autoscaling:scalable-dimension": SCALED_DIMENSION,
            }
        },
        reason="AWS makes the identifiers of scalable targets",
    )


SET_SCALING = _on_targets("RegisterScalableTarget")
DEREGISTER = _on_targets("DeregisterScalableTarget")
SET_SCALING_AND_POLICIES = _on_targets("RegisterScalableTarget", "PutScalingPolicy", "DeleteScalingPolicy")
READ_SCALING_AND_POLICIES = Permission[StackScope](
    actions=[
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
    ],
    resources=lambda _: ["*"],
    reason="neither action knows a resource",
)
ALARMS_OF_SCALING = Permission[StackScope](
    actions=["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms"],
    resources=lambda scope: [scope.arn("cloudwatch", "alarm", "TargetTracking-endpoint/*", colon=True)],
    conditions=lambda _: {"Bool": {"aws:ViaAWSService": "true"}},
    reason="Application Auto Scaling makes the names of the alarms of its policies, and may ask whether the caller may "
    "make them; the condition limits it to calls that AWS makes for the handler",
)
"""Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html"""
ROLE_OF_SCALING = Permission[StackScope](
    actions=["iam:CreateServiceLinkedRole"],
    resources=lambda scope: [scope.scaling_role_arn],
    conditions=lambda _: {"StringEquals": {"iam:AWSServiceName": SCALING_SERVICE}},
)
"""The first target of an account makes the role with which AWS scales endpoints. Source:
https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html"""
PROBED_FOR_SCALING = Permission[StackScope](
    actions=["sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"],
    resources=lambda scope: [scope.arn("sagemaker", "endpoint", "*")],
    conditions=lambda _: {"Bool": {"aws:ViaAWSService": "true"}},
    reason="Application Auto Scaling tests the caller of RegisterScalableTarget with calls on resources of its own "
    "choice; the condition limits it to calls that AWS makes for the handler",
)
"""Not tried on a live account: AWS documents the test, but not the resource that it names for SageMaker. The question
`narrow_registration` of `canary_tools.acceptance` tells whether the endpoint alone would do. Sources:
https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-viaawsservice"""
READ_ALARMS = Permission[StackScope](
    actions=["cloudwatch:DescribeAlarms"],
    resources=lambda _: ["*"],
    reason="composite alarms are described only with *",
)
READ_METRICS = Permission[StackScope](
    actions=["cloudwatch:GetMetricData"], resources=lambda _: ["*"], reason="GetMetricData knows no resource"
)
NOTIFY = Permission[StackScope](
    actions=["events:PutEvents"], resources=lambda scope: [scope.arn("events", "event-bus", "default")]
)
READ_STACK = Permission[StackScope](
    actions=["cloudformation:DescribeStacks"],
    resources=lambda scope: list(dict.fromkeys([scope.stack.stack_id, scope.settled_stack.stack_id])),
)
START = Permission[StackScope](
    actions=["states:StartExecution"],
    resources=lambda scope: [scope.arn("states", "stateMachine", f"*-{scope.mark}", colon=True)],
    reason="the state machines of the stack end in its mark",
)
STOP = Permission[StackScope](
    actions=["states:StopExecution"],
    resources=lambda scope: [scope.arn("states", "execution", f"*-{scope.mark}:*", colon=True)],
    reason="executions are named after releases; the state machines of the stack end in its mark",
)
LOOK_AT_EXECUTION = Permission[StackScope](
    actions=["states:DescribeExecution"],
    resources=lambda scope: [scope.arn("states", "execution", f"*-{scope.mark}:*", colon=True)],
    reason="executions are named after releases; the state machines of the stack end in its mark",
)
FIND_TAGGED = Permission[StackScope](
    actions=["tag:GetResources", "sagemaker:ListModels", "sagemaker:ListEndpointConfigs"],
    resources=lambda _: ["*"],
    reason="these actions know no resource",
)
SWEEP = Permission[StackScope](
    actions=["sagemaker:DeleteModel", "sagemaker:DeleteEndpointConfig"],
    resources=lambda scope: [scope.arn("sagemaker", "model", "*"), scope.arn("sagemaker", "endpoint-config", "*")],
    conditions=lambda scope: {"StringEquals": {f"aws:ResourceTag/{STACK_TAG}": scope.mark}},
    reason="CloudFormation makes the names of models and endpoint configs; the condition limits it to the stack's",
)

READ_STREAM = Permission[StackScope](
    actions=["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
    resources=lambda scope: [scope.ledger_stream_arn],
)
FIND_STREAM = Permission[StackScope](
    actions=["dynamodb:ListStreams"], resources=lambda _: ["*"], reason="ListStreams knows no resource"
)
"""Lambda reads the ledger's stream with the role of the function that it calls. Source:
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-create-package.html"""

READ_MACHINE = Permission[StackScope](
    actions=["states:DescribeStateMachine"],
    resources=lambda scope: [scope.arn("states", "stateMachine", f"*-{scope.mark}", colon=True)],
    reason="the state machines of the stack end in its mark",
)
READ_EXECUTION = Permission[StackScope](
    actions=["states:DescribeExecution", "states:GetExecutionHistory"],
    resources=lambda scope: [scope.arn("states", "execution", f"*-{scope.mark}:*", colon=True)],
    reason="executions are named after releases; the state machines of the stack end in its mark",
)

SCALING = (SET_SCALING, PROBED_FOR_SCALING, READ_CONFIG)
READ_LEDGER = _ledger("GetItem")

IN_ROLE: Mapping[str, Sequence[Permission[StackScope]]] = {
    "ReleaseSlots": (
        _ledger("GetItem", "PutItem", "UpdateItem", "DeleteItem"),
        READ_STACK, READ_METRICS, READ_SCALING, *SCALING, DEREGISTER, LOOK_AT_EXECUTION, FIND_TAGGED, SWEEP, NOTIFY,
    ),
    "VerifiedEndpoint": (_ledger("GetItem", "PutItem", "UpdateItem"), READ_STACK, STOP, READ_ALARMS),
    "Settle": (
        _ledger("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"), READ_STACK, READ_METRICS,
        READ_SCALING_AND_POLICIES, SET_SCALING_AND_POLICIES, PROBED_FOR_SCALING, READ_CONFIG, ALARMS_OF_SCALING,
        ROLE_OF_SCALING, START, LOOK_AT_EXECUTION,
        FIND_TAGGED, SWEEP, NOTIFY,
    ),
    "Prepare": (
        _ledger("GetItem", "PutItem", "UpdateItem", "DeleteItem"), READ_ALARMS, READ_METRICS, READ_SCALING,
        *SCALING, LOOK_AT_EXECUTION, NOTIFY,
    ),
    "SmokeTest": (READ_LEDGER,),
    "ScaleCanary": (
        _ledger("GetItem", "UpdateItem"), READ_ALARMS, READ_METRICS, READ_SCALING, *SCALING, NOTIFY,
    ),
    "ShiftTraffic": (_ledger("GetItem", "UpdateItem"), READ_ALARMS, READ_METRICS, NOTIFY),
    "Evaluate": (
        _ledger("GetItem", "UpdateItem"), READ_ALARMS, READ_METRICS, READ_SCALING, *SCALING, NOTIFY,
    ),
    "Promote": (_ledger("GetItem", "UpdateItem", "DeleteItem"), READ_SCALING, *SCALING, NOTIFY),
    "RollBack": (_ledger("GetItem", "UpdateItem", "DeleteItem"), READ_METRICS, READ_SCALING, *SCALING, NOTIFY),
    "Panic": (_ledger("GetItem", "UpdateItem"), READ_METRICS, NOTIFY),
    "Abort": (_ledger("GetItem", "UpdateItem"), READ_STREAM, FIND_STREAM, STOP, NOTIFY),
    "Restore": (
        _ledger("GetItem", "UpdateItem", "DeleteItem"), READ_METRICS, READ_SCALING, *SCALING, LOOK_AT_EXECUTION, NOTIFY,
    ),
    "ShowRollout": (
        _ledger("GetItem", "Query"), READ_CONFIG, READ_ALARMS, READ_METRICS, READ_MACHINE, READ_EXECUTION,
    ),
    "TakeOrder": (_ledger("GetItem", "Query", "UpdateItem"), READ_CONFIG, START, LOOK_AT_EXECUTION),
}  # fmt: skip
"""What each handler may do wherever its stack has an endpoint: once in its role."""


@dataclass(frozen=True, kw_only=True)
class EndpointPolicy:
    """What some handlers may do to one endpoint. It comes and goes with the endpoint."""

    permission: Permission[EndpointScope]
    handlers: Sequence[str]


ENDPOINT_POLICIES: Mapping[str, EndpointPolicy] = {
    "Weights": EndpointPolicy(
        permission=SET_WEIGHTS,
        handlers=[name for name in IN_ROLE if PROBED_FOR_SCALING in IN_ROLE[name]] + ["ShiftTraffic", "Panic", "Abort"],
    ),
    "Description": EndpointPolicy(permission=READ_ENDPOINT, handlers=["VerifiedEndpoint", "ShowRollout", "TakeOrder"]),
    "Package": EndpointPolicy(permission=DESCRIBE_PACKAGE, handlers=["ReleaseSlots", "Prepare", "ShiftTraffic"]),
    "Invocations": EndpointPolicy(permission=INVOKE, handlers=["SmokeTest"]),
}
"""By the construct ID of the policy. `ScaleCanary`, `Evaluate` and `Promote` have the weight call because AWS asks for
it, not because they make it."""


def endpoint_policies_of(handler: str) -> list[str]:
    """Return which policies of an endpoint a handler has.

    >>> endpoint_policies_of("Panic")
    ['Weights']
    """
    return [name for name, policy in ENDPOINT_POLICIES.items() if handler in policy.handlers]


def endpoint_policies_for(scope: EndpointScope) -> list[str]:
    """Return which policies an endpoint has: one without a resource is none."""
    return [name for name, policy in ENDPOINT_POLICIES.items() if policy.permission.resources(scope)]


PERMISSIONS: Mapping[str, Sequence[Permission[EndpointScope]]] = {
    name: [*permissions, *(ENDPOINT_POLICIES[policy].permission for policy in endpoint_policies_of(name))]
    for name, permissions in IN_ROLE.items()
}
"""Everything that each handler may do for one endpoint."""


ADOPTION: Sequence[Permission[EndpointScope]] = (
    Permission(
        actions=["application-autoscaling:DescribeScalingPolicies", "application-autoscaling:DescribeScheduledActions"],
        resources=lambda _: ["*"],
        reason="these actions know no resource",
    ),
    _on_targets("DeregisterScalableTarget", "PutScalingPolicy"),
    ALARMS_OF_SCALING,
    Permission(actions=["cloudformation:DescribeStackResource"], resources=lambda scope: [scope.stack.stack_id]),
)
"""What it takes to adopt a live endpoint, beside all that: only stacks that do so have it. Source:
https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html"""
ADOPTING = ("ReleaseSlots", "Settle")
"""The handlers that have it."""
