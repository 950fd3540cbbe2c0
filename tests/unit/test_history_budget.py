from collections.abc import Sequence

import pytest
from aws_cdk import Duration
from hypothesis import given, settings
from hypothesis import strategies as st
from rollout.contract.timing import MAX_EVENTS, MOST_CHANGES
from rollout.decisions.pacing import MOST_BRAKES

from canary_construct import TrafficRouting, TrafficStep
from canary_construct.rollout.history_budget import (
    EVENTS_PER_CHANGE,
    EVENTS_PER_LOOK,
    MAX_HOLD_INTERVAL_SECONDS,
    SHARE_FOR_WAITING,
    changes_history,
    evaluation_interval,
    hold_history,
    hold_interval,
    longest_history,
    poll_seconds,
)
from canary_construct.rollout.timeouts import Timeouts

PERIODS = st.sampled_from([10, 30, 60])
STEPS = st.lists(
    st.integers(min_value=60, max_value=14 * 86400).map(
        lambda seconds: TrafficStep(percent=50, bake=Duration.seconds(seconds), max_bake=Duration.seconds(seconds))
    ),
    min_size=1,
    max_size=10,
)


@given(STEPS, PERIODS)
@settings(max_examples=25)  # every step crosses into the CDK
def test_the_longest_rollout_fits_into_the_execution_history(steps: list[TrafficStep], period: int) -> None:
    interval = evaluation_interval(steps, metric_period_seconds=period)
    assert longest_history(steps, interval_seconds=interval) <= MAX_EVENTS


@given(STEPS, PERIODS)
@settings(max_examples=25)  # every step crosses into the CDK
def test_the_interval_is_the_shortest_multiple_of_the_period_that_fits(steps: list[TrafficStep], period: int) -> None:
    interval = evaluation_interval(steps, metric_period_seconds=period)
    assert interval % period == 0
    assert interval == period or longest_history(steps, interval_seconds=interval - period) > MAX_EVENTS


@given(st.integers(min_value=1, max_value=100), PERIODS)
def test_waiting_for_instances_and_weights_stays_in_its_part_of_the_history(step_count: int, period: int) -> None:
    pause = poll_seconds(step_count, metric_period_seconds=period)
    assert Timeouts().longest_wait_seconds(step_count) / pause * EVENTS_PER_LOOK <= MAX_EVENTS * SHARE_FOR_WAITING


@given(STEPS, PERIODS, st.integers(min_value=0, max_value=14 * 86400))
@settings(max_examples=25)  # every step crosses into the CDK
def test_there_is_room_to_look_while_people_hold_the_rollout(steps: list[TrafficStep], period: int, held: int) -> None:
    try:
        interval = evaluation_interval(steps, metric_period_seconds=period, hold_seconds=held)
    except ValueError:
        return  # refused at synth
    looks = hold_interval(
        steps, metric_period_seconds=period, interval_seconds=interval, hold_back_events=0, hold_seconds=held
    )
    events = longest_history(steps, interval_seconds=interval) + hold_history(held, interval_seconds=looks)
    assert events <= MAX_EVENTS
    assert interval <= looks <= max(interval, MAX_HOLD_INTERVAL_SECONDS + period)


def test_two_weeks_at_half_the_traffic_can_be_watched() -> None:
    step = TrafficStep(percent=50, bake=Duration.days(14), max_bake=Duration.days(14))
    assert evaluation_interval([step], metric_period_seconds=60) == 1200


def test_a_plan_that_not_even_a_look_an_hour_fits_is_refused() -> None:
    steps = [TrafficStep(percent=50, bake=Duration.days(90))]
    with pytest.raises(
        ValueError,
        match=r"^1 steps of up to 31,104,000 s need more than the 25,000 events of an execution history, even at one "
        r"look an hour; use fewer or shorter steps$",
    ):
        evaluation_interval(steps, metric_period_seconds=60)


@pytest.mark.parametrize("period", [10, 30, 60])
def test_the_longest_paced_rollout_fits_with_every_change_of_its_share(period: int) -> None:
    steps = TrafficRouting.paced().traffic_steps
    interval = evaluation_interval(steps, metric_period_seconds=period)
    events = longest_history(steps, interval_seconds=interval)
    fixed = longest_history(_same_times(steps), interval_seconds=interval)
    changes = changes_history(interval_seconds=interval)
    assert events - fixed == changes >= (MOST_CHANGES + MOST_BRAKES) * EVENTS_PER_CHANGE
    assert events <= MAX_EVENTS


def _same_times(steps: Sequence[TrafficStep]) -> list[TrafficStep]:
    """Return steps of fixed shares that bake as long."""
    bakes = [(Duration.seconds(max(1, step.bake_seconds)), Duration.seconds(step.max_bake_seconds)) for step in steps]
    return [TrafficStep(percent=100, bake=bake, max_bake=longest) for bake, longest in bakes]
