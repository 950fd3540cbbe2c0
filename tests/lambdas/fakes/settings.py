"""What the construct would render for the endpoint `shop`."""

from typing import Any

ENDPOINT = "shop"
A, B = "variant-a", "variant-b"
STACK_MARK = "059cdf53"
"""Of a stack `Shop`; a test compares."""
STATE_MACHINE = f"arn:aws:states:us-east-1:000000000000:stateMachine:{ENDPOINT}-rollout-{STACK_MARK}"
INSTANCE_TYPE = "ml.m5.xlarge"
PERIOD = 60
REST_API, STAGE = "door", "live"

SCALED = {
    "min_instances": 2,
    "max_instances": 8,
    "idle_instances": 1,
    "invocations_per_instance": 1000,
    "scale_out_cooldown_seconds": 60,
    "scale_in_cooldown_seconds": 300,
}
FOLLOWING = {
    "min_instances": 2,
    "max_instances": 8,
    "idle_instances": 1,
    "follows": [
        {
            "namespace": "AWS/SageMaker",
            "name": "ConcurrentRequestsPerModel",
            "statistic": "Maximum",
            "target": "4.0",
            "dimensions": {},
        }
    ],
}
"""Four requests at the same time for each instance, and no target for requests a minute."""
FIXED = {**SCALED, "invocations_per_instance": None}


def settings(
    *,
    start_on_deploy: bool = True,
    scaling: dict[str, Any] = SCALED,
    api_stages: tuple[tuple[str, str], ...] = (),
) -> dict[str, Any]:
    """Return what every handler gets of the endpoint."""
    return {
        "schema": 1,
        "endpoint": ENDPOINT,
        "scaling": scaling,
        "alarms": {A: ["a-errors"], B: ["b-errors"], "caller": ["business"]},
        "alarm_limits": {"failed_percent": 25, "p99_latency_ms": 10_000, "min_requests": 25},
        "metric_period_seconds": PERIOD,
        "state_machine_arn": STATE_MACHINE,
        "start_on_deploy": start_on_deploy,
        "api_stages": [{"rest_api_id": api, "stage_name": stage} for api, stage in api_stages],
    }


def step(percent: int, **changes: Any) -> dict[str, Any]:
    """Return one traffic step."""
    return {"percent": percent, "bake_seconds": 120, "max_bake_seconds": 360, "min_requests": 50, **changes}


def cohort_step(rule: dict[str, Any], *, expected_percent: float = 5) -> dict[str, Any]:
    """Return one step in which a rule decides."""
    return {**step(0), "expected_percent": expected_percent, "cohort": rule}


STEPS = (step(10), step(50), step(100))


PACED = (
    step(10, passes="budget", bake_seconds=0, max_bake_seconds=7200),
    step(50, passes="proof", bake_seconds=1800, max_bake_seconds=7200),
    step(95, passes="watch", bake_seconds=600, max_bake_seconds=7200),
    step(100, bake_seconds=300, max_bake_seconds=1200),
)
"""As `TrafficRouting.paced()` renders it, with shorter watches."""


def plan(*, steps: tuple[dict[str, Any], ...] = STEPS, **of_settings: Any) -> dict[str, Any]:
    """Return the whole plan of a rollout, as the state machine carries it."""
    return {
        **settings(**of_settings),
        "steps": list(steps),
        "smoke_test": [{"payload": "e30=", "content_type": "application/json"}],
        "undecided_seconds": 0,
        "hold_seconds": 24 * 3600,
        "hold_interval_seconds": PERIOD,
        "evaluation_interval_seconds": PERIOD,
        "poll_seconds": 30,
        "capacity_timeout_seconds": 1200,
        "weights_timeout_seconds": 900,
        "gates": {"judge": {"gates": [ERRORS]}, "sources": {"errors": {"source": "errors"}}},
    }


ERRORS = {
    "name": "errors",
    "kind": "rare",
    "event": "failed",
    "ratio": 1.25,
    "direction": "higher_is_worse",
    "min_difference": 0.0005,
    "alpha_share": 1.0,
}
