"""The CloudFormation stack that an endpoint belongs to."""

from __future__ import annotations

from rollout import clients


def stack_status(stack_id: str) -> str:
    """Return the status of a stack.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    """
    status: str = clients.client("cloudformation").describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
    return status


def is_rolling_back(status: str) -> bool:
    """Tell whether CloudFormation is undoing a deploy.

    >>> [is_rolling_back(s) for s in ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS")]
    [False, True, True]
    """
    return status.startswith(("ROLLBACK_", "UPDATE_ROLLBACK_"))
