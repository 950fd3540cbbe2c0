"""What the former release keeps after a promotion, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.contract.plan import HoldBackRule

from canary_construct.border import checked

if TYPE_CHECKING:
    from aws_cdk import Duration

DEFAULT_SECONDS = 24 * 60 * 60
LEAST_SECONDS = 60 * 60
LARGEST_PERCENT = 49
"""The release is promoted: most of the traffic is its own."""


@checked()
@dataclass(frozen=True, kw_only=True, init=False)
class HoldBack:
    """After a promotion the former release keeps a small share of the traffic, to compare with.

    Alarms and gates go on as in every step, and a rollback is one change of weights. So a fault that begins hours after
    the promotion is found and rolled back. Both variants keep the instances that all of the traffic needs until then;
    a fixed fleet of one instance has them anyway. The first deploy that changes the endpoint ends the hold-back.
    A deploy that is refused for what it asks leaves it.

    Args:
        percent: of the requests that stay with the former release; 1 to 49, default 2
        duration: how long they stay; at least an hour, left out 24 hours

    Raises:
        ValueError: when a value is out of its range, or is known at deploy time only.
    """

    percent: int
    duration_seconds: int

    def __init__(self, *, percent: int = 2, duration: Duration | None = None) -> None:
        seconds = DEFAULT_SECONDS if duration is None else int(duration.to_seconds())
        if not 1 <= percent <= LARGEST_PERCENT:
            raise ValueError(
                f"percent of a hold-back must be between 1 and {LARGEST_PERCENT}, because the new release is promoted; "
                f"got {percent}"
            )
        if seconds < LEAST_SECONDS:
            raise ValueError(
                f"duration of a hold-back must be at least {LEAST_SECONDS} s, because the steps find what begins "
                f"sooner; got {seconds} s"
            )
        object.__setattr__(self, "percent", percent)
        object.__setattr__(self, "duration_seconds", seconds)

    def for_handlers(self, *, interval_seconds: int) -> HoldBackRule:
        """Return the hold-back as the handlers read it.

        Args:
            interval_seconds: between two looks
        """
        return HoldBackRule(
            percent=self.percent, duration_seconds=self.duration_seconds, interval_seconds=interval_seconds
        )
