"""Fleets, and how SageMaker is told to swap them."""

from collections.abc import Sequence
from typing import Any

from canary_tools.aws_models.sagemaker.variants import Fleet, Variant

SIZES = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}


def fleet(config: str, *names: str, instance_type: str = "ml.m5.xlarge") -> Fleet:
    """Return a fleet that has not started; its variants are the two slots, unless they are named."""
    variants = {
        name: Variant(
            name=name, model_name="v1", instance_type=instance_type, image="image:1", current_weight=1.0,
            desired_weight=1.0, desired_count=1,
        )
        for name in names or ("variant-a", "variant-b")
    }  # fmt: skip
    return Fleet(config_name=config, config={}, variants=variants, started=0.0)


def routed(
    strategy: str,
    *,
    percent: int | None = None,
    wait: int = 0,
    last: int = 0,
    timeout: int | None = None,
    alarms: Sequence[str] = (),
) -> dict[str, Any]:
    """Return a `DeploymentConfig`."""
    routing: dict[str, Any] = {"Type": strategy, "WaitIntervalInSeconds": wait}
    if percent is not None:
        routing[SIZES[strategy]] = {"Type": "CAPACITY_PERCENT", "Value": percent}
    policy: dict[str, Any] = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": last}
    if timeout is not None:
        policy["MaximumExecutionTimeoutInSeconds"] = timeout
    config: dict[str, Any] = {"BlueGreenUpdatePolicy": policy}
    return (
        {**config, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}}
        if alarms
        else config
    )
