"""Random schedules: up to six faults and controls at random moments, in a random world. Seeded."""

import random
from collections.abc import Sequence
from typing import Any

from rollout.contract.plan import Plan

from bench.chaos.calls import OF_TASK, SET_STAGE
from bench.chaos.commands import commands
from bench.chaos.disturbances import FROM_THE_BEGINNING, OF_CALLS, OF_WORLD, fits
from bench.chaos.worlds import QUIET, merged

CALLS = sorted({call for calls in OF_TASK.values() for call in calls} | {"states:StartExecution"})
MOST = 6
LATEST_SECOND = 1300.0
"""The undisturbed rollout takes 1,090 seconds."""
LATEST_PACED_SECOND = 2400.0
"""The same of the paced plan, which takes some 2,000 seconds."""
WINDOWS = (1.0, 10.0, 60.0, 300.0, 900.0)
PROBABILITIES = (1.0, 1.0, 0.5, 0.2)
DELAYS: Sequence[Any] = (5, [30, 180], [30, 180], [60, 300], {"canary": [120, 300], "stable": [30, 180]})
"""From the end of a metric period until its values can be read: most often each point of each metric by itself."""
AROUND_THE_CALLS = [kind for kind in OF_WORLD if kind not in FROM_THE_BEGINNING]


def calls_of_plan(plan: Plan) -> Sequence[str]:
    """Return the calls that a rollout of this plan makes."""
    return [*CALLS, SET_STAGE] if plan.settings.api_stages else CALLS


def latest_second_of_plan(plan: Plan) -> float:
    """Return when the last fault of a schedule may begin, in seconds of the rollout. People may be waited for."""
    latest = LATEST_SECOND if plan.harm_budget is None else LATEST_PACED_SECOND
    return latest + sum(step.approval_seconds for step in plan.steps)


def schedule(seed: int, calls: Sequence[str] = CALLS, *, latest_second: float = LATEST_SECOND) -> dict[str, Any]:
    """Return the scenario of this seed; its faults hit these calls and begin until then."""
    draw = random.Random(seed)
    scenario = _world(draw, seed)
    focus = draw.uniform(0, latest_second)
    for _ in range(draw.randint(1, MOST)):
        near = draw.random() < 0.5
        at_s = round(max(0.0, draw.gauss(focus, 30.0)) if near else draw.uniform(0, latest_second), 1)
        scenario = merged(scenario, _disturbance(draw, calls, at_s))
    return scenario


def schedule_with_commands(
    seed: int, calls: Sequence[str] = CALLS, *, latest_second: float = LATEST_SECOND
) -> dict[str, Any]:
    """Return the scenario of this seed with commands of people beside its faults."""
    ordered = commands(random.Random(f"commands {seed}"), latest_second)
    return merged(schedule(seed, calls, latest_second=latest_second), {"controls": [*ordered]})


def _world(draw: random.Random, seed: int) -> dict[str, Any]:
    return merged(
        QUIET,
        {
            "seed": seed,
            "traffic": {"rps": draw.choice([10, 40, 100])},
            "canary": {"error_rate": draw.choice([0.001, 0.001, 0.02, 0.3])},
            "metrics": {"delay_s": draw.choice(DELAYS)},
            "capacity": {"launch_s": draw.choice([30, 60, 240])},
        },
    )


def _disturbance(draw: random.Random, calls: Sequence[str], at_s: float) -> dict[str, Any]:
    if draw.random() < 0.4:
        return OF_WORLD[draw.choice(AROUND_THE_CALLS)](at_s)
    call = draw.choice(calls)
    kind = draw.choice([kind for kind in OF_CALLS if fits(kind, call)])
    fragment = OF_CALLS[kind](call, at_s)
    for_s = draw.choice(WINDOWS)
    probability = draw.choice(PROBABILITIES)
    fragment["faults"] = [{**fault, "for_s": for_s, "probability": probability} for fault in fragment["faults"]]
    return fragment
