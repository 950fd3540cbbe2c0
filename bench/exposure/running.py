"""Every contender in every world, on the same seeds, in several processes."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from pathlib import Path

from rollout.contract.plan import Plan

from bench.exposure.ours import run_ours
from bench.exposure.rules import RULES
from bench.exposure.simulate import Ended, simulate
from bench.exposure.worlds import WORLDS
from canary_tools.rehearsal.template import find_endpoint

BUDGETS = (100, 20, 50, 200)
FIXED = "ours, fixed steps"
SEEDS_AT_ONCE = 10

Chunk = tuple[str, str, int, int]
"""World, contender, first seed, and the seed after the last."""


def paced(budget: int) -> str:
    """Return the name of the contender with a harm budget."""
    return f"ours, budget {budget}"


def run(paced_template: Path, fixed_template: Path, results: Path, *, seeds: Mapping[str, int], processes: int) -> None:
    """Append one line to the results for each missing chunk of seeds; `seeds`: how many, by contender."""
    plans = _plans(paced_template, fixed_template)
    known = {chunk_of(line) for line in lines_of(results)} if results.exists() else set()
    with ProcessPoolExecutor(processes) as pool, results.open("a", encoding="utf-8") as out:
        pending: dict[Future[list[Ended]], Chunk] = {
            pool.submit(_run_chunk, chunk, plans.get(chunk[1])): chunk for chunk in _chunks(seeds) if chunk not in known
        }
        for done in as_completed(pending):
            world, name, first, after = pending[done]
            ends = [asdict(end) for end in done.result()]
            line = {"world": world, "contender": name, "first": first, "after": after, "ends": ends}
            out.write(json.dumps(line) + "\n")
            out.flush()


def contenders() -> tuple[str, ...]:
    """Return the names of all contenders, ours first."""
    return (*map(paced, sorted(BUDGETS)), FIXED, *(rule.name for rule in RULES))


def lines_of(results: Path) -> Iterator[dict[str, object]]:
    """Read the results."""
    return (json.loads(line) for line in results.read_text(encoding="utf-8").splitlines())


def chunk_of(line: dict[str, object]) -> Chunk:
    """Return the chunk that a line of the results belongs to."""
    return str(line["world"]), str(line["contender"]), int(str(line["first"])), int(str(line["after"]))


def _plans(paced_template: Path, fixed_template: Path) -> dict[str, Plan]:
    """Return our plans: those of the paced ones differ in their budget."""
    plan = find_endpoint(paced_template, None).plan
    plans = {paced(budget): replace(plan, harm_budget=budget) for budget in BUDGETS}
    return {**plans, FIXED: find_endpoint(fixed_template, None).plan}


def _chunks(seeds: Mapping[str, int]) -> Iterator[Chunk]:
    """Yield the first seeds of all worlds before the next seeds, so that an interrupted run covers all worlds alike."""
    for first in range(1, max(seeds.values()) + 1, SEEDS_AT_ONCE):
        for name in sorted(contenders(), key=list(seeds).index):
            for world in WORLDS:
                if first <= seeds[name]:
                    yield world.name, name, first, min(first + SEEDS_AT_ONCE, seeds[name] + 1)


def _run_chunk(chunk: Chunk, plan: Plan | None) -> list[Ended]:
    name_of_world, name, first, after = chunk
    world = next(each for each in WORLDS if each.name == name_of_world)
    if plan is not None:
        return [run_ours(plan, world, seed) for seed in range(first, after)]
    rule = next(rule for rule in RULES if rule.name == name)
    return [simulate(rule, world, seed) for seed in range(first, after)]
