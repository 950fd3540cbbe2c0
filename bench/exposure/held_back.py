"""What a hold-back of a day finds, and how often it takes the traffic of a good release back.

python -m bench.exposure held-back --paced build/paced/Recommender.template.json --seeds 200
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean

from rollout.contract.plan import HoldBackRule, Plan

from bench.exposure.ours import run_ours
from bench.exposure.simulate import Ended
from bench.exposure.tables import harms
from bench.exposure.worlds import HOUR, World, every, from_second, world
from canary_tools.rehearsal.template import find_endpoint

DAY = 24 * HOUR
HELD_BACK = HoldBackRule(percent=2, duration_seconds=int(DAY), interval_seconds=480)
"""Looked at as often as synth allows after the default checkpoints; a test holds it equal to what synth says."""
WORLDS = (
    world("healthy", bad=False),
    world("healthy, 10 requests/s", bad=False, rps=10),
    world("healthy, 1 % errors as ever", bad=False, base=0.01),
    world("healthy, curve of a day", bad=False, daily_amplitude=0.7),
    world("healthy, an outage of both every three hours", bad=False,
          **every(3 * HOUR, "both", for_s=600, until=DAY, error_rate=0.2)),
    world("errors 5 % after 2 h", bad=True, **from_second(2 * HOUR, "canary", error_rate=0.05)),
    world("errors 1 % after 12 h", bad=True, **from_second(12 * HOUR, "canary", error_rate=0.01)),
    world("errors x 3 after 12 h", bad=True, **from_second(12 * HOUR, "canary", error_rate=0.003)),
)  # fmt: skip


def print_table(template: Path, *, seeds: int, processes: int | None) -> None:
    """Print a row for each world."""
    plan = replace(find_endpoint(template, None).plan, hold_back=HELD_BACK)
    print("| world | n | taken back (%) | hours from the fault | harmed, mean / 95th percentile |")
    print("|---|---|---|---|---|")
    with ProcessPoolExecutor(processes) as pool:
        for each in WORLDS:
            ends = list(pool.map(partial(_run, plan, each), range(1, seeds + 1)))
            print("| " + " | ".join(_cells(each, ends)) + " |", flush=True)


def _run(plan: Plan, each: World, seed: int) -> Ended:
    return run_ours(plan, each, seed).ended


def _cells(each: World, ends: Sequence[Ended]) -> Iterator[str]:
    back = [end for end in ends if not end.promoted]
    yield each.name
    yield str(len(ends))
    yield f"{100 * len(back) / len(ends):.1f}"
    begins = min((change["at_s"] for change in each.scenario.get("changes", ())), default=0.0)
    yield f"{mean(end.seconds - begins for end in back) / HOUR:.2f}" if each.bad and back else ""
    yield harms(ends) if each.bad else ""
