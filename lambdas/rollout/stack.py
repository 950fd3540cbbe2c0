"""The CloudFormation stack that an endpoint belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout import clients, clock
from rollout.patience import insist

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

PATIENCE_SECONDS = 60
"""How long a call is tried. DescribeStacks has a low rate limit, and a stack rollback must not fail because of it."""


def stack_status(stack_id: str) -> str:
    """Return the status of a stack.

    Raises:
        Throttled, Unavailable: when CloudFormation gave no answer for a minute.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    """
    status: str = _described(stack_id)["StackStatus"]
    return status


def deploy_began_at(stack_id: str) -> str:
    """Return when the last deploy of a stack began, in ISO 8601. Source and errors are those of `stack_status`."""
    stack = _described(stack_id)
    began: datetime = stack.get("LastUpdatedTime", stack["CreationTime"])
    return clock.iso(began.timestamp())


def _described(stack_id: str) -> Mapping[str, Any]:
    def ask() -> Mapping[str, Any]:
        with clients.named_failures():
            answer = clients.client("cloudformation").describe_stacks(StackName=stack_id)
        found: Mapping[str, Any] = answer["Stacks"][0]
        return found

    return insist(ask, until=clock.now() + PATIENCE_SECONDS)


def is_rolling_back(status: str) -> bool:
    """Tell whether CloudFormation is rolling back a deploy.

    >>> [is_rolling_back(s) for s in ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS")]
    [False, True, True]
    """
    return status.startswith(("ROLLBACK_", "UPDATE_ROLLBACK_"))
