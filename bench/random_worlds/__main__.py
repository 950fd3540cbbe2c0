"""Rehearse a release in random worlds, under random plans: `python -m bench.random_worlds good --seeds 100`.

A good release is exactly like stable. It must be promoted whatever its endpoint is like: how much traffic it has, how
many of its requests fail or are slow, where the latency gate's limit lies, how late metrics come, how long instances
take. A bad one must not be. Prints a line for each rehearsal and a summary. What ends otherwise can be repeated by its
seed.
"""

import argparse
import json
import math
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

from aws_cdk import App, Duration, Stack
from aws_cdk.assertions import Template

from bench.random_worlds.troubles import Trouble, Usual, drawn_troubles, with_troubles
from canary_construct import CanaryEndpoint, Gate, InstanceScaling, ModelRelease, TrafficRouting
from canary_tools.rehearsal.rehearsal import rehearse
from canary_tools.rehearsal.scenario import parse_scenario
from canary_tools.rehearsal.template import find_endpoint

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/recommender:1"
RELEASE = ModelRelease(version="v2", image_uri=IMAGE, model_data_url="s3://models/v2.tar.gz")
P50_MS = 40
USUAL_CONVERSION_RATE = 0.05
RPS_AN_INSTANCE = 60
REQUESTS_A_MINUTE_AN_INSTANCE = 3000
BEYOND_STABLE: Mapping[str, Mapping[str, float]] = {
    "good": {}, "failing": {"error_rate": 0.05}, "refusing": {"refused_rate": 0.1}, "slow": {"times_as_slow": 2.5},
}  # fmt: skip
"""The releases, by what they do more than stable: from 0 to 1 of all requests, or a multiple of each latency."""
ROUTINGS: Mapping[str, Callable[[], TrafficRouting]] = {
    "paced, budget 100": TrafficRouting.paced,
    "paced, budget 20": lambda: TrafficRouting.paced(harm_budget=20),
    "10, 50, 100 %": lambda: TrafficRouting.steps([10, 50, 100], bake=Duration.minutes(30)),
}


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One world with its plan. Rates and shares are from 0 to 1, times in seconds.

    `limit_quantile`: the part of stable's requests that is within the latency gate's limit.
    """

    seed: int
    routing: str
    rps: float
    daily_amplitude: float
    burst: float
    error_rate: float
    p99_ms: float
    limit_quantile: float
    conversion_rate: float | None
    metric_period: int
    delay_s: Any
    counts_slow: bool
    launch_s: int
    more_instances: int
    scales: bool

    @property
    def limit_ms(self) -> float:
        """Return the latency gate's limit."""
        normal = NormalDist()
        sigma = math.log(self.p99_ms / P50_MS) / normal.inv_cdf(0.99)
        return round(P50_MS * math.exp(sigma * normal.inv_cdf(self.limit_quantile)), 1)

    @property
    def instances(self) -> int:
        """Return how many instances the busiest hour needs, and some more."""
        return max(1, math.ceil(self.rps * (1 + self.daily_amplitude) / RPS_AN_INSTANCE)) + self.more_instances

    def scenario(self, release: str) -> dict[str, Any]:
        """Return the scenario of a rehearsal of one of `BEYOND_STABLE`."""
        beyond = BEYOND_STABLE[release]
        slower = beyond.get("times_as_slow", 1.0)
        stable = {
            "error_rate": self.error_rate,
            "latency_ms": {"p50": P50_MS, "p99": self.p99_ms},
            "conversion_rate": self.conversion_rate or USUAL_CONVERSION_RATE,
        }
        canary = {
            **stable,
            "error_rate": self.error_rate + beyond.get("error_rate", 0.0),
            "refused_rate": beyond.get("refused_rate", 0.0),
            "latency_ms": {"p50": slower * P50_MS, "p99": slower * self.p99_ms},
        }
        return {
            "seed": self.seed,
            "traffic": {"rps": self.rps, "burst": self.burst, "daily_amplitude": self.daily_amplitude},
            "stable": stable,
            "canary": canary,
            "metrics": {"delay_s": self.delay_s},
            "capacity": {"launch_s": self.launch_s, "max_rps_per_instance": 1.2 * RPS_AN_INSTANCE},
            "undocumented": {"threshold_statistics": self.counts_slow},
        }

    @property
    def usual(self) -> Usual:
        """Return what the endpoint is like without trouble."""
        rate = self.conversion_rate or USUAL_CONVERSION_RATE
        return Usual(p50_ms=P50_MS, p99_ms=self.p99_ms, error_rate=self.error_rate, conversion_rate=rate)

    def template(self) -> Mapping[str, Any]:
        """Return the synthesised template of the endpoint."""
        stack = Stack(App(), "Shop")
        gates = [Gate.error_rate(), Gate.latency(slow_ms=self.limit_ms)]
        if self.conversion_rate is not None:
            gates.append(Gate.conversion(namespace="Shop", shown="Shown", converted="Clicked"))
        CanaryEndpoint(
            stack,
            "Recommender",
            release=RELEASE,
            instance_type="ml.m5.xlarge",
            endpoint_name="recommender",
            routing=ROUTINGS[self.routing](),
            gates=gates,
            metric_period=self.metric_period,
            scaling=InstanceScaling(
                min_instances=self.instances,
                max_instances=2 * self.instances + 2,
                idle_instances=1,
                invocations_per_instance=REQUESTS_A_MINUTE_AN_INSTANCE if self.scales else None,
            ),
        )
        return Template.from_stack(stack).to_json()


def drawn(seed: int) -> Drawn:
    """Return the world and the plan of a seed."""
    draw = random.Random(f"world {seed}")
    return Drawn(
        seed=seed,
        routing=draw.choice(list(ROUTINGS)),
        rps=draw.choice([0.5, 2, 5, 20, 60, 100, 300]),
        daily_amplitude=draw.choice([0, 0, 0.5, 0.9]),
        burst=draw.choice([1, 1, 2, 5]),
        error_rate=draw.choice([0, 1e-4, 1e-3, 1e-3, 0.01, 0.05]),
        p99_ms=draw.choice([60, 180, 600]),
        limit_quantile=draw.choice([0.5, 0.8, 0.9, 0.95, 0.99, 0.99, 0.999]),
        conversion_rate=draw.choice([None, None, 0.3, 0.02]),
        metric_period=draw.choice([60, 60, 60, 30, 10]),
        delay_s=draw.choice([60, [30, 180], [30, 180], [60, 300]]),
        counts_slow=draw.random() < 0.3,
        launch_s=draw.choice([60, 120, 240, 600]),
        more_instances=draw.choice([0, 0, 1]),
        scales=draw.random() < 0.5,
    )


def rehearsed(world: Drawn, release: str, troubles: list[Trouble], folder: Path) -> Mapping[str, Any]:
    """Rehearse a release, and return the result."""
    path = folder / f"{world.seed}.template.json"
    path.write_text(json.dumps(world.template()), encoding="utf-8")
    scenario = with_troubles(world.scenario(release), troubles, BEYOND_STABLE[release])
    return rehearse(find_endpoint(path, None), parse_scenario(scenario)).result


def main() -> int:
    """Rehearse the seeds, and print what came of them."""
    parser = argparse.ArgumentParser(prog="python -m bench.random_worlds", description=__doc__.split("\n", 1)[0])
    parser.add_argument("release", choices=BEYOND_STABLE)
    parser.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--seeds", type=int, default=100, help="how many (default 100)")
    parser.add_argument("--troubles", action="store_true", help="with one to three troubles that are not its fault")
    options = parser.parse_args()
    outcomes: dict[str, Counter[str]] = {routing: Counter() for routing in ROUTINGS}
    with tempfile.TemporaryDirectory(prefix="random-worlds-") as folder:
        for world in map(drawn, range(options.first, options.first + options.seeds)):
            troubles = drawn_troubles(world.seed, world.usual) if options.troubles else []
            result = rehearsed(world, options.release, troubles, Path(folder))
            outcomes[world.routing][result["outcome"]] += 1
            unsafe = f", UNSAFE: {result['unsafe']}" if result["unsafe"] else ""
            harmed = f", {result['bad_requests_caused']:,} harmed" if options.release != "good" else ""
            print(f"{result['outcome']} after {result['seconds'] / 60:.0f} min{harmed}{unsafe}: {world}")
            if (result["outcome"] == "PROMOTED") != (options.release == "good"):
                print(f"  {result['reason']}")
                print(*(f"  {trouble}" for trouble in troubles), sep="\n")
            sys.stdout.flush()
    for routing, found in outcomes.items():
        print(f"{routing}: {', '.join(f'{count} {outcome}' for outcome, count in found.items())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
