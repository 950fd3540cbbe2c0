"""What may be said of a hold-back, and how often a history has room to look at it."""

from typing import Any

import pytest
from aws_cdk import Duration, Token
from rollout.contract.plan import HoldBackRule, Passes
from rollout.contract.timing import MAX_EVENTS

from canary_construct import HoldBack, TrafficRouting, TrafficStep
from canary_construct.rollout.history_budget import (
    MAX_HOLD_BACK_INTERVAL_SECONDS,
    evaluation_interval,
    hold_back_history,
    hold_back_interval,
    longest_history,
)

DAY = 24 * 60 * 60
TOKEN: Any = Token.as_number({"Ref": "Parameter"})


def test_it_keeps_two_percent_for_a_day_unless_told_otherwise() -> None:
    assert HoldBack() == HoldBack(percent=2, duration=Duration.hours(24))
    rule = HoldBack().for_handlers(interval_seconds=300)
    assert rule == HoldBackRule(percent=2, duration_seconds=DAY, interval_seconds=300)
    assert (rule.step.percent, rule.step.bake_seconds, rule.step.passes) == (98, DAY, Passes.HOLD_BACK)


@pytest.mark.parametrize("percent", [0, 50, -1])
def test_a_share_that_is_none_or_half_of_the_traffic_is_refused(percent: int) -> None:
    with pytest.raises(
        ValueError,
        match=f"^percent of a hold-back must be between 1 and 49, because the new release is promoted; got {percent}$",
    ):
        HoldBack(percent=percent)


def test_the_largest_and_the_smallest_share_are_allowed() -> None:
    assert [HoldBack(percent=percent).percent for percent in (1, 49)] == [1, 49]


def test_less_than_an_hour_is_refused() -> None:
    assert HoldBack(duration=Duration.hours(1)).duration_seconds == 3600
    with pytest.raises(
        ValueError,
        match=r"^duration of a hold-back must be at least 3600 s, because the steps find what begins sooner; "
        r"got 3599 s$",
    ):
        HoldBack(duration=Duration.seconds(3599))


@pytest.mark.parametrize("said", [{"percent": TOKEN}, {"duration": Duration.seconds(TOKEN)}])
def test_what_is_known_at_deploy_time_only_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(
        ValueError,
        match=rf"^{next(iter(said))} of HoldBack must be known at synth, got a value of deploy time \(a token\)$",
    ):
        HoldBack(**said)


@pytest.mark.parametrize("routing", [TrafficRouting.paced(), TrafficRouting.steps([10, 50, 100])])
@pytest.mark.parametrize("hours", [1, 24, 48])
@pytest.mark.parametrize("period", [10, 60])
def test_the_longest_rollout_fits_with_its_hold_back(routing: TrafficRouting, hours: int, period: int) -> None:
    steps, seconds = routing.traffic_steps, hours * 3600
    interval = evaluation_interval(steps, metric_period_seconds=period, hold_back_seconds=seconds)
    looked = hold_back_interval(
        steps, metric_period_seconds=period, interval_seconds=interval, hold_back_seconds=seconds
    )
    used = longest_history(steps, interval_seconds=interval)
    assert interval <= looked <= MAX_HOLD_BACK_INTERVAL_SECONDS
    assert used + hold_back_history(seconds, interval_seconds=looked) <= MAX_EVENTS
    shorter = looked - period
    assert looked == interval or used + hold_back_history(seconds, interval_seconds=shorter) > MAX_EVENTS


def test_one_that_no_history_has_room_for_is_refused() -> None:
    with pytest.raises(
        ValueError,
        match=r"^1 steps of up to 7,200 s and a hold-back of 31,536,000 s need more than the 25,000 events of an "
        r"execution history, even at one look an hour; use fewer or shorter steps, or a shorter hold_back$",
    ):
        evaluation_interval([TrafficStep(percent=100)], metric_period_seconds=60, hold_back_seconds=365 * DAY)
