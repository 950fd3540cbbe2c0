"""A canary that fails in bursts is seen, one bad minute of it is an accident, and the evidence is fair."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from rollout.contract.gate_rules import Direction, GateRule
from rollout.gates import Counts, Minute, bad_minutes, dispersion
from rollout.gates import gate as gate_module
from rollout.gates.bad_minutes import BadMinutes
from rollout.gates.capital import Capital

from tests.gates.rollouts import bernoulli_minutes, judge, run

QUIET = Counts(6000, 6, 54000, 54)
BURST = Counts(6000, 1200, 54000, 54)
BURST_OF_STABLE = Counts(6000, 6, 54000, 10800)
BURST_OF_BOTH = Counts(6000, 1200, 54000, 10800)
FIVEFOLD = Counts(6000, 30, 54000, 54)
SETTINGS = {"ratio": 1.25, "min_difference": 0.0005}


def breaks(claim: Callable[[], None]) -> None:
    with pytest.raises(AssertionError):
        claim()


def rollout(length: int, *, usual: Counts = QUIET, **bursts: tuple[Counts, range]) -> list[Minute]:
    """Return minutes of which some are bursts."""
    counts = [usual] * length
    for burst, when in bursts.values():
        for minute in when:
            counts[minute] = burst
    return [Minute(number, 0, {"errors": one}) for number, one in enumerate(counts)]


def a_crash_every_ten_minutes_is_seen_at_the_third() -> None:
    assessment = run(judge(**SETTINGS), rollout(60, crashes=(BURST, range(2, 60, 10))))
    assert (assessment.verdict, assessment.minute) == ("FAIL", 22)
    assert "; the canary was bad in 3 minutes in which stable was not, evidence 1 in " in assessment.reason


def test_a_canary_that_fails_in_bursts_is_rolled_back(monkeypatch: pytest.MonkeyPatch) -> None:
    a_crash_every_ten_minutes_is_seen_at_the_third()
    monkeypatch.setattr(BadMinutes, "observe", lambda self, _gate, _counts: self)
    breaks(a_crash_every_ten_minutes_is_seen_at_the_third)


@pytest.mark.parametrize("began", [0, 120, 600, 1380])
def test_a_crash_loop_that_begins_late_is_seen_within_the_hour(began: int) -> None:
    assessment = run(judge(**SETTINGS), rollout(began + 60, crashes=(BURST, range(began, began + 60, 10))))
    assert assessment.verdict == "FAIL"


@pytest.mark.parametrize("share", [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0])
def test_a_worse_burst_is_not_seen_less(share: float) -> None:
    burst = Counts(6000, round(6000 * share), 54000, 54)
    assert run(judge(**SETTINGS), rollout(180, crashes=(burst, range(0, 180, 5)))).verdict == "FAIL"


def one_or_two_bad_minutes_are_an_accident() -> None:
    for crashes in (range(60, 61), range(60, 62), range(60, 80, 15)):
        assert run(judge(**SETTINGS), rollout(600, crashes=(BURST, crashes))).verdict != "FAIL"


def test_two_bad_minutes_alone_roll_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    one_or_two_bad_minutes_are_an_accident()
    monkeypatch.setattr(bad_minutes, "GAIN", 2 * bad_minutes.GAIN)
    breaks(one_or_two_bad_minutes_are_an_accident)


def bursts_of_both_are_nobodys() -> None:
    both = rollout(300, together=(BURST_OF_BOTH, range(0, 300, 10)))
    in_turn = rollout(300, canary=(BURST, range(4, 300, 20)), stable=(BURST_OF_STABLE, range(0, 300, 20)))
    assert run(judge(**SETTINGS), both).verdict != "FAIL"
    assert run(judge(**SETTINGS), in_turn).verdict != "FAIL"


def test_a_stable_that_has_bad_minutes_as_well_takes_the_evidence_back(monkeypatch: pytest.MonkeyPatch) -> None:
    bursts_of_both_are_nobodys()
    monkeypatch.setattr(bad_minutes, "_exchanged", lambda _: QUIET)
    breaks(bursts_of_both_are_nobodys)


def test_independent_requests_need_no_units() -> None:
    rules = judge(mode="exact", **SETTINGS)
    state, _ = rules.update(rules.new_state(), rollout(20, crashes=(BURST, range(20))))
    assert state["failed"] == "errors"
    assert not gate_module.Gate(rules.rules.gates[0], rules.rules).rests_on_minutes(
        gate_module.GateState.from_json(state["gates"]["errors"])
    )


def test_a_minute_in_which_nobody_converts_is_a_bad_one() -> None:
    conversions = GateRule(name="shop", direction=Direction.LOWER_IS_WORSE, ratio=0.95)
    assert bad_minutes.is_bad(conversions, Counts(3000, 0, 27000, 1350))
    assert not bad_minutes.is_bad(conversions, Counts(3000, 100, 27000, 1350))


def test_a_difference_that_does_not_matter_makes_no_minute_bad() -> None:
    huge = Counts(10_000_000, 4000, 10_000_000, 200)
    assert bad_minutes.is_bad(GateRule(name="errors", min_difference=0.0003), huge)
    assert not bad_minutes.is_bad(GateRule(name="errors", min_difference=0.0005), huge)


def a_tolerable_minute_looks_bad_less_often_than_tolerated() -> None:
    for direction, ratio in ((Direction.HIGHER_IS_WORSE, 1.25), (Direction.LOWER_IS_WORSE, 0.95)):
        rule = GateRule(name="errors", direction=direction, ratio=ratio)
        for rate in (0.01, 0.1, 0.5):
            chance = math.fsum(
                probability
                for probability, counts in bernoulli_minutes(20, 60, ratio * rate, rate)
                if bad_minutes.is_bad(rule, counts)
            )
            assert chance <= bad_minutes.TOLERATED


def test_independent_requests_seldom_make_a_bad_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    a_tolerable_minute_looks_bad_less_often_than_tolerated()
    monkeypatch.setattr(bad_minutes, "WORSE", 1.0)
    monkeypatch.setattr(bad_minutes, "DOUBT", 0.01)
    breaks(a_tolerable_minute_looks_bad_less_often_than_tolerated)


def test_the_bet_is_fair_when_bad_minutes_come_as_often_as_tolerated() -> None:
    rule = GateRule(name="errors")
    start = BadMinutes.start()
    for state in (start, start.observe(rule, BURST), start.observe(rule, QUIET)):
        before = math.exp(state.capital.total)
        bad, quiet = (math.exp(state.observe(rule, counts).capital.total) for counts in (BURST, QUIET))
        chance = bad_minutes.TOLERATED
        assert before * (1 - 1e-4) < chance * bad + (1 - chance) * quiet <= before * (1 + 1e-9)


ERRORS = GateRule(name="errors")


def test_a_minute_is_bet_on_by_its_odds() -> None:
    """Half is bet that bad minutes come once in 20, against once in 5,000, and half is kept."""
    bad, quiet, of_stable = (1 / 20) / (1 / 5000), (19 / 20) / (4999 / 5000), (1 / 5000) / (1 / 20)
    for counts, odds in ((BURST, bad), (QUIET, quiet), (BURST_OF_BOTH, quiet), (BURST_OF_STABLE, of_stable)):
        after = BadMinutes.start().observe(ERRORS, counts)
        assert after.capital.total == pytest.approx(math.log(0.5 + 0.5 * odds), abs=1e-4)
        assert after.count == (counts is BURST)


@pytest.mark.parametrize("counts", [Counts(0, 0, 54000, 54), Counts(6000, 1200, 0, 0)])
def test_a_minute_of_one_variant_alone_is_no_unit(counts: Counts) -> None:
    assert BadMinutes.start().observe(ERRORS, counts) == BadMinutes.start()


def test_a_drained_bet_on_bad_minutes_is_renewed() -> None:
    cash = math.log(0.25)
    drained = 1.3 * (cash + math.log(0.25 / 1.25)) + math.log(0.01)
    for log, is_renewed in ((drained + 0.001, False), (drained - 0.001, True)):
        after = BadMinutes(Capital((log,), cash)).observe(ERRORS, QUIET)
        assert after.capital.cash is not None
        assert (after.capital.cash < cash - 0.01) is is_renewed


def test_bad_minutes_are_stored_with_their_count_once_there_is_one() -> None:
    capital = Capital((-1.5,), -2.0)
    for state, stored in ((BadMinutes(capital, 3), [-1.5, -2.0, 3]), (BadMinutes(capital), [-1.5, -2.0])):
        assert state.as_list() == stored
        assert BadMinutes.parse(stored) == state


def test_a_bad_minute_is_more_than_four_times_as_bad_as_tolerated() -> None:
    fewer = GateRule(name="shop", direction=Direction.LOWER_IS_WORSE, ratio=0.8)
    size = 10_000_000
    assert [bad_minutes.is_bad(ERRORS, Counts(size, bad, size, 100_000)) for bad in (490_000, 520_000)] == [False, True]
    assert [bad_minutes.is_bad(fewer, Counts(size, bad, size, 100_000)) for bad in (21_000, 19_000)] == [False, True]


def test_the_smallest_difference_itself_matters() -> None:
    half_fails = Counts(1000, 500, 1000, 0)
    nobody_buys = Counts(3000, 0, 27000, 1350)
    for rule, counts in (
        (GateRule(name="errors", min_difference=0.5), half_fails),
        (GateRule(name="shop", direction=Direction.LOWER_IS_WORSE, ratio=0.95, min_difference=0.05), nobody_buys),
    ):
        assert bad_minutes.is_bad(rule, counts)
        assert not bad_minutes.is_bad(replace(rule, min_difference=rule.min_difference + 0.001), counts)


def a_fault_after_two_accidents_is_seen_in_five_minutes() -> None:
    minutes = rollout(30, accidents=(BURST, range(10, 20, 6)), fault=(FIVEFOLD, range(20, 30)))
    assessment = run(judge(**SETTINGS), minutes)
    assert (assessment.verdict, assessment.gate) == ("FAIL", "errors")
    assert assessment.minute is not None
    assert assessment.minute < 25


def test_the_discount_has_an_upper_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    a_fault_after_two_accidents_is_seen_in_five_minutes()
    monkeypatch.setattr(dispersion, "LARGEST_DISCOUNT", math.inf)
    breaks(a_fault_after_two_accidents_is_seen_in_five_minutes)


@pytest.mark.parametrize(("began", "verdict"), [(0, "FAIL"), (40, "FAIL"), (60, "CONTINUE")])
def test_two_bad_minutes_roll_back_early_where_nothing_else_fails(began: int, verdict: str) -> None:
    """No minute has told in the canary's favour. The sentence says that neither evidence was enough alone."""
    burst, usual = Counts(261, 21, 2575, 0), Counts(261, 0, 2575, 0)
    assessment = run(judge(**SETTINGS), rollout(62, usual=usual, crashes=(burst, range(began, began + 2))))
    assert assessment.verdict == verdict
    if verdict == "FAIL":
        assert assessment.minute == began + 1
        assert assessment.reason.endswith("; with the other evidence against the canary that is enough")
