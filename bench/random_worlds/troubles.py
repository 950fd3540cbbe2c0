"""What happens during a rollout and is not the release's fault: drawn by seed, as fragments of a scenario.

A good release must be promoted through any of it, and a bad one must not be.
"""

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Fragment = Mapping[str, list[Mapping[str, Any]]]
LATEST_SECOND = 5400
"""A trouble begins between the start of the rollout and this second."""
CALLS = (
    "sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities", "cloudwatch:GetMetricData",
    "cloudwatch:DescribeAlarms", "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:RegisterScalableTarget", "dynamodb:GetItem", "dynamodb:UpdateItem", "lambda:Invoke",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What the endpoint is like without trouble: latencies in milliseconds, rates from 0 to 1."""

    p50_ms: float
    p99_ms: float
    error_rate: float
    conversion_rate: float


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One trouble, with its name, and with what it adds to the scenario."""

    name: str
    fragment: Fragment


def _changed(who: str, at_s: int, for_s: int | None, **values: Any) -> Fragment:
    change = {"at_s": at_s, "who": who, "set": values}
    return {"changes": [change if for_s is None else {**change, "for_s": for_s}]}


def _latency(usual: Usual, times: float) -> Mapping[str, float]:
    return {"p50": times * usual.p50_ms, "p99": times * usual.p99_ms}


def _outage(draw: random.Random, usual: Usual, who: str, at_s: int) -> Fragment:
    rate = max(usual.error_rate, draw.choice([0.02, 0.2, 0.9]))
    return _changed(who, at_s, draw.choice([30, 120, 600, 1500]), error_rate=rate)


def _slowness(draw: random.Random, usual: Usual, who: str, at_s: int) -> Fragment:
    return _changed(who, at_s, draw.choice([30, 120, 600, 1500]), latency_ms=_latency(usual, draw.choice([1.5, 3, 10])))


def _other_users(draw: random.Random, usual: Usual, at_s: int) -> Fragment:
    """Change for good how all users behave: more of their requests fail, are slow, are refused or do not convert."""
    return _changed(
        "both", at_s, None, refused_rate=draw.choice([0, 0.05, 0.4]),
        error_rate=max(usual.error_rate, draw.choice([0, 0.01, 0.04])),
        latency_ms=_latency(usual, draw.choice([0.7, 1, 1.4])),
        conversion_rate=usual.conversion_rate * draw.choice([0.5, 1, 1.5]),
    )  # fmt: skip


def _unpublished(draw: random.Random, at_s: int) -> Fragment:
    missing = {
        "from_s": at_s,
        "to_s": at_s + draw.choice([60, 300, 900]),
        "who": draw.choice(["both", "canary", "stable"]),
    }
    if draw.random() < 0.5:
        missing["metric"] = draw.choice(["ModelLatency", "Invocations", "Invocation5XXErrors", "Invocation4XXErrors"])
    return {"metrics": [missing]}


def _refused_call(draw: random.Random, at_s: int) -> Fragment:
    call = draw.choice(CALLS)
    if call == "lambda:Invoke":
        error = draw.choice(["TooManyRequestsException", "ServiceException"])
    else:
        error = draw.choice(["ThrottlingException", "InternalFailure", "timeout", "crash"])
    fault = {"call": call, "error": error, "probability": draw.choice([0.2, 0.5, 1])}
    return {"faults": [{**fault, "at_s": at_s, "for_s": draw.choice([10, 60, 240])}]}


def _impossible(draw: random.Random, at_s: int) -> Fragment:
    do = draw.choice(["negate-metrics", "inflate-errors", "blow-up-metrics"])
    return {"controls": [{"at_s": at_s, "do": do, "who": draw.choice(["both", "canary", "stable"])}]}


def _disorder(draw: random.Random, at_s: int) -> Fragment:
    return {"controls": [{"at_s": at_s, "do": draw.choice(["weights-fall-back", "duplicate-event", "delay-events"])}]}


KINDS: Mapping[str, Callable[[random.Random, Usual, int], Fragment]] = {
    "outage of both": lambda draw, usual, at_s: _outage(draw, usual, "both", at_s),
    "outage of stable": lambda draw, usual, at_s: _outage(draw, usual, "stable", at_s),
    "slowness of both": lambda draw, usual, at_s: _slowness(draw, usual, "both", at_s),
    "slowness of stable": lambda draw, usual, at_s: _slowness(draw, usual, "stable", at_s),
    "other users": _other_users,
    "metrics that are never published": lambda draw, _usual, at_s: _unpublished(draw, at_s),
    "a call that is refused": lambda draw, _usual, at_s: _refused_call(draw, at_s),
    "impossible metrics": lambda draw, _usual, at_s: _impossible(draw, at_s),
    "disorder": lambda draw, _usual, at_s: _disorder(draw, at_s),
}


def drawn_troubles(seed: int, usual: Usual) -> list[Trouble]:
    """Return one to three troubles."""
    draw = random.Random(f"troubles {seed}")
    kinds = draw.sample(list(KINDS), draw.choice([1, 1, 2, 3]))
    moments = [math.floor(draw.uniform(0, LATEST_SECOND)) for _ in kinds]
    return [
        Trouble(name=kind, fragment=KINDS[kind](draw, usual, at_s))
        for kind, at_s in zip(kinds, moments, strict=True)
    ]  # fmt: skip


def with_troubles(scenario: Mapping[str, Any], troubles: list[Trouble], beyond: Mapping[str, float]) -> dict[str, Any]:
    """Return the scenario with the troubles in it. `beyond`: what the canary does more than stable, then as well."""
    result = {
        **scenario,
        "metrics": {**scenario["metrics"], "missing": []},
        "changes": [],
        "faults": [],
        "controls": [],
    }
    for trouble in troubles:
        for key, values in trouble.fragment.items():
            (result["metrics"]["missing"] if key == "metrics" else result[key]).extend(values)
    result["changes"] = [change for both in result["changes"] for change in _of_each(both, beyond)]
    return result


def _of_each(change: Mapping[str, Any], beyond: Mapping[str, float]) -> Iterator[Mapping[str, Any]]:
    if change["who"] != "both":
        yield change
        return
    values = change["set"]
    worse = {
        rate: min(1.0, values[rate] + beyond.get(rate, 0.0))
        for rate in ("error_rate", "refused_rate")
        if rate in values
    }
    if "latency_ms" in values:
        times = beyond.get("times_as_slow", 1.0)
        worse["latency_ms"] = {name: times * ms for name, ms in values["latency_ms"].items()}
    yield {**change, "who": "stable"}
    yield {**change, "who": "canary", "set": {**values, **worse}}
