"""Executions of the state machine, by name."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from rollout import clients

ENDED = {
    "ABORTED": "the execution was stopped",
    "TIMED_OUT": "the execution timed out",
    "FAILED": "the execution failed before it could clean up",
    "SUCCEEDED": "the execution ended without its clean-up",
}
"""How an execution can be over, and why that ends a rollout that has the lock still. Source:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html"""


def execution_name(version: str, attempt: int) -> str:
    """Return the name of a rollout's execution, by release and attempt.

    >>> execution_name("2026-11-22", 7)
    '2026-11-22-7'
    """
    return f"{version}-{attempt}"


def start(client: Any, state_machine_arn: str, name: str) -> bool:
    """Start a rollout; once is enough, however often this is called.

    `False`: the name belongs to an execution that is over, or that was started with another input. Names are taken
    for 90 days. Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """
    try:
        client.start_execution(stateMachineArn=state_machine_arn, name=name, input="{}")
    except client.exceptions.ExecutionAlreadyExists:
        return False
    return True


def status(client: Any, state_machine_arn: str, name: str) -> str:
    """Return the status of an execution; empty when there is none of this name.

    Raises:
        Throttled, Unavailable: when Step Functions does not tell.
    """
    try:
        with clients.named_failures():
            answer = client.describe_execution(executionArn=_arn(state_machine_arn, name))
    except client.exceptions.ExecutionDoesNotExist:
        return ""
    return str(answer["status"])


def stop(client: Any, state_machine_arn: str, name: str, reason: str) -> None:
    """Stop a rollout; no Catch of it runs any more. One that is over, or never was, stays as it is."""
    with suppress(client.exceptions.ExecutionDoesNotExist, client.exceptions.ValidationException):
        client.stop_execution(executionArn=_arn(state_machine_arn, name), error="Stopped", cause=reason)


def _arn(state_machine_arn: str, name: str) -> str:
    return state_machine_arn.replace(":stateMachine:", ":execution:") + ":" + name
