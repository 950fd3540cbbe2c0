"""Target tracking: keeps invocations or concurrent requests per instance near the target of a policy.

In AWS, two alarms per policy do this. Three minutes above the target add instances; fifteen minutes below nine
tenths of the target remove instances.
Source: https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from canary_tools.aws_models.autoscaling import policies
from canary_tools.aws_models.autoscaling.policies import ScalingPolicy
from canary_tools.aws_models.autoscaling.scaling import Scaling
from canary_tools.aws_models.autoscaling.targets import ScalableTarget, VariantId
from canary_tools.clock import Clock

_SCALE_IN_BELOW = 0.9
_MINUTE_SECONDS = 60.0
_POINTS_A_MINUTE = 6


@dataclass(frozen=True, kw_only=True)
class TrackingSpeed:
    """How fast target tracking reacts. The defaults are those of AWS.

    Attributes:
        period_seconds: how often the invocations are read; concurrent requests are read six times as often.
        periods_out: consecutive periods above the target before instances are added.
        periods_in: consecutive periods below nine tenths of the target before instances are removed.
    """

    period_seconds: float = 60.0
    periods_out: int = 3
    periods_in: int = 15


@dataclass(frozen=True, kw_only=True)
class _Meter:
    """What is measured of each variant for one predefined metric.

    `seconds`: the length of a period. `per_second`: what a unit of load in one second counts. `periods_out`,
    `periods_in`: as in `TrackingSpeed`. `load`: of the open period. `coming`: rates, and when they can be read.
    `rates`: of the newest periods that were read, for each instance.
    """

    metric_type: str
    seconds: float
    per_second: float
    periods_out: int
    periods_in: int
    load: defaultdict[VariantId, float] = field(default_factory=lambda: defaultdict(float))
    coming: defaultdict[VariantId, deque[tuple[float, float]]] = field(default_factory=lambda: defaultdict(deque))
    rates: dict[VariantId, deque[float]] = field(default_factory=dict)

    def end_period(self, variant: VariantId, instances: int, *, now: float, delay: float) -> None:
        """Note the rate of the period that ends now."""
        coming, rates = self.coming[variant], self._rates(variant)
        coming.append((now + delay, self.load[variant] / instances * self.per_second / self.seconds))
        while coming and coming[0][0] <= now:
            rates.append(coming.popleft()[1])

    def wants_out(self, policy: ScalingPolicy, instances: int) -> int:
        """Return the instances that a policy asks for; as many as there are while it asks for no more."""
        above = self._hold(policy.variant, self.periods_out, lambda rate: rate > policy.target_value)
        return max(instances, self._fitting(policy, instances)) if above else instances

    def wants_in(self, policy: ScalingPolicy, instances: int) -> int:
        """Return the instances that a policy would leave; as many as there are while it takes none away."""
        goal = _SCALE_IN_BELOW * policy.target_value
        below = self._hold(policy.variant, self.periods_in, lambda rate: rate < goal)
        return min(instances, self._fitting(policy, instances)) if below else instances

    def forget(self, variant: VariantId) -> None:
        """Look at nothing any more that was measured with another number of instances."""
        self._rates(variant).clear()

    def _fitting(self, policy: ScalingPolicy, instances: int) -> int:
        return math.ceil(instances * self._rates(policy.variant)[-1] / policy.target_value)

    def _hold(self, variant: VariantId, periods: int, holds: Callable[[float], bool]) -> bool:
        rates = self._rates(variant)
        return len(rates) >= periods and all(holds(rate) for rate in list(rates)[-periods:])

    def _rates(self, variant: VariantId) -> deque[float]:
        return self.rates.setdefault(variant, deque(maxlen=self.periods_in))


class TargetTracking:
    """Reads invocations and concurrent requests once a period each, and changes instance counts.

    With several policies instances are added when any asks for it, and taken away when all do: the policy that leaves
    most decides. A policy on a metric that is not measured here asks for nothing, so nothing is taken away.

    `delay`: draws how long after its end a period is read, in seconds; its instances are those of that period.
    """

    def __init__(
        self, *, clock: Clock, scaling: Scaling, speed: TrackingSpeed, delay: Callable[[VariantId], float]
    ) -> None:
        self._clock = clock
        self._scaling = scaling
        self._delay = delay
        self._meters = {meter.metric_type: meter for meter in (_invocations(speed), _concurrency(speed))}
        self._last_activity: dict[VariantId, float] = {}

    def start(self) -> None:
        """Read each metric once a period, for as long as the clock runs."""
        for meter in self._meters.values():
            self._look_later(meter)

    def count(self, variant: VariantId, invocations: int, *, busy_seconds: float) -> None:
        """Count invocations of a variant, and for how long all of them together kept its model busy."""
        self._meters[policies.INVOCATIONS_PER_INSTANCE].load[variant] += invocations
        self._meters[policies.CONCURRENCY_PER_INSTANCE].load[variant] += busy_seconds

    def _look_later(self, meter: _Meter) -> None:
        self._clock.call_at(self._clock.now() + meter.seconds, lambda: self._look(meter))

    def _look(self, meter: _Meter) -> None:
        self._look_later(meter)
        tracked = list(self._scaling.tracked(meter.metric_type))
        for variant_id, variant in {policy.variant: variant for policy, _, variant in tracked}.items():
            meter.end_period(variant_id, variant.current_count, now=self._clock.now(), delay=self._delay(variant_id))
        meter.load.clear()
        for policy, target, variant in tracked:
            self._follow(meter, policy, target, variant.current_count)

    def _follow(self, meter: _Meter, policy: ScalingPolicy, target: ScalableTarget, instances: int) -> None:
        more = target.clamp(meter.wants_out(policy, instances))
        if more > instances:
            self._act(policy, target, more, "Out")
            return
        fewer = target.clamp(self._left_by_all(policy.variant, instances))
        if fewer < instances:
            self._act(policy, target, fewer, "In")

    def _left_by_all(self, variant: VariantId, instances: int) -> int:
        """Return the instances that the policies of a variant would leave, all of which must agree."""
        taking = [policy for policy in self._scaling.policies_of(variant) if policy.may_scale_in]
        left = [
            self._meters[policy.metric_type].wants_in(policy, instances)
            if policy.metric_type in self._meters
            else instances
            for policy in taking
        ]
        return max(left, default=instances)

    def _act(self, policy: ScalingPolicy, target: ScalableTarget, count: int, direction: str) -> None:
        if target.suspended[f"DynamicScaling{direction}Suspended"]:
            return
        now = self._clock.now()
        if now < self._last_activity.get(policy.variant, 0.0) + policy.cooldown_seconds(direction):
            return
        if self._scaling.set_count(policy.variant, count, cause=f"policy {policy.name} scales {direction.lower()}"):
            self._last_activity[policy.variant] = now
            for meter in self._meters.values():
                meter.forget(policy.variant)


def _invocations(speed: TrackingSpeed) -> _Meter:
    return _Meter(
        metric_type=policies.INVOCATIONS_PER_INSTANCE,
        seconds=speed.period_seconds,
        per_second=_MINUTE_SECONDS,
        periods_out=speed.periods_out,
        periods_in=speed.periods_in,
    )


def _concurrency(speed: TrackingSpeed) -> _Meter:
    """Concurrent requests are published six times a minute; they take instances away no sooner.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-define.html
    """
    return _Meter(
        metric_type=policies.CONCURRENCY_PER_INSTANCE,
        seconds=speed.period_seconds / _POINTS_A_MINUTE,
        per_second=1.0,
        periods_out=speed.periods_out,
        periods_in=speed.periods_in * _POINTS_A_MINUTE,
    )
