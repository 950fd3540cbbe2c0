"""The canary's share moves within a step, as evidence allows: what the judge must forget then, and what it must not."""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from rollout.contract.gate_rules import Direction, GateRule, JudgeRules, Kind
from rollout.gates import Assessment, Counts, InvalidMinutesError, Judge, Minute
from rollout.gates.gate import Gate, GateState
from rollout.gates.split import Split

from tests.gates.rollouts import judge, run

REQUESTS = 6000
RAMP = (0.02, 0.1, 0.5)
DWELL = 3


def breaks(claim: Callable[[], None]) -> None:
    with pytest.raises(AssertionError):
        claim()


def judged(rules: Judge, rollout: Iterable[Minute]) -> Assessment:
    return rules.update(rules.new_state(), rollout)[1]


def a_minute(
    number: int, share: float, *, bad: int = 60, counted: float = 1.0, shown_at: float | None = None, step: int = 0
) -> Minute:
    """Return a minute of two equal releases; `counted`: the part of the requests that the gate counts.

    `shown_at`: the share under which what the gate counts was shown.
    """
    canary, of_both = round(REQUESTS * share), round(REQUESTS * counted)
    of_gate = round(of_both * (share if shown_at is None else shown_at))
    canary_bad = round(bad * of_gate / of_both)
    counts = {"errors": Counts(of_gate, canary_bad, of_both - of_gate, bad - canary_bad)}
    return Minute(number, step, counts, (canary, REQUESTS - canary), share)


def ramp(**of_minute: float) -> list[Minute]:
    """Return three minutes at each share, and nine more at the last."""
    shares = [share for share in RAMP for _ in range(DWELL)] + [RAMP[-1]] * 9
    return [a_minute(number, share, **of_minute) for number, share in enumerate(shares)]  # type: ignore[arg-type]


def a_share_that_moves_is_no_noise() -> None:
    assert judged(judge(), ramp()).gates[0].dispersion == 1.0


def test_a_healthy_canarys_share_may_jump_within_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    a_share_that_moves_is_no_noise()
    monkeypatch.setattr(Gate, "at_new_share", lambda _self, state: state)
    breaks(a_share_that_moves_is_no_noise)


def test_noise_that_was_seen_before_a_raise_is_remembered() -> None:
    noisy = [Minute(n, 0, {"errors": Counts(600, 30 * (n % 2), 5400, 30)}, (600, 5400), 0.1) for n in range(12)]
    rules = judge()
    state, before = rules.update(rules.new_state(), noisy)
    _, after = rules.update(state, [a_minute(12, 0.5)])
    assert before.gates[0].dispersion == after.gates[0].dispersion > 1.5


def the_split_check_takes_no_raise_for_noise() -> None:
    state, _ = judge().update(judge().new_state(), ramp(counted=0.9))
    _, (excess, *_), _ = state["gates"]["errors"]["split"]
    assert excess == pytest.approx(0.0, abs=0.1)


def test_the_split_check_forgets_its_last_unit_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    the_split_check_takes_no_raise_for_noise()
    monkeypatch.setattr(Split, "at_new_share", lambda self: self)
    breaks(the_split_check_takes_no_raise_for_noise)


def test_a_loss_that_began_before_a_raise_is_still_seen_after_it() -> None:
    def lossy(number: int, share: float) -> Minute:
        canary = round(REQUESTS * share)
        return Minute(
            number,
            0,
            {"errors": Counts(round(0.8 * canary), 0, REQUESTS - canary, 0)},
            (canary, REQUESTS - canary),
            share,
        )

    rollout = [lossy(n, 0.5 if n >= 20 else 0.1) for n in range(21)]
    assert judged(judge(), rollout[:20]).incomparable
    assert judged(judge(), rollout).incomparable


DELAY = 10


def delayed_ramp(shares: list[float], **of_minute: float) -> list[Minute]:
    """Return minutes in which the gate counts what was shown ten minutes earlier."""
    return [
        a_minute(n, share, shown_at=shares[max(0, n - DELAY)], counted=0.9, **of_minute)  # type: ignore[arg-type]
        for n, share in enumerate(shares)
    ]


def what_was_shown_under_another_share_is_not_checked() -> None:
    shares = [0.1] * 30 + [0.5] * 30 + [0.05] * 9
    assert not judged(judge(delay=DELAY), delayed_ramp(shares)).incomparable


def test_a_delayed_count_is_checked_only_under_the_share_it_was_shown_with(monkeypatch: pytest.MonkeyPatch) -> None:
    what_was_shown_under_another_share_is_not_checked()
    monkeypatch.setattr(Gate, "has_one_split", Gate.is_own)
    breaks(what_was_shown_under_another_share_is_not_checked)


def test_a_delayed_count_is_checked_again_when_the_share_has_held() -> None:
    """The canary's items are lost from the raise on; the first of them that are counted come ten minutes later."""
    shares = [0.1] * 30 + [0.5] * 40
    rollout = delayed_ramp(shares)
    lossy = [
        Minute(m.number, 0, {"errors": Counts(2000, 20, 2700, 27)}, m.invocations, m.share) if m.number >= 40 else m
        for m in rollout
    ]
    rules = judge(delay=DELAY)
    assert not judged(rules, lossy[:41]).incomparable
    assert judged(rules, lossy[:50]).incomparable


def a_delayed_split_is_no_noise() -> None:
    shares = [0.02] * 20 + [0.5] * 12
    assert judged(judge(delay=DELAY), delayed_ramp(shares)).gates[0].dispersion == 1.0


def test_a_delayed_count_forgets_when_its_own_split_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    a_delayed_split_is_no_noise()
    monkeypatch.setattr(Gate, "has_one_split", Gate.is_own)
    breaks(a_delayed_split_is_no_noise)


def test_a_step_that_keeps_the_share_waits_for_its_delay_as_well() -> None:
    """A new release may have been shown before the step, whatever its share was."""
    rules = judge(delay=DELAY)
    state, _ = rules.update(rules.new_state(), [a_minute(n, 0.1) for n in range(20)])
    state, _ = rules.update(state, [a_minute(n, 0.1, counted=0.5, step=1) for n in range(20, 29)])
    assert "split" not in state["gates"]["errors"]
    state, _ = rules.update(state, [a_minute(n, 0.1, counted=0.5, step=1) for n in range(29, 32)])
    assert "split" in state["gates"]["errors"]


def test_a_share_that_holds_costs_the_state_nothing() -> None:
    rules = judge()
    state, _ = rules.update(rules.new_state(), [a_minute(n, 0.1) for n in range(5)])
    moved, _ = rules.update(state, [a_minute(5, 0.5)])
    assert "even" not in state
    assert moved["even"] == [0.5, 5]
    stepped, _ = rules.update(moved, [a_minute(6, 0.5, step=1)])
    assert "even" not in stepped


@pytest.mark.parametrize("delay", [0, DELAY])
def test_a_json_round_trip_at_every_minute_changes_nothing(delay: int) -> None:
    rules = judge(delay=delay)
    shares = [0.02] * 12 + [0.1] * 13 + [0.5] * 15 + [0.05] * 14
    kept = stored = rules.new_state()
    for minute in delayed_ramp(shares):
        kept, assessment = rules.update(kept, [minute])
        stored, same = rules.update(json.loads(json.dumps(stored, allow_nan=False)), [minute])
        assert (stored, same) == (kept, assessment)
    whole, _ = rules.update(rules.new_state(), delayed_ramp(shares))
    assert whole == kept
    assert math.isfinite(assessment.gates[0].log_evidence)


# An outage of both, and the sums of minutes with different shares


def a_common_outage_while_the_share_is_high_makes_no_fault_large() -> None:
    """The canary is 0.4 points worse in quiet minutes at 2 %: less than matters. Then 1 % of both fail at 50 %."""
    quiet = [Minute(n, 0, {"errors": Counts(120, n % 2, 5880, 3)}, (120, 5880), 0.02) for n in range(60)]
    outage = Minute(60, 0, {"errors": Counts(3000, 30, 3000, 30)}, (3000, 3000), 0.5)
    assessment = run(judge(min_difference=0.0045), [*quiet, outage])
    assert assessment.gates[0].log_evidence > math.log(100)
    assert assessment.verdict == "CONTINUE"


def pooled(self: Gate, state: GateState) -> bool:
    rising = state.rising
    if not rising.canary_total:
        return False
    worse = rising.canary_bad / rising.canary_total - rising.stable_bad / rising.stable_total
    return worse >= self.rule.min_difference


def test_rates_are_compared_minute_by_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    a_common_outage_while_the_share_is_high_makes_no_fault_large()
    monkeypatch.setattr(Gate, "is_practical", pooled)
    breaks(a_common_outage_while_the_share_is_high_makes_no_fault_large)


@pytest.mark.parametrize(
    ("direction", "canary_bad", "matters"),
    [
        (Direction.HIGHER_IS_WORSE, 60, True),
        (Direction.HIGHER_IS_WORSE, 59, False),
        (Direction.LOWER_IS_WORSE, 40, True),
        (Direction.LOWER_IS_WORSE, 41, False),
    ],
)
def test_the_least_difference_is_from_what_stables_rate_makes_of_the_same_minutes(
    direction: Direction, canary_bad: int, *, matters: bool
) -> None:
    rule = GateRule(name="g", direction=direction, ratio=1.0, min_difference=0.01)
    rules = Gate(rule, JudgeRules(gates=(rule,)))
    state = replace(rules.new_state(), rising=Counts(1000, canary_bad, 1000, 500), rising_expected=50.0)
    assert rules.is_practical(state) is matters


def test_a_minute_in_which_one_side_serves_nobody_does_not_count_towards_the_difference() -> None:
    rules = judge()
    state, _ = rules.update(rules.new_state(), [Minute(n, 0, {"errors": Counts(300, 2, 5700, 6)}) for n in range(3)])
    alone, _ = rules.update(state, [Minute(3, 0, {"errors": Counts(6000, 600, 0, 0)})])
    assert alone["gates"]["errors"]["rise"] == state["gates"]["errors"]["rise"]
    assert alone["gates"]["errors"]["seen"] != state["gates"]["errors"]["seen"]


# The minute in which the share falls


def fall(number: int, counts: Counts, fell_from: float) -> Minute:
    return Minute(number, 0, {"errors": counts}, (counts.canary_total, counts.stable_total), fell_from=fell_from)


Falls = dict[tuple[int, int, int, int], float]


def outcomes(shares: list[float], rates: list[float], ratio: float) -> Falls:
    """Return every outcome of requests in a row, each with its share and stable's rate, with its probability."""
    reached: Falls = {(0, 0, 0, 0): 1.0}
    for share, rate in zip(shares, rates, strict=True):
        after: Falls = defaultdict(float)
        for (canary, canary_bad, stable, stable_bad), chance in reached.items():
            worse = min(1.0, ratio * rate)
            after[canary + 1, canary_bad + 1, stable, stable_bad] += chance * share * worse
            after[canary + 1, canary_bad, stable, stable_bad] += chance * share * (1 - worse)
            after[canary, canary_bad, stable + 1, stable_bad + 1] += chance * (1 - share) * rate
            after[canary, canary_bad, stable + 1, stable_bad] += chance * (1 - share) * (1 - rate)
        reached = after
    return reached


Grow = Callable[[Gate, GateState, Counts, float], GateState]
LENGTH = 8
HIGH = 0.5


def mean_capital(grow: Grow, *, kind: Kind, ratio: float, until: int, in_outage: float, quiet: float) -> float:
    """Return the mean of exp(evidence) after a minute whose share falls to a tenth after `until` requests.

    An outage of both lasts just as long as the high share: nothing makes the sums of such a minute more misleading.
    """
    rule = GateRule(name="g", kind=kind, ratio=ratio)
    rules = Gate(rule, JudgeRules(gates=(rule,)))
    start = replace(rules.new_state(), recent=(5.0, 100.0))
    shares, rates = ([a] * until + [b] * (LENGTH - until) for a, b in ((HIGH, HIGH / 10), (in_outage, quiet)))
    average = math.fsum(
        chance * math.exp(grow(rules, start, Counts(*counts), HIGH).capital.total)
        for counts, chance in outcomes(shares, rates, ratio).items()
    )
    return average / math.exp(start.capital.total)


def a_fall_keeps_the_capital(grow: Grow = Gate.fall) -> None:
    for until in range(0, LENGTH + 1, 2):
        for kind in Kind:
            for ratio, in_outage, quiet in ((1.0, 0.9, 0.01), (1.25, 0.8, 0.05), (1.25, 0.02, 0.02), (1.25, 0.1, 0.7)):
                average = mean_capital(grow, kind=kind, ratio=ratio, until=until, in_outage=in_outage, quiet=quiet)
                assert average <= 1.0 + 1e-9


def test_a_minute_in_which_the_share_falls_keeps_the_capital_on_average_whenever_it_falls() -> None:
    a_fall_keeps_the_capital()


def test_the_totals_of_such_a_minute_would_mislead() -> None:
    """Taken for an ordinary minute it would make capital out of an outage that ends with the high share."""
    with pytest.raises(AssertionError):
        a_fall_keeps_the_capital(lambda gate, state, counts, _share: gate.update(state, counts))


def test_a_fall_gains_half_of_the_bets_on_the_bad_requests() -> None:
    """Three of three fall to the canary, which had half of the traffic; the cap is out of reach."""
    rule = GateRule(name="g", ratio=1.0)
    rules = Gate(rule, JudgeRules.parse({"gates": [{"name": "g", "ratio": 1.0}], "mode": "exact"}))
    start = rules.new_state()
    effects = (1.5, 2.1, 3.3, 5.5, 10.0, 25.0, 100.0)
    grown = rules.fall(start, Counts(600, 3, 5400, 0), 0.5).capital
    for before, after, effect in zip(start.capital.logs, grown.logs, effects, strict=True):
        assert after - before == pytest.approx(math.log((1 + (2 * effect / (1 + effect)) ** 3) / 2), abs=2e-5)


def test_a_fall_early_in_the_minute_costs_at_most_half_of_the_capital() -> None:
    rules = judge()
    state, _ = rules.update(rules.new_state(), [Minute(n, 0, {"errors": Counts(3000, 6, 3000, 3)}) for n in range(5)])
    before, _ = rules.update(state, [])
    _, first = rules.update(before, [])
    _, after = rules.update(state, [fall(5, Counts(300, 3, 5700, 57), 0.5)])
    assert first.gates[0].log_evidence - math.log(2) - 1e-4 <= after.gates[0].log_evidence < first.gates[0].log_evidence


def a_burst_in_the_minute_of_the_brake_counts() -> None:
    faulty = [Minute(n, 0, {"errors": Counts(3000, 16, 3000, 3)}, (3000, 3000), 0.5) for n in (0, 1)]
    braked = fall(2, Counts(1800, 300, 4200, 4), 0.5)
    low = Minute(3, 0, {"errors": Counts(300, 0, 5700, 6)}, (300, 5700), 0.05)
    assessment = run(judge(min_difference=0.0005), [*faulty, braked, low])
    assert (assessment.verdict, assessment.minute) == ("FAIL", 2)


def test_what_fails_in_the_minute_of_a_brake_is_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    a_burst_in_the_minute_of_the_brake_counts()
    monkeypatch.setattr(Gate, "fall", lambda _self, state, *_: state)
    breaks(a_burst_in_the_minute_of_the_brake_counts)


def test_one_such_minute_adds_less_than_half_of_what_is_required() -> None:
    assessment = run(judge(), [fall(0, Counts(3000, 3000, 3000, 0), 0.5)])
    assert math.log(100) * 0.48 < assessment.gates[0].log_evidence < math.log(100) / 2


def test_only_the_capital_learns_from_the_minute_of_a_brake() -> None:
    rules = judge(min_difference=0.0005)
    state, _ = rules.update(rules.new_state(), [a_minute(n, 0.5, bad=6, counted=0.9) for n in range(4)])
    braked, _ = rules.update(state, [fall(4, Counts(1800, 300, 4200, 4), 0.5)])
    before, after = ({**one["gates"]["errors"]} for one in (state, braked))
    assert {key for key in after if before[key] != after[key]} == {"bets", "rise"}
    assert after["rise"][:4] == [3000, 300, 3000, 4]
    assert {key for key in braked if state[key] != braked[key]} == {"last", "gates"}


@pytest.mark.parametrize(
    ("of_gate", "fell_from"),
    [
        ({}, 1.0),
        ({}, 0.0),
        ({"direction": "lower_is_worse", "ratio": 0.9}, 0.5),
        ({"warm_up": 5}, 0.5),
        ({"delay": 3}, 0.5),
        ({"unasked_steps": [0]}, 0.5),
    ],
)
def test_a_fall_that_bounds_nothing_is_no_evidence(of_gate: dict[str, object], fell_from: float) -> None:
    rules = judge(**of_gate)
    state, _ = rules.update(rules.new_state(), [a_minute(n, 0.1 if n < 3 else 0.5) for n in range(4)])
    after, _ = rules.update(state, [fall(4, Counts(1800, 300, 4200, 4), fell_from)])
    assert after["gates"] == state["gates"]
    assert after["last"] == 4


def test_a_delayed_count_is_bounded_by_a_share_that_has_held() -> None:
    rules = judge(delay=3)
    state, _ = rules.update(rules.new_state(), [a_minute(n, 0.5) for n in range(4)])
    after, _ = rules.update(state, [fall(4, Counts(1800, 300, 4200, 4), 0.5)])
    assert after["gates"] != state["gates"]


@pytest.mark.parametrize(("share", "fell_from"), [(0.5, 0.5), (None, 1.01), (None, -0.1)])
def test_a_minute_fell_from_a_share_or_has_one(share: float | None, fell_from: float) -> None:
    with pytest.raises(InvalidMinutesError, match=f"minute 0 fell from {fell_from}: it must be between 0 and 1"):
        judged(judge(), [Minute(0, 0, {}, (1, 1), share, fell_from=fell_from)])


# Warming up once


def test_with_warm_up_once_only_the_first_step_begins_cold() -> None:
    cold = Counts(300, 30, 5700, 6)
    for once, evidence in ((True, True), (False, False)):
        rules = judge(warm_up=2, warm_up_once=once)
        state, first = rules.update(rules.new_state(), [Minute(n, 0, {"errors": cold}) for n in range(2)])
        _, second = rules.update(state, [Minute(n, 1, {"errors": cold}) for n in range(2, 4)])
        assert first.gates[0].log_evidence == pytest.approx(0.0, abs=1e-3)
        assert (second.gates[0].log_evidence > 2.0) is evidence


def test_warm_up_once_is_said_only_where_it_is_so() -> None:
    rule = GateRule(name="errors")
    once = JudgeRules(gates=(rule,), warm_up_once=True)
    assert once.to_json()["warm_up_once"] is True
    assert JudgeRules.parse(once.to_json()) == once
    assert "warm_up_once" not in JudgeRules(gates=(rule,)).to_json()


# Instances that come later


def with_new_instances(number: int, age: int | None, *, bad: int, step: int = 0) -> Minute:
    return Minute(number, step, {"errors": Counts(300, bad, 5700, 6)}, fleet_age=age)


@pytest.mark.parametrize("step", [0, 1])
def test_what_new_instances_do_while_they_warm_up_is_not_held_against_the_release(step: int) -> None:
    """For as long as `warm_up` says, in any step; a release whose first instances were cold is as good as before."""
    rules = judge(warm_up=3, warm_up_once=True)
    state, before = rules.update(rules.new_state(), [a_minute(n, 0.05, step=step) for n in range(9)])
    cold = [with_new_instances(9 + age, age, bad=90, step=step) for age in range(3)]
    after, assessment = rules.update(state, cold)
    assert (assessment.verdict, assessment.gates[0].log_evidence) == ("CONTINUE", before.gates[0].log_evidence)
    _, later = rules.update(after, [with_new_instances(12 + n, 3 + n, bad=90, step=step) for n in range(9)])
    assert later.verdict == "FAIL"


def test_without_a_warm_up_new_instances_are_judged_at_once() -> None:
    rules = judge()
    state, _ = rules.update(rules.new_state(), [a_minute(n, 0.05) for n in range(9)])
    _, assessment = rules.update(state, [with_new_instances(9 + age, age, bad=90) for age in range(3)])
    assert assessment.verdict == "FAIL"


def test_bad_minutes_of_new_instances_are_not_counted_as_such() -> None:
    rules = judge(warm_up=5, warm_up_once=True)
    state, _ = rules.update(rules.new_state(), [a_minute(n, 0.05) for n in range(9)])
    after, _ = rules.update(state, [with_new_instances(9 + age, age, bad=90) for age in range(5)])
    assert after["gates"]["errors"]["alone"] == state["gates"]["errors"]["alone"]
    assert after["gates"]["errors"]["bets"] == state["gates"]["errors"]["bets"]


def test_what_new_instances_show_in_its_favour_counts() -> None:
    """Warm ones cost a good release no time: its minutes and its proof go on."""
    rules = judge(warm_up=5, warm_up_once=True, min_difference=0.0005)
    state, _ = rules.update(rules.new_state(), [a_minute(n, 0.05) for n in range(9)])
    new, _ = rules.update(state, [with_new_instances(9 + age, age, bad=0) for age in range(5)])
    old, _ = rules.update(state, [with_new_instances(9 + age, None, bad=0) for age in range(5)])
    for key in ("good", "seen", "step", "var", "past"):
        assert new["gates"]["errors"].get(key) == old["gates"]["errors"].get(key)


def test_a_fall_of_the_share_among_new_instances_is_no_evidence_either() -> None:
    rules = judge(warm_up=2, warm_up_once=True)
    state, _ = rules.update(rules.new_state(), [a_minute(n, 0.5) for n in range(4)])
    after, _ = rules.update(state, [replace(fall(4, Counts(1800, 300, 4200, 4), 0.5), fleet_age=0)])
    assert after["gates"] == state["gates"]


# What harms both


def a_shift(number: int, share: float, *, rate: float, step: int = 0) -> Minute:
    canary = round(REQUESTS * share)
    counts = Counts(canary, round(rate * canary), REQUESTS - canary, round(rate * (REQUESTS - canary)))
    return Minute(number, step, {"errors": counts}, (canary, REQUESTS - canary), share)


def troubled(quiet: int, at_rest: int, *, step: int) -> Assessment:
    """Return what is said after minutes at 10 %, some at 50 % in the same step, and ten in which both fail there."""
    rules = judge(min_difference=0.0005)
    state, _ = rules.update(rules.new_state(), [a_shift(n, 0.1, rate=0.001) for n in range(2 * step)])
    shares = [0.1] * quiet + [0.5] * (at_rest + 10)
    rates = [0.001] * (quiet + at_rest) + [0.08] * 10
    for number, (share, rate) in enumerate(zip(shares, rates, strict=True), start=2 * step):
        state, _ = rules.update(json.loads(json.dumps(state)), [a_shift(number, share, rate=rate, step=step)])
    return rules.at_bake_end(state)


@pytest.mark.parametrize("step", [0, 1])
def test_a_trouble_of_both_that_begins_with_a_move_of_the_share_holds_the_step(step: int) -> None:
    soon, late = (troubled(30, minutes, step=step) for minutes in (3, 20))
    assert (soon.verdict, soon.suspected) == ("CONTINUE", True)
    assert "was at 0.09 % before the canary's share moved" in soon.reason
    assert (late.verdict, late.suspected) == ("PASS", False)


def test_a_delayed_count_has_as_many_minutes_to_show_what_harms_both() -> None:
    rules = judge(min_difference=0.0005, delay=5)
    quiet = [a_shift(n, 0.1 if n < 30 else 0.5, rate=0.001) for n in range(49)]
    state, _ = rules.update(rules.new_state(), quiet)
    for late, held in ((0, True), (1, False)):
        rest = [a_shift(49 + n, 0.5, rate=0.001) for n in range(late)]
        trouble = [a_shift(49 + late + n, 0.5, rate=0.08) for n in range(3)]
        assert rules.update(state, [*rest, *trouble])[1].suspected is held
