"""FAIL on evidence that matters, PASS on proof, CONTINUE otherwise."""

import json
from dataclasses import replace

import pytest
from rollout.gates import Counts, Judge, Minute

from tests.gates.rollouts import judge, minutes, run

HEALTHY = Counts(3000, 3, 57000, 57)


def test_a_bad_canary_fails_with_the_numbers_in_the_reason() -> None:
    assessment = run(judge(min_difference=0.0005), minutes(30, Counts(324, 2, 6144, 6)))
    assert assessment.verdict == "FAIL"
    assert assessment.gate == "errors"
    assert assessment.reason.startswith("errors: canary ")
    assert " requests failed (0.62 %), stable " in assessment.reason
    assert "; the canary is at least 1.25 times worse, evidence 1 in " in assessment.reason


def test_a_fail_is_final() -> None:
    rules = judge()
    state, first = rules.update(rules.new_state(), minutes(9, Counts(300, 30, 5700, 6)))
    again_state, again = rules.update(state, minutes(30, Counts(300, 0, 5700, 60), start=9))
    assert first.verdict == "FAIL"
    assert (again_state, again) == (state, first)


def test_a_healthy_canary_continues_and_then_passes_early() -> None:
    rules = judge(min_difference=0.0005)
    state, soon = rules.update(rules.new_state(), minutes(6, HEALTHY))
    _, later = rules.update(state, minutes(60, HEALTHY, start=6))
    assert soon.verdict == "CONTINUE"
    assert "no sign that the canary is at least 1.25 times worse (rolls back at evidence 1 in 100)" in soon.reason
    assert later.verdict == "PASS"
    assert later.minute is not None
    assert later.minute < 65
    assert "the canary is not 1.25 times worse, evidence 1 in " in later.reason


def test_the_least_difference_shortens_the_way_to_an_early_pass() -> None:
    with_it = run(judge(min_difference=0.0005), minutes(200, HEALTHY)).minute
    without = run(judge(), minutes(200, HEALTHY)).minute
    assert with_it is not None
    assert without is not None
    assert with_it < without / 2


def test_a_pass_holds_for_one_step_only() -> None:
    rules = judge(min_difference=0.0005)
    state, first = rules.update(rules.new_state(), minutes(60, HEALTHY))
    _, second = rules.update(state, [Minute(60, 1, {"errors": Counts(30000, 30, 30000, 30)})])
    assert (first.verdict, second.verdict) == ("PASS", "CONTINUE")


def test_a_step_without_a_final_minute_does_not_pass_on_what_an_earlier_one_showed() -> None:
    rules = judge(min_difference=0.0005)
    state, first = rules.update(rules.new_state(), minutes(60, HEALTHY))
    state, second = rules.update(state, [], step=1)
    end = rules.at_bake_end(state)
    assert (first.verdict, second.verdict, end.verdict) == ("PASS", "CONTINUE", "CONTINUE")
    assert "too little to judge: 0 requests to the canary and 0 to stable in 0 minutes" in end.reason


def test_a_step_that_begins_before_its_first_minute_goes_on_as_if_it_began_with_it() -> None:
    rules = judge(warm_up=2)
    state, _ = rules.update(rules.new_state(), minutes(9, HEALTHY))
    early, _ = rules.update(state, [], step=1)
    later = minutes(9, HEALTHY, start=9, step=1)
    assert rules.update(early, later, step=1) == rules.update(state, later)


def test_a_difference_that_does_not_matter_does_not_fail() -> None:
    worse = Counts(100_000, 40, 100_000, 10)
    assert run(judge(), minutes(60, worse)).verdict == "FAIL"
    assert run(judge(min_difference=0.0005), minutes(60, worse)).verdict != "FAIL"


def test_fewer_conversions_fail_where_more_do_not() -> None:
    rules = judge(kind="share", direction="lower_is_worse", ratio=0.95, event="converted")
    fewer = run(rules, minutes(60, Counts(1000, 40, 9000, 540)))
    more = run(rules, minutes(60, Counts(1000, 80, 9000, 540)))
    assert fewer.verdict == "FAIL"
    assert "the canary is below 0.95 times stable's rate" in fewer.reason
    assert more.verdict == "PASS"


def test_slow_requests_fail() -> None:
    rules = judge(kind="share", ratio=1.5, event="were slow")
    assert run(rules, minutes(30, Counts(300, 60, 2700, 270))).verdict == "FAIL"
    assert run(rules, minutes(30, Counts(300, 30, 2700, 270))).verdict != "FAIL"


def test_fewer_of_a_rare_event_fail_too() -> None:
    rules = judge(direction="lower_is_worse", ratio=0.9)
    assert run(rules, minutes(60, Counts(3000, 3, 27000, 270))).verdict == "FAIL"


def test_an_outage_of_both_variants_is_not_rolled_back() -> None:
    rollout = [
        *minutes(30, HEALTHY),
        *minutes(2, Counts(3000, 1500, 57000, 28500), start=30),
        *minutes(30, HEALTHY, start=32),
    ]
    assert run(judge(), rollout).verdict != "FAIL"


def test_warm_up_minutes_are_left_out_of_every_step() -> None:
    cold = Counts(300, 300, 5700, 6)
    rollout = minutes(3, cold) + minutes(5, Counts(300, 0, 5700, 6), start=3)
    rollout += minutes(3, cold, start=8, step=1)
    assert run(judge(warm_up=3), rollout).verdict == "CONTINUE"
    assert run(judge(warm_up=2), rollout).gates[0].seen.canary_bad == 600


def test_weak_evidence_of_two_gates_adds_up() -> None:
    both = Judge.from_config({"gates": [{"name": "a"}, {"name": "b"}], "alpha": 0.01})
    bad, good = Counts(300, 2, 5700, 10), Counts(300, 0, 5700, 10)

    def decided(first: Counts, second: Counts) -> int:
        assessment = run(both, [Minute(n, 0, {"a": first, "b": second}) for n in range(60)])
        assert assessment.verdict == "FAIL"
        assert assessment.minute is not None
        return assessment.minute

    assert decided(bad, bad) < min(decided(bad, good), decided(good, bad))


def test_a_gates_alpha_share_is_its_part_of_alpha() -> None:
    light = Judge.from_config({"gates": [{"name": "a", "alpha_share": 0.1}, {"name": "b", "alpha_share": 0.9}]})
    rollout = [Minute(n, 0, {"a": Counts(300, 2, 5700, 6)}) for n in range(60)]
    heavy = Judge.from_config({"gates": [{"name": "a", "alpha_share": 0.9}, {"name": "b", "alpha_share": 0.1}]})
    first, second = run(heavy, rollout).minute, run(light, rollout).minute
    assert first is not None
    assert second is not None
    assert first < second


def test_the_bake_ends_with_a_pass_if_enough_was_seen() -> None:
    rules = judge()
    state, undecided = rules.update(rules.new_state(), minutes(10, Counts(30, 0, 570, 1)))
    assert undecided.verdict == "CONTINUE"
    assert rules.at_bake_end(state).verdict == "PASS"


@pytest.mark.parametrize("seen", [minutes(10, Counts(9, 0, 570, 1)), minutes(4, Counts(300, 0, 570, 1)), []])
def test_too_little_is_neither_good_nor_bad_news(seen: list[Minute]) -> None:
    rules = judge()
    state, _ = rules.update(rules.new_state(), seen)
    end = rules.at_bake_end(state)
    assert end.verdict == "CONTINUE"
    assert "too little to judge" in end.reason


def test_proof_can_be_required() -> None:
    rules = judge(require_proof=True)
    state, _ = rules.update(rules.new_state(), minutes(10, Counts(30, 0, 570, 1)))
    assert rules.at_bake_end(state).verdict == "CONTINUE"


def test_at_100_percent_where_nothing_can_be_compared_no_proof_is_asked() -> None:
    rules = judge(require_proof=True)
    alone = with_traffic(minutes(10, Counts(600, 0, 0, 0)), 600, 1.0)
    state, _ = rules.update(rules.new_state(), alone)
    assert rules.at_bake_end(state).verdict == "PASS"
    state, _ = rules.update(rules.new_state(), with_traffic(minutes(10, Counts(300, 0, 300, 0)), 300, 0.5))
    assert rules.at_bake_end(state).verdict == "CONTINUE"


def with_traffic(rollout: list[Minute], canary: int, share: float) -> list[Minute]:
    return [replace(minute, invocations=(canary, 600 - canary), share=share) for minute in rollout]


def test_a_canary_without_its_traffic_is_starved_and_does_not_pass() -> None:
    rules = judge()
    state, first = rules.update(rules.new_state(), with_traffic(minutes(1, Counts(0, 0, 600, 1)), 0, 0.1))
    state, second = rules.update(state, with_traffic(minutes(9, Counts(0, 0, 600, 1), start=1), 0, 0.1))
    assert not first.starved
    assert second.starved
    assert second.reason.startswith("canary received 0 of 600 requests")
    assert rules.at_bake_end(state).verdict == "CONTINUE"


@pytest.mark.parametrize("requests", [600, 6_000, 600_000])
@pytest.mark.parametrize("healthy", [0, 5, 30, 600])
def test_a_canary_that_loses_its_traffic_is_starved_within_six_minutes_however_long_it_had_it(
    requests: int, healthy: int
) -> None:
    rules, share = judge(), requests // 10
    served = Minute(0, 0, {"errors": Counts(share, 0, requests - share, 1)}, (share, requests - share), 0.1)
    lost = replace(served, counts={"errors": Counts(0, 0, requests, 1)}, invocations=(0, requests))
    rollout = [replace(served, number=n) for n in range(healthy)]
    state, _ = rules.update(rules.new_state(), rollout)
    state, after = rules.update(state, [replace(lost, number=healthy + n) for n in range(6)])
    assert after.starved
    assert rules.at_bake_end(state).verdict == "CONTINUE"


def test_minutes_in_which_the_canary_had_no_requests_do_not_count_as_seen() -> None:
    rules = judge(min_requests=1)
    state, _ = rules.update(rules.new_state(), minutes(4, Counts(600, 0, 5400, 1)))
    state, _ = rules.update(state, minutes(10, Counts(0, 0, 6000, 1), start=4))
    assert rules.at_bake_end(state).verdict == "CONTINUE"
    state, _ = rules.update(state, minutes(1, Counts(600, 0, 5400, 1), start=14))
    assert rules.at_bake_end(state).verdict == "PASS"


WORSE, AS_GOOD = Counts(300, 7, 2700, 135), Counts(300, 15, 2700, 135)
"""Conversions: the canary's 2.3 % or 5 %, stable's 5 %."""


def delayed() -> Judge:
    return judge(kind="share", direction="lower_is_worse", ratio=0.95, delay=60)


@pytest.mark.parametrize("before", [WORSE, AS_GOOD])
def test_what_an_earlier_release_showed_neither_fails_nor_passes_the_first_step(before: Counts) -> None:
    rules = delayed()
    state, assessment = rules.update(rules.new_state(), minutes(60, before))
    assert assessment.verdict == "CONTINUE"
    assert rules.at_bake_end(state).verdict == "CONTINUE"


def test_what_the_step_before_showed_passes_no_step_but_may_fail_it() -> None:
    rules = delayed()
    first = minutes(80, AS_GOOD)
    state, _ = rules.update(rules.new_state(), first)
    passed, _ = rules.update(state, minutes(60, AS_GOOD, start=80, step=1))
    assert rules.at_bake_end(passed).verdict == "CONTINUE"
    _, failed = rules.update(state, minutes(60, WORSE, start=80, step=1))
    assert failed.verdict == "FAIL"


def test_the_last_step_at_100_percent_reads_what_the_step_before_showed() -> None:
    rules = delayed()
    state, _ = rules.update(rules.new_state(), minutes(80, AS_GOOD))
    last = [replace(m, invocations=(3000, 0), share=1.0) for m in minutes(10, AS_GOOD, start=80, step=1)]
    state, _ = rules.update(state, last)
    assert rules.at_bake_end(state).verdict == "PASS"


@pytest.mark.parametrize(("canary", "share"), [(60, 0.1), (45, 0.1), (600, 1.0)])
def test_a_canary_with_its_traffic_is_not_starved(canary: int, share: float) -> None:
    assert not run(judge(), with_traffic(minutes(300, Counts(60, 0, 540, 1)), canary, share)).starved


@pytest.mark.parametrize(("canary", "share"), [(0, 1.0), (300, 0.9)])
def test_a_canary_with_all_or_most_of_the_weight_can_be_starved_too(canary: int, share: float) -> None:
    assert run(judge(), with_traffic(minutes(9, Counts(0, 0, 600, 1)), canary, share)).starved


REFUSING = Counts(3000, 300, 57000, 57)


def test_a_gate_that_is_not_asked_in_a_step_neither_fails_nor_holds_it_and_is_asked_in_the_next() -> None:
    both = Judge.from_config({"gates": [{"name": "errors"}, {"name": "refused", "unasked_steps": [0]}]})
    step = [Minute(n, 0, {"errors": HEALTHY, "refused": REFUSING}) for n in range(10)]
    state, first = both.update(both.new_state(), step)
    assert first.verdict == "CONTINUE"
    assert first.gates[1].seen == Counts(0, 0, 0, 0)
    assert "refused: not compared in this step" in first.reason
    assert both.at_bake_end(state).verdict == "PASS"
    _, next_step = both.update(state, [Minute(n, 1, {"errors": HEALTHY, "refused": REFUSING}) for n in range(10, 20)])
    assert (next_step.verdict, next_step.gate) == ("FAIL", "refused")


def test_a_step_passes_early_without_the_gate_that_is_not_asked() -> None:
    config = {"gates": [{"name": "errors", "min_difference": 0.0005}, {"name": "refused", "unasked_steps": [0]}]}
    both = Judge.from_config(config)
    minutes_of_both = [Minute(n, 0, {"errors": HEALTHY, "refused": None}) for n in range(60)]
    _, assessment = both.update(both.new_state(), minutes_of_both)
    assert assessment.verdict == "PASS"


@pytest.mark.parametrize(("tolerated", "verdict"), [(0.001, "FAIL"), (1.0, "CONTINUE")])
def test_a_difference_of_100_percentage_points_tolerates_everything(tolerated: float, verdict: str) -> None:
    everything = Counts(3000, 2990, 57000, 57)
    assert run(judge(min_difference=tolerated), minutes(30, everything)).verdict == verdict


def test_counts_that_were_bounds_are_said_to_be_until_the_end() -> None:
    rules = judge(event="took more than 1000 ms")
    bound = replace(minutes(1, HEALTHY)[0], bounded={"errors": HEALTHY})
    state, _ = rules.update(rules.new_state(), [bound])
    _, later = rules.update(state, minutes(3, HEALTHY, start=1))
    assert "canary at least 12 of 12,000 requests took more than 1000 ms (0.10 %), stable at most 228" in later.reason
    _, exact = rules.update(rules.new_state(), minutes(3, HEALTHY))
    assert "at most" not in exact.reason


def of_bounds(number: int, canary: tuple[int, int], stable: tuple[int, int]) -> Minute:
    """Return a minute of 3,000 requests each, in which between so many of each were slow."""
    favourable, opposite = (Counts(3000, canary[at], 3000, stable[1 - at]) for at in (0, 1))
    return Minute(number, 0, {"errors": favourable}, bounded={"errors": opposite})


@pytest.mark.parametrize(("canary", "verdict"), [((28, 31), "PASS"), ((28, 60), "CONTINUE")])
def test_only_the_bounds_that_speak_least_for_the_canary_prove_that_it_is_good(
    canary: tuple[int, int], verdict: str
) -> None:
    """Narrow ones prove it, of wide ones only the favourable end says so."""
    rules = judge(kind="share", ratio=1.5, min_difference=0.005, require_proof=True)
    state = rules.new_state()
    for number in range(60):
        state, _ = rules.update(state, [of_bounds(number, canary, (29, 31))])
    assert rules.at_bake_end(state).verdict == verdict


def test_the_bounds_that_speak_least_for_the_canary_reject_nothing() -> None:
    """At least 1 % of its requests are slow, and of stable's at most 1 %; at most 10 %, and at least 0.1 %."""
    rules = judge(kind="share", ratio=1.5)
    rollout = [of_bounds(number, (30, 300), (3, 30)) for number in range(60)]
    assert run(rules, rollout).verdict == "CONTINUE"
    assert run(rules, [of_bounds(number, (300, 300), (3, 3)) for number in range(60)]).verdict == "FAIL"


def with_a_common_outage_at_half(canary_rate: float) -> list[Minute]:
    """Return a step at 10 %, and one at 50 % with an outage of both; the canary fails so many times as often."""
    usual, outage = 3 * canary_rate, 900 * canary_rate
    quiet = minutes(20, Counts(1000, round(usual / 3), 9000, 9))
    bad = minutes(5, Counts(3000, round(outage), 3000, 900), start=20, step=1)
    return [*quiet, *bad, *minutes(20, Counts(3000, round(usual), 3000, 3), start=25, step=1)]


def test_sums_that_contradict_the_verdict_are_told_with_what_was_compared_minute_by_minute() -> None:
    assessment = run(judge(), with_a_common_outage_at_half(1.0))
    assert assessment.verdict != "FAIL"
    assert (
        "canary 4,580 of 95,000 requests failed (4.82 %), stable 4,740 of 255,000 (1.86 %), which minute by minute "
        "makes 4,580 of the canary's 95,000 (4.82 %)" in assessment.reason
    )


def test_what_was_compared_minute_by_minute_is_told_since_the_evidence_began_to_rise() -> None:
    late = [
        *minutes(10, Counts(300, 0, 2700, 27)),
        *minutes(2, Counts(300, 3, 2700, 3), start=10),
        *minutes(10, Counts(1500, 300, 1500, 150), start=12, step=1),
    ]
    assessment = run(judge(), late)
    assert assessment.verdict == "FAIL"
    since = assessment.reason.split("since the evidence began to rise: ")[1]
    assert "which minute by minute makes " in since


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_sums_that_say_the_same_are_told_alone(share: float) -> None:
    canary = round(6000 * share)
    worse = Counts(canary, round(0.02 * canary), 6000 - canary, round(0.01 * (6000 - canary)))
    assert "minute by minute" not in run(judge(), minutes(30, worse)).reason
    few = [*minutes(30, Counts(600, 0, 5400, 1)), *minutes(30, Counts(3000, 1, 3000, 0), start=30, step=1)]
    assert "minute by minute" not in run(judge(), few).reason


def test_at_100_percent_sums_are_told_alone_because_nothing_is_compared() -> None:
    both = with_a_common_outage_at_half(1.0)
    alone = [
        replace(minute, share=1.0, invocations=(6000, 0))
        for minute in minutes(3, Counts(6000, 6, 0, 0), start=45, step=2)
    ]
    assert "minute by minute" not in run(judge(), [*both, *alone]).reason


def test_what_was_compared_survives_the_state() -> None:
    rules = judge()
    state = rules.new_state()
    for minute in with_a_common_outage_at_half(1.0):
        state, assessment = rules.update(json.loads(json.dumps(state)), [minute])
    assert assessment.reason == rules.update(rules.new_state(), with_a_common_outage_at_half(1.0))[1].reason
