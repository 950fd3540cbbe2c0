"""What a person needs to operate an endpoint with the `canary` command.

Each statement names what belongs to this endpoint. Where the resource is `*`, AWS offers nothing narrower, and the
reason stands beside it; all of these only read.
Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.contract.names import TAG

from canary_construct.permissions.by_handler import READ_ALARMS, READ_ENDPOINT, READ_METRICS, READ_SCALING, READ_STACK
from canary_construct.permissions.endpoint_scope import EndpointScope
from canary_construct.permissions.permission import Permission

if TYPE_CHECKING:
    from collections.abc import Sequence

LEDGER = Permission[EndpointScope](
    actions=["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"],
    resources=lambda scope: [scope.ledger_arn],
    conditions=lambda scope: {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [scope.endpoint_name]}},
)
"""The records of this endpoint only. `UpdateItem` writes what a person orders."""
STATE_MACHINE = Permission[EndpointScope](
    actions=["states:DescribeStateMachine", "states:StartExecution", "states:ListExecutions"],
    resources=lambda scope: [scope.state_machine_arn],
)
EXECUTIONS = Permission[EndpointScope](
    actions=["states:DescribeExecution", "states:GetExecutionHistory", "states:StopExecution"],
    resources=lambda scope: [scope.arn("states", "execution", f"{scope.state_machine_name}:*", colon=True)],
    reason="executions are named after releases",
)
CONFIG = Permission[EndpointScope](
    actions=["sagemaker:DescribeEndpointConfig"],
    resources=lambda scope: [scope.arn("sagemaker", "endpoint-config", "*")],
    conditions=lambda scope: {"StringEquals": {f"aws:ResourceTag/{TAG}": scope.endpoint_name}},
    reason="CloudFormation makes the names of endpoint configs; the condition limits it to the endpoint's",
)
FIND = Permission[EndpointScope](
    actions=["tag:GetResources"],
    resources=lambda _: ["*"],
    reason="GetResources knows no resource; it is how the command finds the endpoint without its name",
)
QUOTAS = Permission[EndpointScope](
    actions=["servicequotas:ListServiceQuotas"],
    resources=lambda _: ["*"],
    reason="ListServiceQuotas knows no resource; `canary doctor` asks it how many instances there may be",
)
OPERATE: Sequence[Permission[EndpointScope]] = (
    LEDGER, READ_ENDPOINT, READ_STACK, STATE_MACHINE, EXECUTIONS, CONFIG, FIND, READ_ALARMS, READ_METRICS, READ_SCALING,
    QUOTAS,
)  # fmt: skip
