"""The course that a plan promises its reviewers, walked with the decisions of the handlers."""

import itertools
import math

import pytest
from aws_cdk import Duration
from hypothesis import given
from hypothesis import strategies as st
from rollout.contract.plan import Plan, Scaling, Settings
from rollout.contract.states import Next
from rollout.decisions import pacing
from rollout.forecast.counts import ExpectedCounts, Shift, mean_share
from rollout.forecast.course import Course, expected_course, expected_courses, is_thin, reaction_seconds

from canary_construct import CohortRule, Gate, TrafficRouting, TrafficStep
from canary_construct.props.gate import default_gates
from canary_construct.rollout.gates import RolloutGates
from canary_construct.rollout.history_budget import evaluation_interval

PACED = TrafficRouting.paced()


def plan_of(routing: TrafficRouting = PACED, *added: Gate, period: int = 60) -> Plan:
    gates = RolloutGates(
        [*default_gates(), *added], routing=routing, alpha=0.01, require_proof=False, metric_period_seconds=period
    )
    scaling = Scaling(min_instances=1, max_instances=4, idle_instances=1)
    return Plan(
        settings=Settings(endpoint="recommender", scaling=scaling, metric_period_seconds=period),
        steps=tuple(step.for_handlers() for step in routing.traffic_steps),
        gates=gates.rules(),
        harm_budget=routing.harm_budget,
        evaluation_interval_seconds=evaluation_interval(routing.traffic_steps, metric_period_seconds=period),
        poll_seconds=15,
        capacity_timeout_seconds=1200,
        weights_timeout_seconds=1500,
    )


def course(failing: float, *, plan: Plan | None = None, rps: float = 100) -> Course:
    return expected_course(plan_of() if plan is None else plan, requests_per_second=rps, failing=failing)


def minutes_until(percent: float, found: Course) -> float:
    return next(shift.seconds for shift in found.shifts if shift.share >= percent / 100) / 60


def test_a_good_release_has_95_percent_within_25_minutes_and_all_traffic_within_the_hour() -> None:
    found = course(0)
    assert found.end is Next.PROMOTE
    assert minutes_until(95, found) <= 25
    assert minutes_until(100, found) <= 60
    assert found.harm == 0


def test_the_share_begins_where_a_release_that_fails_every_request_keeps_the_budget() -> None:
    plan = plan_of()
    assert reaction_seconds(plan) == 210
    for rps in (100, 1000):
        affordable = 100 / (rps * reaction_seconds(plan))
        first = course(0, plan=plan, rps=rps).shifts[0].share
        assert affordable - 1e-4 <= first <= affordable
    assert course(0, plan=plan, rps=1).shifts[0].share == 0.1


@pytest.mark.parametrize("rps", [1, 10, 100, 1000])
def test_a_bad_release_is_rolled_back_before_it_breaks_the_budget(rps: float) -> None:
    good, *bad = expected_courses(plan_of(), requests_per_second=rps)
    assert (good.failing, good.end) == (0, Next.PROMOTE)
    assert [found.failing for found in bad] == [0.01, 0.02, 0.05, 0.2]
    assert {found.end for found in bad} == {Next.REJECT}
    assert all(0 < found.harm < 100 for found in bad)
    assert all(found.seconds < good.seconds for found in bad)


def test_a_smaller_budget_begins_with_less_and_takes_longer() -> None:
    small, large = (course(0, plan=plan_of(TrafficRouting.paced(harm_budget=budget))) for budget in (20, 500))
    assert small.shifts[0].share < large.shifts[0].share
    assert minutes_until(50, small) > minutes_until(50, large)


def test_harm_is_what_the_release_adds_to_the_requests_that_it_got() -> None:
    found = course(0.05)
    ends = [*(shift.seconds for shift in found.shifts[1:]), found.seconds]
    got = sum(100 * shift.share * (end - shift.seconds) for shift, end in zip(found.shifts, ends, strict=True))
    assert found.harm == pytest.approx(0.05 * got)


def test_few_requests_go_from_checkpoint_to_checkpoint() -> None:
    plan = plan_of()
    thin, paced = (expected_courses(plan, requests_per_second=rps) for rps in (1, 100))
    assert (is_thin(plan, thin), is_thin(plan, paced), is_thin(plan, ())) == (True, False, False)
    assert [shift.share for shift in thin[0].shifts] == [0.1, 0.5, 0.95, 1.0]
    assert len(paced[0].shifts) > 4


def test_a_long_watch_is_walked_to_its_end() -> None:
    found = course(0, plan=plan_of(TrafficRouting.paced(watch=Duration.hours(3))))
    assert found.end is Next.PROMOTE
    assert 180 <= minutes_until(100, found) - minutes_until(95, found) < 190


def test_a_release_that_never_gets_its_requests_ends_without_a_decision() -> None:
    found = course(0, rps=0.05)
    assert found.end is Next.GIVE_UP
    assert found.seconds > 7200


def test_the_course_begins_after_the_cohorts() -> None:
    users = TrafficStep.cohort(CohortRule.share_of_users(5))
    found = course(0, plan=plan_of(TrafficRouting.paced(checkpoints=[users, 10, 50, 100])))
    assert [shift.share for shift in found.shifts] == [shift.share for shift in course(0).shifts]


def test_there_is_no_course_without_pacing_or_without_traffic() -> None:
    assert expected_courses(plan_of(TrafficRouting.steps([10, 50, 100])), requests_per_second=100) == ()
    assert expected_courses(plan_of(), requests_per_second=0) == ()


def test_the_shares_are_those_of_the_handlers_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    def largest_rise() -> float:
        shares = [shift.share for shift in course(0).shifts]
        return max(later / earlier for earlier, later in itertools.pairwise(shares))

    assert 4 < largest_rise() <= 5.01
    monkeypatch.setattr(pacing, "GROWTH", 2.0)
    assert largest_rise() <= 2.01


def test_a_delayed_count_holds_the_share_until_it_has_come() -> None:
    """What was shown to the first users is known ten minutes later."""
    late = Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", delay=Duration.minutes(10))
    assert minutes_until(10, course(0, plan=plan_of(PACED, late))) > minutes_until(10, course(0)) + 5


def test_short_metric_periods_are_walked_as_well() -> None:
    found = course(0, plan=plan_of(PACED, period=10))
    assert found.end is Next.PROMOTE
    assert minutes_until(50, found) < 25


@given(st.floats(min_value=0.1, max_value=1e5), st.floats(min_value=0, max_value=1), st.integers(1, 40))
def test_the_counts_sum_up_to_what_is_expected(per_period: float, share: float, periods: int) -> None:
    counts = ExpectedCounts(gates=plan_of().gates, per_period=per_period, failing=0.02, period_seconds=60)
    shown = [counts.period(number, [Shift(0, share)]) for number in range(periods)]
    expected = per_period * share * periods
    assert abs(sum(each.requests[0] for each in shown) - expected) <= 0.5 + 1e-6 * expected
    errors = [each.by_gate["errors"] for each in shown]
    assert sum(each.canary_total for each in errors) == sum(each.requests[0] for each in shown)
    assert math.isclose(sum(each.canary_bad for each in errors), 0.021 * expected, rel_tol=1e-6, abs_tol=periods)
    assert all(each.canary_bad <= each.canary_total for each in errors)


def test_the_mean_share_is_that_of_the_time() -> None:
    shifts = [Shift(30, 0.1), Shift(90, 0.5)]
    assert [round(mean_share(shifts, number, 60), 3) for number in (-1, 0, 1, 2)] == [0, 0.05, 0.3, 0.5]
