from typing import Any

import pytest
from aws_cdk import Duration
from hypothesis import given
from hypothesis import strategies as st

from canary_construct.props.cohort_rule import BUCKETS, WIDEST_SPREAD, CohortRule
from canary_construct.props.traffic_routing import TrafficRouting
from canary_construct.props.traffic_step import TrafficStep

TESTERS = CohortRule.header_values("x-tester", ["yes"], expected_percent=1)


@given(st.floats(min_value=0.01, max_value=99.99))
def test_a_share_of_users_is_a_number_of_buckets_of_ten_thousand(percent: float) -> None:
    rule = CohortRule.share_of_users(percent)
    rendered = rule.for_handlers().to_json()
    assert rendered["kind"] == "users"
    assert 1 <= rendered["buckets"] < BUCKETS
    assert abs(rendered["buckets"] / BUCKETS - percent / 100) <= 0.5 / BUCKETS + 1e-12
    assert rule.expected_percent == percent


def test_regions_are_values_of_cloudfronts_header() -> None:
    assert CohortRule.regions(["DE", "AT"], expected_percent=12).for_handlers().to_json() == {
        "kind": "header", "header": "cloudfront-viewer-country", "values": ["DE", "AT"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: CohortRule.header_values("X-Tester", ["yes"], expected_percent=1),
            "header must be a name of at most 512 letters, digits and hyphens in lower case, got 'X-Tester'",
        ),
        (
            lambda: CohortRule.header_values("x-tester", [], expected_percent=1),
            "values must hold at least one value of header x-tester, got none",
        ),
        (
            lambda: CohortRule.header_values("x-tester", ["a,b"], expected_percent=1),
            "values must consist of letters, digits and ._~:/?#&=-, got 'a,b'",
        ),
        (
            lambda: CohortRule.header_values("x-tester", ["v" * 511], expected_percent=1),
            "values must fit into 512 characters with commas, got 513",
        ),
        (
            lambda: CohortRule.header_values("x-tester", ["yes"], expected_percent=100),
            "expected_percent must be above 0 and below 100, got 100",
        ),
        (
            lambda: CohortRule(header="x-tester", expected_percent=1),
            "a cohort rule has either values of a header or buckets of users; use one of its factories",
        ),
        (
            lambda: CohortRule.share_of_users(5, expected_percent=0),
            "expected_percent must be above 0 and below 100, got 0",
        ),
        (lambda: CohortRule.share_of_users(5, users=0), "users must be 1 or more, got 0"),
        (
            lambda: CohortRule.share_of_users(5, users=9, user_variation=0),
            "user_variation must be above 0, got 0",
        ),
        (lambda: CohortRule.share_of_users(0), "percent of the users must be at least 0.01 and below 100, got 0"),
        (lambda: CohortRule.share_of_users(100), "percent of the users must be at least 0.01 and below 100, got 100"),
    ],
)
def test_wrong_rules_are_refused_with_what_was_given(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared below
        make()
    assert str(refusal.value) == sentence


def test_one_text_is_no_sequence_of_values() -> None:
    with pytest.raises(
        TypeError, match=r"codes of CohortRule\.regions must be a list of texts, got the text 'DE'; put it into a list"
    ):
        CohortRule.regions("DE", expected_percent=12)


def test_a_share_of_users_may_be_expected_to_send_more_than_its_share_of_the_requests() -> None:
    rule = CohortRule.share_of_users(5, expected_percent=10)
    assert (rule.buckets, rule.expected_percent) == (500, 10)


def test_a_cohort_step_keeps_the_weight_at_zero_and_names_its_rule() -> None:
    step = TrafficStep.cohort(CohortRule.share_of_users(5), bake=Duration.hours(1), min_requests=500)
    assert step.for_handlers().to_json() == {
        "percent": 0,
        "expected_percent": 5,
        "cohort": {"kind": "users", "header": "x-canary-bucket", "buckets": 500},
        "bake_seconds": 3600,
        "max_bake_seconds": 4 * 3600,
        "min_requests": 500,
    }


def test_a_weighted_step_says_nothing_of_cohorts() -> None:
    assert "cohort" not in TrafficStep(percent=10).for_handlers().to_json()


def test_cohorts_come_first() -> None:
    routing = TrafficRouting.steps([TrafficStep.cohort(TESTERS), 50, 100])
    assert [step.percent for step in routing.traffic_steps] == [0, 50, 100]


@pytest.mark.parametrize(
    ("steps", "sentence"),
    [
        (
            [50, TrafficStep.cohort(TESTERS), 100],
            "cohort steps must come before shares of all requests, got 50 %, a cohort of 1 %, 100 %",
        ),
        (
            [TrafficStep.cohort(CohortRule.share_of_users(percent)) for percent in (20, 5)] + [100],
            "shares of users must not fall from one step to the next, got a cohort of 20 %, a cohort of 5 %, 100 %",
        ),
        ([TrafficStep.cohort(TESTERS)], "steps must end at 100 percent, got a cohort of 1 %"),
    ],
)
def test_cohorts_anywhere_else_are_refused(steps: list[int | TrafficStep], sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared below
        TrafficRouting.steps(steps)
    assert str(refusal.value) == sentence


CHANCES = st.floats(min_value=1e-12, max_value=0.4)


@given(st.integers(min_value=1, max_value=10**10), st.integers(min_value=1, max_value=10**10), CHANCES)
def test_more_users_never_differ_more_by_chance(some: int, others: int, chance: float) -> None:
    fewer, more = sorted((some, others))
    of_fewer, of_more = (CohortRule.share_of_users(5, users=users).spread(chance) for users in (fewer, more))
    assert 1.0 < of_more <= of_fewer <= WIDEST_SPREAD


@given(st.floats(min_value=1.05, max_value=9.0), CHANCES, st.floats(min_value=1.0, max_value=90.0))
def test_the_users_for_a_spread_are_just_enough(spread: float, chance: float, percent: float) -> None:
    needed = CohortRule.share_of_users(percent).users_for(spread, chance)
    enough = CohortRule.share_of_users(percent, users=needed).spread(chance)
    half = CohortRule.share_of_users(percent, users=max(needed // 2, 1)).spread(chance)
    assert enough <= spread + 0.11
    assert half >= min(spread, WIDEST_SPREAD) or needed == 1


def test_people_whom_a_header_chooses_and_users_whom_nobody_counted_may_differ_tenfold() -> None:
    for rule in (TESTERS, CohortRule.share_of_users(5), CohortRule.share_of_users(50)):
        assert rule.spread(0.005) == WIDEST_SPREAD
