"""What the handlers must know of an endpoint, whatever calls them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.contract import plan
from rollout.contract.names import CONCURRENCY, SAGEMAKER_NAMESPACE
from rollout.contract.plan import AlarmLimits, ApiStage, FollowedMetric, Scaling, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from canary_construct.props.instance_scaling import InstanceScaling
    from canary_construct.props.scheduled_minimum import ScheduledMinimum
    from canary_construct.watching.rollout_alarms import RolloutAlarms


@dataclass(frozen=True, kw_only=True)
class EndpointSettings:
    """What every handler must know. Alarms and stages may be added until the template is rendered."""

    endpoint_name: str
    scaling: InstanceScaling
    """Of each release that has none of its own."""
    alarms: RolloutAlarms
    alarm_limits: AlarmLimits
    metric_period_seconds: int
    state_machine_arn: str
    start_on_deploy: bool
    api_stages: Sequence[ApiStage]
    release_scaling: InstanceScaling | None = None
    """Of the release that is deployed, if it has one of its own."""

    @property
    def canary_scaling(self) -> InstanceScaling:
        """Return the scaling of the release that is deployed."""
        return self.scaling if self.release_scaling is None else self.release_scaling

    def current(self) -> Settings:
        """Return the settings with the alarms and stages of this moment."""
        return Settings(
            endpoint=self.endpoint_name,
            scaling=by_role(self.scaling),
            alarms=self.alarms.names(),
            alarm_limits=self.alarm_limits,
            metric_period_seconds=self.metric_period_seconds,
            state_machine_arn=self.state_machine_arn,
            start_on_deploy=self.start_on_deploy,
            api_stages=tuple(self.api_stages),
        )


def by_role(scaling: InstanceScaling) -> Scaling:
    """Return the instances by role, as handlers work with them."""
    return Scaling(
        min_instances=scaling.min_instances,
        max_instances=scaling.max_instances,
        idle_instances=scaling.idle_instances,
        invocations_per_instance=scaling.invocations_per_instance,
        follows=tuple(_followed(scaling)),
        scheduled=tuple(map(_scheduled, scaling.scheduled_minimums)),
        scale_out_cooldown_seconds=scaling.scale_out_cooldown_seconds,
        scale_in_cooldown_seconds=scaling.scale_in_cooldown_seconds,
    )


def _scheduled(minimum: ScheduledMinimum) -> plan.ScheduledMinimum:
    return plan.ScheduledMinimum(
        min_instances=minimum.min_instances,
        start=minimum.start_minute,
        minutes=minimum.minutes,
        days=[int(day) for day in minimum.days],
        time_zone=minimum.time_zone,
    )


def _followed(scaling: InstanceScaling) -> Iterator[FollowedMetric]:
    """Yield what the instances follow beside the invocations.

    AWS does not say which statistic its policy for concurrent requests takes. The largest asks for no fewer instances.
    """
    if scaling.concurrency_per_instance is not None:
        yield FollowedMetric(
            namespace=SAGEMAKER_NAMESPACE,
            name=CONCURRENCY,
            statistic="Maximum",
            target=scaling.concurrency_per_instance,
        )
    for metric in scaling.metrics:
        yield FollowedMetric(
            namespace=metric.namespace,
            name=metric.metric_name,
            statistic=metric.statistic.value,
            target=metric.target,
            dimensions=metric.dimensions,
        )
