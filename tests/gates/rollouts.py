"""Rollouts made of counts, and averages by exact enumeration instead of simulation."""

import math
from collections.abc import Iterator
from typing import Any

from rollout.gates import Assessment, Counts, Judge, Minute
from rollout.gates.boosting import log_mass


def judge(**config: Any) -> Judge:
    """Return a judge of one errors gate; a key of the gate may be given like one of the judge."""
    of_gate = ("kind", "direction", "ratio", "min_difference", "warm_up", "event", "delay", "unasked_steps", "spreads")
    gate = {"name": "errors", **{key: config.pop(key) for key in of_gate if key in config}}
    return Judge.from_config({"gates": [gate], **config})


def minutes(count: int, counts: Counts, *, start: int = 0, step: int = 0) -> list[Minute]:
    """Return equal minutes."""
    return [Minute(start + i, step, {"errors": counts}) for i in range(count)]


def run(judge: Judge, rollout: list[Minute]) -> Assessment:
    """Return the assessment after evaluating minute by minute, stopping at a FAIL."""
    state = judge.new_state()
    _, assessment = judge.update(state, [])
    for minute in rollout:
        state, assessment = judge.update(state, [minute])
        if assessment.verdict == "FAIL":
            break
    return assessment


def binomial_mass(x: int, m: int, share: float) -> float:
    if share in {0.0, 1.0}:
        return float(x == m * share)
    return math.exp(log_mass(x, m, share))


def bernoulli_minutes(
    canary: int, stable: int, canary_rate: float, stable_rate: float
) -> Iterator[tuple[float, Counts]]:
    """Return every possible minute of independent requests with its probability."""
    for x in range(canary + 1):
        for y in range(stable + 1):
            probability = binomial_mass(x, canary, canary_rate) * binomial_mass(y, stable, stable_rate)
            yield probability, Counts(canary, x, stable, y)


def conditional_minutes(canary: int, stable: int, bad: int, boundary: float) -> Iterator[tuple[float, Counts]]:
    """Return every way in which `bad` requests can fall to the variants, with its probability."""
    for x in range(min(bad, canary) + 1):
        yield binomial_mass(x, bad, boundary), Counts(canary, x, stable, bad - x)
