"""Compare our versions of other systems' rules with the packages that their authors publish, on the same counts.

    python -m venv build/published && build/published/bin/pip install --requirement bench/requirements.txt
    PYTHONPATH=.:lambdas build/published/bin/python -m bench.gates.published --runs 20

The packages take one rollout at a time, so that the studies use ours, which take thousands at once. Each row is the
score of docs/gates.md: mean canary requests until rollback, over the information limit, on the same draws.
"""

import argparse
import importlib
from abc import abstractmethod
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from bench.gates.fleet import Bools, Floats
from bench.gates.measure import MakeRule, detection_minutes, score
from bench.gates.peers import ALPHA, MINUTES_OF_A_DAY, AsymptoticMixture, LindonMalek, OBrienFleming, Rule
from bench.gates.rules import peer
from bench.gates.scenarios import Setting

SEED = 20261129
SETTINGS = (Setting(10, 0.01, 5), Setting(10, 0.01, 2), Setting(100, 0.001, 5), Setting(100, 0.01, 2))
"""Those of CORE-8 in which a rollout ends within minutes."""
POWER_OF_SPENDING = 2
TRUNCATED_AT, GRID = 8, 1000
"""Of Spotify's `z_test_computer`."""
LOOKS = 120
"""So many of its bounds are calculated. They fall from look to look: the last one is used for later looks."""


class Published(Rule):
    """A package judges one rollout after the other, from all its counts so far."""

    def fails(self) -> Bools:
        canary, stable = (self.minute * total for total in self.totals)
        rows = zip(self.canary_bad, self.stable_bad, strict=True)
        return np.array([self.fails_one(int(bad), canary, int(other), stable) for bad, other in rows], dtype=bool)

    @abstractmethod
    def fails_one(self, canary_bad: int, canary: int, stable_bad: int, stable: int) -> bool:
        """Tell whether a rollout with these counts is rolled back."""


class Savvi(Published):
    """`savvi.multinomial.Multinomial` on which variant the bad requests hit. Its prior is centred on the split."""

    def fails_one(self, canary_bad: int, canary: int, stable_bad: int, stable: int) -> bool:
        split = np.array([canary, stable]) / (canary + stable)
        test = importlib.import_module("savvi.multinomial").Multinomial(ALPHA, split)
        test.update(np.array([canary_bad, stable_bad]))
        return bool(canary_bad * stable > stable_bad * canary and test.calculate_p_value() <= ALPHA)


class GrowthBook(Published):
    """`gbstats.frequentist.tests.SequentialTwoSidedTTest` on the difference, with its usual tuning of 5,000.

    The test has two sides, so that one of them has level ALPHA when both have twice that.
    """

    def fails_one(self, canary_bad: int, canary: int, stable_bad: int, stable: int) -> bool:
        if not canary_bad or not stable_bad:
            return False
        tests = importlib.import_module("gbstats.frequentist.tests")
        proportion = importlib.import_module("gbstats.models.statistics").ProportionStatistic
        config = tests.SequentialConfig(difference_type="absolute", alpha=2 * ALPHA)
        test = tests.SequentialTwoSidedTTest(
            proportion(n=stable, sum=stable_bad), proportion(n=canary, sum=canary_bad), config
        )
        return bool(test.point_estimate > 0 and test.p_value <= 2 * ALPHA)


class Spotify(Rule):
    """The bounds of `spotify_confidence` for a look each minute of a day. It spends as the square of the time."""

    def fails(self) -> Bools:
        failing: Bools = self.z() > _spotify_bounds()[min(self.minute, LOOKS) - 1]
        return failing


@cache
def _spotify_bounds() -> Floats:
    solver: Any = importlib.import_module("spotify_confidence.analysis.frequentist.sequential_bound_solver")
    elapsed = np.arange(1, LOOKS + 1) / MINUTES_OF_A_DAY
    found: Floats = solver.bounds(elapsed, ALPHA, POWER_OF_SPENDING, TRUNCATED_AT, 1, max_nints=GRID).bounds
    return found


PAIRS: Mapping[str, tuple[type[Rule], type[Rule]]] = {
    "Lindon-Malek: savvi": (LindonMalek, Savvi),
    "normal mixture: gbstats": (AsymptoticMixture, GrowthBook),
    "group sequential: spotify-confidence": (OBrienFleming, Spotify),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.gates.published", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=20, help="rollouts per figure (default 20)")
    options = parser.parse_args()
    print(f"| rule | whose | {' | '.join(map(str, SETTINGS))} |")
    print("|---" * (2 + len(SETTINGS)) + "|")
    for name, pair in PAIRS.items():
        for whose, rule in zip(("ours", "published"), pair, strict=True):
            print(f"| {name} | {whose} | {' | '.join(_scores(peer(rule), options.runs))} |", flush=True)


def _scores(make: MakeRule, runs: int) -> list[str]:
    return [
        str(score(detection_minutes(make, setting, runs, [SEED, number]), setting, ALPHA))
        for number, setting in enumerate(SETTINGS)
    ]


if __name__ == "__main__":
    main()
