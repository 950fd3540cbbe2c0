"""A gate whose own totals do not fit the split of the requests compares nothing, and its step waits."""

import json
import math
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from rollout.gates import Assessment, Counts, Judge, Minute, split
from rollout.gates.capital import Capital
from rollout.gates.dispersion import INDEPENDENT, Dispersion
from rollout.gates.gate import Gate
from rollout.gates.progress import State
from rollout.gates.split import Split

from tests.gates.rollouts import binomial_mass

RATE = 0.05
REQUESTS = 6000
THRESHOLD = math.log(1 / (0.01 * split.PART))
CONVERSION = {
    "name": "conversion", "kind": "share", "direction": "lower_is_worse", "ratio": 0.95, "event": "converted",
}  # fmt: skip
Rollout = list[Minute]


def breaks(claim: Callable[[], None]) -> None:
    with pytest.raises(AssertionError):
        claim()


def rules(**of_gate: Any) -> Judge:
    return Judge.from_config({"gates": [{**CONVERSION, **of_gate}, {"name": "errors"}]})


def a_minute(number: int, *, shown: tuple[float, float], share: float = 0.5, step: int = 0) -> Minute:
    """Return a minute in which both convert alike; `shown`: the part of the requests that was counted."""
    requests = (round(REQUESTS * share), REQUESTS - round(REQUESTS * share))
    totals = [round(part * count) for part, count in zip(shown, requests, strict=True)]
    converted = [round(RATE * count) for count in requests]
    counts = {
        "conversion": Counts(totals[0], converted[0], totals[1], converted[1]),
        "errors": Counts(requests[0], 0, requests[1], 0),
    }
    return Minute(number, step, counts, invocations=requests, share=share)


def judged(judge: Judge, minutes: Iterable[Minute]) -> Assessment:
    state, assessment = judge.update(judge.new_state(), minutes)
    return judge.at_bake_end(state) if assessment.verdict == "CONTINUE" else assessment


def lost_showings_do_not_make_a_canary_better() -> None:
    assessment = judged(rules(superior_step=0), [a_minute(n, shown=(0.8, 0.99)) for n in range(120)])
    assert (assessment.verdict, assessment.incomparable) == ("CONTINUE", True)
    counted = "conversion: canary 285,600 of 639,030 that this gate counted (44.69 %)"
    assert assessment.reason.startswith(
        f"{counted}, but 357,000 of 714,000 requests (50.00 %): the two variants are not"
    )


def test_lost_showings_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    lost_showings_do_not_make_a_canary_better()
    monkeypatch.setattr(Gate, "check_split", lambda _self, state, *_: state)
    breaks(lost_showings_do_not_make_a_canary_better)


def showings_that_stable_loses_do_not_roll_back() -> None:
    assessment = judged(rules(), [a_minute(n, shown=(1.0, 0.8)) for n in range(120)])
    assert (assessment.verdict, assessment.incomparable) == ("CONTINUE", True)


def test_a_gate_that_does_not_count_both_alike_does_not_roll_back_either(monkeypatch: pytest.MonkeyPatch) -> None:
    showings_that_stable_loses_do_not_roll_back()
    monkeypatch.setattr(Gate, "is_comparable", lambda *_: True)
    breaks(showings_that_stable_loses_do_not_roll_back)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("lossy", [0, 1])
def test_a_fifth_lost_is_seen_in_minutes_whoever_loses_it(lossy: int, share: float) -> None:
    shown = (0.8, 1.0) if lossy == 0 else (1.0, 0.8)
    judge = rules()
    state = judge.new_state()
    for number in range(30):
        state, assessment = judge.update(state, [a_minute(number, shown=shown, share=share)])
        if assessment.incomparable:
            break
    assert assessment.incomparable
    assert number < (30 if share == 0.02 else 10)


def test_other_gates_still_roll_back() -> None:
    broken = [
        Minute(
            minute.number, 0, {**minute.counts, "errors": Counts(3000, 150, 3000, 3)}, minute.invocations, minute.share
        )
        for minute in (a_minute(n, shown=(0.8, 1.0)) for n in range(60))
    ]
    assert judged(rules(), broken).gate == "errors"


def drawn(seed: int, *, weight: float, routed: float, per_request: int = 1, delayed: bool = False) -> Iterator[Minute]:
    """Yield minutes whose requests fall to the canary with the chance `routed`, and are shown several things each.

    The application counts the same requests, or others (`delayed`).
    """
    source = random.Random(seed)  # noqa: S311  # seeded counts
    for number in range(90):
        requests, others = (_split(source, 600, routed) for _ in range(2))
        seen = others if delayed else requests
        totals = [per_request * count - number % 2 for count in seen]
        yield Minute(number, 0, {"conversion": Counts(totals[0], 0, totals[1], 0)}, requests, weight)


def _split(source: random.Random, requests: int, chance: float) -> tuple[int, int]:
    of_canary = sum(source.random() < chance for _ in range(requests))
    return of_canary, requests - of_canary


@pytest.mark.parametrize("delayed", [False, True])
@pytest.mark.parametrize(("weight", "routed"), [(0.5, 0.5), (0.1, 0.1)])
def test_totals_that_follow_the_requests_fit(weight: float, routed: float, *, delayed: bool) -> None:
    for seed in range(4):
        minutes = drawn(seed, weight=weight, routed=routed, delayed=delayed)
        assert not judged(rules(), minutes).incomparable


def a_split_that_is_not_quite_the_configured_one_fits() -> None:
    assert not judged(rules(), drawn(1, weight=0.5, routed=0.4)).incomparable


def test_the_split_that_routing_really_makes_counts_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    a_split_that_is_not_quite_the_configured_one_fits()
    monkeypatch.setattr(split, "_odds", lambda _requested, share: (share / (1 - share), share / (1 - share)))
    breaks(a_split_that_is_not_quite_the_configured_one_fits)


def test_many_things_a_request_fit() -> None:
    for seed in range(4):
        assert not judged(rules(), drawn(seed, weight=0.5, routed=0.5, per_request=40, delayed=True)).incomparable


def test_a_request_that_is_counted_often_is_evidence_once() -> None:
    once, often = (Split.start().observe((times * 280, times * 320), (300, 300), 0.5, THRESHOLD) for times in (1, 40))
    assert once.capital == often.capital
    assert once.capital != Split.start().observe((140, 160), (300, 300), 0.5, THRESHOLD).capital


@pytest.mark.parametrize(
    ("share", "requested", "counted"),
    [(0.5, (300, 300), (130, 170)), (0.1, (70, 530), (20, 280)), (0.1, (50, 550), (40, 260))],
)
def test_a_minute_is_bet_on_by_the_odds_that_are_nearest_to_its_totals(
    share: float, requested: tuple[int, int], counted: tuple[int, int]
) -> None:
    """Each of the two odds, of the share and of the requests, and 1 % more or less."""
    odds = (share / (1 - share), requested[0] / requested[1])
    low, high = min(odds) / 1.01, max(odds) * 1.01
    of_canary, of_stable = low / (1 + low), 1 / (1 + high)
    expected = 0.3 + 0.7 * math.fsum(
        weight * (part**total / (1 + (part - 1) * boundary) ** 300)
        for part, weight in ((0.95, 0.15), (0.8, 0.2), (0.4, 0.15))
        for total, boundary in zip(counted, (of_canary, of_stable), strict=True)
    )
    after = Split.start().observe(counted, requested, share, THRESHOLD)
    assert after.capital.total == pytest.approx(math.log(expected), abs=1e-4)


def test_a_minute_adds_half_of_what_is_required_at_most() -> None:
    lost = ((0, 600), (300, 300), 0.5, THRESHOLD)
    once = Split.start().observe(*lost)
    assert once.capital.total == pytest.approx(0.49 * THRESHOLD, abs=1e-4)
    assert once.observe(*lost).capital.total == pytest.approx(0.98 * THRESHOLD, abs=1e-4)
    after_a_day = Split(Capital((-9.0,) * 6, -9.0)).observe(*lost)
    assert after_a_day.capital.total == pytest.approx(0.49 * THRESHOLD, abs=1e-4)


@pytest.mark.parametrize(("counted", "requested"), [((0, 0), (300, 300)), ((5, 5), (0, 300)), ((5, 5), (300, 0))])
def test_a_minute_in_which_nothing_can_be_compared_says_nothing(
    counted: tuple[int, int], requested: tuple[int, int]
) -> None:
    assert Split.start().observe(counted, requested, 0.5, THRESHOLD) == Split.start()
    assert Split.start().observe((0, 5), (300, 300), 0.5, THRESHOLD) != Split.start()


def test_what_was_counted_is_summed_up_and_varies_by_request() -> None:
    after = Split.start().observe((560, 640), (300, 300), 0.5, THRESHOLD).observe((10, 20), (15, 16), 0.5, THRESHOLD)
    assert (after.counted, after.requested) == ((570, 660), (315, 316))
    assert (after.dispersion.previous, after.dispersion.seen) == ((10, 30), (290, 630))
    assert after.at_new_share() == replace(after, dispersion=after.dispersion.begin_step())


def test_totals_fit_below_the_threshold_that_their_variance_asks_for() -> None:
    noisy = Dispersion(excess=60.0, pairs=12)
    for dispersion, threshold in ((INDEPENDENT, THRESHOLD), (noisy, noisy.discount * THRESHOLD)):
        assert not Split(Capital((threshold,)), dispersion).fits(THRESHOLD)
        assert Split(Capital((threshold - 1e-6,)), dispersion).fits(THRESHOLD)


def test_noise_makes_a_minute_larger_and_a_restart_later() -> None:
    noisy = Dispersion(excess=60.0, pairs=12)
    lost = Split(Capital((-3.0,) * 6, -1.0), noisy).observe((0, 600), (300, 300), 0.5, THRESHOLD)
    assert lost.capital.total == pytest.approx(0.49 * THRESHOLD * noisy.discount, abs=1e-4)
    cash = math.log(0.25)
    stake = 1.3 * noisy.discount * (cash + math.log(0.25 / 1.25))
    drained = stake + noisy.discount * math.log(0.01) - math.log(6)
    for log, is_renewed in ((drained + 0.001, False), (drained - 0.001, True)):
        after = Split(Capital((log,) * 6, cash), noisy).observe((30, 30), (30, 30), 0.5, THRESHOLD)
        assert after.capital.cash is not None
        assert (after.capital.cash < cash - 0.01) is is_renewed


def test_a_split_is_read_as_it_was_written() -> None:
    state = Split(Capital((-1.0,) * 6, -2.0), Dispersion(1.5, 2, (3, 10), (1, 4), (6, 20)), (7, 8), (9, 11))
    assert state.to_json() == [[-1.0] * 6 + [-2.0], [1.5, 2, 3, 10, 1, 4, 6, 20], [7, 8, 9, 11]]
    stored: Any = state.to_json()
    assert Split.parse(stored) == state


@pytest.mark.parametrize("off", [1.0, split.TOLERANCE, 1 / split.TOLERANCE])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_totals_within_the_tolerance_gain_nothing_on_average(share: float, off: float) -> None:
    odds = off * share / (1 - share)
    start, requested = Split.start(), (round(400 * share), 400 - round(400 * share))
    chance = odds / (1 + odds)
    average = math.fsum(
        binomial_mass(x, 40, chance) * math.exp(start.observe((x, 40 - x), requested, share, THRESHOLD).capital.total)
        for x in range(41)
    )
    assert average <= math.exp(start.capital.total) * (1 + 1e-9)


def two_odd_minutes_are_no_loss() -> None:
    odd = {30: (0.1, 1.0), 31: (0.1, 1.0)}
    minutes = [a_minute(n, shown=odd.get(n, (0.999, 0.999))) for n in range(60)]
    assert not judged(rules(), minutes).incomparable


def test_one_minute_adds_only_a_part_of_the_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    two_odd_minutes_are_no_loss()
    monkeypatch.setattr(split, "LARGEST_STEP", math.inf)
    breaks(two_odd_minutes_are_no_loss)


def test_a_loss_that_begins_late_is_seen_and_one_that_was_mended_is_forgiven() -> None:
    judge = rules()
    fine = [a_minute(n, shown=(0.999, 0.999)) for n in range(300)]
    lossy = [a_minute(n, shown=(0.8, 0.999)) for n in range(300, 330)]
    mended = [a_minute(n, shown=(0.999, 0.999)) for n in range(330, 700)]
    state, before = judge.update(judge.new_state(), fine)
    state, during = judge.update(state, lossy)
    _, after = judge.update(state, mended)
    assert [one.incomparable for one in (before, during, after)] == [False, True, False]


STABLE_LOSES = [a_minute(n, shown=(0.999, 0.8)) for n in range(30)]
"""Stable seems to convert better."""
MENDED = (0.999, 0.999)


def split_off(judge: Judge, minutes: Iterable[Minute]) -> State:
    state, during = judge.update(judge.new_state(), minutes)
    assert (during.verdict, during.incomparable) == ("CONTINUE", True)
    return state


def test_a_loss_of_stable_that_was_mended_rejects_nothing() -> None:
    judge = rules()
    state = split_off(judge, STABLE_LOSES)
    _, after = judge.update(state, [a_minute(n, shown=MENDED) for n in range(30, 400)])
    assert not after.incomparable
    assert after.verdict != "FAIL", after.reason


def test_a_canary_that_converts_worse_is_rejected_after_the_loss_was_mended() -> None:
    judge = rules()
    state = split_off(judge, STABLE_LOSES)
    _, after = judge.update(state, [worse(a_minute(n, shown=MENDED)) for n in range(30, 120)])
    assert (after.verdict, after.gate) == ("FAIL", "conversion")


def worse(minute: Minute) -> Minute:
    """Return the minute with a third less conversions of the canary."""
    counts = minute.counts_of("conversion")
    assert counts is not None
    return replace(
        minute, counts={**minute.counts, "conversion": replace(counts, canary_bad=counts.canary_bad * 2 // 3)}
    )


def test_showings_that_the_canary_lost_for_a_while_prove_nothing() -> None:
    judge = rules(superior_step=0)
    state = split_off(judge, [a_minute(n, shown=(0.8, 0.999)) for n in range(30)])
    for number in range(30, 70):
        state, _ = judge.update(state, [a_minute(number, shown=MENDED)])
        after = judge.at_bake_end(state)
        assert after.verdict != "PASS", after.reason
    assert not after.incomparable


def no_step_passes_on_minutes_that_were_not_counted_alike() -> None:
    """When the totals fit again, the step begins to count its minutes and requests."""
    judge = rules()
    state, number = split_off(judge, STABLE_LOSES), 30
    while judge.at_bake_end(state).incomparable:
        state, _ = judge.update(state, [a_minute(number, shown=MENDED)])
        number += 1
    after = judge.at_bake_end(state)
    assert (after.verdict, after.incomparable) == ("CONTINUE", False)
    assert after.reason.startswith("conversion: too little to judge: 0 requests to the canary and 0 to stable")
    state, _ = judge.update(state, [a_minute(number + n, shown=MENDED) for n in range(5)])
    assert judge.at_bake_end(state).verdict == "PASS"


def test_a_step_begins_to_count_when_its_gate_counts_both_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    no_step_passes_on_minutes_that_were_not_counted_alike()
    monkeypatch.setattr(Gate, "_begun_anew", lambda _self, state: state)
    breaks(no_step_passes_on_minutes_that_were_not_counted_alike)


@pytest.mark.parametrize(("share", "is_known_off"), [(0.75, True), (1.0, False)])
def test_a_step_begins_with_what_was_not_counted_alike(share: float, *, is_known_off: bool) -> None:
    """A person took the step before as passed. At 100 % no chance splits the requests: nothing is compared."""
    judge = rules()
    state = split_off(judge, STABLE_LOSES)
    _, at_once = judge.update(state, [], step=1)
    assert at_once.incomparable
    _, after = judge.update(state, [a_minute(30, shown=MENDED, share=share, step=1)], step=1)
    assert (after.verdict, after.incomparable) == ("CONTINUE", is_known_off)


def test_a_delayed_count_of_the_step_before_is_still_not_counted_alike() -> None:
    """It comes in the next step, at a share that its totals cannot be held against."""
    judge = rules(delay=10)
    lossy = [a_minute(n, shown=(0.999, 0.8)) for n in range(40)]
    late = [
        replace(a_minute(n, shown=(0.999, 0.8)), step=1, invocations=(5700, 300), share=0.95) for n in range(40, 50)
    ]
    _, after = judge.update(split_off(judge, lossy), late, step=1)
    assert (after.verdict, after.incomparable) == ("CONTINUE", True)


def test_a_gate_that_does_not_count_both_alike_bets_nothing() -> None:
    """No capital is above what it began with, and the cash lasts until the gate compares again."""
    judge = rules(superior_step=0)
    state = split_off(judge, [a_minute(n, shown=(0.8, 0.999)) for n in range(30)])
    begun, held = judge.new_state()["gates"]["conversion"], state["gates"]["conversion"]
    for capital in ("bets", "pass"):
        assert all(now <= first for now, first in zip(held[capital], begun[capital], strict=True))
    assert held["cash"] <= begun["cash"]
    falling = Minute(300, 0, STABLE_LOSES[0].counts, fell_from=0.5)
    later, _ = judge.update(state, [*(a_minute(n, shown=(0.8, 0.999)) for n in range(30, 300)), falling])
    for kept in ("bets", "cash", "alone", "pass", "rise", "step"):
        assert later["gates"]["conversion"][kept] == held[kept], kept


def test_what_was_shown_before_the_step_is_not_checked() -> None:
    shift = [a_minute(n, shown=(1.0, 1.0), share=0.1) for n in range(30)]
    late = [
        Minute(n, 1, {"conversion": Counts(600, 30, 5400, 270)}, invocations=(3000, 3000), share=0.5)
        for n in range(30, 40)
    ]
    assert not judged(rules(delay=10), [*shift, *late]).incomparable
    assert judged(rules(), [*shift, *late]).incomparable


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_no_chance_splits_the_requests_nothing_is_checked(share: float) -> None:
    minutes = [Minute(n, 0, {"conversion": Counts(400, 20, 3000, 150)}, (3000, 3000), share) for n in range(60)]
    assert not judged(rules(), minutes).incomparable


def test_a_json_round_trip_at_every_minute_changes_nothing() -> None:
    judge = rules()
    kept = stored = judge.new_state()
    for number in range(20):
        minute = a_minute(number, shown=(0.9, 1.0))
        kept, assessment = judge.update(kept, [minute])
        stored, same = judge.update(json.loads(json.dumps(stored, allow_nan=False)), [minute])
        assert (stored, same) == (kept, assessment)
    assert "split" not in kept["gates"]["errors"]
    assert len(json.dumps(kept["gates"]["conversion"]["split"], separators=(",", ":"))) < 150
