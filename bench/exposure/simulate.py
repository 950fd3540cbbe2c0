"""Runs another system's rule in a world, with the users and models of the rehearsal and without our product."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.exposure.rules import Decision, Seen
from canary_tools.rehearsal.scenario import Scenario, behaviour_at
from canary_tools.rehearsal.traffic import Arrivals
from canary_tools.rehearsal.traffic.latency import CENTRES_MS, percentile
from canary_tools.rehearsal.traffic.serving import serve

SLOW_MS = 250.0
MINUTE = 60.0
WATCHED_AFTERWARDS_S = 1800.0
"""A promoted bad release keeps doing harm; the harm of the first half hour after its fault began is counted."""


@dataclass(frozen=True)
class Ended:
    promoted: bool
    caused: int
    seconds: float


def simulate(rule: Any, scenario: Scenario, seed: int) -> Ended:
    """Go on minute by minute until the rule has decided. It sees the metrics of a minute `rule.delay` later."""
    generator = np.random.default_rng(seed)
    arrivals = Arrivals(scenario, generator)
    seen: list[tuple[float, Seen]] = []
    caused, second, decision = 0, 0.0, Decision(0)
    while not decision.over:
        decision = rule.decide(second, [minute for visible, minute in seen if visible <= second])
        if decision.over:
            break
        harm, minute = _minute(scenario, arrivals, generator, second, decision.percent)
        caused += harm
        seen.append((second + MINUTE + rule.delay, minute))
        second += MINUTE
    promoted = decision.percent > 0
    caused += afterwards(scenario, seed, second) if promoted else 0
    return Ended(promoted=promoted, caused=caused, seconds=second)


def afterwards(scenario: Scenario, seed: int, second: float) -> int:
    """Return the harm that a promoted release does in the time after the rollout, or after a later fault."""
    second = max([second, *(change.at_s for change in scenario.changes)])
    generator = np.random.default_rng(seed + 1_000_000)
    arrivals = Arrivals(scenario, generator)
    moments = np.arange(second, second + WATCHED_AFTERWARDS_S, MINUTE)
    return sum(_minute(scenario, arrivals, generator, float(moment), 100)[0] for moment in moments)


def _minute(
    scenario: Scenario, arrivals: Arrivals, generator: np.random.Generator, second: float, percent: float
) -> tuple[int, Seen]:
    requests = int(generator.binomial(arrivals.draw(second, MINUTE), percent / 100))
    canary = serve(behaviour_at(scenario, "canary", second), rps_per_instance=0, limit=None)
    stable = serve(behaviour_at(scenario, "stable", second), rps_per_instance=0, limit=None)
    failed = int(generator.binomial(requests, canary.failing))
    latency = generator.multinomial(requests - failed, canary.latency)
    bad, usual = canary.bad(SLOW_MS), stable.bad(SLOW_MS)
    wrong = failed + int(latency[SLOW_MS < CENTRES_MS].sum())
    caused = int(generator.binomial(wrong, 1 - usual / bad)) if bad > usual else 0
    return caused, Seen(failed / requests if requests else 0.0, percentile(latency, 99) or 0.0)
