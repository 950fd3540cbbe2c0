"""How often a rollout may look at the world, so that its events fit into one execution history."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from rollout.contract.plan import DAY_SECONDS, Passes
from rollout.contract.timing import (
    MAX_EVENTS,
    METRICS_SETTLED_SECONDS,
    MOST_CHANGES,
    OUTAGE_REPETITIONS,
    ROLLBACK_REPETITIONS,
    ROLLBACK_TRIES,
    SOON_CHANGES,
    SOON_LOOK_SECONDS,
    SOON_SECONDS,
    longest_bake_seconds,
)
from rollout.decisions.pacing import MOST_BRAKES

from canary_construct.rollout.timeouts import Timeouts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canary_construct.props.traffic_step import TrafficStep

EVENTS_PER_LOOK = 11
"""A wait (2 events), a Lambda task (5), a choice (2), and two to spare for a repetition."""
EVENTS_AROUND = 500
"""Of everything that happens once in a rollout or once in a step."""
SHARE_FOR_WAITING = 0.5
"""The part of the history that waiting, for instances, weights and the rollback, may use; the rest is for watching."""
EVENTS_PER_REPETITION = 3
"""Of a Lambda task that is repeated: scheduled, started, failed."""
ROLLBACK_EVENTS = ROLLBACK_TRIES * (EVENTS_PER_LOOK + ROLLBACK_REPETITIONS * EVENTS_PER_REPETITION)
OUTAGES = 10
"""Of AWS, each as long as the patience of the state machine. One takes the place of looks, too, which the sum leaves
out: at one look a minute it costs less than they do."""
OUTAGE_EVENTS = OUTAGES * OUTAGE_REPETITIONS * EVENTS_PER_REPETITION
EVENTS_PER_CHANGE = 60
"""Of one change of a paced share: a look at the instances and one at the weights, with repetitions and some polls. How
long all changes of a step wait is bounded by the step's own time-outs. More looks than usual follow it."""
MAX_INTERVAL_SECONDS = 60 * 60
"""A rollout that is looked at less often is not watched."""
MAX_PACED_INTERVAL_SECONDS = 5 * 60
"""The same of one that is paced: a share that is looked at less often cannot rise within the `max_bake` of its step."""
MAX_HOLD_INTERVAL_SECONDS = 60 * 60
"""The same of a rollout that people hold: its share does not rise, and alarms do not wait for looks."""
MAX_HOLD_BACK_INTERVAL_SECONDS = 15 * 60
"""The same of a hold-back: a fault costs nearly all requests of the time until a look finds it."""
CHANGES_OF_HOLD_BACK = 2
"""Its share is taken from the release when it begins, and given back at its end."""
LOOKS_AFTER_BAKE = 2
"""How many looks later a bake can end than its last metric period has come: neither begins when the other does."""


USUAL_TIMEOUTS = Timeouts()


def poll_seconds(step_count: int, *, metric_period_seconds: int, timeouts: Timeouts = USUAL_TIMEOUTS) -> int:
    """Return the shortest pause between two looks at instances or weights that the history allows, in seconds.

    >>> poll_seconds(3, metric_period_seconds=60), poll_seconds(3, metric_period_seconds=10)
    (15, 13)
    """
    looks = (MAX_EVENTS * SHARE_FOR_WAITING - ROLLBACK_EVENTS) / EVENTS_PER_LOOK
    return max(metric_period_seconds // 4, ceil(timeouts.longest_wait_seconds(step_count) / looks))


def evaluation_interval(
    steps: Sequence[TrafficStep], *, metric_period_seconds: int, hold_back_seconds: int = 0, hold_seconds: int = 0
) -> int:
    """Return the shortest interval between two evaluations whose longest rollout fits into the history, in seconds.

    Room is left for a hold-back, and for people and windows that hold the rollout for `hold_seconds`, each with as few
    looks as are allowed.

    Raises:
        ValueError: when not even one look an hour fits, or one in five minutes where the share is paced.
    """
    kept = hold_back_history(hold_back_seconds, interval_seconds=MAX_HOLD_BACK_INTERVAL_SECONDS)
    held_by_people = hold_history(hold_seconds, interval_seconds=MAX_HOLD_INTERVAL_SECONDS)
    interval = metric_period_seconds
    longest, words = (
        (MAX_PACED_INTERVAL_SECONDS, "one look in five minutes, which a paced share needs")
        if _is_paced(steps)
        else (MAX_INTERVAL_SECONDS, "one look an hour")
    )
    while longest_history(steps, interval_seconds=interval) + kept + held_by_people > MAX_EVENTS:
        interval += metric_period_seconds
        if interval > longest:
            held, or_less = (
                (f" and a hold-back of {hold_back_seconds:,} s", ", or a shorter hold_back") if kept else ("", "")
            )
            if hold_seconds > DAY_SECONDS:
                held += f" and {hold_seconds:,} s of waiting for people and windows"
                or_less += ", or let them wait less"
            raise ValueError(
                f"{len(steps)} steps of up to {max(step.max_bake_seconds for step in steps):,} s{held} need more than "
                f"the {MAX_EVENTS:,} events of an execution history, even at {words}; use fewer or shorter "
                f"steps{or_less}"
            )
    return interval


def hold_back_interval(
    steps: Sequence[TrafficStep],
    *,
    metric_period_seconds: int,
    interval_seconds: int,
    hold_back_seconds: int,
    hold_seconds: int = 0,
) -> int:
    """Return the shortest interval between two looks at a hold-back that the steps leave room for, in seconds.

    `interval_seconds`: that of the steps, as `evaluation_interval` has chosen it, which is the shortest.
    """
    used, interval = longest_history(steps, interval_seconds=interval_seconds), interval_seconds
    used += hold_history(hold_seconds, interval_seconds=MAX_HOLD_INTERVAL_SECONDS)
    while used + hold_back_history(hold_back_seconds, interval_seconds=interval) > MAX_EVENTS:
        interval += metric_period_seconds
    return interval


def hold_interval(
    steps: Sequence[TrafficStep],
    *,
    metric_period_seconds: int,
    interval_seconds: int,
    hold_back_events: int,
    hold_seconds: int,
) -> int:
    """Return the shortest interval between two looks at a rollout that people hold, in seconds.

    `hold_back_events`: what a hold-back needs of the history. `interval_seconds`: that of the steps.
    """
    used = longest_history(steps, interval_seconds=interval_seconds) + hold_back_events
    interval = interval_seconds
    while used + hold_history(hold_seconds, interval_seconds=interval) > MAX_EVENTS:
        interval += metric_period_seconds
    return interval


def hold_history(seconds: int, *, interval_seconds: int) -> int:
    """Return the events of all looks while people hold a rollout; its time is told by the clock.

    >>> hold_history(86400, interval_seconds=3600)
    286
    """
    return EVENTS_PER_LOOK * (ceil(seconds / interval_seconds) + LOOKS_AFTER_BAKE) if seconds else 0


def hold_back_history(seconds: int, *, interval_seconds: int) -> int:
    """Return the events of a hold-back; its time is told by the clock.

    >>> hold_back_history(86400, interval_seconds=900), hold_back_history(0, interval_seconds=900)
    (1198, 0)
    """
    if not seconds:
        return 0
    looks = ceil(seconds / interval_seconds) + LOOKS_AFTER_BAKE
    return CHANGES_OF_HOLD_BACK * EVENTS_PER_CHANGE + EVENTS_PER_LOOK * looks


def longest_history(steps: Sequence[TrafficStep], *, interval_seconds: int) -> int:
    """Return the events of the longest rollout that these steps allow."""
    watching = sum(
        ceil(longest_watch_seconds(step, interval_seconds=interval_seconds) / interval_seconds) for step in steps
    )
    changing = changes_history(interval_seconds=interval_seconds) if _is_paced(steps) else 0
    waiting = int(MAX_EVENTS * SHARE_FOR_WAITING)
    return EVENTS_AROUND + OUTAGE_EVENTS + waiting + changing + EVENTS_PER_LOOK * watching


def changes_history(*, interval_seconds: int) -> int:
    """Return the events of all changes of a paced share, with the looks soon after them that are not usual ones.

    Brakes are changes, too, and wait for no room.

    >>> changes_history(interval_seconds=30), changes_history(interval_seconds=60)
    (1920, 2580)
    """
    looks_more = max(0, SOON_SECONDS // SOON_LOOK_SECONDS - SOON_SECONDS // interval_seconds)
    return (MOST_CHANGES + MOST_BRAKES) * EVENTS_PER_CHANGE + SOON_CHANGES * looks_more * EVENTS_PER_LOOK


def _is_paced(steps: Sequence[TrafficStep]) -> bool:
    return any(step.passes is not Passes.EVIDENCE for step in steps)


def longest_watch_seconds(step: TrafficStep, *, interval_seconds: int) -> int:
    """Return how long a step can be watched: its bake, and until the last metric period of it has come."""
    bake = longest_bake_seconds(step.bake_seconds, step.max_bake_seconds)
    return bake + METRICS_SETTLED_SECONDS + LOOKS_AFTER_BAKE * interval_seconds
