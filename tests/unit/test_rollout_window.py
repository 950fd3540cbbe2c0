"""When a rollout may raise: what may be said, and how long it may have to wait."""

from datetime import UTC, datetime
from typing import Any

import pytest
from aws_cdk import Duration, TimeZone, Token
from aws_cdk.aws_scheduler import ScheduleExpression
from hypothesis import given
from hypothesis import strategies as st
from rollout.contract.window import Window
from rollout.decisions.windows import closed

from canary_construct import RolloutWindow
from canary_construct.props.rollout_window import longest_closed_seconds

BERLIN, NEW_YORK = TimeZone.EUROPE_BERLIN, TimeZone.AMERICA_NEW_YORK
HOUR, DAY = 3600, 24 * 3600
TOKEN: Any = Token.as_number({"Ref": "Parameter"})


def window(hours: float = 7, zone: TimeZone | None = BERLIN, **fields: str) -> RolloutWindow:
    said = {"minute": "0", "hour": "9", **fields}
    return RolloutWindow(
        schedule=ScheduleExpression.cron(**said, time_zone=zone), duration=Duration.minutes(hours * 60)
    )


OFFICE = window(week_day="MON-FRI")


def at(moment: str) -> float:
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()


def opens(moment: str, *windows: RolloutWindow) -> str:
    """Return when the next window opens, in UTC; empty while one is open."""
    found = closed([one.window for one in windows], at(moment))
    if found is None:
        return ""
    return "never" if found.opens is None else datetime.fromtimestamp(found.opens, UTC).isoformat()[:16]


@pytest.mark.parametrize(
    ("moment", "next_one"),
    [
        ("2027-01-15T07:59:59", "2027-01-15T08:00"),
        ("2027-01-15T08:00:00", ""),
        ("2027-01-15T14:59:59", ""),
        ("2027-01-15T15:00:00", "2027-01-18T08:00"),
        ("2027-07-16T06:59:59", "2027-07-16T07:00"),
        ("2027-07-16T13:59:59", ""),
        ("2027-07-16T14:00:00", "2027-07-19T07:00"),
        ("2027-03-26T15:00:00", "2027-03-29T07:00"),
        ("2027-10-29T14:00:00", "2027-11-01T08:00"),
    ],
)
def test_it_opens_by_the_clock_on_the_wall_in_summer_and_in_winter(moment: str, next_one: str) -> None:
    """The last two are weekends in which the clock changes."""
    assert opens(moment, OFFICE) == next_one


def test_an_hour_that_the_clock_leaves_out_does_not_open_one() -> None:
    night = window(1, minute="30", hour="2")
    assert opens("2027-03-27T03:00:00", night) == "2027-03-29T00:30"


def test_an_hour_that_comes_twice_opens_one_the_first_time() -> None:
    night = window(0.75, minute="30", hour="2")
    assert opens("2027-10-31T00:29:00", night) == "2027-10-31T00:30"
    assert opens("2027-10-31T01:14:59", night) == ""
    assert opens("2027-10-31T01:30:00", night) == "2027-11-01T01:30"


def test_it_is_open_for_its_duration_though_the_clock_changes_meanwhile() -> None:
    night = window(10, hour="22", week_day="SAT")
    assert opens("2027-03-28T06:59:59", night) == ""
    assert opens("2027-03-28T07:00:00", night) == "2027-04-03T20:00"


def test_one_that_lasts_for_days_is_open_on_the_next_ones() -> None:
    week = window(96, hour="0", week_day="MON", zone=None)
    assert opens("2027-01-14T23:59:59", week) == ""
    assert opens("2027-01-15T00:00:00", week) == "2027-01-18T00:00"


def test_any_open_window_will_do() -> None:
    late = window(3, zone=NEW_YORK, hour="14", week_day="FRI")
    assert opens("2027-01-15T16:00:00", OFFICE, late) == "2027-01-15T19:00"
    assert opens("2027-01-15T20:00:00", OFFICE, late) == ""


def test_without_windows_everything_is_open() -> None:
    assert closed([], 0) is None


def test_one_in_an_unknown_time_zone_never_opens() -> None:
    """Nothing is raised then, and the longest hold ends the rollout."""
    found = closed([Window(**{**vars(OFFICE.window), "time_zone": "Mars/Base"})], at("2027-01-15T10:00:00"))
    assert found is not None
    assert (found.opens, "none of these ever comes" in found.sentence) == (None, True)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"month": "2", "day": "31"},
            r"^a window must open on some day, got cron\(0 9 31 2 \? \*\), which never comes$",
        ),
        ({"day": "L"}, r"without L, W and #; got L in cron"),
        ({"week_day": "MON#1"}, r"without L, W and #; got MON#1 in cron"),
        ({"hour": "24"}, r"^schedule of a window must have numbers from 0 to 23 there, got 24 in cron"),
        ({"week_day": "FRI-MON"}, r"^schedule of a window must have numbers from 1 to 7 there, got FRI-MON in cron"),
        ({"year": "2027"}, r"^schedule of a window must come again every year, got the year 2027 in cron"),
        ({"minute": "*", "hour": "*"}, r"^a window must open at most 24 times a day, got 1,440 times in cron"),
    ],
)
def test_a_schedule_that_says_nothing_useful_is_refused(fields: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        window(**fields)


def test_only_cron_expressions_are_schedules() -> None:
    rate = ScheduleExpression.rate(Duration.hours(3))
    with pytest.raises(ValueError, match=r"^schedule of a window must be a cron expression, got rate\(3 hours\)$"):
        RolloutWindow(schedule=rate, duration=Duration.hours(1))


@pytest.mark.parametrize("hours", [0.2, 7 * 24 + 1])
def test_a_duration_in_which_nothing_fits_or_that_never_ends_is_refused(hours: float) -> None:
    with pytest.raises(ValueError, match=r"^duration of a window must be between 900 s and 604,800 s, got [\d,]+ s$"):
        window(hours)


def test_a_time_zone_that_lambda_does_not_know_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^time_zone of a window must be a name such as Europe/Berlin, got 'Mars/Base'$"
    ):
        window(zone=TimeZone.of("Mars/Base"))


def test_a_duration_that_only_the_deploy_knows_is_refused() -> None:
    schedule = ScheduleExpression.cron(minute="0", hour="9")
    with pytest.raises(ValueError, match=r"^duration of RolloutWindow must be known at synth"):
        RolloutWindow(schedule=schedule, duration=Duration.seconds(TOKEN))


def test_it_says_what_people_call_it() -> None:
    assert OFFICE.window.title == "Mon-Fri 09:00-16:00 Europe/Berlin"


@pytest.mark.parametrize(
    ("windows", "hours"),
    [
        ((), 0),
        ((OFFICE,), 17 + 48 + 1),
        ((OFFICE, window(hours=3, week_day="SAT")), 45 + 1),
        ((OFFICE, window(hours=24, week_day="SAT", zone=NEW_YORK)), 17 + 48 + 1),
        ((window(hours=24, hour="0", zone=None),), 0),
        ((window(day="1", month="1"),), 366 * 24 - 7 + 1),
    ],
)
def test_the_longest_time_without_a_window_is_known_at_synth(windows: tuple[RolloutWindow, ...], hours: int) -> None:
    assert longest_closed_seconds(windows) == hours * HOUR


@given(st.floats(min_value=at("2026-01-01T00:00:00"), max_value=at("2036-12-01T00:00:00")))
def test_no_wait_is_longer_than_synth_says(now: float) -> None:
    found = closed([OFFICE.window], now)
    if found is not None:
        assert 0 < found.seconds(now) <= longest_closed_seconds((OFFICE,))


def test_it_reaches_the_handlers_as_it_is() -> None:
    assert Window.parse(OFFICE.window.to_json()) == OFFICE.window
