"""What the pace of a rollout sees of a gate: numbers by hand, and bets that are fair."""

import math
from dataclasses import replace

import pytest
from rollout.contract.gate_rules import Direction, GateRule, JudgeRules, Kind
from rollout.gates import Counts, GateView, Judge, Minute, effects
from rollout.gates.gate import Gate

from tests.gates.rollouts import bernoulli_minutes, judge, minutes

HIGHER, LOWER = Direction.HIGHER_IS_WORSE, Direction.LOWER_IS_WORSE
RATIOS = {HIGHER: 1.25, LOWER: 0.9}
MARGIN = 0.2


def view(
    kind: Kind, direction: Direction = HIGHER, ratio: float = 1.0, *, rate: float = 0.5, of_users: float = 1.0
) -> GateView:
    rule = GateRule(name="g", kind=kind, direction=direction, ratio=ratio)
    return GateView(rule=rule, stable_rate=rate, spread=1.0, log_evidence=0.0, of_users=of_users, bets_at=rate)


def test_rare_evidence_is_the_mixture_of_the_likelihood_ratios() -> None:
    """Three of four bad requests are the canary's in the first minute, one of two in the second; half is its share."""
    both = [Counts(100, 3, 100, 1), Counts(100, 1, 100, 1)]
    by_hand = math.log(sum(w * e**4 * (2 / (1 + e)) ** 6 for e, w in effects.RARE.items()))
    assert view(Kind.RARE).evidence(both) == pytest.approx(by_hand, abs=1e-12)


def test_rare_evidence_against_fewer_events_counts_stables() -> None:
    """The canary has one of four events where half would be its share."""
    by_hand = math.log(sum(w / e * (2 / (1 + 1 / e)) ** 4 for e, w in effects.RARE.items()))
    assert view(Kind.RARE, LOWER).evidence([Counts(100, 1, 100, 3)]) == pytest.approx(by_hand, abs=1e-12)
    assert (
        view(Kind.RARE, LOWER).evidence([Counts(100, 1, 100, 3)])
        > 0
        > view(Kind.RARE).evidence([Counts(100, 1, 100, 3)])
    )


def by_hand_of_share(effect: float, canary_events: int, stable_events: int) -> float:
    """Return the growth of ten requests each at stable's rate 1/2 and ratio 1: there the pivot is the mean rate."""
    worse = effect / (1 + effect)
    pivot = (worse + 0.5) / 2
    stake = (worse - pivot) / (pivot * (1 - pivot))
    return math.prod(
        (
            (1 + stake * (1 - pivot)) ** canary_events,
            (1 - stake * pivot) ** (10 - canary_events),
            (1 - stake * (1 - pivot)) ** stable_events,
            (1 + stake * pivot) ** (10 - stable_events),
        )
    )


@pytest.mark.parametrize("direction", Direction)
def test_share_evidence_is_the_mixture_of_the_stakes_on_every_request(direction: Direction) -> None:
    more, fewer = (8, 4) if direction is HIGHER else (4, 8)
    counts = Counts(10, more, 10, fewer)
    harmful = {(1 / e if direction is LOWER else e): w for e, w in effects.SHARE.items()}
    by_hand = math.log(sum(w * by_hand_of_share(e, more, fewer) ** 2 for e, w in harmful.items()))
    assert view(Kind.SHARE, direction).evidence([counts, counts]) == pytest.approx(by_hand, abs=1e-9)
    assert by_hand > 1.0


@pytest.mark.parametrize("kind", Kind)
def test_no_minute_is_no_evidence(kind: Kind) -> None:
    assert view(kind).evidence([]) == pytest.approx(0.0, abs=1e-12)
    assert view(kind).evidence([Counts(0, 0, 100, 1), Counts(100, 1, 0, 0)]) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("direction", "good", "bad"), [(HIGHER, (2, 6), (8, 4)), (LOWER, (6, 2), (4, 8))], ids=["more", "fewer"]
)
@pytest.mark.parametrize("kind", Kind)
def test_equality_against_a_margin_by_hand(
    kind: Kind, direction: Direction, good: tuple[int, int], bad: tuple[int, int]
) -> None:
    """At 1/2 and a margin of 0.2 the pivot is 0.4 and 0.6: each request wins a quarter or loses a sixth."""
    wins = {good: 14, bad: 6}
    for (canary, stable), won in wins.items():
        _, growth = view(kind, direction).equality(Counts(10, canary, 10, stable), MARGIN)
        assert growth == pytest.approx(won * math.log(5 / 4) + (20 - won) * math.log(5 / 6), abs=1e-9)


def test_equality_against_the_ratio_by_hand() -> None:
    """A ratio of 2 makes the canary's share of the bad requests two thirds; as good as stable, it is a half."""
    of_ratio, _ = view(Kind.RARE, ratio=2.0).equality(Counts(100, 1, 100, 3), MARGIN)
    assert of_ratio == pytest.approx(math.log((1 / 2) / (2 / 3)) + 3 * math.log((1 / 2) / (1 / 3)), abs=1e-12)
    of_fewer, _ = view(Kind.RARE, LOWER, ratio=0.5).equality(Counts(100, 3, 100, 1), MARGIN)
    assert of_fewer == pytest.approx(of_ratio, abs=1e-12)


@pytest.mark.parametrize("of_users", [1.0, 1.5])
@pytest.mark.parametrize("guess", [0.02, 0.3, 0.7])
@pytest.mark.parametrize("stable_rate", [0.25, 0.5, 0.75])
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("kind", Kind)
def test_both_bets_are_fair_on_their_boundary_however_wrong_the_guess(
    kind: Kind, direction: Direction, stable_rate: float, guess: float, of_users: float
) -> None:
    ratio = RATIOS[direction]
    of_gate = view(kind, direction, ratio, rate=guess, of_users=of_users)
    by_ratio = ratio * stable_rate
    by_margin = stable_rate + (MARGIN if direction is HIGHER else -MARGIN)
    for bet, just_bad in enumerate((by_ratio, by_margin)):
        drawn = min(1.0, just_bad * of_users if direction is LOWER else just_bad / of_users)
        average = math.fsum(
            probability * math.exp(of_gate.equality(counts, MARGIN)[bet])
            for probability, counts in bernoulli_minutes(5, 7, drawn, stable_rate)
        )
        assert average <= 1.0 + 1e-9


@pytest.mark.parametrize("kind", Kind)
def test_equality_gains_where_the_canary_is_as_good(kind: Kind) -> None:
    of_gate = view(kind, ratio=2.0, rate=0.1)
    counts = Counts(1000, 100, 1000, 100)
    assert min(of_gate.equality(counts, MARGIN)) > 10.0


def test_evidence_is_against_what_users_and_a_tolerable_release_explain_together() -> None:
    counts = [Counts(100, 8, 900, 9)]
    assert view(Kind.RARE).evidence(counts) > 5.0
    assert view(Kind.RARE, of_users=10.0).evidence(counts) < 0.0


def test_views_tell_what_the_gates_have_seen() -> None:
    rules = judge(ratio=1.25)
    (before,) = rules.views(rules.new_state(), before=rules.new_state())
    assert (before.stable_rate, before.spread, before.of_users) == (0.0, 1.0, 1.0)
    assert before.log_evidence == pytest.approx(0.0, abs=1e-4)
    state, assessment = rules.update(rules.new_state(), minutes(20, Counts(300, 4, 5700, 6)))
    (after,) = rules.views(state, before=rules.new_state())
    assert after.rule == rules.rules.gates[0]
    assert after.stable_rate == pytest.approx(6 / 5700, rel=0.05)
    assert after.bets_at == 0.0, "before the minutes that bets are made on"
    assert after.log_evidence == assessment.gates[0].log_evidence > 4.0
    assert after.spread == assessment.gates[0].dispersion


def test_a_gate_that_is_not_asked_has_no_view() -> None:
    rules = Judge.from_config({"gates": [{"name": "errors", "unasked_steps": [1]}, {"name": "slow"}]})
    state, _ = rules.update(rules.new_state(), [Minute(0, 0, {})])
    assert [one.rule.name for one in rules.views(state, before=rules.new_state())] == ["errors", "slow"]
    state, _ = rules.update(state, [], step=1)
    assert [one.rule.name for one in rules.views(state, before=rules.new_state())] == ["slow"]


def test_a_view_knows_how_far_the_users_of_its_step_may_differ() -> None:
    rule = GateRule(name="errors", spreads=(10.0,))
    gate = Gate(rule, JudgeRules(gates=(rule,)))
    drawn = GateView.of(gate, gate.new_state(), before=gate.new_state())
    assert drawn.of_users == 10.0
    assert GateView(rule=rule, stable_rate=0.0, spread=1.0, log_evidence=0.0, bets_at=0.0).of_users == 1.0
    counts, usual = Counts(600, 6, 5400, 54), replace(drawn, stable_rate=0.01, of_users=1.0)
    assert usual.equality(counts, 0.005) != replace(usual, of_users=10.0).equality(counts, 0.005)
