"""Every contender in every world, on the same seeds, in several processes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from rollout.contract.plan import Plan

from bench.exposure.ours import run_ours
from bench.exposure.rules import RULES
from bench.exposure.simulate import Ended, simulate
from bench.exposure.worlds import WORLDS, World
from canary_tools.rehearsal.template import find_endpoint

BUDGETS = (100, 20, 50, 200)
FIXED = "ours, fixed steps"
SEEDS_AT_ONCE = {"ours": 2, "theirs": 10}
"""Ours take longer; all chunks of one contender begin at the same seeds."""


class Chunk(NamedTuple):
    """The seeds from `first` to the one before `after`."""

    world: str
    contender: str
    first: int
    after: int


def paced(budget: int) -> str:
    """Return the name of the contender with a harm budget."""
    return f"ours, budget {budget}"


def run(
    paced_template: Path, fixed_template: Path, results: Path, *, seeds: Mapping[str, int], worlds: Sequence[World],
    processes: int,
) -> None:  # fmt: skip
    """Append one line to the results for each missing chunk of seeds; `seeds`: how many, by contender."""
    plans = _plans(paced_template, fixed_template)
    known = set(_known(results)) if results.exists() else set()
    with ProcessPoolExecutor(processes) as pool, results.open("a", encoding="utf-8") as out:
        pending: dict[Future[list[Ended]], Chunk] = {
            pool.submit(_run_chunk, chunk, plans.get(chunk.contender)): chunk
            for chunk in _chunks(seeds, worlds)
            if (chunk.world, chunk.contender, chunk.first) not in known
        }
        for done in as_completed(pending):
            ends = [asdict(end) for end in done.result()]
            out.write(json.dumps({**pending[done]._asdict(), "ends": ends}) + "\n")
            out.flush()


def contenders() -> tuple[str, ...]:
    """Return the names of all contenders, ours first."""
    return (*map(paced, sorted(BUDGETS)), FIXED, *(rule.name for rule in RULES))


def lines_of(results: Path) -> Iterator[dict[str, object]]:
    """Read the results."""
    return (json.loads(line) for line in results.read_text(encoding="utf-8").splitlines())


def _known(results: Path) -> Iterator[tuple[str, str, int]]:
    """Yield world, contender and first seed of each line of the results."""
    for line in lines_of(results):
        yield str(line["world"]), str(line["contender"]), int(str(line["first"]))


def _plans(paced_template: Path, fixed_template: Path) -> dict[str, Plan]:
    """Return our plans: those of the paced ones differ in their budget."""
    plan = find_endpoint(paced_template, None).plan
    plans = {paced(budget): replace(plan, harm_budget=budget) for budget in BUDGETS}
    return {**plans, FIXED: find_endpoint(fixed_template, None).plan}


def _chunks(seeds: Mapping[str, int], worlds: Sequence[World]) -> Iterator[Chunk]:
    """Yield the first seeds of all worlds before the next seeds, so that an interrupted run covers all worlds alike."""
    chunks = [
        Chunk(world.name, name, first, min(first + at_once, count + 1))
        for name, count in seeds.items()
        for at_once in [SEEDS_AT_ONCE["theirs" if name in {rule.name for rule in RULES} else "ours"]]
        for first in range(1, count + 1, at_once)
        for world in worlds
    ]
    return iter(sorted(chunks, key=lambda chunk: chunk.first))


def _run_chunk(chunk: Chunk, plan: Plan | None) -> list[Ended]:
    world, seeds = next(each for each in WORLDS if each.name == chunk.world), range(chunk.first, chunk.after)
    if plan is not None:
        return [run_ours(plan, world, seed).ended for seed in seeds]
    rule = next(rule for rule in RULES if rule.name == chunk.contender)
    return [simulate(rule, world, seed).ended for seed in seeds]
