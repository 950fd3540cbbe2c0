"""A cron expression of AWS, as far as a window needs it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
"""In the order of AWS, which counts them from 1."""
FIELDS = 6
MOST_NAMED_TIMES = 3
DAY_MINUTES = 24 * 60
_PART = re.compile(r"(\*|\w+(?:-\w+)?)(?:/(\d+))?")


@dataclass(frozen=True, kw_only=True)
class Cron:
    """When something begins: minutes after midnight, on days of the month that are such days of the week (Monday is 0).

    Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
    """

    minutes_of_day: Sequence[int]
    days: Sequence[int]
    months: Sequence[int]
    weekdays: Sequence[int]

    @classmethod
    def parse(cls, expression: str) -> Self:
        """Read an expression such as `cron(0 9 ? * MON-FRI *)`.

        Raises:
            ValueError: when it is none, names a year, or has a part that is not a number, a name, a range or a step.
        """
        fields = expression.removeprefix("cron(").removesuffix(")").split()
        if not expression.startswith("cron(") or len(fields) != FIELDS:
            raise ValueError(f"schedule of a window must be a cron expression, got {expression}")
        minutes, hours, days, months, weekdays, year = fields
        if year != "*":
            raise ValueError(f"schedule of a window must come again every year, got the year {year} in {expression}")
        of_week = _numbers(weekdays, 1, 7, WEEKDAYS, expression)
        found_minutes = _numbers(minutes, 0, 59, (), expression)
        return cls(
            minutes_of_day=tuple(
                60 * hour + minute for hour in _numbers(hours, 0, 23, (), expression) for minute in found_minutes
            ),
            days=_numbers(days, 1, 31, (), expression),
            months=_numbers(months, 1, 12, MONTHS, expression),
            weekdays=tuple(sorted((number - 2) % 7 for number in of_week)),
        )

    def title(self, duration_seconds: int) -> str:
        """Return what people call these times when each lasts so long.

        >>> Cron.parse("cron(0 9 ? * MON-FRI *)").title(7 * 3600)
        'Mon-Fri 09:00-16:00'
        >>> Cron.parse("cron(30 8 1-5 JAN,FEB ? *)").title(30 * 3600)
        'Jan-Feb, day 1-5 of the month, 08:30 for 30 h'
        >>> Cron.parse("cron(0 * * * ? *)").title(900)
        'every day, 24 times for 0.25 h'
        """
        named_months = [name.capitalize() for name in MONTHS]
        named_days = [WEEKDAYS[(day + 1) % 7].capitalize() for day in range(7)]
        parts = [
            _ranges(self.months, named_months, first=1),
            f"day {ranges} of the month" if (ranges := _ranges(self.days, [*map(str, range(1, 32))], first=1)) else "",
        ]
        weekdays = _ranges(self.weekdays, named_days, first=0)
        times = self._times(duration_seconds)
        if weekdays:
            return ", ".join([*filter(None, parts), f"{weekdays} {times}"])
        return ", ".join([*(list(filter(None, parts)) or ["every day"]), times])

    def _times(self, duration_seconds: int) -> str:
        if len(self.minutes_of_day) > MOST_NAMED_TIMES:
            return f"{len(self.minutes_of_day)} times for {duration_seconds / 3600:g} h"
        minutes = duration_seconds // 60
        if minutes < DAY_MINUTES and not duration_seconds % 60:
            return " and ".join(f"{_clock(begin)}-{_clock(begin + minutes)}" for begin in self.minutes_of_day)
        return f"{' and '.join(map(_clock, self.minutes_of_day))} for {duration_seconds / 3600:g} h"


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def _ranges(numbers: Sequence[int], names: Sequence[str], *, first: int) -> str:
    """Return numbers as ranges of their names; empty when all are there."""
    if len(numbers) == len(names):
        return ""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    named = ["-".join(dict.fromkeys(names[end - first] for end in (run[0], run[-1]))) for run in runs]
    return ", ".join(named)


def _numbers(field: str, least: int, most: int, names: Sequence[str], expression: str) -> tuple[int, ...]:
    """Return the numbers that a field names, in order."""
    found = {number for part in field.split(",") for number in _part(part, least, most, names, expression)}
    return tuple(sorted(found))


def _part(part: str, least: int, most: int, names: Sequence[str], expression: str) -> range:
    read = _PART.fullmatch("*" if part == "?" else part)
    if read is None:
        raise ValueError(_refusal(part, expression))
    span, step = read.groups()
    first, _, last = span.partition("-")
    if span == "*":
        begin, end = least, most
    else:
        begin = _number(first, names, part, expression)
        end = _number(last, names, part, expression) if last else most if step else begin
    if not least <= begin <= end <= most or step == "0":
        raise ValueError(
            f"schedule of a window must have numbers from {least} to {most} there, got {part} in {expression}"
        )
    return range(begin, end + 1, int(step or 1))


def _number(text: str, names: Sequence[str], part: str, expression: str) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + 1
    if not text.isdecimal():
        raise ValueError(_refusal(part, expression))
    return int(text)


def _refusal(part: str, expression: str) -> str:
    return (
        f"schedule of a window must be made of numbers, names, ranges and steps, without L, W and #; got {part} in "
        f"{expression}"
    )
