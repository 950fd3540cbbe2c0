"""Every limit of pacing, from both of its sides. The evidence of a gate is given here, not calculated."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from rollout.contract.exposure import GateSums, Pacing
from rollout.contract.gate_rules import Direction, GateRule, Kind
from rollout.decisions.pacing import Look, Pace, Period, Strongest, _proof, braked, excess, first_share
from rollout.gates import Counts, GateView

BRAKES = math.log(200)
ERRORS = GateRule(name="errors", ratio=1.25, min_difference=0.0005)
LATENCY = GateRule(name="latency", kind=Kind.SHARE)
SALES = GateRule(
    name="sales", kind=Kind.SHARE, direction=Direction.LOWER_IS_WORSE, ratio=0.95, min_difference=0.001, event="bought"
)
WORSE = Counts(600, 30, 5400, 6)
LIKE_STABLE = Counts(600, 1, 5400, 9)
SINCE = Pacing(since=100)


@dataclass(frozen=True, kw_only=True)
class Told(GateView):
    """A gate whose evidence, or whose bets on equality, are what a test says."""

    said: float = 0.0
    a_period: float = 0.0
    bets: tuple[float, float] = (0.0, 0.0)

    def evidence(self, minutes: Sequence[Counts]) -> float:
        return self.said + self.a_period * len(minutes)

    def equality(self, _counts: Counts, _margin: float) -> tuple[float, float]:
        return self.bets


def told(
    rule: GateRule = ERRORS,
    *,
    said: float = 0.0,
    a_period: float = 0.0,
    bets: tuple[float, float] = (0.0, 0.0),
    stable_rate: float = 0.001,
    spread: float = 1.0,
    log_evidence: float = 0.0,
) -> Told:
    return Told(
        rule=rule, said=said, a_period=a_period, bets=bets, stable_rate=stable_rate, bets_at=stable_rate,
        spread=spread, log_evidence=log_evidence,
    )  # fmt: skip


def pace(share: float, *gates: GateView, budget: float | None = 100) -> Pace:
    return Pace(budget=budget, reaction=4, share=share, gates=gates or (told(),))


def of(number: int, *counts: Counts, percent: float | None = 10, names: Sequence[str] = ("errors",)) -> Period:
    by_gate = dict(zip(names, counts, strict=False))
    return Period(number, percent, sum(c.total for c in counts[:1]), by_gate, by_gate, by_gate)


def look(
    gate: GateView, *periods: Period, share: float = 10, before: Pacing = SINCE, budget: float | None = 100
) -> Look:
    return pace(share, gate, budget=budget).look(before, periods, end=1000)


def after(share: float, *gates: GateView, clean: float = 0.0, **sums: float) -> Look:
    """Return a look without a budget that knows these sums of every gate."""
    pacing = Pacing(since=100, here=100, clean=clean, gates={g.rule.name: GateSums(**sums) for g in gates or (told(),)})  # type: ignore[arg-type]  # whole numbers are not given here
    return Look(pace=pace(share, *gates, budget=None), kept=pacing, ahead=pacing, newest=[])


# The first share


def test_a_first_share_is_at_most_a_tenth_and_at_most_the_checkpoint() -> None:
    assert first_share(1e9, per_period=60, reaction=4, checkpoint=50) == 10
    assert first_share(1e9, per_period=60, reaction=4, checkpoint=5) == 5


def test_without_traffic_one_request_a_period_is_reckoned_with() -> None:
    assert first_share(1, per_period=0, reaction=20, checkpoint=50) == 5
    assert pace(1, budget=1).affords(told(), 0.5, 0) == 50
    assert pace(1, budget=1).margin(told(), 0) == pytest.approx(1 / 60)


# The next share


@pytest.mark.parametrize(("clean", "share"), [(0.25, 1.0), (0.26, 1.3), (0.3, 1.5)])
def test_a_raise_is_at_least_by_three_tenths(clean: float, share: float) -> None:
    assert after(1.0, clean=clean).next_share(50) == share


@pytest.mark.parametrize(("clean", "share"), [(1.78, 8.9), (1.8, 10), (4.0, 10)])
def test_from_nine_tenths_of_a_checkpoint_on_the_checkpoint_is_taken(clean: float, share: float) -> None:
    assert after(1.0, clean=clean).next_share(10) == share


def test_gates_that_afford_as_much_are_no_difficulty() -> None:
    assert after(1.0, told(), told(LATENCY)).affordable == (100, "")


def test_what_limits_the_share_is_said_with_its_gate() -> None:
    assert look(told(), of(100, LIKE_STABLE)).limit.startswith("by gate errors the canary may still be ")


def test_a_period_that_lacks_the_counts_of_a_gate_makes_no_share_clean() -> None:
    looked = pace(10, told(), told(LATENCY)).look(SINCE, [of(100, LIKE_STABLE)], end=1000)
    assert looked.ahead.clean == 0
    whole = of(100, LIKE_STABLE, LIKE_STABLE, names=("errors", "latency"))
    assert pace(10, told(), told(LATENCY)).look(SINCE, [whole], end=1000).ahead.clean == 10


@pytest.mark.parametrize(("requests", "clean"), [(0, 0), (1, 10)])
def test_one_request_of_the_canary_shows_a_share(requests: int, clean: float) -> None:
    assert look(told(), of(100, Counts(requests, 0, 5400, 6))).ahead.clean == clean


# What holds a share


@pytest.mark.parametrize(("said", "holds"), [(1.99, False), (2.0, True)])
def test_the_newest_periods_hold_a_share_from_an_evidence_of_two_on(said: float, *, holds: bool) -> None:
    held = look(told(said=said), of(100, WORSE)).held
    assert held == ("the newest metric periods speak against the canary (gate errors), so nothing is raised" * holds)


@pytest.mark.parametrize(
    ("rise", "spread", "holds"), [(0.69, 1, False), (0.7, 1, True), (1.4, 2, True), (1.0, 2, False)]
)
def test_evidence_that_rises_holds_a_share_over_its_dispersion(rise: float, spread: float, *, holds: bool) -> None:
    assert bool(after(1, told(spread=spread), rise=rise).held) == holds


def test_every_gate_whose_evidence_rises_is_named() -> None:
    assert "(gate errors, latency)" in after(1, told(), told(LATENCY), rise=1.0).held


def test_evidence_and_its_rise_are_kept_to_a_thousandth() -> None:
    kept = look(told(log_evidence=0.12345)).kept.gates["errors"]
    assert (kept.total, kept.rise) == (0.123, 0.123)


# The brake


@pytest.mark.parametrize(("said", "brakes"), [(BRAKES, True), (math.nextafter(BRAKES, 0), False)])
def test_a_brake_needs_evidence_of_one_in_200(said: float, *, brakes: bool) -> None:
    assert bool(look(told(said=said), of(100, WORSE)).brake) == brakes


def test_a_brake_tells_how_many_periods_speak_and_no_odds_beyond_e_to_the_20() -> None:
    brake = look(told(said=30), of(100, WORSE)).brake
    assert brake is not None
    assert "1 in 485,165,195 against the canary in its newest 1 metric periods" in brake.reason


def test_a_brake_looks_at_the_newest_three_periods() -> None:
    looked = look(told(a_period=1.0), *(of(100 + n, WORSE) for n in range(5)))
    assert looked.strongest == Strongest(3.0, "errors", 3)


def test_without_a_period_nothing_speaks_against_the_canary() -> None:
    assert look(told(said=9)).strongest == (-math.inf, "", 0)


def test_periods_before_the_share_was_in_force_and_silent_ones_brake_nothing() -> None:
    silent = Period(101, 10, 0, {}, {}, {})
    looked = look(told(said=9), of(99, WORSE), silent)
    assert looked.newest == []
    assert looked.brake is None


def test_a_share_that_was_lowered_is_not_lowered_again_and_neither_is_none() -> None:
    assert look(told(said=9), of(100, WORSE)).brake is not None
    assert look(told(said=9), of(100, WORSE), before=replace(SINCE, is_low=True)).brake is None
    assert look(told(said=9), of(100, WORSE), share=0).brake is None


@pytest.mark.parametrize(("share", "percent"), [(1.0, 0.41), (0.82, 0.41), (0.81, None)])
def test_a_brake_lowers_a_share_at_least_to_its_half(share: float, percent: float | None) -> None:
    brake = look(told(said=9), of(100, WORSE), share=share).brake
    assert (None if brake is None else brake.percent) == percent


def test_what_stable_s_rate_explains_lowers_no_share_further() -> None:
    brake = look(told(said=9), of(100, Counts(3000, 300, 3000, 250)), share=50).brake
    assert brake is not None
    assert brake.percent == 5


@pytest.mark.parametrize(("brakes", "is_last"), [(0, False), (1, False), (2, True)])
def test_the_third_brake_ends_a_rollout(brakes: int, *, is_last: bool) -> None:
    assert look(told(), before=replace(SINCE, brakes=brakes)).is_last_brake == is_last


def test_a_brake_keeps_the_evidence_of_the_gates_and_the_traffic_and_nothing_else() -> None:
    sums = GateSums(requests=9, bad=2, expected=1.0, ratio=1.0, margin=1.0, rise=0.5, total=1.5)
    before = Pacing(since=7, last=12, clean=5, here=9, busiest=60, brakes=1, gates={"errors": sums})
    kept = {"errors": GateSums(rise=0.5, total=1.5)}
    assert braked(before) == Pacing(last=12, busiest=60, brakes=2, is_low=True, gates=kept)


# What counts as evidence


@pytest.mark.parametrize(
    "counts",
    [Counts(0, 0, 5400, 6), Counts(600, 30, 0, 0), Counts(600, 60, 5400, 540), Counts(600, 1, 5400, 54)],
    ids=["no canary", "no stable", "equal", "better"],
)
def test_no_evidence_is_asked_of_one_side_or_of_a_canary_that_is_no_worse(counts: Counts) -> None:
    assert look(told(said=9), of(100, counts)).strongest == Strongest()


def test_a_difference_of_the_least_that_matters_is_evidence() -> None:
    rule = replace(ERRORS, min_difference=0.25)
    assert look(told(rule, said=9), of(100, Counts(4, 3, 4, 2))).strongest.evidence == 9
    assert look(told(rule, said=9), of(100, Counts(8, 5, 4, 2))).strongest == Strongest()


@pytest.mark.parametrize(("sold", "speaks"), [(10, True), (50, False), (90, False)])
def test_only_fewer_sales_speak_against_a_canary(sold: int, *, speaks: bool) -> None:
    looked = look(told(SALES, said=9), of(100, Counts(1000, sold, 1000, 50), names=("sales",)))
    assert bool(looked.strongest.periods) == speaks


def test_a_newer_period_without_counts_does_not_hide_an_older_one() -> None:
    lacking = Period(101, 10, 6000, {}, {}, {})
    assert look(told(said=9), of(100, WORSE), lacking).strongest == Strongest(9.0, "errors", 1)


# What is counted


def test_bad_requests_and_those_expected_are_counted() -> None:
    counted = look(told(), of(100, Counts(700, 3, 5300, 7)), of(101, Counts(700, 2, 5300, 7))).ahead.gates["errors"]
    assert (counted.requests, counted.bad) == (1400, 5)
    assert counted.expected == round(round(700 * 7 / 5300, 3) + 700 * 7 / 5300, 3)


@pytest.mark.parametrize("counts", [Counts(0, 0, 5400, 6), Counts(600, 3, 0, 0)], ids=["no canary", "no stable"])
def test_a_period_of_one_side_is_not_counted(counts: Counts) -> None:
    assert look(told(bets=(1.0, 1.0)), of(100, counts)).ahead.gates["errors"] == GateSums()


@pytest.mark.parametrize(
    ("rate", "total", "stable_bad", "is_outage"),
    [
        (0.01, 1000, 50, False), (0.01, 1000, 87, False), (0.01, 1000, 88, True),
        (0.01, 1_000_000, 51_000, False), (0.01, 1_000_000, 51_100, True),
        (0.0001, 10_000, 87, False), (0.0001, 10_000, 89, True),
        (0.05, 2, 1, False), (0.05, 2, 2, False), (0.05, 7, 7, False), (0.05, 20, 20, True),
    ],
)  # fmt: skip
def test_an_outage_is_five_times_stable_s_rate_and_ten_least_differences_beyond_doubt(
    rate: float, total: int, stable_bad: int, *, is_outage: bool
) -> None:
    counted = look(told(stable_rate=rate, bets=(1.0, 1.0)), of(100, Counts(100, 0, total, stable_bad)))
    sums = counted.ahead.gates["errors"]
    assert (sums.requests, sums.ratio, sums.likely_ratio) == ((0, 0.0, 0.0) if is_outage else (100, 1.0, 1.0))


def test_to_leave_out_what_is_bad_at_stable_by_chance_makes_no_canary_look_worse() -> None:
    """Two requests in a period, of which one in twenty fails: no period with a failure is an outage."""
    counts = [Counts(2, int(number % 20 == 0), 2, int(number % 20 == 10)) for number in range(200)]
    periods = [of(100 + number, each) for number, each in enumerate(counts)]
    sums = look(told(stable_rate=0.05), *periods).ahead.gates["errors"]
    assert (sums.requests, sums.bad, sums.expected) == (400, 10, 10.0)


def test_many_sales_are_no_outage() -> None:
    looked = look(told(SALES, stable_rate=0.05), of(100, Counts(100, 50, 1000, 500), names=("sales",)))
    assert looked.ahead.gates["sales"].requests == 100


def test_the_traffic_of_before_is_reckoned_with_where_no_period_is_published() -> None:
    assert look(told(), before=replace(SINCE, busiest=50.0)).kept.busiest == 50


# What is not excluded


def test_no_excess_is_below_nothing_or_above_everything() -> None:
    assert excess(told(), GateSums(requests=1)) == 1
    assert excess(told(SALES, stable_rate=0.05), GateSums(requests=1000, bad=50, expected=10)) == 0
    assert excess(told(SALES, stable_rate=0.0), GateSums()) == 1


# The proof at a checkpoint


@pytest.mark.parametrize(
    ("rule", "rate", "budget", "per_period", "margin"),
    [
        (ERRORS, 0.001, 100, 6000, 2 * 0.0005),
        (ERRORS, 0.05, 100, 6000, (1.23 * 1.25 - 1) * 0.05),
        (SALES, 0.05, 100, 6000, (1 - 0.95 / 1.23) * 0.05),
        (ERRORS, 0.001, 100, 100, 100 / (100 * 60)),
        (ERRORS, 0.001, 100, 1, 0.5),
        (ERRORS, 0.001, None, 1, 2 * 0.0005),
    ],
    ids=["least difference", "what is seen", "lost sales", "budget in an hour", "never above a half", "no budget"],
)
def test_the_margin_is_what_can_be_seen_or_what_breaks_the_budget_in_an_hour(
    rule: GateRule, rate: float, budget: float | None, per_period: float, margin: float
) -> None:
    assert pace(50, budget=budget).margin(told(rule, stable_rate=rate), per_period) == pytest.approx(margin)


@pytest.mark.parametrize(("ratio", "margin"), [(0.0, 0.0), (2.0, 1.0), (-3.0, 4.0)])
def test_the_proof_is_three_tenths_of_one_bet_and_seven_of_the_other(ratio: float, margin: float) -> None:
    together = math.log(0.3 * math.exp(ratio) + 0.7 * math.exp(margin))
    assert _proof(ratio, margin) == pytest.approx(together, abs=1e-12)


@pytest.mark.parametrize(
    ("certain", "likely", "soon", "at_the_end"),
    [(4.0, 4.0, True, True), (-1.0, 0.5, False, True), (4.0, -1.0, True, False)],
)
def test_a_proof_holds_for_all_bounds_and_the_end_of_a_bake_asks_what_is_likeliest(
    certain: float, likely: float, *, soon: bool, at_the_end: bool
) -> None:
    looked = after(50, ratio=certain, margin=certain, likely_ratio=likely, likely_margin=likely)
    assert (looked.is_proven(at_bake_end=False), looked.is_proven(at_bake_end=True)) == (soon, at_the_end)


def test_bets_on_equality_are_kept_to_a_thousandth_and_within_bounds() -> None:
    def kept(ratio: float, margin: float) -> tuple[float, float]:
        sums = look(told(bets=(ratio, margin)), of(100, LIKE_STABLE)).ahead.gates["errors"]
        return sums.ratio, sums.margin

    assert kept(0.12345, 0.98765) == (0.123, 0.988)
    assert kept(9.0, -99.0) == (4.0, -30.0)
