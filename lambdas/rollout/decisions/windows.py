"""Whether a rollout may raise the canary's share now, by the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from rollout import clock, sentences
from rollout.decisions.time_zones import time_zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rollout.contract.window import Window

LONGEST_SEARCH_DAYS = 9 * 366
"""From one 29 February to the next it can be eight years."""
DAY = timedelta(days=1)


class Closed(NamedTuple):
    """No window is open. `opens`: when the next one does, in seconds since the epoch; `None` when none ever does."""

    sentence: str
    opens: float | None

    def seconds(self, now: float) -> float:
        """Return how long it is until then."""
        return float("inf") if self.opens is None else self.opens - now


def closed(windows: Sequence[Window], now: float) -> Closed | None:
    """Return when the next window opens; `None` while one is open, or there are none.

    A window opens by the clock of its time zone and stays open for its duration, however that clock is changed
    meanwhile. In the night in which the clock goes forward, one that would open in the hour that is left out does not
    open; where the clock goes back, it opens the first time. EventBridge Scheduler does the same. Source:
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylight-savings-time

    One in a time zone that is not known here never opens.

    >>> from rollout.contract.window import Window
    >>> office = Window(title="Mon-Fri 09:00-16:00 Europe/Berlin", minutes=(540,), days=range(1, 32),
    ...     months=range(1, 13), weekdays=range(5), duration_seconds=7 * 3600, time_zone="Europe/Berlin")
    >>> friday = 1_800_025_200.0  # 15 January 2027, 16:00 in Berlin
    >>> closed([office], friday - 1)
    >>> closed([office], friday).sentence
    'nothing is raised outside Mon-Fri 09:00-16:00 Europe/Berlin; the next window opens at 2027-01-18T08:00:00.000Z'
    """
    if not windows or any(_is_open(window, now) for window in windows):
        return None
    coming = [opening for window in windows for opening in [_next_opening(window, now)] if opening is not None]
    titles = "; ".join(window.title for window in windows)
    if not coming:
        return Closed(sentences.NEVER_OPENS.format(windows=titles), None)
    return Closed(sentences.OUTSIDE_WINDOWS.format(windows=titles, opens=clock.iso(min(coming))), min(coming))


def _is_open(window: Window, now: float) -> bool:
    before = timedelta(seconds=window.duration_seconds)
    openings = _openings(window, datetime.fromtimestamp(now, UTC).date() - before - 2 * DAY, days=before.days + 5)
    return any(opening <= now < opening + window.duration_seconds for opening in openings)


def _next_opening(window: Window, now: float) -> float | None:
    first = datetime.fromtimestamp(now, UTC).date() - DAY
    coming = (opening for opening in _openings(window, first, days=LONGEST_SEARCH_DAYS) if opening > now)
    return next(coming, None)


def _openings(window: Window, first: date, *, days: int) -> Iterator[float]:
    """Yield when a window opens, in seconds since the epoch, on so many days by its own calendar."""
    zone = time_zone(window.time_zone)
    if zone is None:
        return
    for day in (first + number * DAY for number in range(days)):
        if not opens_on(window, day):
            continue
        for minute in window.minutes:
            wanted = datetime.combine(day, time(minute // 60, minute % 60))
            seconds = wanted.replace(tzinfo=zone).timestamp()
            if datetime.fromtimestamp(seconds, zone).replace(tzinfo=None) == wanted:
                yield seconds


def opens_on(window: Window, day: date) -> bool:
    """Tell whether a window opens on a day of its own calendar."""
    return day.month in window.months and day.day in window.days and day.weekday() in window.weekdays
