"""Trying again while a service is not ready, for as long as an invocation may last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from botocore.exceptions import ClientError

from rollout import clock
from rollout.contract.errors import EndpointBusy, Throttled, Unavailable
from rollout.contract.notice import Happened, Notice
from rollout.notices import notify

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

NOT_READY = (EndpointBusy, Throttled, Unavailable)
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
MARGIN_SECONDS = 15
"""What an invocation keeps for its last words."""

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
POLICY_SECONDS = 90
"""How long a new policy may take to work. AWS documents no limit; users report up to a minute. Source:
https://github.com/aws/aws-cdk/issues/37675"""
LOOK_AGAIN_SECONDS = 5


class Context(Protocol):
    """What a handler asks of the Lambda context."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""


def deadline(context: Context) -> float:
    """Return until when an invocation may try, in seconds since the epoch."""
    return clock.now() + context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS


def insist(action: Callable[[], Result], *, until: float, on: tuple[type[Exception], ...] = NOT_READY) -> Result:
    """Repeat an action until it succeeds, or the time (seconds since the epoch) is over.

    Raises:
        The last failure when the time is over, and at once one that is not among those to insist `on`.
    """
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return action()
        except on:
            if clock.now() >= until:
                raise
        clock.pause(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def once_allowed(action: Callable[[], Result], *, until: float | None = None) -> Result:
    """Repeat an action that IAM denies: a policy takes effect some seconds after CloudFormation has created it.

    `until` (seconds since the epoch) ends that earlier than after `POLICY_SECONDS`. Source:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency

    Raises:
        ClientError: when AWS still denies the action then, and at once when it refuses it for another reason.
    """
    in_force = clock.now() + POLICY_SECONDS
    until = in_force if until is None else min(until, in_force)
    while True:
        try:
            return action()
        except ClientError as error:
            if error.response["Error"]["Code"] not in DENIED or clock.now() >= until:
                raise
        clock.pause(LOOK_AGAIN_SECONDS)


def insist_loudly(
    endpoint: str, action: Callable[[], Result], *, until: float, on: tuple[type[Exception], ...] = NOT_READY
) -> Result:
    """Insist, and send the event "Needs Attention" before a failure leaves this invocation.

    The event that invoked it may come right after the deploy that changed its role, so a denial is waited out first.

    Nobody waits for the answer to an event; Lambda repeats the invocation twice. Source:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    try:
        return insist(lambda: once_allowed(action, until=until), until=until, on=on)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        notify(Notice(happened=Happened.NEEDS_ATTENTION, endpoint=endpoint, reason=reason))
        raise
