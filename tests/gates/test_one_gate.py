"""One gate in one minute, by itself: what it compares, how much evidence it asks for, and what it stores."""

import math
from dataclasses import replace
from typing import Any

import pytest
from rollout.contract.gate_rules import Direction, GateRule, JudgeRules, Kind, Mode
from rollout.gates import Counts, effects, failing, passing, rare, restarts
from rollout.gates import gate as gate_module
from rollout.gates.bad_minutes import BadMinutes
from rollout.gates.capital import Capital
from rollout.gates.counts import NOTHING
from rollout.gates.dispersion import INDEPENDENT, Dispersion
from rollout.gates.gate import Gate, GateState
from rollout.gates.proof import Proof
from rollout.gates.split import Split
from rollout.gates.suspicion import Suspicion

from tests.gates.rollouts import conditional_minutes

ERRORS = GateRule(name="errors")
SALES = GateRule(name="sales", kind=Kind.SHARE, direction=Direction.LOWER_IS_WORSE, ratio=0.95)
OTHER = GateRule(name="other")
THRESHOLD = math.log(100)
NOISY = Dispersion(excess=60.0, pairs=12)
MINUTE = Counts(600, 1, 5400, 5)


def gate(rule: GateRule = ERRORS, *, of_judge: dict[str, Any] | None = None, **of_gate: Any) -> Gate:
    """Return a gate that has half of alpha."""
    return Gate(rule, JudgeRules(gates=(rule, OTHER), **(of_judge or {})), **of_gate)


EXACT: dict[str, Any] = {"mode": Mode.EXACT}


def state(one: Gate, **changes: Any) -> GateState:
    return replace(one.new_state(), **changes)


# What is compared


def test_a_delayed_count_has_the_users_of_this_step_and_of_the_one_before() -> None:
    rule = replace(ERRORS, spreads=(10.0, 3.0, 5.0), delay=5)
    at = {(step, age): gate(rule, step=step, age=age).spread for step in range(5) for age in (4, 5)}
    assert [at[step, 4] for step in range(5)] == [10.0, 10.0, 5.0, 5.0, 1.0]
    assert [at[step, 5] for step in range(5)] == [10.0, 3.0, 5.0, 1.0, 1.0]


def test_the_users_of_a_step_widen_what_is_tolerated() -> None:
    rule = replace(ERRORS, spreads=(10.0,))
    assert gate(rule).widened == replace(rule, ratio=12.5)
    assert gate(rule, step=1).widened is rule


@pytest.mark.parametrize(
    ("counts", "all_traffic", "compared"),
    [
        (Counts(1, 0, 1, 0), False, True),
        (Counts(0, 0, 1, 0), False, False),
        (Counts(1, 0, 0, 0), False, False),
        (Counts(1, 0, 0, 0), True, True),
        (Counts(0, 0, 1, 0), True, False),
    ],
)
def test_a_minute_counts_for_the_step_when_both_served(counts: Counts, *, all_traffic: bool, compared: bool) -> None:
    one = gate(has_all_traffic=all_traffic)
    before = state(one, minutes=7, own=MINUTE, seen=MINUTE + MINUTE)
    after = one.update(before, counts)
    assert (after.minutes, after.own) == ((8, MINUTE + counts) if compared else (7, MINUTE))
    assert after.seen == MINUTE + MINUTE + counts


def test_a_count_from_under_another_share_says_nothing_about_dispersion() -> None:
    rule, counts = replace(ERRORS, delay=5), Counts(600, 4, 5400, 5)
    for even, grows in ((4, False), (5, True)):
        one = gate(rule, age=5, even=even)
        assert (one.update(one.new_state(), counts).dispersion != INDEPENDENT) is grows


@pytest.mark.parametrize(
    ("rule", "share"), [(ERRORS, 0.0), (ERRORS, 1.0), (replace(SALES, kind=Kind.RARE), 0.5)], ids=str
)
def test_a_fall_of_the_share_that_bounds_nothing_is_no_evidence(rule: GateRule, share: float) -> None:
    one = gate(rule)
    assert one.fall(one.new_state(), Counts(600, 60, 5400, 5), share) == one.new_state()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_totals_are_held_against_a_split_by_chance_only(share: float) -> None:
    one = gate()
    assert one.check_split(one.new_state(), MINUTE, (700, 5300), share).split is None
    assert one.check_split(one.new_state(), MINUTE, (700, 5300), 0.1).split == Split.start()


def test_what_is_not_said_of_a_gate_is_not_so() -> None:
    rules = JudgeRules(gates=(ERRORS,))
    assert Gate(ERRORS, rules) == Gate(ERRORS, rules, 0, 0, has_all_traffic=False, even=0)
    start = gate().new_state()
    bare = GateState(capital=start.capital, proof=start.proof, bad_minutes=start.bad_minutes)
    assert bare == replace(start, dispersion=INDEPENDENT, bounded=False)


def test_requests_that_are_drawn_differ_by_nothing() -> None:
    growths = [passing.as_good_growths(ERRORS, 0.005, MINUTE, 0.001, *spread) for spread in ((), (1.0,), (2.0,))]
    assert growths[0] == growths[1] != growths[2]


# How much evidence it asks for


def test_where_fewer_events_are_worse_a_gate_begins_with_doubt() -> None:
    start = gate(SALES)
    assert start.discount(start.new_state()) == pytest.approx(44 / 12 - 1.25 * math.sqrt(24) / 12)
    assert gate().discount(gate().new_state()) == 1.0
    exact = gate(of_judge=EXACT)
    assert exact.discount(state(exact, dispersion=NOISY)) == 1.0


def test_a_gate_keeps_some_cash_unless_requests_are_independent() -> None:
    assert gate().new_state().capital.cash == pytest.approx(math.log(0.08), abs=2e-5)
    assert gate(of_judge=EXACT).new_state().capital.cash is None


def test_the_evidence_that_rolls_back_grows_with_noise_and_with_a_smaller_part_of_alpha() -> None:
    one, exact = gate(), gate(of_judge=EXACT)
    noisy = state(one, dispersion=NOISY)
    assert one.required(noisy) == pytest.approx(NOISY.discount * THRESHOLD - math.log(0.5 * 0.997))
    assert exact.required(exact.new_state()) == pytest.approx(THRESHOLD - math.log(0.5))
    assert one.required_of_minutes() == pytest.approx(THRESHOLD - math.log(0.003 * 0.5))


def test_a_score_adds_what_requests_and_what_bad_minutes_say() -> None:
    one, exact = gate(), gate(of_judge=EXACT)
    changes: dict[str, Any] = {
        "capital": Capital((3.0,)), "bad_minutes": BadMinutes(Capital((5.0,))), "rising": Counts(600, 60, 5400, 5),
        "dispersion": NOISY,
    }  # fmt: skip
    noisy = state(one, **changes)
    of_requests = 3.0 - (NOISY.discount - 1) * THRESHOLD + math.log(0.997)
    of_minutes = 5.0 + math.log(0.003)
    both = math.log(math.exp(of_requests) + math.exp(of_minutes)) + math.log(0.5)
    assert one.score(noisy) == pytest.approx(both)
    assert one.score(replace(noisy, rising=NOTHING)) == pytest.approx(of_minutes + math.log(0.5))
    assert one.score(replace(noisy, bad_minutes=BadMinutes(Capital((-99.0,))))) == pytest.approx(
        of_requests + math.log(0.5)
    )
    assert one.rests_on_minutes(noisy) is (of_minutes > of_requests)
    assert one.rests_on_minutes(replace(noisy, bad_minutes=BadMinutes(Capital((9.0,)))))
    assert not one.rests_on_minutes(replace(noisy, bad_minutes=BadMinutes(Capital((-9.0,)))))
    assert exact.score(state(exact, **changes)) == pytest.approx(3.0 + math.log(0.5))
    assert not exact.rests_on_minutes(state(exact, **{**changes, "bad_minutes": BadMinutes(Capital((9.0,)))}))


@pytest.mark.parametrize(
    ("rising", "practical"),
    [
        (Counts(100, 50, 1000, 0), True),
        (Counts(100, 49, 1000, 0), False),
        (Counts(0, 0, 1000, 0), False),
        (Counts(100, 100, 0, 0), False),
        (NOTHING, False),
    ],
)
def test_a_difference_matters_from_the_smallest_one_on(rising: Counts, *, practical: bool) -> None:
    one = gate(replace(ERRORS, min_difference=0.5))
    assert one.is_practical(state(one, rising=rising)) is practical


def test_totals_that_do_not_fit_silence_a_gate_from_a_tenth_of_its_alpha_on() -> None:
    one, required = gate(), THRESHOLD - math.log(0.1 * 0.5)
    for total, comparable in ((required + 1e-6, False), (required - 1e-6, True)):
        assert one.is_comparable(state(one, split=Split(Capital((total,))))) is comparable


# What a pass asks for


def enough(one: Gate, **changes: Any) -> GateState:
    return state(one, **{"minutes": 10, "own": Counts(100, 1, 100, 1), "proof": Proof(Capital((9.0,))), **changes})


def test_a_step_has_enough_with_its_last_minute_and_request() -> None:
    fewest: dict[str, Any] = {"min_minutes": 10, "min_requests": 100}
    one, alone = gate(of_judge=fewest), gate(of_judge=fewest, has_all_traffic=True)
    assert one.has_enough(enough(one))
    assert not one.has_enough(enough(one, minutes=9))
    for own in (Counts(99, 1, 100, 1), Counts(100, 1, 99, 1)):
        assert not one.has_enough(enough(one, own=own))
    assert alone.has_enough(enough(alone, own=Counts(100, 1, 0, 0)))
    assert not alone.has_enough(enough(alone, own=Counts(99, 1, 100, 1)))
    assert gate(replace(ERRORS, unasked_steps=(0,)), of_judge=fewest).has_enough(one.new_state())


def test_a_proof_stands_on_enough_that_is_comparable_and_not_suspected() -> None:
    one, few = gate(of_judge={"min_minutes": 10}), gate(of_judge={"min_minutes": 11})
    required = one.required_proof(one.new_state())
    assert required == pytest.approx(math.log(20))
    assert one.proves(enough(one, proof=Proof(Capital((required,)))))
    assert not one.proves(enough(one, proof=Proof(Capital((required - 1e-6,)))))
    assert not few.proves(enough(few))
    assert not one.proves(enough(one, split=Split(Capital((99.0,)))))
    assert not one.proves(enough(one, suspicion=Suspicion((1.0, 10.0), lasts=True)))


def test_a_required_proof_is_not_contradicted_by_the_newer_half() -> None:
    one = gate(of_judge={"min_minutes": 10, "require_proof": True})
    for newer, proven in ((0.0, True), (-0.001, False)):
        proof = Proof(Capital((9.0,)), ((5, Capital((newer,))),))
        assert one.proves(enough(one, proof=proof)) is proven
        assert gate(of_judge={"min_minutes": 10}).proves(enough(one, proof=proof))


def test_better_is_proven_on_the_newer_half_as_well_and_is_better_in_this_step() -> None:
    for rule, better in ((ERRORS, Counts(100, 1, 100, 2)), (SALES, Counts(100, 2, 100, 1))):
        one = gate(replace(rule, superior_step=0), of_judge={"min_minutes": 10})
        required = one.required_proof(one.new_state())
        for newer, own, proven in (
            (required, better, True),
            (required - 1e-6, better, False),
            (required, Counts(100, 2, 100, 2), False),
            (required, Counts(100, better.stable_bad, 100, better.canary_bad), False),
        ):
            proof = Proof(Capital((required,)), ((5, Capital((newer,))),))
            assert one.proves(enough(one, own=own, proof=proof)) is proven


def test_a_wild_minute_adds_half_of_a_proof_that_is_better_at_most() -> None:
    superior = replace(SALES, superior_step=0)
    for mode, caps in ((Mode.ROBUST, True), (Mode.EXACT, False)):
        one = gate(superior, of_judge={"mode": mode})
        before = state(one, dispersion=INDEPENDENT, recent=(50.0, 1000.0))
        total = one.update(before, Counts(6000, 3000, 6000, 300)).proof.whole.total
        assert (total == pytest.approx(0.49 * math.log(20), abs=1e-3)) is caps
        assert total > 1.0


@pytest.mark.parametrize(
    ("age", "all_traffic", "superior", "grows"),
    [
        (5, False, False, True),
        (4, False, False, False),
        (4, True, False, True),
        (5, False, True, True),
        (4, True, True, False),
    ],
)
def test_a_proof_grows_by_what_the_step_has_shown(age: int, *, all_traffic: bool, superior: bool, grows: bool) -> None:
    one = gate(
        replace(SALES, delay=5, superior_step=1 if superior else None), step=1, age=age, has_all_traffic=all_traffic
    )
    before = state(one, recent=(50.0, 1000.0))
    assert (one.update(before, Counts(600, 60, 5400, 270)).proof != before.proof) is grows


@pytest.mark.parametrize("superior", [True, False])
@pytest.mark.parametrize("required", [True, False])
def test_the_newer_half_is_looked_at_where_a_proof_must_stand(*, superior: bool, required: bool) -> None:
    one = gate(replace(SALES, superior_step=0 if superior else None), of_judge={"require_proof": required})
    after = one.update(state(one, minutes=1, recent=(50.0, 1000.0)), Counts(600, 60, 5400, 270))
    assert bool(after.proof.later) is (superior or required)


@pytest.mark.parametrize("superior", [True, False])
def test_a_proof_must_beat_what_the_users_explain(*, superior: bool) -> None:
    counts, rule = Counts(600, 60, 5400, 270), replace(SALES, superior_step=0 if superior else None)
    drawn, usual = gate(replace(rule, spreads=(2.0,))), gate(rule)
    before = state(usual, recent=(50.0, 1000.0))
    assert drawn.update(before, counts).proof.whole.total < usual.update(before, counts).proof.whole.total


@pytest.mark.parametrize("lower_is_worse", [True, False])
def test_users_explain_the_better_of_two_rates(*, lower_is_worse: bool) -> None:
    rule = SALES if lower_is_worse else ERRORS
    assert passing._least_explained(rule, 1.2, 2.0) == (2.4 if lower_is_worse else 0.6)


def test_a_proof_bets_on_the_ratio_and_on_the_difference() -> None:
    for rule, bets in ((ERRORS, 2), (replace(ERRORS, min_difference=0.01), 3)):
        start = passing.start(rule)
        assert len(start.logs) == bets
        assert start.total == pytest.approx(0.0, abs=5e-5)
    assert math.exp(start.logs[-1]) == pytest.approx(0.4, abs=2e-5)


@pytest.mark.parametrize(
    ("rule", "counts"),
    [(ERRORS, Counts(600, 0, 5400, 270)), (SALES, Counts(600, 100, 5400, 270))],
    ids=["fewer", "more"],
)
def test_a_bet_against_the_difference_needs_a_boundary_on_the_bad_side(rule: GateRule, counts: Counts) -> None:
    assert passing._difference_growth(rule, 0.02, counts, 0.05, 1.0) > 0.0
    assert passing._difference_growth(rule, 0.02, counts, 0.05, 2.0) == 0.0


# From minute to minute


def test_a_new_step_forgets_what_belongs_to_the_last_one() -> None:
    one = gate()
    before = state(
        one, dispersion=replace(NOISY, previous=(1, 8), current=(2, 3), seen=(4, 9)), minutes=7, own=MINUTE,
        split=Split.start(), recent=(5.0, 900.0), proof=Proof(Capital((9.0,))), suspicion=Suspicion((1.0, 2.0)),
    )  # fmt: skip
    assert one.begin_step(before) == replace(
        before, capital=restarts.at_step(before.capital, one._bets, NOISY.discount), proof=one.new_state().proof,
        dispersion=NOISY, minutes=0, own=NOTHING, split=None, suspicion=Suspicion((5.0, 900.0)),
    )  # fmt: skip
    assert one.begin_step(one.new_state()).suspicion is None


def test_evidence_at_its_minimum_begins_the_count_of_a_fault_anew() -> None:
    before = state(gate(), rising=MINUTE, rising_expected=0.7, lowest=-1.0)
    for total in (-1.0, -1.5):
        after = gate_module._risen(before, Capital((total,)), MINUTE)
        assert (after.rising, after.rising_expected, after.lowest) == (NOTHING, 0.0, total)
    after = gate_module._risen(before, Capital((-0.9,)), MINUTE)
    assert (after.rising, after.rising_expected, after.lowest) == (MINUTE + MINUTE, 0.7 + MINUTE.expected, -1.0)
    alone = gate_module._risen(before, Capital((-0.9,)), Counts(600, 1, 0, 0))
    assert (alone.rising, alone.rising_expected) == (MINUTE, 0.7)


def test_a_state_is_stored_without_what_follows_from_the_rest() -> None:
    bare = state(gate(), minutes=5, seen=MINUTE, own=MINUTE, expected=MINUTE.expected + 0.009)
    assert bare.to_json()["step"] == [5]
    assert bare.to_json()["seen"] == MINUTE.as_list()
    assert GateState.from_json(bare.to_json()) == replace(bare, expected=MINUTE.expected)
    assert replace(bare, expected=MINUTE.expected + 0.02).to_json()["seen"] != bare.to_json()["seen"]
    full = replace(
        bare, expected=2.0006, rising=MINUTE, rising_expected=3.0004, own=NOTHING, bounded=True, split=Split.start(),
        suspicion=Suspicion((1.0, 2.0)),
    )  # fmt: skip
    assert full.to_json()["step"] == [5, *NOTHING.as_list()]
    assert full.to_json()["seen"] == [*MINUTE.as_list(), 2.001]
    assert full.to_json()["rise"] == [*MINUTE.as_list(), 0.0, 3.0]
    assert GateState.from_json(full.to_json()) == replace(full, expected=2.001, rising_expected=3.0)


# The bets of a minute


@pytest.mark.parametrize("lower_is_worse", [True, False])
def test_what_the_threshold_cuts_off_is_bet_in_advance_and_no_more(*, lower_is_worse: bool) -> None:
    """The mean of all outcomes is the capital before the minute, though none may exceed what rolls back."""
    rule = replace(SALES, kind=Kind.RARE, ratio=0.8) if lower_is_worse else ERRORS
    capital = Capital(tuple(log - 1.0 for log in Capital.start(effects.harmful_weights(rule)).logs))
    limits = failing.Limits(required=0.5, largest_step=math.inf)
    boundary = rare.boundary_share(Counts(500, 0, 500, 0), rule.ratio)
    outcomes = [
        (chance, failing.grow(capital, rule, counts, 0.02, limits).total)
        for chance, counts in conditional_minutes(500, 500, 20, boundary)
    ]
    mean = math.fsum(chance * math.exp(total - capital.total) for chance, total in outcomes)
    assert 0.9995 < mean <= 1.0
    assert max(total for _, total in outcomes) == pytest.approx(0.5, abs=2e-4)


def test_a_proof_about_rare_events_bets_on_whose_they_are() -> None:
    limits = failing.Limits(required=9.0, largest_step=math.inf)
    start, better = passing.start(ERRORS), passing.start_superior()
    assert passing.grow(start, ERRORS, MINUTE, 0.001) == start.grow(
        rare.log_growths(MINUTE, 1.25, effects.harmless(ERRORS))
    ).rounded()  # fmt: skip
    assert passing.grow_superior(better, ERRORS, MINUTE, 0.001, limits) == better.grow(
        rare.log_growths(MINUTE, 1.0, effects.superior(ERRORS))
    ).rounded()  # fmt: skip
