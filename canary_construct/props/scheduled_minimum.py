"""A least number of instances for some hours of some days, as a value."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass
from enum import IntEnum

from rollout.decisions.minimum import DAY_MINUTES

from canary_construct.border import checked

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class Weekday(IntEnum):
    """The days of the week."""

    MONDAY = 0
    TUESDAY = 1
    WEDNESDAY = 2
    THURSDAY = 3
    FRIDAY = 4
    SATURDAY = 5
    SUNDAY = 6


@checked()
@dataclass(frozen=True, kw_only=True)
class ScheduledMinimum:
    """At least so many instances of the variant that serves, from `start` until `end`.

    Args:
        min_instances: 1 or more
        start: by the clock of `time_zone`, such as "08:00"
        end: by the same clock, such as "20:30". One that is not after `start` is on the next day
        days: on which it starts; left out, every day
        time_zone: a name of the IANA database, such as "Europe/Berlin"; left out, UTC. Summer time is followed

    Raises:
        ValueError: when a number, a time or the time zone is none, both times are the same, or there are no days.
    """

    min_instances: int
    start: str
    end: str
    days: tuple[Weekday, ...] = tuple(Weekday)
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        if self.min_instances < 1:
            raise ValueError(f"min_instances must be 1 or more, got {self.min_instances}")
        for name in ("start", "end"):
            value = getattr(self, name)
            if not _TIME.fullmatch(value):
                raise ValueError(f"{name} must be a time such as 08:30, got {value!r}")
        if self.start == self.end:
            raise ValueError(f"end must differ from start, got {self.end} for both")
        if not self.days:
            raise ValueError("days must name a day of the week or more, got none")
        known = zoneinfo.available_timezones()
        if known and self.time_zone not in known:
            raise ValueError(f"time_zone must be a name such as Europe/Berlin, got {self.time_zone!r}")

    @property
    def start_minute(self) -> int:
        """Return when it starts, in minutes after midnight."""
        return _minute(self.start)

    @property
    def minutes(self) -> int:
        """Return how long it holds, by the clock."""
        return (_minute(self.end) - _minute(self.start)) % DAY_MINUTES


def _minute(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)
