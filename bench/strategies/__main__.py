"""One failing release, and one good one, under each strategy of releasing: a table and a picture.

    python -m examples.recommender.model.train
    cdk synth --quiet --output build/paced
    cdk synth --quiet --app "python -m examples.recommender.demo.app" -c steps=10,50,100 --output build/fixed
    python -m bench.strategies --paced build/paced/Recommender.template.json \\
        --fixed build/fixed/Recommender.template.json --picture docs/pictures/strategies.png

The decision rules run, ours included, in the worlds of `bench.exposure`. The picture is of the first seed.
"""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean

from rollout.contract.plan import Plan

from bench.exposure.ours import run_ours
from bench.exposure.rules import RULES, Schedule
from bench.exposure.simulate import MILESTONES, Course, simulate
from bench.exposure.worlds import WORLDS, World
from bench.strategies.picture import draw
from canary_tools.rehearsal.template import find_endpoint

FAILING, GOOD = "errors 2 %", "healthy"
NOBODY_LOOKS = 10**9
OURS_PACED, OURS_FIXED = "evidence-paced (ours)", "our fixed steps 10, 50, 100 %"
PUBLIC = {
    "all at once, nobody watches": Schedule(name="", steps=((100, 1800),), needed=NOBODY_LOOKS),
    "blue/green all at once, one alarm": Schedule(name="", steps=((100, 600),)),
    "rolling, a quarter of the fleet every 5 min, one alarm": Schedule(
        name="", steps=((25, 300), (50, 300), (75, 300), (100, 600))
    ),
    **{rule.name: rule for rule in RULES if "alarm 1 of 1" in rule.name and rule.name.startswith("SageMaker")},
}
"""SageMaker's other two guardrails are here by their behaviour. Sources:
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-all-at-once.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-rolling.html"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One strategy: how the failing release went, and the good one."""

    name: str
    failing: Sequence[Course]
    good: Sequence[Course]

    @property
    def cells(self) -> tuple[str, ...]:
        """Its line of the table."""
        found = [course for course in self.failing if not course.promoted]
        minutes = [course.seconds / 60 for course in found]
        promoted = [course for course in self.good if course.promoted]
        full = [at / 60 for course in promoted if (at := course.ended.reached[-1]) is not None]
        return (
            self.name,
            f"{mean(course.caused for course in self.failing):,.0f}",
            f"{len(found)} of {len(self.failing)}",
            f"{mean(minutes):.0f}" if minutes else "never",
            f"{mean(full):.0f}" if full else "never",
            f"{len(self.good) - len(promoted)} of {len(self.good)}",
        )


HEAD = (
    "strategy",
    "failed requests of the bad release, mean",
    "bad releases found",
    "minutes until found",
    f"minutes until a good release has {MILESTONES[-1]:.0f} %",
    "good releases rolled back",
)


def main() -> None:
    """Run the study."""
    options = _options()
    plans = {OURS_PACED: _plan(options.paced), OURS_FIXED: _plan(options.fixed)}
    ways: Mapping[str, Callable[[World, int], Course]] = {
        **{name: partial(simulate, rule) for name, rule in PUBLIC.items()},
        **{name: partial(run_ours, plan) for name, plan in plans.items()},
    }
    worlds = {each.name: each for each in WORLDS}
    with ProcessPoolExecutor(options.processes) as pool:
        rows = [
            Row(
                name=name,
                failing=list(pool.map(partial(way, worlds[FAILING]), range(1, options.seeds + 1))),
                good=list(pool.map(partial(way, worlds[GOOD]), range(1, options.seeds + 1))),
            )
            for name, way in ways.items()
        ]
    for cells in (HEAD, ("---",) * len(HEAD), *(row.cells for row in rows)):
        print(f"| {' | '.join(cells)} |")
    if options.picture is not None:
        draw({row.name: (row.failing[0], row.good[0]) for row in rows}, options.picture)


def _plan(template: Path) -> Plan:
    return find_endpoint(template, None).plan


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.strategies", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--paced", type=Path, required=True, help="template with a harm budget")
    parser.add_argument("--fixed", type=Path, required=True, help="template with the steps 10, 50, 100 %%")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--picture", type=Path, help="where the picture goes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
