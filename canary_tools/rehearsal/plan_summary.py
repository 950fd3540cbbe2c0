"""What a rollout's plan means: how long, how many instances, how many requests before anything can act, what it costs.

Nothing is simulated here: these are bounds that follow from the plan in the template.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from canary_tools.rehearsal import prices
from canary_tools.rehearsal.plan_steps import Step, expected_percent, title
from canary_tools.rehearsal.simulated_aws import WEIGHT_UPDATE_SECONDS
from canary_tools.rehearsal.template import DeclaredEndpoint

EVENTS_PER_LOOK = 9
"""In AWS's history: a wait (2), a Lambda task (5) and a choice (2)."""
TRANSITIONS_PER_LOOK = 3
EVENTS_AROUND = 60
FINAL_AFTER_PERIODS = 2
GATE_PERIODS = 2
"""One metric period alone never rolls back, so that a gate needs two."""
PATIENCE_SECONDS = 15 * 60
LONGEST_HISTORY = 25_000
EVALUATION_SECONDS = 60
CALLS_PER_LOOK = 12


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """What the plan itself does not say."""

    rps: float
    launch_s: float
    metric_delay_s: float


@dataclass(frozen=True, kw_only=True)
class Guard:
    """A gate or alarm and the earliest time after a shift at which it can have taken the traffic back, in seconds."""

    name: str
    earliest_s: float


def summarise(declared: DeclaredEndpoint, assumptions: Assumptions) -> dict[str, Any]:
    """Return the summary as plain data."""
    plan, steps = declared.plan, declared.plan["steps"]
    around = assumptions.launch_s + WEIGHT_UPDATE_SECONDS + 2 * plan["poll_seconds"]
    ending = (FINAL_AFTER_PERIODS + 1) * plan["metric_period_seconds"]
    usual = sum(step["bake_seconds"] + around + ending for step in steps)
    instances = _instances(plan, assumptions.rps)
    return {
        "endpoint": declared.endpoint_name,
        "steps": [expected_percent(step) for step in steps],
        "step_titles": [title(step) for step in steps],
        "usual_seconds": round(usual),
        "longest_seconds": round(_longest(plan)),
        "instances_before": instances.before,
        "peak_instances": instances.peak,
        "max_instances": plan["scaling"]["max_instances"],
        "exposed_requests": [_exposed(guard, steps, assumptions.rps) for guard in guards(declared, assumptions)],
        "history_events": _history_events(plan),
        "history_limit": LONGEST_HISTORY,
        "cost_usd": round(_cost(declared, instances, usual), 2),
        "assumed": {"rps": assumptions.rps, "launch_s": assumptions.launch_s},
    }


def guards(declared: DeclaredEndpoint, assumptions: Assumptions) -> Iterator[Guard]:
    """Yield every gate, and every alarm of the canary's kind, with the earliest time at which it can act."""
    plan = declared.plan
    period = plan["metric_period_seconds"]
    for gate in plan["gates"]["judge"]["gates"]:
        periods = gate.get("warm_up", 0) + GATE_PERIODS + FINAL_AFTER_PERIODS
        delay = plan["gates"]["sources"][gate["name"]].get("delay_seconds", 0)
        seconds = periods * period + delay + plan["evaluation_interval_seconds"] + WEIGHT_UPDATE_SECONDS
        yield Guard(name=f"gate {gate['name']}", earliest_s=seconds)
    of_one_slot = set(plan["alarms"].get("variant-b", [])) | set(plan["alarms"]["caller"])
    for alarm in declared.alarms:
        if alarm["AlarmName"] in of_one_slot and "AlarmRule" not in alarm:
            points = int(alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"])
            wait = assumptions.metric_delay_s + min(EVALUATION_SECONDS, period) + WEIGHT_UPDATE_SECONDS
            yield Guard(name=_alarm_name(alarm), earliest_s=points * period + wait)


@dataclass(frozen=True)
class _Instances:
    before: int
    extra_by_step: tuple[int, ...]

    @property
    def peak(self) -> int:
        return self.before + max(self.extra_by_step)


def _instances(plan: Mapping[str, Any], rps: float) -> _Instances:
    scaling = plan["scaling"]
    per_instance = scaling["invocations_per_instance"]
    needed = scaling["min_instances"] if per_instance is None else ceil(rps * 60 / per_instance)
    needed = max(needed, scaling["min_instances"])
    canaries = [max(scaling["idle_instances"], ceil(needed * expected_percent(step) / 100)) for step in plan["steps"]]
    extra = tuple(count - scaling["idle_instances"] for count in canaries)
    return _Instances(needed + scaling["idle_instances"], extra)


def _longest(plan: Mapping[str, Any]) -> float:
    waiting = plan["capacity_timeout_seconds"] + plan["weights_timeout_seconds"]
    ending = (FINAL_AFTER_PERIODS + 1) * plan["metric_period_seconds"]
    longest = PATIENCE_SECONDS + sum(step["max_bake_seconds"] + waiting + ending for step in plan["steps"])
    return float(longest)


def _history_events(plan: Mapping[str, Any]) -> int:
    waiting = PATIENCE_SECONDS + len(plan["steps"]) * (
        plan["capacity_timeout_seconds"] + plan["weights_timeout_seconds"]
    )
    looks: int = ceil(waiting / plan["poll_seconds"])
    for step in plan["steps"]:
        looks += ceil(step["max_bake_seconds"] / plan["evaluation_interval_seconds"]) + FINAL_AFTER_PERIODS + 1
    return EVENTS_AROUND + EVENTS_PER_LOOK * looks


def _exposed(guard: Guard, steps: list[Step], rps: float) -> dict[str, Any]:
    requests = {title(step): round(rps * expected_percent(step) / 100 * guard.earliest_s) for step in steps}
    return {"guard": guard.name, "earliest_s": round(guard.earliest_s), "requests": requests}


def _cost(declared: DeclaredEndpoint, instances: _Instances, usual_seconds: float) -> float:
    plan = declared.plan
    kinds = [
        variant["InstanceType"]
        for _, config in declared.resources("AWS::SageMaker::EndpointConfig")
        for variant in config["Properties"]["ProductionVariants"]
    ]
    per_step = usual_seconds / len(plan["steps"])
    extra_seconds = sum(extra * per_step for extra in instances.extra_by_step)
    looks = ceil(usual_seconds / plan["evaluation_interval_seconds"])
    return prices.instances(kinds[0], extra_seconds) + prices.orchestration(
        state_transitions=TRANSITIONS_PER_LOOK * looks,
        lambda_requests=looks,
        lambda_megabyte_seconds=512.0 * looks,
        calls={"dynamodb:GetItem": CALLS_PER_LOOK * looks},
    )


def _alarm_name(alarm: Mapping[str, Any]) -> str:
    description = str(alarm.get("AlarmDescription", alarm["AlarmName"]))
    return f"alarm {description.removeprefix('variant-b: ')}"
