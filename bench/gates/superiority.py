"""Measure how long it takes to prove that a canary converts better, and how often an equal canary gets the proof.

    python -m bench.gates.superiority

Stable converts 5 %; both variants show the same number. The shipped code, minute by minute.
"""

import math
import statistics
from dataclasses import dataclass

import numpy as np
from rollout.contract.gate_rules import Direction, GateRule, JudgeRules, Kind
from rollout.gates import Counts
from rollout.gates.gate import Gate

SEED = 20261122
STABLE_RATE = 0.05
GATE = GateRule(
    name="conversion", kind=Kind.SHARE, direction=Direction.LOWER_IS_WORSE, ratio=0.95, superior_step=0
)  # fmt: skip
RULES = Gate(GATE, JudgeRules(gates=(GATE,)))


@dataclass(frozen=True)
class Study:
    """Each variant shows `shown` a minute; the canary converts `lift` times as often; a run lasts at most `minutes`."""

    shown: int
    lift: float
    minutes: int
    runs: int


STUDIES = (
    Study(3000, 0.8, 600, 20),
    Study(3000, 1.0, 600, 400),
    Study(3000, 1.02, 1200, 20),
    Study(3000, 1.05, 600, 20),
    Study(3000, 1.1, 600, 20),
    Study(3000, 1.2, 600, 20),
    Study(300, 1.05, 4000, 20),
    Study(300, 1.1, 1440, 20),
    Study(300, 1.2, 1440, 20),
)


def measure(study: Study) -> dict[str, list[int]]:
    """Return the minutes of the runs that were proven better, rolled back, or neither."""
    generator = np.random.default_rng([SEED, study.shown, int(1000 * study.lift)])
    ends: dict[str, list[int]] = {"proven": [], "rolled back": [], "neither": []}
    for _ in range(study.runs):
        end, minute = _run(study, generator)
        ends[end].append(minute)
    return ends


def _run(study: Study, generator: np.random.Generator) -> tuple[str, int]:
    state = RULES.new_state()
    for minute in range(1, study.minutes + 1):
        canary = int(generator.binomial(study.shown, STABLE_RATE * study.lift))
        stable = int(generator.binomial(study.shown, STABLE_RATE))
        state = RULES.update(state, Counts(study.shown, canary, study.shown, stable))
        if RULES.score(state) >= RULES.threshold:
            return "rolled back", minute
        if RULES.proves(state):
            return "proven", minute
    return "neither", study.minutes


if __name__ == "__main__":
    for study in STUDIES:
        measured = measure(study)
        found = [f"{name} {len(ends)}" for name, ends in measured.items()]
        decided = measured["proven"] or measured["rolled back"]
        times = decided + [math.inf] * (study.runs - len(decided))
        print(study, *found, f"median {statistics.median(times):g} min", sep=", ", flush=True)
