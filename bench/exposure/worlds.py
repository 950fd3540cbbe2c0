"""The releases: good ones, which must be promoted, and bad ones, which must not."""

from dataclasses import dataclass
from typing import Any

from bench.exposure.rules import CLOUDWATCH_DELAY


@dataclass(frozen=True, kw_only=True)
class World:
    name: str
    bad: bool
    scenario: dict[str, Any]


def world(name: str, *, bad: bool, rps: float = 100, base: float = 0.001, **keys: Any) -> World:
    canary = keys.pop("canary", {})
    scenario = {
        "traffic": {"rps": rps, "burst": keys.pop("burst", 1.5)},
        "stable": {"error_rate": base, "latency_ms": {"p50": 40, "p99": 180}},
        "canary": canary,
        "capacity": {"launch_s": 120},
        "metrics": {"delay_s": CLOUDWATCH_DELAY},  # as late as for the rules of other systems
        **keys,
    }
    return World(name=name, bad=bad, scenario=scenario)


def from_second(second: float, who: str, *, for_s: float | None = None, **changed: Any) -> dict[str, Any]:
    change = {"at_s": second, "who": who, "set": changed}
    return {"changes": [change if for_s is None else {**change, "for_s": for_s}]}


SLOW = {"latency_ms": {"p50": 90, "p99": 600}}

WORLDS = (
    world("healthy", bad=False),
    world("healthy, 10 requests/s", bad=False, rps=10),
    world("healthy, bursty", bad=False, burst=5),
    world("healthy, 1 % errors as ever", bad=False, base=0.01),
    world("incident on both", bad=False, **from_second(1500, "both", for_s=600, error_rate=0.2)),
    world("errors x 2", bad=True, canary={"error_rate": 0.002}),
    world("errors x 5", bad=True, canary={"error_rate": 0.005}),
    world("errors 2 %", bad=True, canary={"error_rate": 0.02}),
    world("errors 2 %, 10 requests/s", bad=True, rps=10, canary={"error_rate": 0.02}),
    world("errors 1 % to 2 %", bad=True, base=0.01, canary={"error_rate": 0.02}),
    world("errors 10 %", bad=True, canary={"error_rate": 0.1}),
    world("errors 60 %", bad=True, canary={"error_rate": 0.6}),
    world("errors 5 % after 50 min", bad=True, **from_second(3000, "canary", error_rate=0.05)),
    world("slow", bad=True, canary=SLOW),
)
