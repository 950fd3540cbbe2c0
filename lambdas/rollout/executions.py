"""Executions of the state machine, by name."""

from __future__ import annotations

from typing import Any


def execution_name(version: str, attempt: int) -> str:
    """Return the name of a rollout's execution, by release and attempt.

    >>> execution_name("2026-11-22", 7)
    '2026-11-22-7'
    """
    return f"{version}-{attempt}"


def start(client: Any, state_machine_arn: str, name: str) -> None:
    """Start a rollout; once is enough, however often this is called."""
    try:
        client.start_execution(stateMachineArn=state_machine_arn, name=name, input="{}")
    except client.exceptions.ExecutionAlreadyExists:
        return


def stop(client: Any, state_machine_arn: str, name: str, reason: str) -> None:
    """Stop a rollout; no Catch of it runs any more."""
    arn = state_machine_arn.replace(":stateMachine:", ":execution:") + ":" + name
    try:
        client.stop_execution(executionArn=arn, error="Stopped", cause=reason)
    except client.exceptions.ExecutionDoesNotExist:
        return
