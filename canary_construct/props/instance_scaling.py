"""How many instances each role has, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Token
from rollout.contract.plan import Scaling

from canary_construct.border import checked
from canary_construct.props.scaling_metric import check_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canary_construct.props.scaling_metric import ScalingMetric
    from canary_construct.props.scheduled_minimum import ScheduledMinimum


@checked(
    deploy_time=(
        "min_instances",
        "max_instances",
        "idle_instances",
        "invocations_per_instance",
        "scale_out_cooldown_seconds",
        "scale_in_cooldown_seconds",
    )
)
@dataclass(frozen=True, kw_only=True)
class InstanceScaling:
    """Instances of the stable slot and of the idle one.

    The number of instances follows one or more of `invocations_per_instance`, `concurrency_per_instance` and `metrics`;
    without any the fleet has `min_instances`. With several of them instances are added when any asks for it, and taken
    away when all do.

    During a rollout the canary gets the instances that its share needs before it gets the share, and stable keeps
    those that the whole traffic needs.

    Args:
        min_instances: of the slot that serves, at least; 1 or more, default 1
        max_instances: of the slot that serves, at most; 1 or more, default 4
        invocations_per_instance: requests a minute for each instance; 1 or more; left out, not looked at
        concurrency_per_instance: requests that an instance works on at the same time, above 0; those that wait in the
            container count. SageMaker publishes it every 10 seconds for every endpoint, so instances are added sooner;
            left out, not looked at
        metrics: your own (`ScalingMetric`); left out, none
        scheduled_minimums: raise `min_instances` for some hours: the largest that holds is in force, within five
            minutes, for the slot that serves. Rollouts and deploys keep to it; left out, none
        idle_instances: kept in the other slot, ready for the next release; 1 or more, default 1
        scale_out_cooldown_seconds: between two additions of instances; 0 or more, default 60
        scale_in_cooldown_seconds: between two removals of instances; 0 or more, default 300

    Raises:
        ValueError: when a number is out of its range, a scheduled minimum exceeds `max_instances`, or two `metrics`
            have the same name.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html,
    https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
    """

    min_instances: int = 1
    max_instances: int = 4
    invocations_per_instance: int | None = None
    concurrency_per_instance: float | None = None
    metrics: Sequence[ScalingMetric] = ()
    scheduled_minimums: Sequence[ScheduledMinimum] = ()
    idle_instances: int = 1
    scale_out_cooldown_seconds: int = Scaling.scale_out_cooldown_seconds
    scale_in_cooldown_seconds: int = Scaling.scale_in_cooldown_seconds

    def __post_init__(self) -> None:
        for name, least in (
            ("min_instances", 1),
            ("max_instances", 1),
            ("idle_instances", 1),
            ("invocations_per_instance", 1),
            ("scale_out_cooldown_seconds", 0),
            ("scale_in_cooldown_seconds", 0),
        ):
            value = getattr(self, name)
            if _is_known(value) and value < least:
                raise ValueError(f"{name} must be {least} or more, got {value}")
        for name in ("min_instances", "idle_instances"):
            value = getattr(self, name)
            if _is_known(value) and _is_known(self.max_instances) and value > self.max_instances:
                raise ValueError(f"{name} must not exceed max_instances ({self.max_instances}), got {value}")
        if self.concurrency_per_instance is not None:
            check_target("concurrency_per_instance", self.concurrency_per_instance)
        for minimum in self.scheduled_minimums:
            if _is_known(self.max_instances) and minimum.min_instances > self.max_instances:
                raise ValueError(
                    f"scheduled_minimums must not exceed max_instances ({self.max_instances}), got "
                    f"{minimum.min_instances}"
                )
        names = [metric.metric_name for metric in self.metrics]
        if len(set(names)) < len(names):
            raise ValueError(f"metrics must have different names, got {', '.join(names)}")


def _is_known(value: int | None) -> bool:
    return value is not None and not Token.is_unresolved(value)
