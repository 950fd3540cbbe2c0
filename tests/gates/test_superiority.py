"""A gate that asks for superiority lets its step pass on a proof only, and equal canaries seldom get one."""

import json
import math
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from rollout.contract.exposure import Pacing
from rollout.contract.gate_rules import Direction, GateRule, JudgeRules, Kind
from rollout.contract.plan import Step
from rollout.decisions.bake import Baked, Next, decide
from rollout.decisions.pacing import Pace
from rollout.gates import Assessment, Counts, Judge, Minute, effects, failing, passing
from rollout.gates.capital import Capital
from rollout.gates.gate import Gate, GateState
from rollout.gates.proof import Proof

from tests.gates.rollouts import bernoulli_minutes

BETA = 0.05
EQUAL = Counts(3000, 150, 3000, 150)
BETTER = Counts(3000, 180, 3000, 150)
WORSE = Counts(3000, 146, 3000, 150)
ON_NEITHER = "evidence 1 in 1, on the newer half of the step 1 in 1, 1 in 20 is required of both"
UNPROVEN = f"; not proven better than stable: {ON_NEITHER}"
STEP = Step(percent=50, expected_percent=50, bake_seconds=3600, max_bake_seconds=14400, min_requests=100)
SETTINGS = GateRule(
    name="conversion", kind=Kind.SHARE, direction=Direction.LOWER_IS_WORSE, ratio=0.95, event="converted",
    superior_step=0,
)  # fmt: skip


def rules(**of_gate: Any) -> Judge:
    gate = {
        "name": "conversion", "kind": "share", "direction": "lower_is_worse", "ratio": 0.95, "event": "converted",
        "superior_step": 0, **of_gate,
    }  # fmt: skip
    return Judge.from_config({"gates": [gate]})


def seen(judge: Judge, *rollout: tuple[int, int, Counts]) -> tuple[dict[str, Any], Assessment]:
    """Return state and assessment after stretches of (step, minutes, counts of each); without stable it is at 100 %."""
    stretches = [(step, counts) for step, length, counts in rollout for _ in range(length)]
    minutes = [
        Minute(
            number, step, {"conversion": counts}, invocations=(counts.canary_total, counts.stable_total), share=share
        )
        for number, (step, counts) in enumerate(stretches)
        for share in [0.5 if counts.stable_total else 1.0]
    ]
    return judge.update(judge.new_state(), minutes)


def draw(source: random.Random, shown: int, rate: float) -> int:
    """Return conversions, drawn from the normal limit of the binomial distribution."""
    return round(min(shown, max(0.0, source.gauss(shown * rate, math.sqrt(shown * rate * (1.0 - rate))))))


def drawn(seed: int, shown: int, *, lift: float, rate: float = 0.05) -> Iterator[Counts]:
    """Yield minutes of a canary that converts `lift` times as well as stable."""
    source = random.Random(seed)  # noqa: S311  # seeded counts
    while True:
        yield Counts(shown, draw(source, shown, lift * rate), shown, draw(source, shown, rate))


def minutes_until_proven(seed: int, shown: int, *, lift: float, at_most: int) -> float:
    gate = Gate(SETTINGS, JudgeRules(gates=(SETTINGS,)))
    state = gate.new_state()
    for number, counts in zip(range(1, at_most + 1), drawn(seed, shown, lift=lift), strict=False):
        state = gate.update(state, counts)
        if gate.proves(state):
            return number
    return math.inf


@pytest.mark.parametrize("capped", [False, True], ids=["exact", "capped"])
@pytest.mark.parametrize("guess", [0.01, 0.2, 0.6])
@pytest.mark.parametrize("rate", [0.02, 0.3, 0.7])
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("kind", Kind)
def test_an_equal_canary_gains_nothing_on_average(
    kind: Kind, direction: Direction, rate: float, guess: float, *, capped: bool
) -> None:
    gate = GateRule(name="g", kind=kind, direction=direction, ratio=1.0)
    limits = failing.Limits.of(-math.log(BETA), 1.0, 1.0, capped=capped)
    start = passing.start_superior()
    average = math.fsum(
        probability * math.exp(passing.grow_superior(start, gate, counts, guess, limits).total)
        for probability, counts in bernoulli_minutes(6, 11, rate, rate)
    )
    assert average <= math.exp(start.total) * (1.0 + 1e-9)


def test_at_most_beta_of_equal_canaries_are_proven_better() -> None:
    runs = 100
    proven = sum(minutes_until_proven(seed, 3000, lift=1.0, at_most=60) < math.inf for seed in range(runs))
    assert proven / runs <= BETA + 3.0 * math.sqrt(BETA * (1.0 - BETA) / runs)


def ten_percent_more_are_proven_within_four_hours() -> None:
    assert all(minutes_until_proven(seed, 300, lift=1.1, at_most=240) < math.inf for seed in range(5))


def test_small_lifts_are_bet_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ten_percent_more_are_proven_within_four_hours()
    monkeypatch.setattr(effects, "LIFTS", effects.BETTER)
    with pytest.raises(AssertionError):
        ten_percent_more_are_proven_within_four_hours()


def test_a_better_canary_passes_with_the_claim_in_the_reason() -> None:
    _, assessment = seen(rules(), (0, 30, BETTER))
    assert assessment.verdict == "PASS"
    assert "; the canary is better than stable, evidence beyond 1 in 1,000,000,000" in assessment.reason


def test_an_equal_canary_does_not_pass_even_at_the_end_of_the_bake() -> None:
    judge = rules()
    state, assessment = seen(judge, (0, 240, EQUAL))
    assert assessment.verdict == "CONTINUE"
    assert judge.at_bake_end(state).verdict == "CONTINUE"
    assert UNPROVEN in judge.at_bake_end(state).reason


def test_without_superiority_the_same_canary_passes() -> None:
    assert seen(rules(superior_step=None), (0, 240, EQUAL))[1].verdict == "PASS"


def test_an_unproven_canary_stays_until_max_bake_and_is_then_given_up() -> None:
    judge = rules()
    state, now = seen(judge, (0, 240, EQUAL))
    bakes = {
        seconds: decide(
            STEP,
            last=False,
            baked=Baked(seen=seconds, elapsed=seconds, blind=0, is_fresh=True, requests=3000 * 240),
            now=now,
            at_bake_end=judge.at_bake_end(state),
            look=Pace(budget=None, reaction=4, share=STEP.percent, gates=()).look(Pacing(), (), end=0),
            held="",
            notes=[],
        )
        for seconds in (3600, 14400)
    }
    assert (bakes[3600].next, bakes[14400].next) == (Next.STAY, Next.GIVE_UP)
    assert "not proven better than stable" in bakes[14400].reason


def test_a_worse_canary_still_fails() -> None:
    _, assessment = seen(rules(), (0, 60, Counts(3000, 120, 3000, 150)))
    assert assessment.verdict == "FAIL"
    assert "below 0.95 times stable's rate" in assessment.reason


def test_only_the_step_that_asks_needs_the_proof() -> None:
    judge = rules(superior_step=1)
    state, first = seen(judge, (0, 240, EQUAL))
    assert first.verdict == "PASS"
    state, second = seen(judge, (0, 10, BETTER), (1, 20, EQUAL))
    assert (second.verdict, judge.at_bake_end(state).verdict) == ("CONTINUE", "CONTINUE")
    state, third = seen(judge, (0, 10, EQUAL), (1, 20, BETTER), (2, 10, Counts(6000, 300, 0, 0)))
    assert (third.verdict, judge.at_bake_end(state).verdict) == ("CONTINUE", "PASS")


def test_evidence_of_earlier_steps_proves_nothing() -> None:
    judge = rules(superior_step=1)
    assert UNPROVEN in seen(judge, (0, 60, BETTER), (1, 1, EQUAL))[1].reason


def test_what_was_shown_before_the_step_proves_nothing() -> None:
    late = rules(delay=30)
    assert seen(late, (0, 60, BETTER))[1].verdict == "PASS"
    assert "; the canary is better than stable" not in seen(late, (0, 30, BETTER))[1].reason
    assert "; the canary is better than stable" in seen(rules(), (0, 30, BETTER))[1].reason


def test_two_wild_minutes_prove_nothing() -> None:
    wild = Counts(3000, 1500, 3000, 150)
    assert seen(rules(), (0, 10, EQUAL), (0, 2, wild), (0, 10, EQUAL))[1].verdict == "CONTINUE"


def an_early_success_that_turns_into_a_loss_is_not_better() -> None:
    """20 % more for two hours, then 3 % less for five: in all 4 % more."""
    judge = rules()
    state, assessment = seen(judge, (0, 120, BETTER), (0, 300, WORSE))
    for said in (assessment, judge.at_bake_end(state)):
        assert said.verdict == "CONTINUE"
        assert "; the canary is better than stable" not in said.reason


def test_a_proof_must_stand_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(rules(), (0, 120, BETTER))[1].verdict == "PASS"
    an_early_success_that_turns_into_a_loss_is_not_better()
    grow_proof = Gate._grow_proof

    def keep_what_was_proven(self: Gate, state: GateState, counts: Counts, stable_rate: float) -> Proof:
        return state.proof if self.proves(state) else grow_proof(self, state, counts, stable_rate)

    monkeypatch.setattr(Gate, "_grow_proof", keep_what_was_proven)
    with pytest.raises(AssertionError):
        an_early_success_that_turns_into_a_loss_is_not_better()


def an_early_success_that_wears_off_is_not_better() -> None:
    """Half a day: 20 % more for two hours, then nothing more. On all of it the canary is 4 % better, beyond doubt."""
    _, assessment = seen(rules(), (0, 120, BETTER), (0, 480, EQUAL))
    assert assessment.verdict == "CONTINUE"
    assert "evidence beyond 1 in 1,000,000,000, on the newer half of the step 1 in 1," in assessment.reason


def test_a_proof_must_stand_on_the_newer_half_of_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    an_early_success_that_wears_off_is_not_better()
    monkeypatch.setattr(Proof, "newer", property(lambda proof: proof.whole))
    with pytest.raises(AssertionError):
        an_early_success_that_wears_off_is_not_better()


def a_required_proof_of_not_worse_falls_with_the_newer_half() -> None:
    """Half as many errors for an hour, then 1.4 times as many. On all of it the canary is as good as stable."""
    judge = Judge.from_config({"gates": [{"name": "errors", "ratio": 1.25}], "require_proof": True})
    good, bad = Counts(3000, 15, 3000, 30), Counts(3000, 42, 3000, 30)
    rollout = [Minute(n, 0, {"errors": good if n < 60 else bad}) for n in range(120)]
    state, assessment = judge.update(judge.new_state(), rollout)
    assert judge.update(judge.new_state(), rollout[:60])[1].verdict == "PASS"
    assert Gate(judge.rules.gates[0], judge.rules).required_proof(GateState.from_json(state["gates"]["errors"])) < 4
    assert (assessment.verdict, judge.at_bake_end(state).verdict) == ("CONTINUE", "CONTINUE")


def test_a_required_proof_of_not_worse_must_stand_on_the_newer_half(monkeypatch: pytest.MonkeyPatch) -> None:
    a_required_proof_of_not_worse_falls_with_the_newer_half()
    monkeypatch.setattr(Proof, "newer", property(lambda proof: proof.whole))
    with pytest.raises(AssertionError):
        a_required_proof_of_not_worse_falls_with_the_newer_half()


def test_a_proof_never_stands_beside_counts_that_say_the_opposite() -> None:
    gate = Gate(SETTINGS, JudgeRules(gates=(SETTINGS,)))
    state = gate.new_state()
    for _ in range(60):
        state = gate.update(state, BETTER)
    assert gate.proves(state)
    assert not gate.proves(replace(state, own=Counts(3000, 149, 3000, 150)))
    fewer = replace(SETTINGS, direction=Direction.HIGHER_IS_WORSE, ratio=1.0)
    assert not Gate(fewer, JudgeRules(gates=(fewer,))).proves(state)


def test_the_counts_beside_a_proof_are_those_of_its_step() -> None:
    _, assessment = seen(rules(superior_step=1), (0, 60, WORSE), (1, 60, BETTER))
    canary, stable = "canary 10,800 of 180,000 requests converted (6.00 %)", "stable 9,000 of 180,000 (5.00 %)"
    assert assessment.reason.startswith(f"conversion: in this step {canary}, {stable}")


@pytest.mark.parametrize("minutes", [*range(2, 40), 1440])
def test_the_newer_half_is_at_least_a_half_and_at_most_two_thirds(minutes: int) -> None:
    proof = Proof(Capital((0.0,)))
    for number in range(minutes):
        proof = proof.grow_with_newer_half(lambda capital: capital, Capital((0.0,)), number)
    since = proof.later[0][0]
    assert minutes / 2 <= minutes - since <= max(2 * minutes / 3, minutes / 2 + 1)
    assert len(proof.later) <= 3


def test_fewer_returns_can_be_asked_for_as_well() -> None:
    judge = rules(direction="higher_is_worse", ratio=1.0)
    assert seen(judge, (0, 60, Counts(3000, 110, 3000, 150)))[1].verdict == "PASS"
    assert seen(judge, (0, 60, EQUAL))[1].verdict == "CONTINUE"


def test_a_json_round_trip_at_every_minute_changes_nothing() -> None:
    judge = rules(superior_step=1)
    kept = stored = judge.new_state()
    for number, counts in zip(range(40), drawn(1, 3000, lift=1.1), strict=False):
        minute = Minute(number, number // 20, {"conversion": counts})
        kept, assessment = judge.update(kept, [minute])
        stored, same = judge.update(json.loads(json.dumps(stored, allow_nan=False)), [minute])
        assert (stored, same) == (kept, assessment)


def test_the_state_of_other_gates_and_steps_is_what_it_was() -> None:
    without, _ = seen(rules(superior_step=None), (0, 5, EQUAL))
    elsewhere, _ = seen(rules(superior_step=1), (0, 5, EQUAL))
    assert elsewhere == without
    assert len(without["gates"]["conversion"]["pass"]) == len(effects.BETTER)
    assert Capital.start(effects.superior_weights()).total == pytest.approx(0.0, abs=1e-4)
