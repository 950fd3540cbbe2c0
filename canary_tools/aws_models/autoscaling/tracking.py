"""Target tracking: keeps the invocations per instance near the target of a policy.

In AWS, two alarms per policy do this. Three minutes above the target add instances; fifteen minutes below nine
tenths of the target remove instances.
Source: https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from canary_tools.aws_models.autoscaling.policies import ScalingPolicy
from canary_tools.aws_models.autoscaling.scaling import Scaling
from canary_tools.aws_models.autoscaling.targets import ScalableTarget, VariantId
from canary_tools.aws_models.autoscaling.variants import ScaledVariant
from canary_tools.clock import Clock

_SCALE_IN_BELOW = 0.9
_MINUTE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class TrackingSpeed:
    """How fast target tracking reacts. The defaults are those of AWS.

    Attributes:
        period_seconds: how often the metric is read.
        periods_out: consecutive periods above the target before instances are added.
        periods_in: consecutive periods below nine tenths of the target before instances are removed.
    """

    period_seconds: float = 60.0
    periods_out: int = 3
    periods_in: int = 15


class TargetTracking:
    """Reads the invocations once a period and changes instance counts.

    `delay`: draws how long after its end a period is read, in seconds; its instances are those of that period.
    """

    def __init__(
        self, *, clock: Clock, scaling: Scaling, speed: TrackingSpeed, delay: Callable[[VariantId], float]
    ) -> None:
        self._clock = clock
        self._scaling = scaling
        self._speed = speed
        self._delay = delay
        self._invocations: Counter[VariantId] = Counter()
        self._coming: dict[VariantId, deque[tuple[float, float]]] = {}
        self._rates: dict[VariantId, deque[float]] = {}
        self._last_activity: dict[VariantId, float] = {}

    def start(self) -> None:
        """Read the metric once a period, for as long as the clock runs."""
        self._clock.call_at(self._clock.now() + self._speed.period_seconds, self._look)

    def count(self, variant: VariantId, invocations: int) -> None:
        """Count invocations of a variant."""
        self._invocations[variant] += invocations

    def _look(self) -> None:
        self.start()
        for policy, target, variant in self._scaling.tracked():
            if policy.follows_invocations:
                self._follow(policy, target, variant)
        self._invocations.clear()

    def _follow(self, policy: ScalingPolicy, target: ScalableTarget, variant: ScaledVariant) -> None:
        rates = self._read(policy.variant, variant.current_count)
        if not rates:
            return
        wanted = target.clamp(math.ceil(variant.current_count * rates[-1] / policy.target_value))
        goal = policy.target_value
        if wanted > variant.current_count and self._all(rates, self._speed.periods_out, lambda rate: rate > goal):
            self._act(policy, target, wanted, "Out")
        elif wanted < variant.current_count and self._all(
            rates, self._speed.periods_in, lambda rate: rate < _SCALE_IN_BELOW * goal
        ):
            self._act(policy, target, wanted, "In")

    def _read(self, variant: VariantId, instances: int) -> deque[float]:
        """Note the rate of the period that ends now, and return those that have come: a minute and instance."""
        coming = self._coming.setdefault(variant, deque())
        rates = self._rates.setdefault(variant, deque(maxlen=self._speed.periods_in))
        rate = self._invocations[variant] / instances * _MINUTE_SECONDS / self._speed.period_seconds
        coming.append((self._clock.now() + self._delay(variant), rate))
        while coming and coming[0][0] <= self._clock.now():
            rates.append(coming.popleft()[1])
        return rates

    def _act(self, policy: ScalingPolicy, target: ScalableTarget, count: int, direction: str) -> None:
        disabled = direction == "In" and policy.configuration.get("DisableScaleIn", False)
        if target.suspended[f"DynamicScaling{direction}Suspended"] or disabled:
            return
        now = self._clock.now()
        if now < self._last_activity.get(policy.variant, 0.0) + policy.cooldown_seconds(direction):
            return
        if self._scaling.set_count(policy.variant, count, cause=f"policy {policy.name} scales {direction.lower()}"):
            self._last_activity[policy.variant] = now
            self._rates[policy.variant].clear()

    @staticmethod
    def _all(rates: deque[float], periods: int, holds: Callable[[float], bool]) -> bool:
        return len(rates) >= periods and all(holds(rate) for rate in list(rates)[-periods:])
