"""What a rollout's plan means: how long, how many instances, how many requests before anything can act, what it costs.

Nothing is simulated here: these are bounds. What synth wrote into the template's metadata is taken from there, so that
both say the same; for a template of an older library it is computed from the plan. Only traffic and prices are added.
An older library wrote no guards, and as the shortest time that of the bakes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from canary_tools.rehearsal.services import list_prices
from canary_tools.rehearsal.simulated_aws import WEIGHT_UPDATE_SECONDS
from canary_tools.rehearsal.template import DeclaredEndpoint
from canary_tools.rehearsal.template.plan_steps import Step, expected_percent, title

METADATA_KEY = "canary-construct:plan"
EVENTS_PER_LOOK = 9
"""In AWS's history: a wait (2), a Lambda task (5) and a choice (2)."""
TRANSITIONS_PER_LOOK = 3
EVENTS_AROUND = 60
FINAL_AFTER_PERIODS = 2
PASS_PERIODS = 5
"""The fewest metric periods after which a step passes."""
ROLLBACK_PERIODS = 3
"""One metric period adds at most 0.49 of the evidence that a gate asks for, so that it needs three."""
METRIC_DELAY_SECONDS = 90
"""How long after a period's end an alarm sees its metrics, as in a rehearsal whose scenario does not say."""
PATIENCE_SECONDS = 15 * 60
LONGEST_HISTORY = 25_000
CALLS_PER_LOOK = 12
SECONDS_PER_HOUR = 3600

_MACHINE = "AWS::StepFunctions::StateMachine"


@dataclass(frozen=True, kw_only=True)
class Assumptions:
    """What the plan itself does not say. `rps_from`: who says how many requests there are a second."""

    rps: float
    rps_from: str
    launch_s: float


@dataclass(frozen=True, kw_only=True)
class Guard:
    """A gate or alarm and the earliest time after a shift at which it can act, in seconds."""

    name: str
    earliest_s: float


def metadata(declared: DeclaredEndpoint) -> Mapping[str, Any]:
    """Return what synth wrote about the plan; nothing for a template of a library that wrote nothing."""
    values = declared.intrinsics()
    for logical_id, machine in declared.resources(_MACHINE):
        if values.arn(logical_id) == declared.machine_arn:
            found = machine.get("Metadata", {}).get(METADATA_KEY)
            return found if isinstance(found, Mapping) else {}
    return {}


def summarise(declared: DeclaredEndpoint, assumptions: Assumptions) -> dict[str, Any]:
    """Return the summary as plain data."""
    plan, written = declared.plan, metadata(declared)
    steps = plan["steps"]
    around = assumptions.launch_s + WEIGHT_UPDATE_SECONDS + 2 * plan["poll_seconds"] + _ending(plan)
    seconds = tuple(step["bake_seconds"] + around for step in steps)
    fleet = _fleet(declared, assumptions.rps)
    return {
        "endpoint": declared.endpoint_name,
        "steps": [expected_percent(step) for step in steps],
        "step_titles": [title(step) for step in steps],
        "shortest_seconds": written["ShortestSeconds"] if "Guards" in written else round(_shortest(plan)),
        "usual_seconds": round(sum(seconds)),
        "longest_seconds": round(written.get("LongestSeconds", _longest(plan))),
        "history_events": written.get("LongestHistoryEvents", _history_events(plan)),
        "history_limit": written.get("HistoryEventsAllowed", LONGEST_HISTORY),
        **fleet.in_numbers(),
        "cost_usd": _cost(plan, fleet, seconds),
        "orchestration_cost_usd": round(_orchestration_cost(plan, sum(seconds)), 4),
        "exposed_requests": [_exposed(guard, steps, assumptions.rps) for guard in guards(declared)],
        "assumed": {
            "rps": assumptions.rps,
            "rps_from": assumptions.rps_from,
            "launch_s": assumptions.launch_s,
            "metric_delay_s": written.get("MetricDelaySeconds", METRIC_DELAY_SECONDS),
        },
    }


def guards(declared: DeclaredEndpoint) -> Iterator[Guard]:
    """Yield every gate, and every alarm of the canary's kind, with the earliest time at which it can act."""
    written = metadata(declared).get("Guards")
    if written is None:
        yield from _gates(declared.plan)
        yield from _alarms(declared)
    else:
        yield from (Guard(name=guard["Name"], earliest_s=guard["EarliestSeconds"]) for guard in written)


def _gates(plan: Mapping[str, Any]) -> Iterator[Guard]:
    for gate in plan["gates"]["judge"]["gates"]:
        periods = gate.get("warm_up", 0) + gate.get("delay", 0) + ROLLBACK_PERIODS + FINAL_AFTER_PERIODS
        yield Guard(name=f"gate {gate['name']}", earliest_s=periods * plan["metric_period_seconds"])


def _alarms(declared: DeclaredEndpoint) -> Iterator[Guard]:
    """Yield the alarms; the first of the periods that breach may run already when the traffic shifts."""
    plan = declared.plan
    stopping = {*plan["alarms"].get("variant-b", []), *plan["alarms"]["caller"]}
    for alarm in declared.alarms:
        if alarm["AlarmName"] in stopping and "AlarmRule" not in alarm:
            points = int(alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]))
            seconds = (points - 1) * _period(alarm) + METRIC_DELAY_SECONDS
            yield Guard(name=_alarm_name(alarm), earliest_s=seconds)


def _period(alarm: Mapping[str, Any]) -> int:
    metrics = alarm.get("Metrics", [])
    of_metrics = [metric.get("MetricStat", metric).get("Period", 0) for metric in metrics]
    return int(alarm.get("Period", max(of_metrics, default=0)))


def _alarm_name(alarm: Mapping[str, Any]) -> str:
    description = str(alarm.get("AlarmDescription", alarm["AlarmName"]))
    return f"alarm {description.removeprefix('variant-b: ')}"


@dataclass(frozen=True, kw_only=True)
class _Fleet:
    """The instances of a rollout. `needed` for the traffic, `canaries` in each step."""

    instance_type: str
    rps: float
    needed: int
    idle: int
    most: int
    canaries: tuple[int, ...]

    @property
    def extra_by_step(self) -> tuple[int, ...]:
        return tuple(count - self.idle for count in self.canaries)

    @property
    def refused(self) -> str | None:
        if self.needed <= self.most:
            return None
        return (
            f"{self.rps:g} requests a second need {self.needed:,} instances, but max_instances is {self.most}: the "
            "rollout would be refused"
        )

    def in_numbers(self) -> dict[str, Any]:
        possible = self.refused is None
        peak = self.needed + max(self.canaries)
        hourly = list_prices.instances(self.instance_type, peak * SECONDS_PER_HOUR)
        return {
            "refused": self.refused,
            "instance_type": self.instance_type,
            "instances_needed": self.needed,
            "instances_before": self.needed + self.idle if possible else None,
            "peak_instances": peak if possible else None,
            "peak_usd_per_hour": round(hourly, 4) if possible and hourly is not None else None,
            "max_instances": self.most,
        }


def _fleet(declared: DeclaredEndpoint, rps: float) -> _Fleet:
    scaling, steps = declared.plan["scaling"], declared.plan["steps"]
    per_instance = scaling.get("invocations_per_instance")
    for_traffic = 0 if per_instance is None else ceil(rps * 60 / per_instance)
    needed, idle = max(for_traffic, scaling["min_instances"]), scaling["idle_instances"]
    return _Fleet(
        instance_type=_instance_type(declared),
        rps=rps,
        needed=needed,
        idle=idle,
        most=scaling["max_instances"],
        canaries=tuple(max(idle, ceil(needed * expected_percent(step) / 100)) for step in steps),
    )


def _instance_type(declared: DeclaredEndpoint) -> str:
    """Return the type in the endpoint's own config; empty when the template does not say."""
    variant = declared.config()["Properties"]["ProductionVariants"][0]
    return str(declared.intrinsics().resolve(variant.get("InstanceType", "")))


def _ending(plan: Mapping[str, Any]) -> int:
    """Return how long after its bake a step's last metrics are final, in seconds."""
    seconds: int = (FINAL_AFTER_PERIODS + 1) * plan["metric_period_seconds"]
    return seconds


def _shortest(plan: Mapping[str, Any]) -> float:
    """Return the seconds of a rollout whose steps all pass early.

    The last one cannot, as stable serves nothing to compare with, unless every gate counts what was shown before.
    """
    period, gates = plan["metric_period_seconds"], plan["gates"]["judge"]["gates"]
    delays_pass = all(gate.get("delay", 0) >= PASS_PERIODS for gate in gates)
    last, seconds = len(plan["steps"]) - 1, 0.0
    for index, step in enumerate(plan["steps"]):
        delayed = index == 0 or index < last
        waits = max(gate.get("warm_up", 0) + (gate.get("delay", 0) if delayed else 0) for gate in gates)
        early = (waits + PASS_PERIODS) * period if index < last or delays_pass else step["bake_seconds"]
        seconds += min(step["bake_seconds"], early) + FINAL_AFTER_PERIODS * period
    return seconds


def _longest(plan: Mapping[str, Any]) -> float:
    waiting = plan["capacity_timeout_seconds"] + plan["weights_timeout_seconds"] + _ending(plan)
    return float(PATIENCE_SECONDS + sum(step["max_bake_seconds"] + waiting for step in plan["steps"]))


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


def _cost(plan: Mapping[str, Any], fleet: _Fleet, seconds: tuple[float, ...]) -> float | None:
    """Return what a rollout costs beyond the instances that are there anyway; `None` if that is not known."""
    extra = sum(count * of_step for count, of_step in zip(fleet.extra_by_step, seconds, strict=True))
    instances = list_prices.instances(fleet.instance_type, extra)
    if instances is None or fleet.refused is not None:
        return None
    return round(instances + _orchestration_cost(plan, sum(seconds)), 4)


def _orchestration_cost(plan: Mapping[str, Any], seconds: float) -> float:
    looks = ceil(seconds / plan["evaluation_interval_seconds"])
    return list_prices.orchestration(
        state_transitions=TRANSITIONS_PER_LOOK * looks,
        lambda_requests=looks,
        lambda_megabyte_seconds=512.0 * looks,
        calls={"dynamodb:GetItem": CALLS_PER_LOOK * looks},
    )
