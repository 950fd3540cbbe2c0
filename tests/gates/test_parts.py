"""The parts of a gate by themselves, against their formulas added up in another way."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from rollout.contract.counting import MOST, as_count
from rollout.contract.gate_rules import Direction, GateRule, JudgeRules, Kind
from rollout.gates import Counts, effects, failing, rare, restarts, share
from rollout.gates.boosting import MOST_BAD_REQUESTS, OUT_OF_REACH, log_boost, split_at
from rollout.gates.capital import Capital
from rollout.gates.counts import NOTHING, InvalidCountsError
from rollout.gates.dispersion import Dispersion
from rollout.gates.gate import Gate
from rollout.gates.logs import floored, log_sum
from rollout.gates.proof import Proof
from rollout.gates.traffic import LARGEST_STEP, RESERVE, WEIGHTS, TrafficGate

from tests.gates.rollouts import judge, minutes

THRESHOLD = math.log(100)
DIGITS = 2e-5
"""Logs are kept with five decimals."""
GATE = GateRule(name="errors")
RULES = Gate(GATE, JudgeRules(gates=(GATE,)))


# Boosting


def binomial(x: int, m: int, part: float) -> float:
    return math.comb(m, x) * part**x * (1 - part) ** (m - x)


def boosted_mean(
    boost: float, shares: list[float], multiples: list[float], headroom: float, bad: int, boundary: float
) -> float:
    """Return the mean of the boosted and truncated capital, as a multiple of the capital."""

    def value(x: int) -> float:
        return sum(
            part * effect**x / (1 + (effect - 1) * boundary) ** bad
            for part, effect in zip(shares, multiples, strict=True)
        )

    return sum(binomial(x, bad, boundary) * min(math.exp(boost) * value(x), math.exp(headroom)) for x in range(bad + 1))


@pytest.mark.parametrize("headroom", [0.01, 0.5, 2.0, 4.6])
@pytest.mark.parametrize("bad", [1, 2, 9, 40])
@pytest.mark.parametrize("boundary", [0.05, 0.5, 0.9])
@pytest.mark.parametrize(
    ("shares", "multiples"),
    [([1.0], [3.0]), ([0.5, 0.3, 0.2], [2.0, 10.0, 1.0]), ([0.0, 0.6, 0.4], [50.0, 3.0, 1.0])],
)
def test_a_boost_spends_what_truncation_takes_and_no_more(
    shares: list[float], multiples: list[float], headroom: float, bad: int, boundary: float
) -> None:
    boost = log_boost(shares, multiples, headroom, bad, boundary)
    assert boost >= 0.0
    mean = boosted_mean(boost, shares, multiples, headroom, bad, boundary)
    may_cross = boosted_mean(0.0, shares, multiples, headroom, bad, boundary) < 1.0 - 1e-12
    assert mean == pytest.approx(1.0, abs=1e-9)
    assert (boost > 1e-12) or not may_cross


@pytest.mark.parametrize(
    ("headroom", "bad", "boundary"),
    [
        (0.0, 9, 0.1),
        (OUT_OF_REACH, 9, 0.1),
        (1.0, 0, 0.1),
        (1.0, MOST_BAD_REQUESTS + 1, 0.1),
        (1.0, 9, 0.0),
        (1.0, 9, 1.0),
    ],
)
def test_outside_its_range_nothing_is_boosted(headroom: float, bad: int, boundary: float) -> None:
    assert log_boost([1.0], [3.0], headroom, bad, boundary) == 0.0


def test_the_largest_minute_that_is_boosted() -> None:
    assert log_boost([1.0], [1.02], 0.5, MOST_BAD_REQUESTS, 0.1) > 0.0


@pytest.mark.parametrize("part", [0.05, 0.5, 0.93])
@pytest.mark.parametrize("m", [1, 2, 7, 30])
def test_the_outcomes_of_a_minute_are_split_exactly(m: int, part: float) -> None:
    for x in range(1, m + 1):
        below = math.fsum(binomial(y, m, part) for y in range(x))
        assert split_at(x, m, part) == pytest.approx((below, 1.0 - below), abs=1e-12)


# Capital


def test_capital_begins_at_one_with_the_reserve_in_cash() -> None:
    start = Capital.start((0.75, 0.25), 0.2)
    assert start.shares() == pytest.approx([0.6, 0.2, 0.2], abs=DIGITS)
    assert start.total == pytest.approx(0.0, abs=DIGITS)
    assert start.total <= 0.0
    assert Capital.start((0.75, 0.25)).shares() == pytest.approx([0.75, 0.25, 0.0], abs=DIGITS)


def test_what_lies_below_the_ceiling_is_boosted_whole() -> None:
    boosted = Capital((0.0, -1.0), -2.0).truncate(0.5, 3.0)
    assert boosted == Capital((0.5, -0.5), -1.5)


def test_the_bets_alone_pay_for_the_ceiling() -> None:
    cut = Capital((3.0, 2.0), 0.0).truncate(0.25, 1.0)
    assert cut.cash == 0.0
    assert cut.total == pytest.approx(1.0, abs=DIGITS)
    assert cut.logs[0] - cut.logs[1] == pytest.approx(1.0, abs=DIGITS)


@pytest.mark.parametrize("cash", [None, 1.0, 2.0])
def test_without_cash_or_with_too_much_of_it_everything_is_cut_alike(cash: float | None) -> None:
    cut = Capital((3.0, 2.0), cash).truncate(0.0, 1.0)
    assert cut.total == pytest.approx(1.0, abs=DIGITS)
    if cash is not None:
        assert cut.cash is not None
        assert cut.logs[0] - cut.cash == pytest.approx(3.0 - cash, abs=DIGITS)


def test_a_boost_up_to_the_very_ceiling_takes_nothing_from_the_bets() -> None:
    start = Capital((0.0,), 0.0)
    assert start.truncate(0.5, start.total + 0.5) == Capital((0.5,), 0.5)
    assert start.truncate(0.5, start.total + 0.4).cash == 0.0


def test_shares_are_parts_of_the_whole_however_large_it_is() -> None:
    assert Capital((1.0, 2.0), 1.0).shares() == pytest.approx([part / (2 + math.e) for part in (1, math.e, 1)])


def test_invested_cash_is_bet_by_weight_and_missing_from_the_cash() -> None:
    before = Capital((math.log(0.1), math.log(0.3)), math.log(0.4))
    after = before.invest((0.75, 0.25), 0.25, math.log(0.1))
    assert after.logs == pytest.approx((math.log(0.175), math.log(0.325)), abs=DIGITS)
    assert after.cash == pytest.approx(math.log(0.3), abs=DIGITS)
    assert after.total <= before.total
    assert Capital((-1.0, -2.0)).invest((0.5, 0.5), 0.5, 0.0) == Capital((-1.0, -2.0))


def test_a_log_of_minus_one_hundred_has_two_decimals_already() -> None:
    assert [floored(log) for log in (-99.123456, -100.0, -100.004)] == [-99.12346, -100.0, -100.01]
    assert [floored(log) for log in (-999.994, -1000.004)] == [-1000.0, -1001.0]


# Restarts


def test_half_of_the_cash_is_bet_at_a_step() -> None:
    before = Capital((math.log(0.1), math.log(0.1)), math.log(0.4))
    after = restarts.at_step(before, (0.5, 0.5), 1.0)
    stake = math.exp(1.3 * math.log(0.2))
    assert after.logs == pytest.approx((math.log(0.1 + stake / 2),) * 2, abs=DIGITS)
    assert after.cash == pytest.approx(math.log(0.2), abs=DIGITS)
    assert restarts.at_step(Capital((-1.0,)), (1.0,), 1.0) == Capital((-1.0,))


def test_drained_bets_are_renewed_with_a_part_of_the_cash() -> None:
    """The part is cash / (1 + cash); the bets are drained below a hundredth of the stake."""
    cash = math.log(0.25)
    part = 0.25 / 1.25
    stake = 1.3 * (cash + math.log(part))
    drained = Capital((stake + math.log(0.01) - 0.001,), cash)
    renewed = restarts.when_drained(drained, (1.0,), 1.0)
    assert renewed.logs[0] == pytest.approx(stake + math.log(1.00999), abs=1e-4)
    assert renewed.cash == pytest.approx(cash + math.log(1 - part), abs=DIGITS)
    still_alive = Capital((stake + math.log(0.01) + 0.001,), cash)
    assert restarts.when_drained(still_alive, (1.0,), 1.0) == still_alive
    assert restarts.when_drained(Capital((-500.0,)), (1.0,), 1.0) == Capital((-500.0,))


def test_noise_makes_a_restart_smaller_and_later() -> None:
    cash, part = math.log(0.25), 0.25 / 1.25
    stake = 1.3 * 2.0 * (cash + math.log(part))
    assert restarts.log_stake(cash, part, 2.0) == pytest.approx(stake)
    assert restarts.log_stake(5.0, 0.5, 2.0) == pytest.approx(5.0 + math.log(0.5)), "a gain is not multiplied"
    edge = stake + 2.0 * math.log(0.01)
    assert restarts.when_drained(Capital((edge + 0.001,), cash), (1.0,), 2.0).cash == cash
    assert restarts.when_drained(Capital((edge - 0.001,), cash), (1.0,), 2.0).cash != cash


# Proofs


BEGAN = {
    1: [], 2: [1], 3: [1, 2], 4: [2, 3], 6: [3, 5], 9: [3, 5, 8], 10: [5, 8], 13: [5, 8, 12], 16: [8, 12], 36: [18, 27],
    42: [18, 27, 41], 54: [27, 41],
}  # fmt: skip
"""After so many minutes: how many were over when each bet began that a proof keeps."""


def test_each_bet_of_a_proof_covers_the_minutes_since_it_began() -> None:
    """They begin at longer and longer intervals. The oldest one is the last that covers the newer half."""
    proof, bet, start = Proof(Capital((0.0,))), (lambda capital: Capital((capital.logs[0] + 1.0,))), Capital((0.5,))
    for over in range(1, 60):
        assert proof.newer == (proof.later[0][1] if over > 2 else proof.whole)
        proof = proof.grow_with_newer_half(bet, start, over - 1)
        assert proof.whole.logs == (over,)
        assert all(capital.logs == (over - since + 0.5,) for since, capital in proof.later)
        if over in BEGAN:
            assert [since for since, _ in proof.later] == BEGAN[over]


def test_a_proof_of_the_whole_step_grows_by_itself() -> None:
    later = ((3, Capital((1.0,))),)
    grown = Proof(Capital((0.0,)), later).grow(lambda capital: Capital((capital.logs[0] + 1.0,)))
    assert grown == Proof(Capital((1.0,)), later)


def test_a_proof_is_read_as_it_was_written() -> None:
    whole = Proof(Capital((1.0, 2.0)))
    both = replace(whole, later=((3, Capital((-1.0, 0.5))), (5, Capital((0.0, 0.0)))))
    assert whole.to_json() == {"pass": [1.0, 2.0]}
    assert both.to_json() == {"pass": [1.0, 2.0], "later": [[3, -1.0, 0.5], [5, 0.0, 0.0]]}
    assert [Proof.parse(proof.to_json()) for proof in (whole, both)] == [whole, both]


# Dispersion


def test_a_unit_has_seven_bad_requests_of_both_variants() -> None:
    six = Dispersion().observe(Counts(100, 2, 900, 4))
    assert (six.current, six.previous) == ((2, 6), (0, 0))
    seven = six.observe(Counts(100, 0, 900, 1))
    assert (seven.current, seven.previous, seven.seen) == ((0, 0), (2, 7), (2, 7))
    assert seven.pairs == 0


@pytest.mark.parametrize("counts", [Counts(100, 0, 900, 8), Counts(100, 8, 900, 0)])
def test_units_that_are_all_of_one_variant_show_no_variance(counts: Counts) -> None:
    twice = Dispersion().observe(counts).observe(counts)
    assert (twice.pairs, twice.excess) == (0, 0.0)
    assert twice.seen[1] == 16


def test_each_unit_is_compared_with_the_one_before_it() -> None:
    state = Dispersion()
    for canary in (3, 5, 7):
        state = state.observe(Counts(1000, canary, 9000, 10 - canary))
    finite = 1 - 10 / 10_000
    first = 0.2**2 / (0.4 * 0.6 * 0.2 * finite)
    second = 0.2**2 / (0.5 * 0.5 * 0.2 * finite)
    assert state.pairs == 2
    assert state.excess == pytest.approx(first + second, abs=1e-4)


def test_units_of_independent_events_have_the_binomial_variance() -> None:
    after = Dispersion().observe_unit(3, 10).observe_unit(5, 10)
    assert after.excess == pytest.approx(0.2**2 / (0.4 * 0.6 * 0.2), abs=1e-4)


def test_a_minute_in_which_everything_fails_has_the_least_variance() -> None:
    """The finite population is then that of a unit beside the requests."""
    state = Dispersion().observe(Counts(100, 4, 900, 6)).observe(Counts(10, 10, 10, 10))
    seen = 14 / 30
    variance = seen * (1 - seen) * (1 / 10 + 1 / 20) * (7 / 27)
    assert state.excess == pytest.approx((0.5 - 0.4) ** 2 / variance, abs=1e-4)


def test_one_bad_request_of_the_canary_is_enough_to_compare_two_units() -> None:
    assert Dispersion().observe(Counts(100, 1, 900, 6)).observe(Counts(100, 0, 900, 7)).pairs == 1


def test_the_discount_is_the_mean_less_its_errors_from_one_to_six() -> None:
    expected = (4 + 60) / (4 + 12) - 1.25 * math.sqrt(36) / 16
    assert Dispersion(excess=60.0, pairs=12).discount == pytest.approx(expected)
    assert Dispersion(excess=1.0, pairs=12).discount == 1.0
    assert Dispersion(excess=5000.0, pairs=100).discount == 6.0


def test_a_dispersion_is_read_as_it_was_written() -> None:
    state = Dispersion(1.5, 2, (3, 10), (1, 4), (6, 20))
    assert state.as_list() == [1.5, 2, 3, 10, 1, 4, 6, 20]
    assert Dispersion.parse(state.as_list()) == state


# The traffic gate

TRAFFIC = TrafficGate(0.5, THRESHOLD)


def test_a_minute_of_traffic_is_bet_on_by_its_odds() -> None:
    """Without stable's first request."""
    boundary = 0.5 * 0.1 / (0.5 * 0.1 + 0.9)
    after = TRAFFIC.update(TRAFFIC.new_state(), 3, 57, 0.1)
    expected = log_sum(
        [
            math.log(RESERVE),
            *(
                math.log((1 - RESERVE) * weight * effect**3 / (1 + (effect - 1) * boundary) ** 59)
                for effect, weight in ((0.5, 0.3), (0.1, 0.4), (0.01, 0.3))
            ),
        ]
    )
    assert after.total == pytest.approx(expected, abs=1e-4)
    assert after.total < 0.0


def test_one_minute_without_traffic_adds_three_quarters_of_the_evidence_at_most() -> None:
    once = TRAFFIC.update(TRAFFIC.new_state(), 0, 100_000, 0.1)
    assert once.total == pytest.approx(LARGEST_STEP * THRESHOLD, abs=1e-4)
    assert not TRAFFIC.is_starved(once)
    twice = TRAFFIC.update(once, 0, 100_000, 0.1)
    assert twice.total == pytest.approx(2 * LARGEST_STEP * THRESHOLD, abs=1e-4)
    assert TRAFFIC.is_starved(twice)


def test_healthy_hours_do_not_slow_the_next_minute_down() -> None:
    """The step counts from a total of 1, also when the bets have lost nearly everything."""
    state = TRAFFIC.new_state()
    for _ in range(30):
        state = TRAFFIC.update(state, 60, 540, 0.1)
    assert state.total < -1.0
    assert TRAFFIC.update(state, 0, 100_000, 0.1).total == pytest.approx(LARGEST_STEP * THRESHOLD, abs=1e-4)


@pytest.mark.parametrize(("canary", "stable", "part"), [(0, 0, 0.1), (3, 60, 0.0), (0, 60, 1.1), (0, 60, -0.1)])
def test_a_minute_without_requests_or_a_share_says_nothing_about_traffic(canary: int, stable: int, part: float) -> None:
    assert TRAFFIC.update(TRAFFIC.new_state(), canary, stable, part) == TRAFFIC.new_state()


def test_at_all_of_the_traffic_a_request_to_stable_is_missing_at_the_canary() -> None:
    start = TRAFFIC.new_state()
    assert TRAFFIC.update(start, 60, 0, 1.0).total == pytest.approx(start.total, abs=1e-4)
    assert TRAFFIC.update(start, 58, 2, 1.0).total > 1.0


def test_as_many_requests_to_the_canary_as_to_stable_are_counted_too() -> None:
    assert TRAFFIC.update(TRAFFIC.new_state(), 30, 30, 0.5).total < -0.1
    assert TRAFFIC.update(TRAFFIC.new_state(), 30, 30, 0.99).total > 1.0


def test_evidence_that_just_reaches_the_threshold_is_enough() -> None:
    assert TRAFFIC.is_starved(Capital((THRESHOLD,)))
    assert not TRAFFIC.is_starved(Capital((THRESHOLD - 1e-9,)))


def test_drained_bets_on_traffic_are_renewed_as_all_are() -> None:
    cash = math.log(0.25)
    drained = 1.3 * (cash + math.log(0.25 / 1.25)) + math.log(0.01) - math.log(3)
    for log, is_renewed in ((drained + 0.001, False), (drained - 0.001, True)):
        after = TRAFFIC.update(Capital((log,) * 3, cash), 1, 9, 0.1)
        assert after.cash is not None
        assert (after.cash < cash - 0.01) is is_renewed


# Bets on shares


def test_the_pivot_is_the_boundary_point_that_is_hardest_to_tell_from_the_bet() -> None:
    counts, boundary = Counts(300, 0, 700, 0), share.Boundary(1.25, 0.01)

    def divergence(p: float, q: float) -> float:
        return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))

    def distance(pivot: float) -> float:
        return 300 * divergence(0.5, 1.25 * pivot + 0.01) + 700 * divergence(0.2, pivot)

    pivot = share._best_pivot(counts, boundary, 0.2, 0.5)
    assert pivot is not None
    assert all(distance(pivot) < distance(pivot + shift) for shift in (-1e-4, 1e-4))


def test_a_share_bet_gains_by_every_request() -> None:
    """With stake A on the canary's and stake B on stable's requests, each with the sign of its outcome."""
    counts, boundary = Counts(40, 12, 60, 9), share.Boundary(1.0)
    pivot = share._best_pivot(counts, boundary, 0.2, 0.4)
    assert pivot is not None
    stake = (0.4 - pivot) / (pivot * (1 - pivot))
    hedge = -stake * 40 / 60
    expected = (
        12 * math.log(1 + stake * (1 - pivot))
        + 28 * math.log(1 - stake * pivot)
        + 9 * math.log(1 + hedge * (1 - pivot))
        + 51 * math.log(1 - hedge * pivot)
    )
    assert share.log_growth(counts, boundary, 0.2, 0.4) == pytest.approx(expected)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_boundary_that_is_no_rate_has_no_alternative(rate: float) -> None:
    assert share.alternative_rate(share.Boundary(1.0), rate, 2.0) is None
    assert share.alternative_rate(share.Boundary(1.0, 0.25), 0.5, 2.0) == pytest.approx(6 / 7)


def test_a_pivot_has_a_rate_on_both_sides_of_the_boundary() -> None:
    """However high or low the rates are between which it is looked for."""
    for boundary in (
        share.Boundary(1.25, 0.1),
        share.Boundary(0.8, -0.1),
        share.Boundary(1.25),
        share.Boundary(0.8, 0.5),
    ):
        low, high = share._inside(-9.0, 9.0, boundary)
        rates = [rate for pivot in (low, high) for rate in (pivot, boundary.canary_rate(pivot))]
        assert all(-1e-12 <= rate - share.LOWEST_RATE <= 1.0 - 2 * share.LOWEST_RATE + 1e-12 for rate in rates)
        assert min(rates) == pytest.approx(share.LOWEST_RATE) or boundary.offset > 0.0
        assert max(rates) == pytest.approx(1.0 - share.LOWEST_RATE, abs=1e-12)
        assert share._inside(0.3, 0.4, boundary) == (0.3, 0.4)


def test_a_bet_that_one_request_could_ruin_is_not_made() -> None:
    """A canary of which no request is ever bad: the first bad one would take everything."""
    assert share.log_growth(Counts(600, 1, 5400, 5), share.Boundary(0.8), 0.3, 0.0) == 0.0


# Effects


def test_every_bet_has_a_part_of_the_capital_and_the_parts_are_all_of_it() -> None:
    for bets in (effects.RARE, effects.SHARE, effects.BETTER, effects.LIFTS):
        assert math.fsum(bets.values()) == pytest.approx(1.0)
        assert all(smaller < larger for smaller, larger in pairwise(bets))
        assert all(effect >= 1.0 for effect in bets)
    assert math.fsum(WEIGHTS) == pytest.approx(1.0)


def test_bets_on_harm_and_on_health_lie_on_their_sides_of_what_is_tolerated() -> None:
    lower = GateRule(name="bought", kind=Kind.SHARE, direction=Direction.LOWER_IS_WORSE, ratio=0.8)
    assert effects.harmful(GATE) == tuple(effects.RARE)
    assert effects.harmful(lower) == tuple(1 / effect for effect in effects.SHARE)
    assert effects.harmless(GATE) == pytest.approx((1 / 1.25, 1 / 2 / 1.25))
    assert effects.harmless(lower) == pytest.approx((1 / 0.8, 2 / 0.8))
    assert effects.superior(lower) == tuple(effects.LIFTS)
    assert effects.superior(GATE) == tuple(1 / effect for effect in effects.LIFTS)


# Limits, counts and what a gate remembers


def test_a_minute_is_boosted_while_both_serve_and_at_most_a_twentieth_is_bad() -> None:
    assert [failing._may_boost(Counts(canary, 0, stable, 0)) for canary in (0, 1) for stable in (0, 1)] == [
        False, False, False, True,
    ]  # fmt: skip
    assert [failing._may_boost(Counts(100, bad, 900, 0)) for bad in (50, 51)] == [True, False]


def test_minutes_in_which_one_variant_had_no_requests_say_nothing() -> None:
    assert rare.log_growths(Counts(0, 0, 900, 9), 1.25, (2.0, 3.0)) == (0.0, 0.0)
    assert rare.log_growths(Counts(100, 9, 0, 0), 1.25, (2.0, 3.0)) == (0.0, 0.0)
    assert rare.log_growths(NOTHING, 1.25, (2.0, 3.0)) == (0.0, 0.0)


def test_limits_grow_with_the_discount_and_with_a_smaller_part_of_alpha() -> None:
    limits = failing.Limits.of(THRESHOLD, 0.25, 2.0, capped=True)
    assert limits.required == pytest.approx(2 * THRESHOLD + math.log(4))
    assert limits.largest_step == pytest.approx(0.49 * 2 * THRESHOLD)
    assert [limits.after_one_minute(total) for total in (-5.0, 1.0)] == [limits.largest_step, 1.0 + limits.largest_step]
    assert failing.Limits.of(THRESHOLD, 0.25, 2.0, capped=False).largest_step == math.inf


def test_the_largest_count_is_the_last_whole_number_that_a_float_can_follow() -> None:
    assert Counts.parse(
        {"canary_total": MOST, "canary_bad": 0, "stable_total": float(MOST), "stable_bad": 0}
    ).total == (2 * 10**15)
    told = "canary_total must be at most 1,000,000,000,000,000, got more"
    with pytest.raises(InvalidCountsError, match=f"^{told}$"):
        Counts.parse({"canary_total": MOST + 1, "canary_bad": 0, "stable_total": 0, "stable_bad": 0})
    assert [as_count(MOST), as_count(MOST + 1)] == [10**15, None]


def test_a_count_may_be_written_as_a_float() -> None:
    written = {"canary_total": 1.0, "canary_bad": 0.0, "stable_total": 1.0, "stable_bad": 1.0}
    assert Counts.parse(written) == Counts(1, 0, 1, 1)


def test_counts_are_added_field_by_field() -> None:
    assert Counts(1, 0, 20, 3) + Counts(100, 50, 7, 5) == Counts(101, 50, 27, 8)


def test_stables_past_fades_by_a_hundredth_a_minute_and_is_kept_short() -> None:
    state = replace(RULES.new_state(), recent=(10.123, 1000.49))
    after = RULES.warm_up(state, Counts(50, 9, 200, 4))
    assert after.recent == (14.02, 1190.5)
    assert after.stable_rate == pytest.approx(14.52 / 1191.5)
    assert RULES.new_state().stable_rate is None


def test_a_pass_keeps_the_minute_from_which_its_proofs_stand() -> None:
    """Also when every minute is an evaluation of its own, and the state is stored in between."""
    rules, passed = judge(min_minutes=3), []
    state = rules.new_state()
    for minute in minutes(60, Counts(3000, 3, 27000, 54)):
        state, assessment = rules.update(state, [minute])
        if assessment.verdict == "PASS":
            passed.append(assessment.minute)
    assert len(passed) > 10
    assert set(passed) == {60 - len(passed)}
