"""What the construct decides at synth and the handlers read, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from canary_construct.rollout.history import CAPACITY_SECONDS, WEIGHTS_SECONDS, evaluation_interval, poll_seconds
from canary_construct.watching.slot_alarms import seconds_to_fire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from canary_construct.props.alarm_thresholds import AlarmThresholds
    from canary_construct.props.instance_scaling import InstanceScaling
    from canary_construct.props.on_inconclusive import OnInconclusive
    from canary_construct.props.smoke_test import SmokeTest
    from canary_construct.props.traffic_routing import TrafficRouting

SCHEMA = 1


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
    endpoint_name: str,
    scaling: InstanceScaling,
    *,
    alarms: Mapping[str, Any],
    metric_period_seconds: int,
    state_machine_arn: str,
    start_on_deploy: bool,
    api_stages: Any,
) -> dict[str, Any]:
    """Return what every handler must know of an endpoint."""
    return {
        **deploy_settings(endpoint_name, scaling),
        "alarms": dict(alarms),
        "metric_period_seconds": metric_period_seconds,
        "state_machine_arn": state_machine_arn,
        "start_on_deploy": start_on_deploy,
        "api_stages": api_stages,
    }


def rollout_plan(
    settings: Mapping[str, Any],
    *,
    routing: TrafficRouting,
    gates: Any,
    thresholds: AlarmThresholds,
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
                f"metric period of {period} s, got {step.bake_seconds} s at {step.title}"
            )
    return {
        **settings,
        "steps": [step.render() for step in routing.traffic_steps],
        "gates": gates,
        "outage": {"failed_percent": thresholds.error_rate_percent, "min_requests": thresholds.min_requests},
        "smoke_test": None if smoke_test is None else smoke_test.render(),
        "on_inconclusive": on_inconclusive.value,
        "evaluation_interval_seconds": evaluation_interval(routing.traffic_steps, metric_period_seconds=period),
        "poll_seconds": poll_seconds(len(routing.traffic_steps), metric_period_seconds=period),
        "capacity_timeout_seconds": CAPACITY_SECONDS,
        "weights_timeout_seconds": WEIGHTS_SECONDS,
    }
