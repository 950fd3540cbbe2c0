"""What harms both variants from a shift on is no difference between them: the step waits, and a person is told why."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from rollout.contract.gate_rules import Direction, GateRule
from rollout.gates import Assessment, Counts, Judge, Minute
from rollout.gates.gate import Gate
from rollout.gates.suspicion import Suspicion

from tests.gates.rollouts import judge

AT_TENTH, AT_HALF = Counts(600, 1, 5400, 5), Counts(3000, 3, 3000, 3)
BOTH_FAIL = Counts(3000, 240, 3000, 240)
SETTINGS = {"ratio": 1.25, "min_difference": 0.0005}
Stretch = tuple[int, Counts]


def breaks(claim: Callable[[], None]) -> None:
    with pytest.raises(AssertionError):
        claim()


def at_the_end_of(first: list[Stretch], second: list[Stretch]) -> Assessment:
    """Return what is said at the end of the bake of the second step, after stretches of (minutes, counts)."""
    rules = judge(**SETTINGS)
    steps = [
        (step, counts) for step, part in enumerate((first, second)) for length, counts in part for _ in range(length)
    ]
    minutes = [Minute(number, step, {"errors": counts}) for number, (step, counts) in enumerate(steps)]
    state = rules.new_state()
    for minute in minutes:
        state, assessment = rules.update(json.loads(json.dumps(state)), [minute])
    return rules.at_bake_end(state) if assessment.verdict == "CONTINUE" else assessment


def a_trouble_of_both_that_begins_with_a_shift_holds_the_step() -> None:
    said = at_the_end_of([(30, AT_TENTH)], [(5, AT_HALF), (60, BOTH_FAIL)])
    assert (said.verdict, said.suspected) == ("CONTINUE", True)
    assert "; stable itself is at 8.00 % lately, and was at 0.09 % before the canary's share moved: the" in said.reason


def test_a_release_that_harms_both_is_not_promoted(monkeypatch: pytest.MonkeyPatch) -> None:
    a_trouble_of_both_that_begins_with_a_shift_holds_the_step()
    monkeypatch.setattr(Gate, "suspects", lambda *_: False)
    breaks(a_trouble_of_both_that_begins_with_a_shift_holds_the_step)


def test_a_trouble_that_is_over_holds_nothing_up() -> None:
    assert at_the_end_of([(30, AT_TENTH)], [(5, AT_HALF), (5, BOTH_FAIL), (1, AT_HALF)]).verdict == "PASS"
    half_fails = Counts(300, 150, 300, 150)
    assert at_the_end_of([(30, AT_TENTH)], [(7, half_fails), (1, Counts(300, 0, 300, 0))]).verdict == "PASS"


def test_a_trouble_that_begins_long_after_the_shift_has_another_cause() -> None:
    assert at_the_end_of([(30, AT_TENTH)], [(20, AT_HALF), (60, BOTH_FAIL)]).verdict == "PASS"


def test_a_trouble_that_began_before_the_shift_has_another_cause() -> None:
    assert at_the_end_of([(10, AT_TENTH), (60, Counts(600, 48, 5400, 432))], [(60, BOTH_FAIL)]).verdict == "PASS"


@pytest.mark.parametrize("failed", [1, 3, 6])
def test_what_a_day_does_by_itself_holds_nothing_up(failed: int) -> None:
    assert at_the_end_of([(60, AT_TENTH)], [(60, Counts(3000, failed, 3000, failed))]).verdict == "PASS"


def test_a_step_in_which_stable_serves_nobody_is_not_suspected() -> None:
    assert not at_the_end_of([(60, AT_TENTH)], [(60, Counts(6000, 6, 0, 0))]).suspected


def more_refusals_of_both_hold_nothing_up(*, of_callers: bool) -> None:
    """Who sends what both variants refuse is a caller: an absolute rule leaves it to the callers."""
    refused = Judge.from_config({"gates": [{"name": "errors", **SETTINGS, "of_callers": of_callers}]})
    minutes = [Minute(number, number >= 30, {"errors": AT_TENTH if number < 30 else BOTH_FAIL}) for number in range(90)]
    state, _ = refused.update(refused.new_state(), minutes)
    assert refused.at_bake_end(state).verdict == "PASS"


def test_more_bad_callers_of_both_are_no_suspicion() -> None:
    more_refusals_of_both_hold_nothing_up(of_callers=True)
    breaks(lambda: more_refusals_of_both_hold_nothing_up(of_callers=False))


def test_fewer_conversions_of_both_are_suspected_as_well() -> None:
    shop = GateRule(name="shop", direction=Direction.LOWER_IS_WORSE, ratio=0.95)
    before = Suspicion((1500.0, 30_000.0))
    assert before.observe(shop, Counts(3000, 5, 3000, 5), 0).lasts
    assert not before.observe(shop, Counts(3000, 120, 3000, 120), 0).lasts
    assert not before.observe(shop, Counts(3000, 600, 3000, 600), 0).lasts


ERRORS = GateRule(name="errors", min_difference=0.25)
FINE, HALF_FAILS = Counts(0, 0, 400, 0), Counts(0, 0, 400, 200)
BEFORE = Suspicion((40.0, 4000.0))


def test_older_minutes_fade_by_a_fifth() -> None:
    state = BEFORE.observe(ERRORS, Counts(9, 9, 500, 5), 0)
    assert state.lately == (5.0, 500.0)
    state = state.observe(ERRORS, Counts(9, 9, 603, 6), 1)
    assert state.lately == (10.0, 1003.0)
    assert replace(state, lately=(1.119, 10.17)).observe(ERRORS, Counts(9, 9, 1, 0), 2).lately == (0.9, 9.1)
    assert replace(state, before=(1.0, 4.0)).rates == (10 / 1003, 0.25)


def test_a_minute_without_requests_to_stable_changes_nothing() -> None:
    state = BEFORE.observe(ERRORS, HALF_FAILS, 0)
    assert state.observe(ERRORS, Counts(600, 0, 0, 0), 1) == state


def test_a_trouble_begins_within_a_quarter_of_an_hour_and_may_last_longer() -> None:
    assert [BEFORE.observe(ERRORS, HALF_FAILS, minutes).lasts for minutes in (0, 14, 15)] == [True, True, False]
    assert BEFORE.observe(ERRORS, HALF_FAILS, 14).observe(ERRORS, HALF_FAILS, 15).lasts


def test_a_minute_that_is_better_beyond_doubt_stands_for_all_the_earlier_ones() -> None:
    assert BEFORE.observe(ERRORS, HALF_FAILS, 0).observe(ERRORS, FINE, 1).lately == (0.0, 400.0)
    assert BEFORE.observe(ERRORS, FINE, 0).observe(ERRORS, FINE, 1).lately == (0.0, 720.0)
    third_less = replace(BEFORE, lately=(100_000.0, 1_000_000.0)).observe(ERRORS, Counts(0, 0, 1_000_000, 67_000), 1)
    assert third_less.lately == (67_000.0, 1_000_000.0)


def test_a_trouble_is_more_than_three_times_as_bad_as_before() -> None:
    rule = GateRule(name="errors")
    before = Suspicion((100_000.0, 10_000_000.0))
    assert [before.observe(rule, Counts(0, 0, 1_000_000, bad), 0).lasts for bad in (29_000, 32_000)] == [False, True]


def test_a_trouble_differs_by_the_smallest_difference_at_least() -> None:
    before = Suspicion((0.0, 4000.0))
    assert [before.observe(ERRORS, Counts(0, 0, 400, bad), 0).lasts for bad in (99, 100)] == [False, True]
    fewer = GateRule(name="shop", direction=Direction.LOWER_IS_WORSE, ratio=0.95, min_difference=0.25)
    before = Suspicion((1000.0, 4000.0))
    assert [before.observe(fewer, Counts(0, 0, 400, bad), 0).lasts for bad in (1, 0)] == [False, True]


def test_a_suspicion_is_read_as_it_was_written() -> None:
    for lasts in (False, True):
        state = Suspicion((1.5, 20.0), (3.0, 40.5), lasts)
        assert state.to_json() == [1.5, 20.0, 3.0, 40.5, lasts]
        assert Suspicion.parse(state.to_json()) == state
