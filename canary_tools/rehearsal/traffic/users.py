"""Requests of users: how many arrive, which variant answers them, and how."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from canary_tools.aws_models.hosting.sagemaker_hosting import SageMakerHosting
from canary_tools.aws_models.sagemaker.variants import Fleet, Variant
from canary_tools.clock import VirtualClock
from canary_tools.rehearsal.scenario import Scenario, behaviour_at
from canary_tools.rehearsal.traffic.cohort import Cohort
from canary_tools.rehearsal.traffic.fitting import SCALE_OUT_SECONDS
from canary_tools.rehearsal.traffic.latency import CENTRES_MS, Counts
from canary_tools.rehearsal.traffic.serving import Serving, serve

DAY_SECONDS = 86_400
JUST_BEFORE = 0.001
"""A tick is counted so many seconds before its end. So its requests belong to the metric period that ends then."""

NO_REQUESTS: Counts = np.zeros(len(CENTRES_MS), dtype=np.int64)
NO_REQUESTS.flags.writeable = False


@dataclass
class Served:
    """What one variant answered in some time. `caused`: bad answers that users would not have got without a rollout."""

    requests: int = 0
    failed: int = 0
    refused: int = 0
    slow: int = 0
    caused: int = 0
    latency: Counts = field(default_factory=lambda: NO_REQUESTS)

    def add(self, other: "Served") -> None:
        """Add the answers of another time."""
        self.requests += other.requests
        self.failed += other.failed
        self.refused += other.refused
        self.slow += other.slow
        self.caused += other.caused
        self.latency = self.latency + other.latency


Listener = Callable[[Fleet, Variant, Served], None]


class Arrivals:
    """Draws the number of requests that arrive in some seconds: Poisson, or negative binomial for bursts."""

    def __init__(self, scenario: Scenario, generator: np.random.Generator) -> None:
        self._traffic = scenario.traffic
        self._generator = generator

    def rate(self, second: float) -> float:
        """Return the requests a second at this second of the rollout. The daily curve begins at its mean and rises."""
        curve = math.sin(2 * math.pi * second / DAY_SECONDS)
        return self._traffic.rps * (1 + self._traffic.daily_amplitude * curve)

    def draw(self, second: float, seconds: float) -> int:
        """Draw the requests of so many seconds."""
        mean = self.rate(second) * seconds
        if mean <= 0:
            return 0
        if self._traffic.burst <= 1:
            return int(self._generator.poisson(mean))
        return int(self._generator.negative_binomial(mean / (self._traffic.burst - 1), 1 / self._traffic.burst))


class Users:
    """Sends requests to an endpoint in each tick, as long as the clock runs.

    `fitting`: returns the instances that auto scaling gives a variant for so many requests a second.
    `zero`: when the rollout begins, in seconds since the epoch. Before that, both releases behave as usual.
    """

    def __init__(
        self,
        *,
        clock: VirtualClock,
        scenario: Scenario,
        sagemaker: SageMakerHosting,
        endpoint_name: str,
        canary_model: Callable[[], str],
        cohort: Callable[[], Cohort | None],
        slow_ms: float | None,
        fitting: Callable[[float], int],
        tick_seconds: float,
        generator: np.random.Generator,
    ) -> None:
        self._clock = clock
        self._scenario = scenario
        self._sagemaker = sagemaker
        self.endpoint_name = endpoint_name
        self._canary_model = canary_model
        self._cohort = cohort
        self._slow_ms = slow_ms
        self._fitting = fitting
        self._slow_from = len(CENTRES_MS) if slow_ms is None else int(np.searchsorted(CENTRES_MS, slow_ms, "right"))
        self._tick = tick_seconds
        self._generator = generator
        self._arrivals = Arrivals(scenario, generator)
        self.zero = math.inf
        self.listeners: list[Listener] = []

    def begin(self) -> None:
        """Send the first requests in the tick that runs now."""
        now = self._clock.now()
        self._clock.call_at(now - now % self._tick + self._tick - JUST_BEFORE, self._end_of_tick)

    def second(self) -> float:
        """Return the second of the rollout; -1 before it begins."""
        return self._clock.now() - self.zero if self._clock.now() >= self.zero else -1.0

    def serving(self, variant: Variant, requests_per_second: float) -> Serving:
        """Return how a variant answers now, at so many requests a second for all of it."""
        who = "canary" if variant.model_name == self._canary_model() else "stable"
        behaviour = behaviour_at(self._scenario, who, self.second())
        per_instance = requests_per_second / max(variant.current_count, 1)
        return serve(behaviour, rps_per_instance=per_instance, limit=self._scenario.max_rps_per_instance)

    def is_worse(self, variant: Variant) -> bool:
        """Tell whether a variant gives more bad answers now than stable does, both without load."""
        mine = self.serving(variant, 0.0).bad(self._slow_ms)
        usual = behaviour_at(self._scenario, "stable", self.second())
        converts_worse = behaviour_at(self._scenario, "canary", self.second()).conversion_rate < usual.conversion_rate
        return converts_worse or mine > serve(usual, rps_per_instance=0.0, limit=None).bad(self._slow_ms)

    def _end_of_tick(self) -> None:
        self._clock.call_at(self._clock.now() + self._tick, self._end_of_tick)
        if not self._sagemaker.endpoints.exists(self.endpoint_name):
            return
        fleet = self._sagemaker.endpoints.find(self.endpoint_name).fleet
        if fleet is not None:
            self._send(fleet, self._arrivals.draw(max(self.second(), 0.0), self._tick))

    def _send(self, fleet: Fleet, requests: int) -> None:
        variants = list(fleet.variants.values())
        if not sum(variant.current_weight for variant in variants):
            return
        parts = self._divided(variants, requests)
        usual = self._usual_bad(requests)
        for variant, part in zip(variants, parts, strict=True):
            served = self._answer(variant, part, usual)
            for listener in self.listeners:
                listener(fleet, variant, served)

    def _divided(self, variants: list[Variant], requests: int) -> list[int]:
        """Divide requests among the variants: a cohort's requests go to its variant, all others by weight."""
        cohort = self._cohort()
        members = [cohort is not None and variant.name == cohort.variant for variant in variants]
        matching = int(self._generator.binomial(requests, cohort.percent / 100)) if cohort and any(members) else 0
        total = sum(variant.current_weight for variant in variants)
        shares = [variant.current_weight / total for variant in variants]
        others = self._generator.multinomial(requests - matching, shares)
        return [int(part) + matching * member for part, member in zip(others, members, strict=True)]

    def _usual_bad(self, requests: int) -> float:
        """Return the chance of a bad answer without a rollout.

        Stable would get all requests. It would have the instances that fit the traffic of some minutes ago.
        """
        then = self.second() - SCALE_OUT_SECONDS - self._scenario.launch_s
        instances = self._fitting(self._arrivals.rate(max(then, 0.0)))
        per_instance = requests / self._tick / instances
        behaviour = behaviour_at(self._scenario, "stable", self.second())
        serving = serve(behaviour, rps_per_instance=per_instance, limit=self._scenario.max_rps_per_instance)
        return serving.bad(self._slow_ms)

    def _answer(self, variant: Variant, requests: int, usual_bad: float) -> Served:
        if not requests:
            return Served()
        serving = self.serving(variant, requests / self._tick)
        failed = int(self._generator.binomial(requests, serving.failing))
        refused = int(self._generator.binomial(requests - failed, serving.refusing_if_not_failing))
        latency = self._generator.multinomial(requests - failed - refused, serving.latency)
        slow = int(latency[self._slow_from :].sum())
        served = Served(requests=requests, failed=failed, refused=refused, slow=slow, latency=latency)
        bad = serving.bad(self._slow_ms)
        if bad > usual_bad:
            served.caused = int(self._generator.binomial(failed + refused + slow, 1 - usual_bad / bad))
        return served
