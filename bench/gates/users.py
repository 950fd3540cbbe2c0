"""Measure a cohort step: users are drawn, some of whom fail anyway, and requests are counted.

    python -m bench.gates.users --runs 1000

Each rollout draws 5 % of new users. For an hour, 100 requests a second are counted by the shipped code. Printed are the
rollbacks of releases that are exactly as good as stable, and how soon a broken one is found.
"""

import argparse
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rollout.contract.gate_rules import Direction, GateRule, JudgeRules, Kind
from rollout.gates import Counts, Judge, Minute, Verdict

from canary_construct.props.cohort_rule import CohortRule

SEED = 20261128
PERCENT = 5
REQUESTS_PER_MINUTE = 6000
HOUR = 60
CHANCE = 0.005
"""What one gate alone leaves to the draw, of an alpha of 1 %."""
ERRORS = GateRule(name="errors", min_difference=0.0005)
CONVERSION = GateRule(name="conversion", kind=Kind.SHARE, direction=Direction.LOWER_IS_WORSE, ratio=0.95)
FAILING = 0.3
"""The part of its requests that a broken release fails, beyond those that fail anyway."""
LOST = 0.95
"""The part of its conversions that a broken release loses."""


@dataclass(frozen=True)
class Users:
    """Every user's requests a minute, and the rate at which they are counted."""

    requests: NDArray[np.float64]
    rates: NDArray[np.float64]

    @classmethod
    def of(cls, activity: NDArray[np.float64], rates: NDArray[np.float64]) -> "Users":
        """Return users who make all requests together."""
        return cls(activity / activity.sum() * REQUESTS_PER_MINUTE, np.minimum(rates, 1.0))

    @property
    def variation(self) -> float:
        """How unequal they are, as `share_of_users` wants it."""
        common = (self.requests * self.rates).sum() / self.requests.sum()
        own = (self.requests * (self.rates - common)) ** 2
        return float(len(self.rates) * own.sum() / (self.requests * self.rates).sum() ** 2)

    @property
    def spread(self) -> float:
        """The spread of a cohort of them when they are declared."""
        return CohortRule.share_of_users(PERCENT, users=len(self.rates), user_variation=self.variation).spread(CHANCE)

    def per_minute(self, group: NDArray[np.bool_]) -> tuple[float, float]:
        """Return the requests of a group that are counted in a minute, and those that are not."""
        counted = float((self.requests[group] * self.rates[group]).sum())
        return counted, float(self.requests[group].sum()) - counted

    def cohort(self, generator: np.random.Generator) -> NDArray[np.bool_]:
        """Draw a cohort of at least one user."""
        inside = generator.random(len(self.rates)) < PERCENT / 100
        inside[generator.integers(len(self.rates))] = True
        return inside


def customers(generator: np.random.Generator) -> Users:
    """Return 200 customers of an API: log-normal activity (sigma 1.5) and error rates (sigma 1, mean 1 %)."""
    return Users.of(generator.lognormal(0, 1.5, 200), generator.lognormal(-0.5, 1.0, 200) * 0.01)


def shoppers(generator: np.random.Generator, *, count: int = 20_000, failing: float = 0.01) -> Users:
    """Return shoppers with log-normal activity (sigma 1). A part of them fail with every second request."""
    rates = np.where(generator.random(count) < failing, 0.5, 0.0002)
    return Users.of(generator.lognormal(0, 1.0, count), rates)


def buyers(generator: np.random.Generator) -> Users:
    """Return 20,000 shoppers who convert 5 % on average, each at a rate of his own (exponential)."""
    return Users.of(generator.lognormal(0, 1.0, 20_000), generator.gamma(1.0, 0.05, 20_000))


def minutes_of(
    users: Users, gate: GateRule, generator: np.random.Generator, *, broken: bool = False, count: int = HOUR
) -> Iterator[Minute]:
    """Draw a cohort and yield an hour of it, in `count` equal parts: one is judged as a minute is."""
    inside = users.cohort(generator)
    groups = [users.per_minute(group) for group in (inside, ~inside)]
    for number in range(count):
        seen = [_seen(generator, *group, minutes=HOUR / count) for group in groups]
        if broken:
            seen[0] = _broken(seen[0], gate, generator)
        yield Minute(number, 0, {gate.name: Counts(*seen[0], *seen[1])})


def _seen(generator: np.random.Generator, counted: float, others: float, *, minutes: float) -> tuple[int, int]:
    """Return all requests of a time, and those that are counted."""
    of_counted = int(generator.poisson(counted * minutes))
    return of_counted + int(generator.poisson(others * minutes)), of_counted


def _broken(seen: tuple[int, int], gate: GateRule, generator: np.random.Generator) -> tuple[int, int]:
    total, counted = seen
    if gate.is_lower_worse:
        return total, int(generator.binomial(counted, 1 - LOST))
    return total, counted + int(generator.binomial(total - counted, FAILING))


def rolled_back_in(gate: GateRule, minutes: Iterator[Minute]) -> int | None:
    """Return the minute that rolls a release back, 1 for the first; `None` when none does."""
    judge = Judge(JudgeRules(gates=(gate,)))
    _, assessment = judge.update(judge.new_state(), minutes)
    if assessment.verdict is not Verdict.FAIL or assessment.minute is None:
        return None
    return assessment.minute + 1


@dataclass(frozen=True)
class Study:
    """One kind of users, who are drawn anew for each rollout, and the gate that counts."""

    name: str
    draw: Callable[[np.random.Generator], Users]
    gate: GateRule = ERRORS

    def ends(self, runs: int, spread: float | None, *, broken: bool = False, count: int = HOUR) -> Iterator[int | None]:
        """Yield the minute in which each rollout is rolled back. `spread`: `None` declares the users."""
        generator = np.random.default_rng(SEED)
        for _ in range(runs):
            users = self.draw(generator)
            gate = replace(self.gate, spreads=(users.spread if spread is None else spread,))
            yield rolled_back_in(gate, minutes_of(users, gate, generator, broken=broken, count=count))


STUDIES = (
    Study("200 API customers", customers),
    Study("20,000 shoppers, 1 in 100 fails", shoppers),
    Study("20,000 shoppers, 1 in 1,000 fails", lambda generator: shoppers(generator, failing=0.001)),
    Study("200,000 shoppers, 1 in 100 fails", lambda generator: shoppers(generator, count=200_000)),
    Study("20,000 buyers, 5 % convert", buyers, CONVERSION),
)
SPREADS = {"as if requests were drawn": 1.0, "users not declared": 10.0, "users declared": None}


def _row(study: Study, runs: int, spread: float | None) -> str:
    found = [end for end in study.ends(runs, spread) if end is not None]
    part = len(found) / runs
    broken = [end for end in study.ends(runs // 10, spread, broken=True) if end is not None]
    soon = f"{statistics.median(broken):g}, at most {max(broken)}" if broken else "none"
    error = 100 * (max(part, 1 / runs) * (1 - part) / runs) ** 0.5
    return f"{100 * part:.2f} ± {error:.2f} % | {len(broken)} of {runs // 10} | {soon}"


def main() -> None:
    """Print the table of docs/gates.md."""
    parser = argparse.ArgumentParser(prog="python -m bench.gates.users", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="rollouts of equal releases; a tenth as many are broken")
    runs = parser.parse_args().runs
    print("| users | | equal releases rolled back | broken ones found | after minutes |\n|---|---|---|---|---|")
    for study in STUDIES:
        for name, spread in SPREADS.items():
            print(f"| {study.name} | {name} | {_row(study, runs, spread)} |", flush=True)


if __name__ == "__main__":
    main()
