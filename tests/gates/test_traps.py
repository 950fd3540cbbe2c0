"""Each trap is built in, and the claim that it would break is then seen to break."""

import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from rollout.contract.gate_rules import GateRule, JudgeRules, Kind
from rollout.gates import Counts, Minute, effects, failing, gate, rare, share
from rollout.gates import capital as capital_module
from rollout.gates.boosting import log_boost
from rollout.gates.capital import Capital
from rollout.gates.dispersion import Dispersion
from rollout.gates.gate import Gate, GateState
from rollout.gates.logs import log_sum, rescale

from tests.gates.rollouts import bernoulli_minutes, conditional_minutes, judge, minutes, run

Claim = Callable[[], None]
BOUNDARY_MINUTE = Counts(300, 0, 2700, 0)


def breaks(claim: Claim) -> None:
    """Assert that a claim is false now."""
    with pytest.raises(AssertionError):
        claim()


def a_fault_at_the_last_step_is_seen_in_three_minutes() -> None:
    healthy = [
        *minutes(6, Counts(3000, 300, 57000, 5700)),
        *minutes(6, Counts(15000, 1500, 45000, 4500), start=6, step=1),
    ]
    fault = minutes(30, Counts(30000, 4800, 30000, 3000), start=12, step=2)
    assessment = run(judge(ratio=1.25), [*healthy, *fault])
    assert assessment.verdict == "FAIL"
    assert assessment.minute is not None
    assert assessment.minute < 12 + 3


def test_dispersion_is_reset_at_a_step_change(monkeypatch: pytest.MonkeyPatch) -> None:
    a_fault_at_the_last_step_is_seen_in_three_minutes()
    monkeypatch.setattr(Dispersion, "begin_step", lambda self: self)
    breaks(a_fault_at_the_last_step_is_seen_in_three_minutes)


def a_delayed_fault_is_seen_soon() -> None:
    before, shift, own = Counts(60, 3, 5940, 297), Counts(300, 15, 5700, 285), Counts(3000, 225, 3000, 150)
    rollout = [
        *minutes(21, before, step=0),
        *minutes(1, shift, start=21, step=1),
        *minutes(8, before, start=22, step=1),
    ]
    rollout += [*minutes(1, shift, start=30, step=1), *minutes(9, own, start=31, step=1)]
    assessment = run(judge(kind="share", ratio=1.25, delay=10), rollout)
    assert assessment.verdict == "FAIL"


def test_a_split_of_before_the_step_does_not_look_like_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    a_delayed_fault_is_seen_soon()
    monkeypatch.setattr(Gate, "has_one_split", property(lambda _: True))
    breaks(a_delayed_fault_is_seen_soon)


def a_boosted_minute_keeps_the_capital_on_average() -> None:
    settings = JudgeRules(gates=(GateRule(name="errors", ratio=1.0),))
    rules = Gate(settings.gates[0], settings)
    state = replace(rules.new_state(), dispersion=Dispersion(3.0, 3, (0, 12), (0, 0), (1, 40)))
    boundary = rare.boundary_share(BOUNDARY_MINUTE, 1.0)
    average = math.fsum(
        probability * math.exp(rules.update(state, counts).capital.total)
        for probability, counts in conditional_minutes(300, 2700, 20, boundary)
    )
    assert average <= math.exp(state.capital.total) * (1.0 + 1e-9)


def test_cap_and_boost_use_the_discount_from_before_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    a_boosted_minute_keeps_the_capital_on_average()
    update = Gate.update

    def update_with_this_minutes_discount(self: Gate, state: GateState, counts: Counts) -> GateState:
        return update(self, replace(state, dispersion=state.dispersion.observe(counts)), counts)

    monkeypatch.setattr(Gate, "update", update_with_this_minutes_discount)
    breaks(a_boosted_minute_keeps_the_capital_on_average)


def test_a_boosted_capital_is_truncated(monkeypatch: pytest.MonkeyPatch) -> None:
    a_boosted_minute_keeps_the_capital_on_average()

    def without_ceiling(self: Capital, boost: float, _ceiling: float) -> Capital:
        return replace(self, logs=tuple(log + boost for log in self.logs))

    monkeypatch.setattr(Capital, "truncate", without_ceiling)
    breaks(a_boosted_minute_keeps_the_capital_on_average)


def two_bad_minutes_of_the_canary_alone_do_not_roll_back() -> None:
    healthy = Counts(300, 0, 5700, 6)
    rollout = [*minutes(20, healthy), *minutes(2, Counts(300, 300, 5700, 6), start=20)]
    rollout += minutes(20, healthy, start=22)
    assert run(judge(), rollout).verdict != "FAIL"


def test_one_minute_can_add_only_part_of_the_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    two_bad_minutes_of_the_canary_alone_do_not_roll_back()
    monkeypatch.setattr(failing, "LARGEST_STEP", math.inf)
    breaks(two_bad_minutes_of_the_canary_alone_do_not_roll_back)


def a_crossing_is_seen_next_to_a_sum_of_a_billion() -> None:
    bets = Capital((3e12, 2e12))
    assert bets.truncate(0.0, math.log(100) + 1e-9).total >= math.log(100)


def test_logs_are_recentred_before_they_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    assert log_sum(rescale((3e12 + 0.3, 3e12), 4.6)) == pytest.approx(4.6, abs=1e-12)
    monkeypatch.setattr(capital_module, "floored", lambda log: log)
    a_crossing_is_seen_next_to_a_sum_of_a_billion()

    def shifted_at_once(logs: Sequence[float], total: float) -> tuple[float, ...]:
        shift = total - log_sum(logs)
        return tuple(log + shift for log in logs)

    monkeypatch.setattr(capital_module, "rescale", shifted_at_once)
    breaks(a_crossing_is_seen_next_to_a_sum_of_a_billion)


def a_minute_of_nothing_but_errors_leaves_finite_capital() -> None:
    grown = Capital.start(tuple(effects.RARE.values())).grow(
        rare.log_growths(Counts(10**6, 10**6, 10**6, 10**6), 1.0, tuple(effects.RARE))
    )
    assert all(math.isfinite(log) for log in grown.logs)


def test_capital_is_held_as_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    a_minute_of_nothing_but_errors_leaves_finite_capital()

    def linear(canary_bad: int, bad: int, boundary: float, effect: float) -> float:
        gain = math.inf if canary_bad * math.log(effect) > 700 else effect**canary_bad
        return gain * math.exp(-bad * math.log1p((effect - 1.0) * boundary))

    monkeypatch.setattr(rare, "log_growth", linear)
    breaks(a_minute_of_nothing_but_errors_leaves_finite_capital)


def a_share_bet_is_fair() -> None:
    settings = JudgeRules(
        gates=(GateRule(name="slow", kind=Kind.SHARE, ratio=1.0),),
        mode="exact",  # type: ignore[arg-type]
    )
    rules = Gate(settings.gates[0], settings)
    state = replace(rules.new_state(), recent=(2.0, 20.0))
    average = math.fsum(
        probability * math.exp(rules.update(state, counts).capital.total)
        for probability, counts in bernoulli_minutes(6, 8, 0.3, 0.3)
    )
    assert average <= 1.0 + 1e-9


def test_stables_rate_comes_from_earlier_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    a_share_bet_is_fair()
    update = Gate.update

    def update_knowing_this_minute(self: Gate, state: GateState, counts: Counts) -> GateState:
        return update(self, replace(state, recent=(counts.stable_bad, counts.stable_total)), counts)

    monkeypatch.setattr(Gate, "update", update_knowing_this_minute)
    breaks(a_share_bet_is_fair)


def a_hedge_pays_for_every_stake() -> None:
    boundary = share.Boundary(1.25)
    average = math.fsum(
        probability * math.exp(share.log_growth(counts, boundary, 0.2, 0.4))
        for probability, counts in bernoulli_minutes(5, 7, 1.25 * 0.6, 0.6)
    )
    assert average <= 1.0 + 1e-9


def test_an_incident_of_both_variants_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    a_hedge_pays_for_every_stake()
    monkeypatch.setattr(share, "_best_pivot", lambda *_: 0.2)
    a_hedge_pays_for_every_stake()
    monkeypatch.setattr(
        share, "log_growth", lambda counts, *_: counts.canary_bad * math.log(2) - 0.25 * counts.canary_total
    )
    breaks(a_hedge_pays_for_every_stake)


def a_late_fault_is_seen_soon() -> None:
    healthy = minutes(240, Counts(300, 0, 5700, 6))
    fault = minutes(60, Counts(3000, 15, 3000, 3), start=240, step=1)
    assessment = run(judge(), [*healthy, *fault])
    assert assessment.minute is not None
    assert assessment.verdict == "FAIL"
    assert assessment.minute <= 240 + 3


def test_cash_is_kept_for_later_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    a_late_fault_is_seen_soon()
    monkeypatch.setattr(gate, "RESERVE", 0.0)
    breaks(a_late_fault_is_seen_soon)


def test_a_wild_minute_does_not_use_up_the_cash() -> None:
    rules = Gate(GateRule(name="errors"), JudgeRules(gates=(GateRule(name="errors"),)))
    before = rules.new_state()
    after = rules.update(before, Counts(300, 300, 5700, 6))
    assert after.capital.cash == before.capital.cash


def a_late_fault_counts_from_when_it_began() -> None:
    healthy = minutes(600, Counts(3000, 3, 57000, 57))
    fault = minutes(30, Counts(3000, 20, 57000, 57), start=600)
    assert run(judge(min_difference=0.0005), [*healthy, *fault]).verdict == "FAIL"


def test_the_least_difference_is_not_diluted_by_healthy_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    a_late_fault_counts_from_when_it_began()

    def over_the_whole_rollout(self: Gate, state: GateState) -> bool:
        seen = state.seen
        worse = seen.canary_bad / seen.canary_total - seen.stable_bad / seen.stable_total
        return worse >= self.rule.min_difference

    monkeypatch.setattr(Gate, "is_practical", over_the_whole_rollout)
    breaks(a_late_fault_counts_from_when_it_began)


def test_boosting_does_nothing_where_it_is_not_proven() -> None:
    shares = (0.5, 0.5, 0.0)
    assert log_boost(shares, (2.0, 5.0, 1.0), 1.0, 20_001, 0.05) == 0.0
    assert log_boost(shares, (2.0, 5.0, 1.0), 1.0, 200, 0.05) > 0.0
    assert not failing._may_boost(Counts(100, 3, 100, 8))
    assert failing._may_boost(Counts(100, 3, 100, 7))


def test_a_repeated_minute_counts_once() -> None:
    rules = judge()
    state, _ = rules.update(rules.new_state(), minutes(3, Counts(300, 3, 5700, 6)))
    again, _ = rules.update(state, [Minute(2, 0, {"errors": Counts(300, 9, 5700, 6)})])
    assert again == state


def a_lull_of_conversions_at_the_start_rolls_nothing_back() -> None:
    """Nine conversions are expected of three buyers who buy three times each; none of the three comes."""
    lull = minutes(6, Counts(30, 0, 570, 28))
    assert run(judge(kind="share", direction="lower_is_worse", ratio=0.95), lull).verdict == "CONTINUE"


def test_conversions_begin_in_doubt_whether_they_are_independent(monkeypatch: pytest.MonkeyPatch) -> None:
    a_lull_of_conversions_at_the_start_rolls_nothing_back()
    monkeypatch.setattr(gate, "DOUBTFUL", Dispersion())
    breaks(a_lull_of_conversions_at_the_start_rolls_nothing_back)


def test_the_doubt_fades_with_independent_minutes() -> None:
    draw = random.Random(5)  # noqa: S311 - a fixed seed
    conversions = judge(kind="share", direction="lower_is_worse", ratio=0.95)

    def a_minute(number: int) -> Minute:
        canary, stable = (sum(draw.random() < 0.05 for _ in range(300)) for _ in range(2))
        return Minute(number, 0, {"errors": Counts(300, canary, 300, stable)})

    assert run(conversions, [a_minute(0)]).gates[0].dispersion > 3.0
    later = [run(conversions, [a_minute(n) for n in range(150)]).gates[0].dispersion for _ in range(20)]
    assert statistics.median(later) < 1.1


def test_a_new_step_forgets_a_unit_that_has_only_begun() -> None:
    assert Dispersion().observe(Counts(10, 2, 90, 1)).begin_step() == Dispersion()


def test_the_excess_is_the_squared_difference_over_the_variance_of_chance() -> None:
    units = Dispersion().observe(Counts(500, 2, 9500, 8)).observe(Counts(500, 8, 9500, 2))
    variance = 0.5 * 0.5 * (1 / 10 + 1 / 10) * (1 - 10 / 10_000)
    assert units.pairs == 1
    assert units.excess == pytest.approx(0.6**2 / variance, abs=1e-4)
