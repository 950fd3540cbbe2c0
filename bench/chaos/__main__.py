"""Disturb rehearsed rollouts and count the ends that are not safe.

python -m bench.chaos matrix                              every state of the machine times every fault
python -m bench.chaos matrix --plan paced                 the same for a share that is paced by a harm budget
python -m bench.chaos matrix --plan paced --sample        each pair of state, call and fault of it
python -m bench.chaos schedules --schedules 2000 --seed 1 random schedules; failures are shrunk and printed
python -m bench.chaos schedules --plan cohort             the same for a plan that begins with a cohort
python -m bench.chaos schedules --plan paced              the same for a share that is paced by a harm budget
python -m bench.chaos schedules --plan approved --commands  commands of several people beside the faults
python -m bench.chaos shrink scenario.json                the smallest scenario that fails in the same way
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.chaos.matrix import PACED_WORLDS, WORLDS, cells, moments
from bench.chaos.running import PACED, PLANS, SHORT, Ended, Scenario, run_all, run_one, synthesise
from bench.chaos.sample import sample
from bench.chaos.schedules import calls_of_plan, latest_second_of_plan, schedule, schedule_with_commands
from bench.chaos.shrinking import shrink
from canary_tools.rehearsal.template import DeclaredEndpoint, find_endpoint

MATRICES = {SHORT: WORLDS, PACED: PACED_WORLDS}


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        template = options.template or synthesise(Path(folder), options.plan)
        declared = find_endpoint(template, None)
        if options.what == "shrink":
            _print_smallest(declared, json.loads(options.scenario.read_text(encoding="utf-8")))
            return 0
        began = time.monotonic()
        scenarios = _matrix(declared, options) if options.what == "matrix" else _schedules(declared, options)
        unsafe = report(run_all(scenarios, template=template, processes=options.processes), began)
        for ended in unsafe if options.what == "schedules" else ():
            _print_smallest(declared, ended.scenario)
    return 1 if unsafe else 0


def report(ends: Iterable[Ended], began: float) -> list[Ended]:
    """Print each unsafe end at once and a summary at the end; return the unsafe ends."""
    every, unsafe = list[Ended](), list[Ended]()
    for ended in ends:
        every.append(ended)
        if ended.unsafe:
            unsafe.append(ended)
            print(f"UNSAFE {ended.name}: {'; '.join(ended.unsafe)}\n  {json.dumps(ended.scenario)}", flush=True)
    print(summary(every, seconds=time.monotonic() - began), flush=True)
    return unsafe


def summary(ends: Sequence[Ended], *, seconds: float) -> str:
    """Return a table of one row: the outcomes with their counts, the slowest rehearsals, and the time of the run."""
    outcomes = Counter(ended.outcome for ended in ends)
    cells = {
        "rehearsals": f"{len(ends):,}",
        "ends": ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common()),
        "commands": f"{sum(ended.commands for ended in ends):,}",
        "of them refused": f"{sum(ended.refused for ended in ends):,}",
        "unsafe": str(sum(bool(ended.unsafe) for ended in ends)),
        "longest to the safe end": _longest(ends, "seconds_to_safe_end"),
        "longest to weight zero": _longest(ends, "seconds_to_weight_zero"),
        "harmed requests": f"{sum(ended.harmed for ended in ends):,}",
        "of them at stable": f"{sum(ended.harmed_at_stable for ended in ends):,}",
        "most harmed": "{:,} ({})".format(*max((ended.harmed, ended.name) for ended in ends)),
        "took": f"{seconds:,.0f} s",
    }
    return "\n".join(f"| {' | '.join(row)} |" for row in (cells, ["---"] * len(cells), cells.values()))


def _longest(ends: Iterable[Ended], what: str) -> str:
    """Return the longest time in seconds and the name of its scenario."""
    times = [(getattr(ended, what), ended.name) for ended in ends if getattr(ended, what) is not None]
    return "{:,.0f} s ({})".format(*max(times)) if times else "unknown"


def _matrix(declared: DeclaredEndpoint, options: argparse.Namespace) -> list[tuple[str, Scenario]]:
    worlds = MATRICES[options.plan]
    entered = moments(declared, worlds)
    chosen = sample(worlds) if options.sample else cells(worlds)
    return [(str(cell), cell.scenario(entered, worlds)) for cell in chosen]


def _schedules(declared: DeclaredEndpoint, options: argparse.Namespace) -> list[tuple[str, Scenario]]:
    calls, latest = calls_of_plan(declared.plan), latest_second_of_plan(declared.plan)
    seeds = range(options.seed, options.seed + options.schedules)
    drawn = schedule_with_commands if options.commands else schedule
    return [(f"schedule {seed}", drawn(seed, calls, latest_second=latest)) for seed in seeds]


def _print_smallest(declared: DeclaredEndpoint, scenario: Scenario) -> None:
    smallest = shrink(scenario, lambda tried: bool(run_one(declared, "", tried).unsafe))
    ended = run_one(declared, "", smallest)
    print(f"smallest: {'; '.join(ended.unsafe)}\n{json.dumps(smallest, indent=2)}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["matrix", "schedules", "shrink"])
    parser.add_argument("scenario", type=Path, nargs="?", help="JSON file of the scenario to shrink")
    parser.add_argument(
        "--plan", choices=PLANS, default=SHORT, help=f"the plan to rehearse; a matrix has: {', '.join(MATRICES)}"
    )
    parser.add_argument("--sample", action="store_true", help="of the matrix: each pair of state, call and fault")
    parser.add_argument("--commands", action="store_true", help="schedules: with 2 to 8 commands of several people")
    parser.add_argument("--template", type=Path, help="a synthesised template to rehearse instead of the plan")
    parser.add_argument("--schedules", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1, help="seed of the first schedule; each later schedule adds 1")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: one for each processor")
    options = parser.parse_args()
    if options.what == "matrix" and options.plan not in MATRICES:
        parser.error(f"there is no matrix of the plan {options.plan}; there is one of: {', '.join(MATRICES)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
