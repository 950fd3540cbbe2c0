"""The CloudFormation stack that an endpoint belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

from rollout import clients, clock
from rollout.patience import insist

if TYPE_CHECKING:
    from datetime import datetime

PATIENCE_SECONDS = 60
"""How long a call is tried. DescribeStacks has a low rate limit, and a stack rollback must not fail because of it."""


class _Stack(TypedDict):
    """What CloudFormation says of a stack, as far as it is read here."""

    StackStatus: str
    CreationTime: datetime
    LastUpdatedTime: NotRequired[datetime]


def stack_status(stack_id: str) -> str:
    """Return the status of a stack.

    Raises:
        Throttled, Unavailable: when CloudFormation gave no answer for a minute.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    """
    return _described(stack_id)["StackStatus"]


def deploy_began_at(stack_id: str) -> str:
    """Return when the last deploy of a stack began, in ISO 8601. Source and errors are those of `stack_status`."""
    stack = _described(stack_id)
    return clock.iso(stack.get("LastUpdatedTime", stack["CreationTime"]).timestamp())


def _described(stack_id: str) -> _Stack:
    def ask() -> _Stack:
        with clients.named_failures():
            answer = clients.client("cloudformation").describe_stacks(StackName=stack_id)
        found: _Stack = answer["Stacks"][0]
        return found

    return insist(ask, until=clock.now() + PATIENCE_SECONDS)


def is_rolling_back(status: str) -> bool:
    """Tell whether CloudFormation is rolling back a deploy.

    >>> [is_rolling_back(s) for s in ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS")]
    [False, True, True]
    """
    return status.startswith(("ROLLBACK_", "UPDATE_ROLLBACK_"))
