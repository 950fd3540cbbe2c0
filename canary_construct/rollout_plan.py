"""What the construct decides at synth and the handlers read, as plain data."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from canary_construct.history import CAPACITY_SECONDS, WEIGHTS_SECONDS, evaluation_interval, poll_seconds
from canary_construct.slot_alarms import seconds_to_fire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from canary_construct.gate import Gate
    from canary_construct.instance_scaling import InstanceScaling
    from canary_construct.on_inconclusive import OnInconclusive
    from canary_construct.smoke_test import SmokeTest
    from canary_construct.traffic_routing import TrafficRouting

SCHEMA = 1
METRIC_PERIODS = (10, 30, 60)
GATE_PERIODS = 5
"""How many metric periods a gate must have seen before a step passes."""


def scaling_plan(scaling: InstanceScaling) -> dict[str, Any]:
    """Return the numbers by role that handlers work with."""
    return {
        "min_instances": scaling.min_instances,
        "max_instances": scaling.max_instances,
        "idle_instances": scaling.idle_instances,
        "invocations_per_instance": scaling.invocations_per_instance,
    }


def deploy_settings(endpoint_name: str, scaling: InstanceScaling) -> dict[str, Any]:
    """Return what the deploy-time guard must know, and nothing that leaves the endpoint alone."""
    return {
        "schema": SCHEMA,
        "endpoint": endpoint_name,
        "scaling": scaling_plan(scaling),
        "alarms": {},
        "metric_period_seconds": 60,
    }


def endpoint_settings(
    endpoint_name: str, scaling: InstanceScaling, *, alarms: Mapping[str, Any], metric_period_seconds: int
) -> dict[str, Any]:
    """Return what every handler must know of an endpoint."""
    return {
        **deploy_settings(endpoint_name, scaling),
        "alarms": dict(alarms),
        "metric_period_seconds": metric_period_seconds,
    }


def rollout_plan(
    settings: Mapping[str, Any],
    *,
    routing: TrafficRouting,
    gates: Any,
    smoke_test: SmokeTest | None,
    on_inconclusive: OnInconclusive,
) -> dict[str, Any]:
    """Return the whole course of a rollout.

    Raises:
        ValueError: when a bake is shorter than an alarm can need to go off, or the plan outgrows the history.
    """
    period = settings["metric_period_seconds"]
    for step in routing.traffic_steps:
        if step.bake_seconds < seconds_to_fire(period):
            raise ValueError(
                f"bake must be at least {seconds_to_fire(period)} s, as long as an alarm can need to go off at a "
                f"metric period of {period} s, got {step.bake_seconds} s at {step.percent} %"
            )
    return {
        **settings,
        "steps": [asdict(step) for step in routing.traffic_steps],
        "gates": gates,
        "smoke_test": None if smoke_test is None else smoke_test.render(),
        "on_inconclusive": on_inconclusive.value,
        "evaluation_interval_seconds": evaluation_interval(routing.traffic_steps, metric_period_seconds=period),
        "poll_seconds": poll_seconds(len(routing.traffic_steps), metric_period_seconds=period),
        "capacity_timeout_seconds": CAPACITY_SECONDS,
        "weights_timeout_seconds": WEIGHTS_SECONDS,
    }


def gates_plan(
    gates: Sequence[Gate], *, alpha: float, require_proof: bool, step_count: int, metric_period_seconds: int
) -> dict[str, Any]:
    """Return the rules for the judge, and where each gate's counts come from."""
    rules = [gate.render(metric_period_seconds) for gate in gates]
    return {
        "judge": {"alpha": alpha, "require_proof": require_proof, "steps": step_count, "gates": rules},
        "sources": {gate.name: dict(gate.source) for gate in gates},
    }


def check_gates(gates: Sequence[Gate], routing: TrafficRouting, *, alpha: float, metric_period_seconds: int) -> None:
    """Refuse gates that cannot judge these steps.

    Raises:
        ValueError: when there is none, two have one name, a step is too short for one, or alpha is out of its range.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be above 0 and below 1, got {alpha}")
    if not gates:
        raise ValueError("gates must hold at least one gate, got none")
    twice = [name for name, count in Counter(gate.name for gate in gates).items() if count > 1]
    if twice:
        raise ValueError(f"gates must have different names, got {', '.join(twice)} twice")
    for gate in gates:
        needed = gate.warm_up_seconds + GATE_PERIODS * metric_period_seconds
        for step in routing.traffic_steps:
            if step.bake_seconds < needed:
                raise ValueError(
                    f"bake must be at least {needed} s for gate {gate.name} (its warm-up of {gate.warm_up_seconds} s "
                    f"and {GATE_PERIODS} metric periods), got {step.bake_seconds} s at {step.percent} %"
                )


def check_metric_period(metric_period: int) -> None:
    """Refuse a period that SageMaker or the alarms do not know.

    Raises:
        ValueError: when it is not 10, 30 or 60.
    """
    if metric_period not in METRIC_PERIODS:
        raise ValueError(f"metric_period must be 10, 30 or 60 seconds, got {metric_period}")
