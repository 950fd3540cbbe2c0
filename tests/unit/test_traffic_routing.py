import itertools

import pytest
from aws_cdk import Duration
from hypothesis import given
from hypothesis import strategies as st

from canary_construct import TrafficRouting, TrafficStep

RISING = st.sets(st.integers(min_value=1, max_value=99)).map(lambda shares: [*sorted(shares), 100])


def percents(routing: TrafficRouting) -> list[int]:
    return [step.percent for step in routing.traffic_steps]


@given(RISING)
def test_shares_that_rise_to_a_hundred_are_kept_as_they_are(shares: list[int]) -> None:
    assert percents(TrafficRouting.steps(shares)) == shares


@given(st.lists(st.integers(min_value=1, max_value=100), max_size=6))
def test_shares_are_accepted_exactly_when_they_rise_to_a_hundred(shares: list[int]) -> None:
    valid = bool(shares) and shares[-1] == 100 and all(a < b for a, b in itertools.pairwise(shares))
    if valid:
        assert percents(TrafficRouting.steps(shares)) == shares
    else:
        with pytest.raises(ValueError, match=r"^steps must "):
            TrafficRouting.steps(shares)


@given(st.integers().filter(lambda percent: not 1 <= percent <= 100))
def test_a_share_outside_of_1_to_100_is_refused(percent: int) -> None:
    with pytest.raises(ValueError, match=rf"^percent must be between 1 and 100, got {percent}$"):
        TrafficStep(percent=percent)


@given(st.integers(min_value=1, max_value=100))
def test_linear_steps_rise_evenly_and_end_at_a_hundred(percent: int) -> None:
    shares = percents(TrafficRouting.linear(percent))
    assert shares[-1] == 100
    assert all(later - earlier == percent for earlier, later in itertools.pairwise([0, *shares[:-1]]))
    assert 0 < shares[-1] - ([0, *shares])[-2] <= percent


@pytest.mark.parametrize("minutes", [4, 14 * 24 * 60 + 1])
def test_an_approval_that_nobody_can_give_in_time_or_that_never_ends_is_refused(minutes: int) -> None:
    with pytest.raises(ValueError, match=r"^approval must be between 300 s and 1,209,600 s, got [\d,]+ s at 50 %$"):
        TrafficStep(percent=50, approval=Duration.minutes(minutes))


def test_an_approval_reaches_the_handlers_and_is_kept_when_the_step_is_paced() -> None:
    step = TrafficStep(percent=50, approval=Duration.hours(2))
    paced = TrafficRouting.paced(checkpoints=[step, 100]).traffic_steps[0]
    assert (step.for_handlers().approval_seconds, paced.for_handlers().approval_seconds) == (7200, 7200)
    assert "approval_seconds" not in TrafficStep(percent=50).for_handlers().to_json()


@pytest.mark.parametrize(
    ("shares", "sentence"),
    [
        ([], "steps must hold at least one traffic step, got none"),
        ([10, 10, 100], "steps must rise from one to the next, got [10, 10, 100]"),
        ([50, 10, 100], "steps must rise from one to the next, got [50, 10, 100]"),
        ([10, 50], "steps must end at 100 percent, got [10, 50]"),
        ([0, 100], "percent must be between 1 and 100, got 0"),
        ([50, 101], "percent must be between 1 and 100, got 101"),
    ],
)
def test_wrong_shares_are_refused_with_what_was_given(shares: list[int], sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared below
        TrafficRouting.steps(shares)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("percent", [0, 101, -5])
def test_linear_refuses_an_impossible_share(percent: int) -> None:
    with pytest.raises(ValueError, match=f"^percent must be between 1 and 100, got {percent}$"):
        TrafficRouting.linear(percent)


def test_a_bake_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^bake must be longer than 0 s, got 0 s at 10 %$"):
        TrafficStep(percent=10, bake=Duration.seconds(0))


def test_a_max_bake_under_the_bake_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^max_bake must be at least bake \(3600 s\), got 1800 s at 10 %$"):
        TrafficStep(percent=10, bake=Duration.hours(1), max_bake=Duration.minutes(30))


@pytest.mark.parametrize("min_requests", [0, -1])
def test_a_step_that_asks_for_no_request_is_refused(min_requests: int) -> None:
    with pytest.raises(ValueError, match=rf"^min_requests must be 1 or more, got {min_requests} at 10 %$"):
        TrafficStep(percent=10, min_requests=min_requests)


def test_a_step_may_last_four_times_its_bake_unless_told_otherwise() -> None:
    assert TrafficStep(percent=10, bake=Duration.hours(1)).max_bake_seconds == 4 * 3600
    assert TrafficStep(percent=10, bake=Duration.hours(1), max_bake=Duration.hours(1)).max_bake_seconds == 3600


def test_a_bare_share_is_watched_for_half_an_hour() -> None:
    steps = TrafficRouting.steps([10, 50, 100]).traffic_steps
    assert [(step.percent, step.bake_seconds, step.min_requests) for step in steps] == [
        (10, 1800, 100),
        (50, 1800, 100),
        (100, 1800, 100),
    ]


def test_the_default_is_paced_by_a_budget_of_100_requests() -> None:
    routing = TrafficRouting.default()
    assert routing.harm_budget == 100
    assert [step.percent for step in routing.traffic_steps] == [10, 50, 95, 100]


def test_canary_and_all_at_once_have_the_steps_that_their_names_say() -> None:
    assert percents(TrafficRouting.one_step_then_all(5)) == [5, 100]
    assert percents(TrafficRouting.all_at_once()) == [100]


def test_full_steps_and_bare_shares_go_together() -> None:
    step = TrafficStep(percent=50, bake=Duration.days(14))
    routing = TrafficRouting.steps([10, step, 100], bake=Duration.hours(2))
    assert [s.bake_seconds for s in routing.traffic_steps] == [7200, 14 * 86400, 7200]
