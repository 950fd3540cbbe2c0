"""The users and models of a world, with the draws of the rehearsal and without anything of AWS."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bench.exposure.worlds import World, recorded_curve
from canary_tools.rehearsal.scenario import Behaviour, Scenario, behaviour_at, parse_scenario
from canary_tools.rehearsal.traffic import Arrivals
from canary_tools.rehearsal.traffic.latency import CENTRES_MS, Counts
from canary_tools.rehearsal.traffic.serving import serve

SLOW_MS = 250.0
MINUTE = 60.0
FIVE_MINUTES = 300.0
WATCHED_AFTERWARDS_S = 1800.0
"""A promoted bad release keeps doing harm; the harm of the first half hour after its fault began is counted."""
CANARY, STABLE = "canary", "stable"
_SLOW_FROM = int(np.searchsorted(CENTRES_MS, SLOW_MS, "right"))


@dataclass(frozen=True)
class Answered:
    """What one variant answered in some time. `caused`: bad answers that stable would not have given."""

    requests: int
    failed: int
    latency: Counts
    caused: int


class Recorded(Arrivals):
    """Arrivals that follow the recorded series, from a moment on that is drawn."""

    def __init__(self, scenario: Scenario, generator: np.random.Generator) -> None:
        super().__init__(scenario, generator)
        self._begin = int(generator.integers(len(recorded_curve())))

    def rate(self, second: float) -> float:
        curve = recorded_curve()
        return self._traffic.rps * curve[(self._begin + int(second // FIVE_MINUTES)) % len(curve)]


class Site:
    """Answers requests. Each draw comes from the seed's own generator."""

    def __init__(self, world: World, seed: int) -> None:
        self.scenario: Scenario = parse_scenario(world.scenario)
        self.generator = np.random.default_rng(seed)
        self.arrivals = (Recorded if world.recorded else Arrivals)(self.scenario, self.generator)
        self._world, self._seed = world, seed

    def answer_canary(self, second: float, seconds: float, share: float) -> Answered:
        """Return what the canary alone answers in some seconds in which nothing changes; `share`: its own, 0 to 1."""
        of_canary = int(self.generator.binomial(self.arrivals.draw(second, seconds), share))
        return self._answer(CANARY, of_canary, second, share)

    def answer(self, second: float, seconds: float, share: float) -> Mapping[str, Answered]:
        """Return what both variants answer, likewise."""
        requests = self.arrivals.draw(second, seconds)
        of_canary = int(self.generator.binomial(requests, share))
        return {
            CANARY: self._answer(CANARY, of_canary, second, share),
            STABLE: self._answer(STABLE, requests - of_canary, second, share),
        }

    def afterwards(self, second: float) -> int:
        """Return the harm that a promoted release does in the time after the rollout, or after a later fault."""
        begin = max(second, min((change.at_s for change in self.scenario.changes), default=0.0))
        later = Site(self._world, self._seed + 1_000_000)
        moments = np.arange(begin, begin + WATCHED_AFTERWARDS_S, MINUTE)
        return sum(later.answer_canary(float(moment), MINUTE, 1.0).caused for moment in moments)

    def delay(self, who: str) -> float:
        """Draw how long after the end of its minute a point of a metric can be read, in seconds."""
        delays = self.scenario.metric_delays.of(who)
        return float(self.generator.uniform(delays.least, delays.most))

    def _behaviour(self, who: str, second: float, share: float) -> Behaviour:
        usual = behaviour_at(self.scenario, who, second)
        worse = who == CANARY and share > self._world.limit
        return replace(usual, **self._world.above) if worse else usual

    def _answer(self, who: str, requests: int, second: float, share: float) -> Answered:
        mine = serve(self._behaviour(who, second, share), rps_per_instance=0, limit=None)
        usual = serve(self._behaviour(STABLE, second, share), rps_per_instance=0, limit=None).bad(SLOW_MS)
        failed = int(self.generator.binomial(requests, mine.failing))
        latency = self.generator.multinomial(requests - failed, mine.latency)
        wrong, bad = failed + int(latency[_SLOW_FROM:].sum()), mine.bad(SLOW_MS)
        caused = int(self.generator.binomial(wrong, 1 - usual / bad)) if bad > usual else 0
        return Answered(requests, failed, latency, caused)
