"""The CloudFormation stack that an endpoint belongs to."""

from __future__ import annotations

from rollout import clients, clock
from rollout.patience import insist

PATIENCE_SECONDS = 60
"""DescribeStacks has a low rate limit, and a stack rollback must not fail for it."""


def stack_status(stack_id: str) -> str:
    """Return the status of a stack.

    Raises:
        Throttled, Unavailable: when CloudFormation did not tell for a minute.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    """
    return insist(lambda: _described(stack_id), until=clock.now() + PATIENCE_SECONDS)


def _described(stack_id: str) -> str:
    with clients.named_failures():
        answer = clients.client("cloudformation").describe_stacks(StackName=stack_id)
    status: str = answer["Stacks"][0]["StackStatus"]
    return status


def is_rolling_back(status: str) -> bool:
    """Tell whether CloudFormation is undoing a deploy.

    >>> [is_rolling_back(s) for s in ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS")]
    [False, True, True]
    """
    return status.startswith(("ROLLBACK_", "UPDATE_ROLLBACK_"))
