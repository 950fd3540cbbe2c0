"""When a rollout may raise the canary's share, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from rollout.contract.window import Window
from rollout.decisions.time_zones import time_zone
from rollout.decisions.windows import opens_on

from canary_construct.border import checked
from canary_construct.props.cron import Cron

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_cdk import Duration
    from aws_cdk.aws_scheduler import ScheduleExpression

MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60
SHORTEST_SECONDS, LONGEST_SECONDS = 15 * MINUTE, 7 * DAY
MOST_A_DAY = 24
CYCLE = range(date(2001, 1, 1).toordinal(), date(2029, 1, 1).toordinal())
"""Days after which dates and weekdays come again as they were, leap years included."""


@checked()
@dataclass(frozen=True, kw_only=True, init=False)
class RolloutWindow:
    """A time in which a rollout may raise the canary's share.

    For example from 9 to 16 o'clock on working days:

    `RolloutWindow(schedule=ScheduleExpression.cron(minute="0", hour="9", week_day="MON-FRI",
    time_zone=TimeZone.EUROPE_BERLIN), duration=Duration.hours(7))`

    Outside of it the rollout keeps its share, and gates, alarms and the brake go on: they lower the share and end the
    rollout at any time. A release that has all the traffic is promoted at any time. A hold-back is not held either.

    Args:
        schedule: at each of its moments the window opens, by the clock of its time zone; without one, UTC. Summer time
            is followed
        duration: how long it stays open; 15 minutes to 7 days

    Raises:
        ValueError: when the schedule is no cron expression of times that come again, or has an `L`, `W` or `#`; when it
            never comes, or more than 24 times a day; when the duration is out of its range, or known at deploy time
            only.
    """

    window: Window

    def __init__(self, *, schedule: ScheduleExpression, duration: Duration) -> None:
        seconds = int(duration.to_seconds())
        if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
            raise ValueError(
                f"duration of a window must be between {SHORTEST_SECONDS} s and {LONGEST_SECONDS:,} s, got "
                f"{seconds:,} s"
            )
        zone = "UTC" if schedule.time_zone is None else schedule.time_zone.timezone_name
        if time_zone(zone) is None:
            raise ValueError(f"time_zone of a window must be a name such as Europe/Berlin, got {zone!r}")
        cron = Cron.parse(schedule.expression_string)
        if len(cron.minutes_of_day) > MOST_A_DAY:
            raise ValueError(
                f"a window must open at most {MOST_A_DAY} times a day, got {len(cron.minutes_of_day):,} times in "
                f"{schedule.expression_string}"
            )
        window = Window(
            title=f"{cron.title(seconds)} {zone}",
            minutes=cron.minutes_of_day,
            days=cron.days,
            months=cron.months,
            weekdays=cron.weekdays,
            duration_seconds=seconds,
            time_zone=zone,
        )
        if not any(opens_on(window, date.fromordinal(day)) for day in CYCLE):
            raise ValueError(f"a window must open on some day, got {schedule.expression_string}, which never comes")
        object.__setattr__(self, "window", window)


@cache
def longest_closed_seconds(windows: tuple[RolloutWindow, ...]) -> int:
    """Return how long no window is open at most; 0 without windows.

    Those of one time zone are taken together, with an hour for a change of its clock. Of several time zones one is
    enough. The result is the same whatever is known of their clocks.
    """
    zones = {one.window.time_zone for one in windows}
    by_zone = [[one.window for one in windows if one.window.time_zone == zone] for zone in zones]
    return min(map(_longest_closed, by_zone), default=0)


def _longest_closed(windows: Sequence[Window]) -> int:
    spans = sorted(span for window in windows for span in _open(window))
    closed, open_until = 0, spans[0][1]
    for begin, end in spans[1:]:
        closed = max(closed, begin - open_until)
        open_until = max(open_until, end)
    around = spans[0][0] + len(CYCLE) * DAY - open_until
    longest = max(closed, around)
    return longest + HOUR if longest > 0 else 0


def _open(window: Window) -> Iterator[tuple[int, int]]:
    """Yield when a window opens and closes, by its own clock, in seconds since the beginning of the cycle."""
    for number, ordinal in enumerate(CYCLE):
        if opens_on(window, date.fromordinal(ordinal)):
            for minute in window.minutes:
                begin = number * DAY + minute * MINUTE
                yield begin, begin + window.duration_seconds
