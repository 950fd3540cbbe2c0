"""Harm, false rollbacks and missed bad releases: this product beside other systems' decision rules.

    python -m bench.exposure --template cdk.out/Recommender.template.json --seeds 200 --rehearsals 20

Ours is rehearsed as deployed; the others are their decision rules on the same worlds.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean

from bench.exposure.rules import RULES
from bench.exposure.simulate import WATCHED_AFTERWARDS_S, Ended, afterwards, simulate
from bench.exposure.worlds import WORLDS, World
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import Scenario, parse_scenario
from canary_tools.rehearsal.template import find_endpoint

OURS = "canary-construct"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.exposure", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=200, help="of each other system's rule and world")
    parser.add_argument("--rehearsals", type=int, default=20, help="of ours, each a full rehearsal")
    options = parser.parse_args()
    declared = find_endpoint(options.template, None)

    def ours(scenario: Scenario, seed: int) -> Ended:
        result = rehearse(declared, replace(scenario, seed=seed)).result
        promoted = result["outcome"] == "PROMOTED"
        later = afterwards(scenario, seed, result["seconds"]) if promoted else 0
        return Ended(promoted, result["bad_requests_caused"] + later, result["seconds"])

    contenders: dict[str, tuple[Callable[[Scenario, int], Ended], int]] = {OURS: (ours, options.rehearsals)}
    for rule in RULES:
        contenders[rule.name] = (lambda scenario, seed, rule=rule: simulate(rule, scenario, seed), options.seeds)
    print_table(contenders)
    return 0


def print_table(contenders: dict[str, tuple[Callable[[Scenario, int], Ended], int]]) -> None:
    """Print a line a world and contender: wrong decisions in percent, mean harm, and minutes until decided."""
    print(f"a promoted bad release is counted for {WATCHED_AFTERWARDS_S / 60:.0f} minutes more")
    print(f"{'world':<30} {'rule':<32} {'wrong':>6} {'harm':>10} {'minutes':>8}")
    for world in WORLDS:
        for name, (run, seeds) in contenders.items():
            print_line(world, name, [run(parse_scenario(world.scenario), seed) for seed in range(1, seeds + 1)])
            sys.stdout.flush()


def print_line(world: World, name: str, ends: list[Ended]) -> None:
    wrong = 100 * mean(end.promoted == world.bad for end in ends)
    harm, minutes = mean(end.caused for end in ends), mean(end.seconds for end in ends) / 60
    print(f"{world.name:<30} {name:<32} {wrong:>5.1f}% {harm:>10,.0f} {minutes:>8.1f}")


if __name__ == "__main__":
    sys.exit(main())
