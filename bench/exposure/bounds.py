"""What any rule must suffer in a world of bad releases, however good it is."""

import math
from dataclasses import dataclass
from statistics import mean

from bench.exposure.site import MINUTE, SLOW_MS
from bench.exposure.worlds import World
from canary_tools.rehearsal.scenario import Behaviour, behaviour_at, parse_scenario
from canary_tools.rehearsal.traffic.serving import serve

ALPHA = 0.01
"""The false rollbacks that are allowed."""
WEIGHTS_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Bound:
    """The least harm, and what it comes from."""

    harm: float
    why: str


def bound(world: World) -> Bound:
    """Return the least harm: a test that is told both rates must see so many requests (Wald), or metrics come late.

    The second holds where a fault meets a rule at a share that it cannot choose, because the aims ask for that share.
    """
    scenario = parse_scenario(world.scenario)
    stable = _bad(scenario.stable)
    moment = max((change.at_s for change in scenario.changes), default=0.0)
    canary = _bad(Behaviour(**{**vars(behaviour_at(scenario, "canary", moment)), **world.above}))
    if world.met_at is None:
        return Bound(harm=wald_requests(canary, stable) * (canary - stable), why="Wald")
    delays = scenario.metric_delays.of("canary")
    reaction = MINUTE + mean((delays.least, delays.most)) + WEIGHTS_SECONDS
    harm = scenario.traffic.rps * world.met_at * reaction * (canary - stable)
    return Bound(harm=harm, why=f"{reaction:.0f} s at {100 * world.met_at:.0f} %")


def wald_requests(canary: float, stable: float) -> float:
    """Return how many requests of the canary a sequential test needs on average that is told both bad rates (0 to 1).

    Source: Wald, "Sequential tests of statistical hypotheses", Annals of Mathematical Statistics 16 (1945)

    >>> round(wald_requests(0.02, 0.001)), round(wald_requests(0.002, 0.001))
    (112, 11906)
    """
    per_request = canary * math.log(canary / stable) + (1 - canary) * math.log((1 - canary) / (1 - stable))
    return -math.log(ALPHA) / per_request


def _bad(behaviour: Behaviour) -> float:
    return serve(behaviour, rps_per_instance=0, limit=None).bad(SLOW_MS)
