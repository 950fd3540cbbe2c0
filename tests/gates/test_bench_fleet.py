"""The numpy version of the bench decides as the shipped code does, so its tables speak of that code."""

import json

import numpy as np
import pytest
from rollout.contract.gate_rules import JudgeRules
from rollout.gates import Counts
from rollout.gates.gate import Gate, GateState

from bench.gates.fleet import LARGEST_TABLE, Fleet

RUNS = 6
OUTAGE = range(12, 16)
"""Minutes in which stable alone is in trouble."""


def settings(mode: str, ratio: float, min_difference: float = 0.0) -> JudgeRules:
    gate = {"name": "errors", "ratio": ratio, "min_difference": min_difference}
    return JudgeRules.parse({"mode": mode, "gates": [gate]})


@pytest.mark.parametrize(
    ("requests", "rate", "effect"), [(600, 0.01, 1.0), (600, 0.01, 4.0), (6000, 0.01, 2.0), (60000, 0.008, 1.3)]
)
@pytest.mark.parametrize(("mode", "ratio"), [("exact", 1.0), ("robust", 1.0), ("robust", 1.25)])
def test_evidence_discount_and_verdict_equal_the_shipped_codes_at_every_minute(
    mode: str, ratio: float, requests: int, rate: float, effect: float
) -> None:
    rules_of_all = settings(mode, ratio, min_difference=0.0005)
    rules = Gate(rules_of_all.gates[0], rules_of_all)
    generator = np.random.default_rng([7, requests, int(10 * effect)])
    canary, stable = requests // 20, requests - requests // 20
    fleet = Fleet(rules_of_all, RUNS, canary, stable)
    states = [rules.new_state() for _ in range(RUNS)]
    for minute in range(40):
        if minute == 25:
            canary, stable = requests // 2, requests - requests // 2
            fleet.begin_step(canary, stable)
            states = [rules.begin_step(state) for state in states]
        canary_bad = generator.binomial(canary, effect * rate, RUNS)
        stable_bad = generator.binomial(stable, 0.3 if minute in OUTAGE else rate, RUNS)
        failed = fleet.update(canary_bad, stable_bad)
        states = [
            rules.update(state, Counts(canary, int(x), stable, int(y)))
            for state, x, y in zip(states, canary_bad, stable_bad, strict=True)
        ]
        np.testing.assert_allclose(fleet.totals_log, [state.capital.total for state in states], atol=1e-9)
        np.testing.assert_allclose(fleet.discount, [rules.discount(state) for state in states], atol=1e-9)
        assert failed.tolist() == [_fails(rules, state) for state in states]
        assert fleet.outage.tolist() == [state.alone for state in states]
    assert fleet.rising.tolist() == [state.rising.as_list() for state in states]
    np.testing.assert_allclose(fleet.rising_expected, [state.rising_expected for state in states], atol=1e-9)


def test_many_bad_requests_take_the_shipped_path() -> None:
    assert LARGEST_TABLE < 60000 * 0.008


def _fails(rules: Gate, state: GateState) -> bool:
    state = GateState.from_json(json.loads(json.dumps(state.to_json())))
    return rules.score(state) >= rules.threshold
