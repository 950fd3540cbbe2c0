"""Every contender in every world, on the same seeds, in several processes."""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

from rollout.contract.names import PROMOTED

from bench.exposure.rules import RULES
from bench.exposure.simulate import Ended, afterwards, simulate
from bench.exposure.worlds import WORLDS
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import Scenario, parse_scenario
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint

OURS = "ours"
CAREFUL = "ours, 1 % first"
SEEDS_AT_ONCE = 20

Chunk = tuple[str, str, int, int]
"""World, contender, first seed, and the seed after the last."""


def run(ours: Path, careful: Path, results: Path, *, seeds: int, careful_seeds: int, processes: int) -> None:
    """Append one line to the results for each missing chunk of seeds; the careful plan may use fewer seeds."""
    templates = {OURS: ours, CAREFUL: careful}
    known = {chunk_of(line) for line in lines_of(results)} if results.exists() else set()
    with ProcessPoolExecutor(processes) as pool, results.open("a", encoding="utf-8") as out:
        pending: dict[Future[list[Ended]], Chunk] = {
            pool.submit(_run_chunk, chunk, templates.get(chunk[1])): chunk
            for chunk in _chunks(seeds)
            if chunk not in known and not (chunk[1] == CAREFUL and chunk[2] > careful_seeds)
        }
        for done in as_completed(pending):
            world, name, first, after = pending[done]
            ends = [asdict(end) for end in done.result()]
            line = {"world": world, "contender": name, "first": first, "after": after, "ends": ends}
            out.write(json.dumps(line) + "\n")
            out.flush()


def lines_of(results: Path) -> Iterator[dict[str, object]]:
    """Read the results."""
    return (json.loads(line) for line in results.read_text(encoding="utf-8").splitlines())


def chunk_of(line: dict[str, object]) -> Chunk:
    """Return the chunk that a line of the results belongs to."""
    return str(line["world"]), str(line["contender"]), int(str(line["first"])), int(str(line["after"]))


def _chunks(seeds: int) -> Iterator[Chunk]:
    """Yield the first seeds of all worlds before the next seeds, so that an interrupted run covers all worlds alike."""
    for first in range(1, seeds + 1, SEEDS_AT_ONCE):
        for world in WORLDS:
            for name in (OURS, CAREFUL, *(rule.name for rule in RULES)):
                yield world.name, name, first, min(first + SEEDS_AT_ONCE, seeds + 1)


def _run_chunk(chunk: Chunk, template: Path | None) -> list[Ended]:
    world, name, first, after = chunk
    scenario = next(parse_scenario(each.scenario) for each in WORLDS if each.name == world)
    if template is not None:
        return [_rehearsed(template, scenario, seed) for seed in range(first, after)]
    rule = next(rule for rule in RULES if rule.name == name)
    return [simulate(rule, scenario, seed) for seed in range(first, after)]


def _rehearsed(template: Path, scenario: Scenario, seed: int) -> Ended:
    result = rehearse(_declared(template), replace(scenario, seed=seed)).result
    promoted = result["outcome"] == PROMOTED
    later = afterwards(scenario, seed, result["seconds"]) if promoted else 0
    return Ended(promoted, result["bad_requests_caused"] + later, result["seconds"])


@cache
def _declared(template: Path) -> DeclaredEndpoint:
    return find_endpoint(template, None)
