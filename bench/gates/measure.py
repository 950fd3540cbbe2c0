"""Detection times and false rollbacks of a rule, many rollouts at once."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from bench.gates.fleet import Bools, Floats, Ints
from bench.gates.scenarios import Minute, Setting, Trouble, independent

LONGEST = 20_000


class Decides(Protocol):
    """A rule that judges many rollouts at once."""

    def update(self, canary_bad: Ints, stable_bad: Ints) -> Bools: ...

    def keep(self, rows: Bools) -> None: ...


MakeRule = Callable[[Setting, int], Decides]


@dataclass(frozen=True)
class Figure:
    """A measured figure and its standard error."""

    value: float
    error: float

    @classmethod
    def of_part(cls, count: int, runs: int) -> Self:
        """Return `count` as a part of the runs; when it is 0, the error is that of 1."""
        part = count / runs
        return cls(part, math.sqrt(max(part, 1.0 / runs) * (1.0 - part) / runs))

    def percent(self) -> str:
        return f"{100 * self.value:.2f} ± {100 * self.error:.2f} %"

    def __str__(self) -> str:
        return f"{self.value:.3f} ± {self.error:.3f}"


def detection_minutes(make: MakeRule, setting: Setting, runs: int, seed: list[int]) -> Ints:
    """Return the minute in which each rollout was rolled back."""
    generator = np.random.default_rng(seed)
    rule = make(setting, runs)
    found: list[int] = []
    for minute in range(1, LONGEST + 1):
        failed = rule.update(*independent(generator, setting, runs - len(found)))
        if failed.any():
            found += [minute] * int(failed.sum())
            rule.keep(~failed)
        if len(found) == runs:
            break
    return np.array(found + [LONGEST] * (runs - len(found)))


def information_limit(setting: Setting, alpha: float) -> float:
    """Return ln(1/alpha) / KL(canary ‖ stable): the canary requests that a test told both rates needs."""
    p, q = setting.effect * setting.rate, setting.rate
    divergence = p * math.log(p / q) + (1.0 - p) * math.log((1.0 - p) / (1.0 - q))
    return -math.log(alpha) / divergence


def score(minutes: Ints, setting: Setting, alpha: float) -> Figure:
    """Return the mean canary requests over the information limit."""
    requests = minutes * setting.totals[0] / information_limit(setting, alpha)
    return Figure(float(requests.mean()), float(requests.std() / math.sqrt(len(minutes))))


def geometric_mean(figures: list[Figure]) -> Figure:
    """Return the geometric mean; its error from the relative ones."""
    logs = [math.log(figure.value) for figure in figures]
    spread = math.sqrt(sum((figure.error / figure.value) ** 2 for figure in figures)) / len(figures)
    mean = math.exp(sum(logs) / len(logs))
    return Figure(mean, mean * spread)


def rolled_back(
    make: MakeRule, setting: Setting, runs: int, minutes: int, seed: list[int], trouble: Trouble | None = None
) -> Figure:
    """Return the part of the rollouts that a rule rolls back within the minutes."""
    generator = np.random.default_rng(seed)
    rule = make(setting, runs)
    left = runs
    # a trouble that depends on earlier minutes keeps a row for each rollout, also for decided ones
    alive: Bools = np.ones(runs, dtype=bool)
    memory: dict[str, Floats] = {}
    for minute in range(minutes):
        counts = _minute(generator, setting, runs, alive, minute, memory, trouble)
        failed = rule.update(*counts)
        if failed.any():
            alive[np.flatnonzero(alive)[failed]] = False
            rule.keep(~failed)
            left -= int(failed.sum())
        if not left:
            break
    return Figure.of_part(runs - left, runs)


def _minute(
    generator: np.random.Generator,
    setting: Setting,
    runs: int,
    alive: Bools,
    minute: int,
    memory: dict[str, Floats],
    trouble: Trouble | None,
) -> Minute:
    if trouble is None:
        return independent(generator, setting, int(alive.sum()))
    canary_bad, stable_bad = trouble(generator, setting, runs, minute, memory)
    return canary_bad[alive], stable_bad[alive]
