"""Executions of the state machine, by name."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, TypedDict

from botocore.exceptions import BotoCoreError, ClientError

from rollout import clients
from rollout.contract.states import Failure

if TYPE_CHECKING:
    from rollout.ledger import Ledger

ENDED = {
    "ABORTED": "the execution was stopped",
    "TIMED_OUT": "the execution timed out",
    "FAILED": "the execution failed before it could clean up",
    "SUCCEEDED": "the execution ended without its clean-up",
}
"""The statuses of an execution that is over, and the reason that its rollout gets if it still holds the lock. Source:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html"""
CAUSE_SECONDS = 3
"""How long a restore waits for the cause that was given for the end. The traffic must not wait longer."""


class Described(TypedDict, total=False):
    """What Step Functions says of an execution, as far as it is read here. `error` and `cause`: given for its end."""

    status: str
    error: str
    cause: str


def execution_name(version: str, attempt: int) -> str:
    """Return the name of a rollout's execution: release and attempt. Each rollout has its own attempt number.

    Dots are replaced: Step Functions writes no log for an execution whose name has a dot. Source:
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html (name)

    >>> execution_name("2026-11-22", 7)
    '2026-11-22-7'
    >>> execution_name("1.4.0", 8)
    '1_4_0-8'
    """
    return f"{version.replace('.', '_')}-{attempt}"


def unused_name(ledger: Ledger, client: Any, state_machine_arn: str, version: str) -> str:
    """Return the next name for a rollout of this version that neither the ledger nor Step Functions knows.

    An execution may have been started by hand under such a name, or before this stack was deleted and made again.
    """
    names = (execution_name(version, attempt) for attempt in count(ledger.next_attempt()))
    return next(
        name for name in names if ledger.rollout(name) is None and not describe(client, state_machine_arn, name)
    )


def start(client: Any, state_machine_arn: str, name: str) -> bool:
    """Start a rollout. A second call for the same execution changes nothing.

    `False`: the name belongs to an execution that is over, or that was started with another input. A name cannot be
    used again for 90 days. Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """
    try:
        client.start_execution(stateMachineArn=state_machine_arn, name=name, input="{}")
    except client.exceptions.ExecutionAlreadyExists:
        return False
    return True


def describe(client: Any, state_machine_arn: str, name: str) -> Described:
    """Return what Step Functions knows of an execution; empty when none has this name.

    Raises:
        Throttled, Unavailable: when Step Functions limits the calls, or does not answer.
    """
    try:
        with clients.named_failures():
            answer: Described = client.describe_execution(executionArn=_arn(state_machine_arn, name))
    except client.exceptions.ExecutionDoesNotExist:
        return {}
    return answer


def death(status: str, execution: Described) -> Failure:
    """Return why an execution ended, with the cause that was given for its end.

    The error of one that failed is the state machine's own, and says whether the release was judged. A person who stops
    an execution can name any error.

    >>> death("ABORTED", {"error": "Stopped", "cause": "wrong model"}).reason
    'the execution was stopped: wrong model'
    >>> death("TIMED_OUT", {}).reason
    'the execution timed out'
    >>> death("FAILED", {"error": "GateFailed", "cause": "errors: 9 of 10 failed"}).error
    'GateFailed'
    """
    error = (status == "FAILED" and execution.get("error")) or status
    given = Failure(error=execution.get("error") or "", cause=execution.get("cause") or "").reason
    return Failure(error=error, cause=f"{ENDED[status]}: {given}" if given else ENDED[status])


def death_of(state_machine_arn: str, name: str, status: str) -> Failure:
    """Return why this execution ended. If Step Functions does not answer at once, the given cause is left out."""
    client = clients.single_attempt_client("stepfunctions", read_timeout=CAUSE_SECONDS)
    try:
        return death(status, client.describe_execution(executionArn=_arn(state_machine_arn, name)))
    except (BotoCoreError, ClientError):
        return death(status, {})


def stop(client: Any, state_machine_arn: str, name: str, reason: str) -> None:
    """Stop a rollout. Its Catch does not run any more. An execution that is over or does not exist is no error."""
    with suppress(client.exceptions.ExecutionDoesNotExist, client.exceptions.ValidationException):
        client.stop_execution(executionArn=_arn(state_machine_arn, name), error="Stopped", cause=reason)


def _arn(state_machine_arn: str, name: str) -> str:
    return state_machine_arn.replace(":stateMachine:", ":execution:") + ":" + name
