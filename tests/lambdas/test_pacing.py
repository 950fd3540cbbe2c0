"""Which share the counts of both slots afford. No AWS is needed."""

import math
from dataclasses import replace

import pytest
from rollout.contract.exposure import Exposure, GateSums, Pacing, Served
from rollout.contract.gate_rules import Direction, GateRule, Kind
from rollout.contract.plan import Plan
from rollout.contract.states import Next, StepState
from rollout.decisions.bake import Decision
from rollout.decisions.pacing import (
    BETA,
    FINEST_PERCENT,
    Look,
    Pace,
    Period,
    braked,
    excess,
    fine,
    first_share,
    lower_mean,
    upper_mean,
)
from rollout.gates import Assessment, Counts, GateView, Verdict
from rollout.shares import move

from tests.lambdas.fakes.settings import plan, step

ERRORS = GateRule(name="errors", ratio=1.25, min_difference=0.0005)
SALES = GateRule(
    name="sales", kind=Kind.SHARE, direction=Direction.LOWER_IS_WORSE, ratio=0.95, min_difference=0.001, event="bought"
)
PER_PERIOD = 6000
STARTED = Pacing(since=100)


def view(
    rule: GateRule = ERRORS, *, stable_rate: float = 0.001, spread: float = 1.0, evidence: float = 0.0
) -> GateView:
    return GateView(rule=rule, stable_rate=stable_rate, spread=spread, log_evidence=evidence, bets_at=stable_rate)


def pace(share: float, *gates: GateView, budget: float | None = 100) -> Pace:
    return Pace(budget=budget, reaction=4, share=share, gates=gates or (view(),))


def period(
    number: int, percent: float | None, *, canary_bad: int = 0, stable_bad: int = 6, of: str = "errors"
) -> Period:
    """Return one minute at 100 requests a second, split by the share; while it changes, evenly."""
    canary = round(PER_PERIOD * (50 if percent is None else percent) / 100)
    counts = {of: Counts(canary, canary_bad, PER_PERIOD - canary, stable_bad)}
    return Period(number, percent, PER_PERIOD, counts, counts, counts)


def looked(
    share: float, *periods: Period, before: Pacing = STARTED, end: int = 1000, budget: float | None = 100
) -> Look:
    return pace(share, budget=budget).look(before, periods, end=end)


# The first share


def test_the_first_share_breaks_no_more_than_the_budget_though_every_request_fails() -> None:
    share = first_share(100, per_period=PER_PERIOD, reaction=4, checkpoint=50)
    assert share == 0.41
    assert share / 100 * PER_PERIOD * 4 <= 100
    assert first_share(1, per_period=1e9, reaction=4, checkpoint=50) == FINEST_PERCENT


@pytest.mark.parametrize(("percent", "weights_can_give"), [(0.419, 0.41), (12.345, 12.34), (0.0001, 0.01), (500, 100)])
def test_a_share_is_rounded_down_to_what_weights_can_give(percent: float, weights_can_give: float) -> None:
    assert fine(percent) == weights_can_give


# What is not excluded yet


def test_nothing_is_excluded_before_anything_was_seen() -> None:
    assert excess(view(), GateSums()) == 1.0
    assert excess(view(SALES, stable_rate=0.05), GateSums()) == 0.05, "no more can be lost than stable sells"


def test_requests_without_a_failure_exclude_three_in_their_number() -> None:
    assert excess(view(), GateSums(requests=300)) == pytest.approx(-math.log(0.05) / 300)
    assert excess(view(spread=2.0), GateSums(requests=300)) == pytest.approx(-2 * math.log(0.05) / 300)


def test_what_stable_s_rate_explains_is_no_excess() -> None:
    alone = excess(view(), GateSums(requests=1000, bad=20))
    assert excess(view(), GateSums(requests=1000, bad=20, expected=20)) == pytest.approx(alone - 0.02)
    assert excess(view(), GateSums(requests=1000, bad=20, expected=900)) == 0.0


def test_lost_sales_are_counted_from_below() -> None:
    sold_like_stable = GateSums(requests=1000, bad=50, expected=50)
    assert 0.015 < excess(view(SALES, stable_rate=0.05), sold_like_stable) < 0.02
    assert excess(view(SALES, stable_rate=0.05), replace(sold_like_stable, bad=0)) == 0.05


@pytest.mark.parametrize("count", [1, 7, 300])
def test_the_bounds_hold_the_counts_of_a_poisson_mean_with_the_chance_that_they_say(count: int) -> None:
    """Chernoff's bound is never below the chance itself."""
    high, low = upper_mean(count, 3.0), lower_mean(count, 3.0)
    at_most = sum(math.exp(-high + n * math.log(high) - math.lgamma(n + 1)) for n in range(count + 1))
    below = sum(math.exp(-low + n * math.log(low) - math.lgamma(n + 1)) for n in range(count))
    assert at_most <= math.exp(-3.0)
    assert 1 - below <= math.exp(-3.0)


def test_a_gate_that_does_not_count_both_alike_excludes_and_proves_nothing() -> None:
    """Before, a canary whose showings were lost was raised, and passed the proof, as soon as they fitted again."""
    counted = GateSums(requests=9000, bad=9, expected=9.0, ratio=3.0, margin=-2.0, rise=0.5, total=1.0)
    off = replace(view(evidence=1.0), is_comparable=False)
    before = replace(STARTED, gates={"errors": counted})
    kept = pace(50, off).look(before, [period(100, 50.0)], end=1000).kept.gates["errors"]
    assert kept == GateSums(ratio=0.0, margin=-2.0, rise=pytest.approx(0.5, abs=0.2), total=1.0)
    assert excess(off, kept) == 1.0
    fits_again = pace(50).look(replace(before, gates={"errors": kept}), [period(101, 50.0)], end=1000).kept
    assert fits_again.gates["errors"].requests == 3000


# The next share


def test_a_share_grows_at_most_fivefold_of_what_was_seen_clean() -> None:
    look = looked(0.4, *(period(100 + n, 0.4) for n in range(20)))
    assert look.affordable[0] > 2.5
    assert look.next_share(10) == 2.0


def test_a_share_grows_no_further_than_the_budget_allows() -> None:
    look = looked(2.0, period(100, 2.0), period(101, 2.0), budget=20)
    worst = excess(view(), look.ahead.gates["errors"])
    assert look.next_share(50) == fine(100 * 20 / (PER_PERIOD * 4 * worst)) < 10
    assert "may still be 1.1 percentage points worse" in look.limit


def test_a_raise_that_is_too_small_is_not_made_and_one_that_nearly_reaches_a_checkpoint_does() -> None:
    look = looked(45, *(period(100 + n, 45, canary_bad=3, stable_bad=3) for n in range(9)))
    assert look.next_share(100) == 100
    assert look.next_share(50) == 50, "though it is less than 1.3 times as much"
    small = looked(6, period(100, 6), budget=12)
    assert 6 < small.affordable[0] < 1.3 * 6
    assert small.next_share(50) == 6


def test_nothing_is_raised_before_the_present_share_was_seen_in_a_whole_period() -> None:
    assert looked(2.0, period(100, 0.4), period(101, None)).held == "no whole metric period at 2 % is published yet"
    assert looked(2.0, period(100, 0.4), period(101, None), period(102, 2.0)).held == ""


def test_a_share_that_was_not_seen_may_rise_but_not_above_five_times_one_that_was() -> None:
    """No step passes at it. Whoever waits for it first loses a delay of the metrics at every share."""
    look = looked(30.0, *(period(100 + n, 8) for n in range(9)), period(110, None))
    assert (look.held, look.suspicion) == ("no whole metric period at 30 % is published yet", "")
    assert look.next_share(100) == 40 == look.next_share(40)
    seen_little = looked(30.0, *(period(100 + n, 6.4) for n in range(9)), period(110, None))
    assert seen_little.next_share(100) == 30


def test_a_period_that_lacks_the_counts_of_a_gate_is_no_whole_one() -> None:
    gates = (view(), view(GateRule(name="latency", kind=Kind.SHARE)))
    look = pace(2.0, *gates).look(STARTED, [period(100, 2.0)], end=1000)
    assert look.held.startswith("no whole metric period")
    assert look.affordable == (pytest.approx(100 * 100 / (PER_PERIOD * 4)), look.limit), "of latency nothing was seen"


def test_a_period_that_is_published_but_not_complete_counts_ahead_and_once() -> None:
    first = looked(2.0, period(100, 2.0), period(101, 2.0), end=101)
    assert first.ahead.gates["errors"].requests == 2 * first.kept.gates["errors"].requests == 240
    second = looked(2.0, period(100, 2.0), period(101, 2.0), before=first.kept, end=102)
    assert second.kept.gates["errors"].requests == 240


def test_an_outage_of_stable_says_nothing_about_an_excess() -> None:
    calm = looked(10, period(100, 10), period(101, 10))
    outage = looked(10, period(100, 10), period(101, 10), period(102, 10, canary_bad=300, stable_bad=2700))
    assert outage.ahead.gates["errors"].requests == calm.ahead.gates["errors"].requests
    assert outage.brake is None


def test_evidence_that_rises_holds_the_share_and_is_forgotten() -> None:
    risen = pace(10, view(evidence=1.0)).look(STARTED, [period(100, 10)], end=101)
    assert risen.held == "the evidence against the canary rises (gate errors), so nothing is raised"
    calm = [period(101 + n, 10) for n in range(4)]
    assert pace(10, view(evidence=1.0)).look(risen.kept, calm, end=105).held == ""


def test_a_delayed_count_is_noticed_later_so_that_less_is_afforded() -> None:
    at_once, delayed = view(SALES, stable_rate=0.05), view(replace(SALES, delay=30), stable_rate=0.05)
    share = pace(1, at_once).affords(at_once, 0.05, PER_PERIOD)
    assert pace(1, delayed).affords(delayed, 0.05, PER_PERIOD) == pytest.approx(share * 4 / 34)


def test_what_the_gate_tolerates_need_not_be_excluded() -> None:
    assert pace(50).affords(view(), 0.0005, 1e9) == 100
    assert pace(50).affords(view(), 0.0006, 1e9) < 1


def test_without_a_budget_no_share_is_too_large_but_growth_has_its_limit() -> None:
    look = looked(1.0, period(100, 1.0), budget=None)
    assert look.affordable == (100, "")
    assert look.next_share(10) == 5.0


# The brake


def test_the_newest_periods_lower_the_share_to_a_tenth_at_once() -> None:
    look = looked(10, period(100, 10), period(101, 10, canary_bad=30))
    assert look.brake is not None
    assert look.brake.percent == 1.0
    assert "gate errors has evidence of 1 in" in look.brake.reason


def test_a_period_that_is_not_complete_brakes_as_well_and_so_does_one_in_which_the_share_changed() -> None:
    assert looked(10, period(100, 10, canary_bad=30), end=100).brake is not None
    assert looked(10, period(100, None, canary_bad=60), end=100).brake is not None


def test_a_newer_period_whose_errors_have_not_come_hides_no_older_one() -> None:
    only_requests = Period(101, 10, PER_PERIOD, {}, {}, {})
    look = looked(10, period(100, 10, canary_bad=30), only_requests, end=100)
    assert look.brake is not None
    assert look.brake.percent == 1.0


def test_a_brake_goes_lower_than_a_tenth_where_the_budget_asks_for_it() -> None:
    look = looked(50, period(100, 50, canary_bad=3000))
    assert look.brake is not None
    assert look.brake.percent == 0.41, "everything fails: the share with which a rollout begins"


def test_no_share_is_lowered_below_what_keeps_the_budget_anyway() -> None:
    assert looked(0.41, period(100, 0.41, canary_bad=25)).brake is None


def test_few_failures_brake_nothing_and_neither_do_those_of_both() -> None:
    assert looked(10, period(100, 10, canary_bad=2)).brake is None
    assert looked(10, period(100, 10, canary_bad=60, stable_bad=540)).brake is None


def test_requests_that_fail_together_brake_later() -> None:
    periods = [period(100, 10, canary_bad=8)]
    assert pace(10, view()).look(STARTED, periods, end=1000).brake is not None
    assert pace(10, view(spread=4.0)).look(STARTED, periods, end=1000).brake is None


def test_what_was_seen_before_a_brake_raises_nothing_after_it() -> None:
    before = looked(10, *(period(100 + n, 10) for n in range(9))).kept
    after = braked(before)
    assert (after.brakes, after.since, after.clean) == (1, None, 0.0)
    look = looked(1.0, period(108, 10), period(109, None), before=after)
    assert look.ahead.here is None
    assert look.affordable[0] < 1


# The proof at a checkpoint


def test_a_canary_like_stable_is_proven_to_be_and_a_worse_one_is_not() -> None:
    minutes = range(100, 120)
    same = looked(50, *(period(n, 50, canary_bad=3, stable_bad=3) for n in minutes))
    twice = looked(50, *(period(n, 50, canary_bad=6, stable_bad=3) for n in minutes))
    assert same.is_proven(at_bake_end=False)
    assert not twice.is_proven(at_bake_end=True)


def test_at_the_end_of_a_bake_the_likelier_hypothesis_wins() -> None:
    short = looked(50, period(100, 50, canary_bad=3, stable_bad=3))
    assert not short.is_proven(at_bake_end=False)
    assert short.is_proven(at_bake_end=True)


def test_of_bounds_the_worst_are_counted_and_the_likeliest_are_asked_at_the_end_of_a_bake() -> None:
    """Three requests of each are bad in a minute, or five of the canary's and one of stable's."""
    favourable, worst, likely = (
        {"errors": Counts(3000, canary, 3000, stable)} for canary, stable in ((1, 5), (5, 1), (3, 3))
    )
    minutes = [Period(number, 50, 6000, favourable, worst, likely) for number in range(100, 140)]
    look = looked(50, *minutes)
    assert not look.is_proven(at_bake_end=False)
    assert look.is_proven(at_bake_end=True)
    assert (look.kept.gates["errors"].bad, look.kept.gates["errors"].requests) == (200, 120_000)


def test_a_release_at_the_margin_is_proven_equal_as_seldom_as_said() -> None:
    """The bet against the margin wins on average nothing: its mean over all counts is at most 1."""
    gate, margin = view(), pace(50).margin(view(), PER_PERIOD)
    stable_bad, canary, mean = 30, 30_000, 30_000 * (0.001 + margin)
    total = 0.0
    for bad in range(200):
        chance = math.exp(-mean + bad * math.log(mean) - math.lgamma(bad + 1))
        total += chance * math.exp(gate.equality(Counts(canary, bad, 30_000, stable_bad), margin)[1])
    assert total <= 1 / (1 - BETA)


# What served when


def test_each_period_has_the_share_that_served_in_it() -> None:
    exposure = Exposure().choose(2.0).in_force(changes_from=90, whole_from=92)
    exposure = exposure.choose(0.2).in_force(changes_from=100, whole_from=101)
    assert [exposure.served_in(n) for n in (89, 91, 99, 100, 101)] == [
        None,
        Served(90, None),
        Served(92, 2.0),
        Served(100, None, fell_from=2.0),
        Served(101, 0.2),
    ]
    assert (exposure.before, exposure.number) == (2.0, 1)
    assert Exposure.parse(exposure.to_json()) == exposure


@pytest.mark.parametrize("budget", [None, 100])
def test_a_period_without_a_request_of_the_canary_is_not_clean(budget: float | None) -> None:
    counts = {"errors": Counts(0, 0, PER_PERIOD, 6)}
    look = looked(5, Period(100, 5, PER_PERIOD, counts, counts, counts), budget=budget)
    assert look.held
    assert look.next_share(50) == 5
    assert looked(5, period(100, 5), budget=budget).next_share(50) > 5


@pytest.mark.parametrize(("share", "is_low"), [(1.0, False), (50.0, True)])
def test_a_brake_may_act_again_when_the_next_step_raises_a_lowered_share(share: float, *, is_low: bool) -> None:
    """A person took the step as passed at the share to which a brake had lowered it."""
    fixed = Plan.parse(plan(steps=(step(10), step(50), step(100))))
    low = Pacing(since=100, last=110, brakes=1, is_low=True, clean=share, here=105)
    state = StepState(index=0, exposure=Exposure(percent=share, number=1, pacing=low))
    seen = pace(share, budget=None).look(low, (), end=111)
    undecided = Assessment(verdict=Verdict.CONTINUE, reason="", minute=None, gate=None, gates=())
    taken = Decision(Next.NEXT_STEP, "taken as passed")
    exposure = move(fixed, state, seen, undecided, taken, held="", is_fresh=True).state.exposure
    assert (exposure.before, exposure.percent) == (share, 50)
    assert exposure.pacing.is_low is is_low
