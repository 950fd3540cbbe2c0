"""What cannot be counts or settings is refused in a sentence, and impossible minutes are skipped."""

import math
from typing import Any

import pytest
from rollout.gates import Counts, InvalidCountsError, InvalidGatesError, Judge, Minute

from tests.gates.rollouts import judge, minutes

GOOD = {"canary_total": 300, "canary_bad": 3, "stable_total": 5700, "stable_bad": 6}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"canary_bad": math.nan}, "canary_bad must be finite, got nan"),
        ({"stable_total": math.inf}, "stable_total must be finite, got inf"),
        ({"canary_bad": -1}, "canary_bad must be a whole number of at least 0, got -1"),
        ({"canary_bad": 0.5}, "canary_bad must be a whole number of at least 0, got 0.5"),
        ({"canary_bad": None}, "canary_bad is missing"),
        ({"canary_bad": "3"}, "canary_bad must be a number, got '3'"),
        ({"canary_bad": True}, "canary_bad must be a number, got True"),
        ({"canary_bad": 301}, "canary_bad must be at most canary_total, got 301 of 300"),
        ({"stable_bad": 5701}, "stable_bad must be at most stable_total, got 5701 of 5700"),
    ],
)
def test_impossible_counts_are_refused_and_their_minute_is_skipped(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidCountsError, match=sentence.replace("[", "\\[")):
        Counts.parse({**GOOD, **change})
    rules = judge()
    state, assessment = rules.update(rules.new_state(), [Minute(0, 0, {"errors": {**GOOD, **change}})])
    assert assessment.skipped == (f"minute 0 of gate errors skipped: {sentence}",)
    assert assessment.gates[0].seen.canary_total == 0
    assert state["last"] == 0


def test_whole_floats_are_counts_as_cloudwatch_gives_them() -> None:
    assert Counts.parse({name: float(value) for name, value in GOOD.items()}) == Counts(300, 3, 5700, 6)


def test_a_gate_without_data_says_nothing_and_the_others_go_on() -> None:
    rules = Judge.from_config({"gates": [{"name": "errors"}, {"name": "slow", "kind": "share"}]})
    rollout = [Minute(n, 0, {"errors": Counts(300, 30, 5700, 6), "slow": None}) for n in range(9)]
    _, assessment = rules.update(rules.new_state(), rollout)
    assert assessment.gate == "errors"
    assert assessment.gates[1].log_evidence == pytest.approx(0.0, abs=1e-4)
    assert not assessment.skipped


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"gates": []}, "at least one gate is needed"),
        ({}, "gates must be a list"),
        ({"gates": [{}]}, "a gate needs a name"),
        ({"gates": [{"name": "a"}, {"name": "a"}]}, "gate names must differ, got a, a"),
        ({"gates": [{"name": "a", "rato": 2}]}, "unknown key in a gate: rato; known are name, kind"),
        ({"gates": [{"name": "a", "kind": "odd"}]}, "kind must be one of rare, share, got odd"),
        ({"gates": [{"name": "a", "ratio": 0.9}]}, "gate a: ratio must be at least 1 when higher is worse, got 0.9"),
        (
            {"gates": [{"name": "a", "ratio": 1.1, "direction": "lower_is_worse"}]},
            "gate a: ratio must be at most 1 when lower is worse, got 1.1",
        ),
        (
            {"gates": [{"name": "a", "superior_step": True}]},
            "gate a: superior_step must be the number of a step, 0 for the first, got True",
        ),
        ({"gates": [{"name": "a", "superior_step": -1}]}, "0 for the first, got -1"),
        ({"gates": [{"name": "a", "delay": -1}]}, "gate a: delay must be at least 0, got -1"),
        ({"gates": [{"name": "a", "alpha_share": 0}]}, "gate a: alpha_share must be above 0, got 0"),
        ({"gates": [{"name": "a", "warm_up": 1.5}]}, "gate a: warm_up must be a whole number"),
        ({"gates": [{"name": "a", "event": 5}]}, "gate a: event must be a text, got 5"),
        ({"gates": [{"name": "a", "ratio": 10**400}]}, f"gate a: ratio must be a finite number, got {10**400}"),
        ({"gates": [{"name": "a", "ratio": "x"}]}, "gate a: ratio must be a finite number, got 'x'"),
        ({"gates": [{"name": "a"}], "alpha": 1}, "alpha must be above 0 and below 1, got 1"),
        ({"gates": [{"name": "a"}], "mode": "fast"}, "mode must be one of robust, exact, got fast"),
        ({"gates": [{"name": "a"}], "alfa": 0.1}, "unknown key in a configuration: alfa"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(config: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidGatesError) as refused:
        Judge.from_config(config)
    assert sentence in str(refused.value)


def test_skipped_minutes_leave_the_step_without_enough() -> None:
    rules = judge()
    broken = {**GOOD, "canary_bad": 999}
    state, _ = rules.update(rules.new_state(), [Minute(n, 0, {"errors": broken}) for n in range(9)])
    assert rules.at_bake_end(state).verdict == "CONTINUE"
    state, _ = rules.update(state, minutes(9, Counts(300, 0, 5700, 6), start=9))
    assert rules.at_bake_end(state).verdict == "PASS"
