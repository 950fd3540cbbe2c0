"""The releases: good ones, which must be promoted, and bad ones, which must not."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

HOUR = 3600.0
RECORDED = Path(__file__).parent / "recorded" / "elb_request_count.csv"


@dataclass(frozen=True, kw_only=True)
class World:
    """`scenario`: as for a rehearsal. `above`: what the canary does differently while its share is above `limit`.

    `recorded`: whether the traffic follows the recorded series, scaled to the scenario's mean. `met_at`: the share (0
    to 1) at which the canary's fault meets any rule that keeps the time aims; `None`: at whatever share the rule has.
    """

    name: str
    bad: bool
    scenario: dict[str, Any]
    limit: float = 1.0
    above: Mapping[str, float] = field(default_factory=dict)
    recorded: bool = False
    met_at: float | None = None


@cache
def recorded_curve() -> tuple[float, ...]:
    """Return the recorded requests of each five minutes, over their mean."""
    with RECORDED.open(encoding="utf-8") as lines:
        values = [float(row["value"]) for row in csv.DictReader(lines)]
    usual = mean(values)
    return tuple(value / usual for value in values)


def world(name: str, *, bad: bool, rps: float = 100, base: float = 0.001, **keys: Any) -> World:
    canary = keys.pop("canary", {})
    traffic = {"rps": rps, "burst": keys.pop("burst", 1.5), "daily_amplitude": keys.pop("daily_amplitude", 0.0)}
    of_world = {key: keys.pop(key) for key in ("limit", "above", "recorded", "met_at") if key in keys}
    scenario = {
        "traffic": traffic,
        "stable": {"error_rate": base, "latency_ms": {"p50": 40, "p99": 180}},
        "canary": canary,
        "capacity": {"launch_s": 120},
        **keys,
    }
    return World(name=name, bad=bad, scenario=scenario, **of_world)


def from_second(second: float, who: str, *, for_s: float | None = None, **changed: Any) -> dict[str, Any]:
    return {"changes": [_change(second, who, for_s, changed)]}


def every(seconds: float, who: str, *, for_s: float, until: float, **changed: Any) -> dict[str, Any]:
    moments = range(int(seconds), int(until), int(seconds))
    return {"changes": [_change(moment, who, for_s, changed) for moment in moments]}


def _change(second: float, who: str, for_s: float | None, changed: dict[str, Any]) -> dict[str, Any]:
    change = {"at_s": second, "who": who, "set": changed}
    return change if for_s is None else {**change, "for_s": for_s}


SLOW = {"latency_ms": {"p50": 90, "p99": 600}}
LATE = {"metrics": {"delay_s": [60, 300]}}
PUNCTUAL = {"metrics": {"delay_s": 90}}

WORLDS = (
    world("healthy", bad=False),
    world("healthy, 10 requests/s", bad=False, rps=10),
    world("healthy, bursty", bad=False, burst=5),
    world("healthy, 1 % errors as ever", bad=False, base=0.01),
    world("incident on both", bad=False, **from_second(1500, "both", for_s=600, error_rate=0.2)),
    world("healthy, 1 request/s", bad=False, rps=1),
    world("healthy, 1,000 requests/s", bad=False, rps=1000),
    world("healthy, curve of a day", bad=False, daily_amplitude=0.7),
    world("healthy, recorded traffic", bad=False, recorded=True),
    world("healthy, outage of both in the ramp", bad=False, **from_second(420, "both", for_s=300, error_rate=0.2)),
    world("healthy, one bad minute (20 %)", bad=False, **from_second(1500, "canary", for_s=60, error_rate=0.2)),
    world("healthy, metrics 60 to 300 s late", bad=False, **LATE),
    world("healthy, metrics always 90 s late", bad=False, **PUNCTUAL),
    world("errors x 2", bad=True, canary={"error_rate": 0.002}),
    world("errors x 3", bad=True, canary={"error_rate": 0.003}),
    world("errors x 5", bad=True, canary={"error_rate": 0.005}),
    world("errors 2 %", bad=True, canary={"error_rate": 0.02}),
    world("errors 2 %, 10 requests/s", bad=True, rps=10, canary={"error_rate": 0.02}),
    world("errors 1 % to 2 %", bad=True, base=0.01, canary={"error_rate": 0.02}),
    world("errors 10 %", bad=True, canary={"error_rate": 0.1}),
    world("errors 60 %", bad=True, canary={"error_rate": 0.6}),
    world("errors 5 % after 50 min", bad=True, met_at=0.95, **from_second(3000, "canary", error_rate=0.05)),
    world("slow", bad=True, canary=SLOW),
    world("errors 5 % above 50 % share", bad=True, limit=0.5, above={"error_rate": 0.05}, met_at=0.5),
    world("errors 5 % after 2 h", bad=True, met_at=1.0, **from_second(2 * HOUR, "canary", error_rate=0.05)),
    world("errors 2 %, 1 request/s", bad=True, rps=1, canary={"error_rate": 0.02}),
    world("errors 2 %, 1,000 requests/s", bad=True, rps=1000, canary={"error_rate": 0.02}),
    world("errors 2 %, curve of a day", bad=True, daily_amplitude=0.7, canary={"error_rate": 0.02}),
    world("errors 2 %, recorded traffic", bad=True, recorded=True, canary={"error_rate": 0.02}),
    world("20 % errors in every tenth minute", bad=True,
          **every(600, "canary", for_s=60, until=6 * HOUR, error_rate=0.2)),
    world("errors 2 %, metrics 60 to 300 s late", bad=True, canary={"error_rate": 0.02}, **LATE),
    world("errors 2 %, metrics always 90 s late", bad=True, canary={"error_rate": 0.02}, **PUNCTUAL),
)  # fmt: skip
