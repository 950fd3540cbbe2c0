"""Trying again while a service is not ready, for as long as an invocation may last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from rollout import clock
from rollout.contract.errors import EndpointBusy, Throttled, Unavailable
from rollout.notices import notify

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

NOT_READY = (EndpointBusy, Throttled, Unavailable)
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
MARGIN_SECONDS = 15
"""What an invocation keeps for its last words."""


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


def insist_loudly(
    endpoint: str, action: Callable[[], Result], *, until: float, on: tuple[type[Exception], ...] = NOT_READY
) -> Result:
    """Insist, and send the event "Needs Attention" before a failure leaves this invocation.

    Nobody waits for the answer to an event; Lambda repeats the invocation twice. Source:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """
    try:
        return insist(action, until=until, on=on)
    except Exception as error:
        notify(endpoint, "Needs Attention", version="", execution="", reason=f"{type(error).__name__}: {error}")
        raise
