"""An outage of stable alone says nothing of how canary and stable compare at other times."""

import json
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from rollout.contract.gate_rules import Direction, GateRule, JudgeRules
from rollout.gates import Assessment, Counts, Minute, gate
from rollout.gates.exact_test import chance_of_as_many
from rollout.gates.gate import Gate, GateState
from rollout.gates.stable_alone import BEGINS, LONGEST_OUTAGE_MINUTES, chance_of_trouble, minutes_alone

from tests.gates.rollouts import judge, run

ERRORS = GateRule(name="errors", min_difference=0.0005)
JUDGE = JudgeRules(gates=(ERRORS,))
USUAL, OUTAGE = Counts(600, 6, 5400, 54), Counts(600, 6, 5400, 4860)


def breaks(claim: Callable[[], None]) -> None:
    with pytest.raises(AssertionError):
        claim()


def after(minutes: list[Counts], state: GateState | None = None) -> GateState:
    """Return the state of a gate in its first step; each minute is read as it was stored."""
    state = Gate(ERRORS, JUDGE).new_state() if state is None else state
    for counts in minutes:
        one = Gate(ERRORS, JUDGE, age=60, even=60)
        state = GateState.from_json(json.loads(json.dumps(one.update(state, counts).to_json())))
    return state


def drawn(minutes: int, requests: tuple[int, int], rates: tuple[float, float], seed: int) -> Iterator[Counts]:
    draw = random.Random(seed)  # noqa: S311 - a fixed seed
    for _ in range(minutes):
        canary, stable = (
            sum(draw.random() < rate for _ in range(of_one)) for of_one, rate in zip(requests, rates, strict=True)
        )
        yield Counts(requests[0], canary, requests[1], stable)


def judged_after_an_outage(failing: float) -> Assessment:
    """At 2 requests a second: ten minutes of outage and fifteen without at 10 %, then half an hour at 50 %."""
    first = [Counts(12, 0, 108, 1), *drawn(10, (12, 108), (failing, 0.9), 1), *drawn(15, (12, 108), (failing, 0.01), 2)]
    second = drawn(30, (60, 60), (failing, 0.01), 3)
    minutes = [(0, counts) for counts in first] + [(1, counts) for counts in second]
    return run(
        judge(min_difference=0.0005),
        [Minute(number, step, {"errors": counts}) for number, (step, counts) in enumerate(minutes)],
    )


def test_the_reason_says_that_an_outage_of_stable_proves_nothing() -> None:
    minutes = [Minute(number, 0, {"errors": counts}) for number, counts in enumerate([USUAL, OUTAGE, OUTAGE])]
    assert run(judge(min_difference=0.0005), minutes).reason.endswith(
        "; stable alone is in trouble now: nothing is concluded about the canary from that"
    )
    assert "stable alone" not in run(judge(min_difference=0.0005), minutes[:1]).reason


def a_canary_that_fails_is_seen_after_an_outage_of_stable() -> None:
    assert judged_after_an_outage(0.06).verdict == "FAIL"


def test_an_outage_of_stable_hides_no_bad_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken for noise, it raised the required evidence to that of one in a thousand billion."""
    a_canary_that_fails_is_seen_after_an_outage_of_stable()
    assert judged_after_an_outage(0.01).verdict != "FAIL"
    monkeypatch.setattr(gate, "minutes_alone", lambda *_: 0)
    breaks(a_canary_that_fails_is_seen_after_an_outage_of_stable)


def an_outage_of_stable_proves_nothing() -> None:
    """The canary fails six times as often as stable usually does."""
    bad, usual = Counts(600, 36, 5400, 4860), Counts(600, 0, 5400, 2)
    proven = after([usual, *[bad] * 10])
    assert not Gate(ERRORS, JUDGE).proves(proven)


def test_an_outage_of_stable_is_no_proof_of_a_good_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    an_outage_of_stable_proves_nothing()
    monkeypatch.setattr(gate, "minutes_alone", lambda *_: 0)
    breaks(an_outage_of_stable_proves_nothing)


def test_what_lasts_for_more_than_an_hour_is_how_stable_is() -> None:
    """A release that ends a trouble of stable must not wait for its end."""
    hour = after([USUAL, *[OUTAGE] * (LONGEST_OUTAGE_MINUTES + 1)])
    assert not Gate(ERRORS, JUDGE).proves(hour)
    assert Gate(ERRORS, JUDGE).proves(after([OUTAGE], hour))


def test_an_outage_of_stable_costs_the_evidence_one_minute() -> None:
    one, ten = after([USUAL, OUTAGE]), after([USUAL, *[OUTAGE] * 10])
    assert ten.capital == one.capital
    assert (ten.rising, ten.rising_expected, ten.dispersion) == (one.rising, one.rising_expected, one.dispersion)
    assert (one.alone, ten.alone, after([USUAL], ten).alone) == (1, 10, 0)
    assert ten.own == USUAL + Counts(6000, 60, 54000, 48600)


def test_a_canary_that_fails_as_well_is_bet_on_in_an_outage_of_stable() -> None:
    both = Counts(600, 300, 5400, 4860)
    assert [after([USUAL, OUTAGE, *more]).alone for more in ([], [both])] == [1, 0]
    assert after([USUAL, OUTAGE, both, both]).capital != after([USUAL, OUTAGE, both]).capital


def test_a_stable_that_broke_alone_holds_no_release_up() -> None:
    """A trouble of both holds a step up. Here the release may be what ends the trouble."""
    half = Gate(ERRORS, JUDGE, step=1)
    begun = half.begin_step(after([USUAL] * 10))
    of_stable, of_both = (
        half.update(begun, counts) for counts in (Counts(3000, 30, 3000, 600), Counts(3000, 600, 3000, 600))
    )
    assert [state.suspicion is not None and state.suspicion.lasts for state in (of_stable, of_both)] == [True, True]
    assert [half.suspects(state) for state in (of_stable, of_both)] == [False, True]


def test_stable_is_in_trouble_alone_where_it_is_more_than_three_times_as_bad() -> None:
    three_times = Counts(100_000, 1_000, 100_000, 3_000)
    assert chance_of_trouble(ERRORS, three_times) == 1.0
    assert chance_of_trouble(ERRORS, replace(three_times, stable_bad=3_001)) < BEGINS
    exactly = math.comb(100, 4) / math.comb(1000, 4)
    assert chance_of_trouble(ERRORS, Counts(900, 0, 100, 4)) == pytest.approx(exactly)


def test_or_converts_less_than_a_third_as_often() -> None:
    shop = GateRule(name="shop", direction=Direction.LOWER_IS_WORSE, ratio=0.95)
    converted = (Counts(1000, 61, 1000, 20), Counts(1000, 60, 1000, 20), Counts(1000, 20, 1000, 61))
    assert [chance_of_trouble(shop, counts) < BEGINS for counts in converted] == [True, False, False]


@pytest.mark.parametrize("counts", [Counts(0, 0, 900, 900), Counts(100, 0, 0, 0), Counts(100, 0, 900, 0)])
def test_where_one_variant_has_no_requests_or_nothing_is_bad_stable_is_in_no_trouble(counts: Counts) -> None:
    assert chance_of_trouble(ERRORS, counts) == 1.0


def test_a_trouble_begins_beyond_doubt_and_lasts_while_it_is_likely() -> None:
    """Of five requests to the canary none failed, of 99 to stable 70: a chance of one in 2,000."""
    thin = Counts(5, 0, 99, 70)
    assert BEGINS < chance_of_trouble(ERRORS, thin) < 0.01
    assert [minutes_alone(ERRORS, thin, 0.01, before) for before in (0, 1, 7)] == [0, 2, 8]
    assert minutes_alone(ERRORS, Counts(5, 1, 99, 50), 0.01, 7) == 0


def test_a_trouble_is_unusual_for_stable() -> None:
    """A release that fails less than its predecessor is good, and soon proven."""
    assert [minutes_alone(ERRORS, OUTAGE, usual, 0) for usual in (0.29, 0.31, None)] == [1, 0, 0]
    assert minutes_alone(ERRORS, OUTAGE, 0.31, 1) == 2
    shop, few = GateRule(name="shop", direction=Direction.LOWER_IS_WORSE, ratio=0.95), Counts(6000, 600, 6000, 60)
    assert [minutes_alone(shop, few, usual, 0) for usual in (0.031, 0.029)] == [1, 0]
    assert Gate(ERRORS, JUDGE).proves(after([Counts(600, 0, 5400, 54)] * 6))


def test_the_chance_of_as_many_is_the_sum_of_all_outcomes_as_bad() -> None:
    """Counted one by one: ways to choose which of the bad requests are the first variant's."""
    for (total, bad), (other_total, other_bad) in [((10, 7), (12, 2)), ((25, 20), (25, 1)), ((5, 5), (50, 3))]:
        all_bad = bad + other_bad
        ways = (math.comb(total, k) * math.comb(other_total, all_bad - k) for k in range(bad, min(all_bad, total) + 1))
        expected = sum(ways) / math.comb(total + other_total, all_bad)
        assert chance_of_as_many(bad, total, other_bad, other_total) == pytest.approx(expected)
