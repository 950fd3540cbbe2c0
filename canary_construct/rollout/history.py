"""How often a rollout can look without outgrowing the execution history."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canary_construct.props.traffic_step import TrafficStep

MAX_EVENTS = 25_000
"""Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""
EVENTS_PER_LOOK = 11
"""A wait (2 events), a Lambda task (5), a choice (2), and two to spare for a repetition."""
EVENTS_AROUND = 500
SHARE_FOR_WAITING = 0.5
"""The part of the history that waiting, for instances, weights and the rollback, may use; the rest is for watching."""
ROLLBACK_TRIES = 12
"""How often the state machine comes back to a rollback that AWS refused for as long as its Lambda may run."""
ROLLBACK_REPETITIONS = 30
"""How often each of those is repeated when its Lambda dies: for over an hour and a half, see the state machine."""
EVENTS_PER_REPETITION = 3
ROLLBACK_EVENTS = ROLLBACK_TRIES * (EVENTS_PER_LOOK + ROLLBACK_REPETITIONS * EVENTS_PER_REPETITION)
PREPARE_SECONDS = 15 * 60
CAPACITY_SECONDS = 20 * 60
WEIGHTS_SECONDS = 15 * 60
MAX_INTERVAL_SECONDS = 60 * 60
LATE_PERIODS = 3
"""A bake ends when its last metric period is final."""


def poll_seconds(step_count: int, *, metric_period_seconds: int) -> int:
    """Return the shortest pause between two looks at instances or weights that the history allows, in seconds.

    >>> poll_seconds(3, metric_period_seconds=60), poll_seconds(3, metric_period_seconds=10)
    (15, 8)
    """
    waiting = PREPARE_SECONDS + step_count * (CAPACITY_SECONDS + WEIGHTS_SECONDS)
    looks = (MAX_EVENTS * SHARE_FOR_WAITING - ROLLBACK_EVENTS) / EVENTS_PER_LOOK
    return max(metric_period_seconds // 4, ceil(waiting / looks))


def evaluation_interval(steps: Sequence[TrafficStep], *, metric_period_seconds: int) -> int:
    """Return the shortest interval between two evaluations whose longest rollout fits into the history, in seconds.

    Raises:
        ValueError: when not even one look an hour fits.
    """
    interval = metric_period_seconds
    while longest_history(steps, interval_seconds=interval) > MAX_EVENTS:
        interval += metric_period_seconds
        if interval > MAX_INTERVAL_SECONDS:
            raise ValueError(
                f"{len(steps)} steps of up to {max(step.max_bake_seconds for step in steps):,} s need more than the "
                f"{MAX_EVENTS:,} events of an execution history, even at one look an hour; use fewer or shorter steps"
            )
    return interval


def longest_history(steps: Sequence[TrafficStep], *, interval_seconds: int) -> int:
    """Return the events of the longest rollout that these steps allow."""
    watching = sum(ceil(step.max_bake_seconds / interval_seconds) + LATE_PERIODS for step in steps)
    return EVENTS_AROUND + int(MAX_EVENTS * SHARE_FOR_WAITING) + EVENTS_PER_LOOK * watching
