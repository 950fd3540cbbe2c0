"""The traffic that an endpoint is expected to have, as a value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canary_construct.props.gate import Gate
    from canary_construct.props.instance_scaling import InstanceScaling
    from canary_construct.props.traffic_step import TrafficStep
    from canary_construct.rollout.settings import EndpointSettings

SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, kw_only=True)
class ExpectedTraffic:
    """Requests a second on the whole endpoint, 0 or more.

    Raises:
        ValueError: when the number is negative.
    """

    rps: float

    def __post_init__(self) -> None:
        if self.rps < 0:
            raise ValueError(f"expected_rps must be 0 or more, got {self.rps:g}")

    @classmethod
    def of(cls, rps: float | None) -> ExpectedTraffic | None:
        """Return the traffic, or nothing when it was left out or is known at deploy time only.

        Raises:
            ValueError: when it is no finite number of 0 or more.
        """
        if rps is None:
            return None
        # before the CDK is asked whether it is a token: that question cannot hold NaN
        if not isinstance(rps, int | float) or isinstance(rps, bool) or not math.isfinite(rps):
            raise ValueError(f"expected_rps must be a finite number, got {rps!r}")
        return None if Token.is_unresolved(rps) else cls(rps=rps)

    def canary_rps(self, step: TrafficStep) -> float:
        """Return the canary's requests a second in a step."""
        return self.rps * step.expected_percent / 100

    def compared_each(self, gate: Gate, step: TrafficStep) -> float:
        """Return the requests of each variant that a gate can compare in the `max_bake` of a step.

        Unequal variants count as two equal ones that are worth as much: the harmonic mean of their requests.
        """
        seconds = max(step.max_bake_seconds - gate.warm_up_seconds - gate.delay_seconds, 0)
        canary = step.expected_percent / 100
        return 2 * canary * (1 - canary) * self.rps * seconds

    def check_fits(self, scaling: InstanceScaling, maximum: str) -> None:
        """Refuse traffic that the largest fleet cannot take. `maximum`: what to call its size.

        Raises:
            ValueError: when it needs more than `max_instances`.
        """
        per_instance, most = scaling.invocations_per_instance, scaling.max_instances
        if per_instance is None or Token.is_unresolved(per_instance) or Token.is_unresolved(most):
            return
        if self.rps * SECONDS_PER_MINUTE > per_instance * most:
            raise ValueError(
                f"expected_rps of {self.rps:g} needs more than {maximum} ({most}) at {per_instance:,} "
                "invocations a minute each"
            )


def instances(
    traffic: ExpectedTraffic | None, settings: EndpointSettings, steps: Sequence[TrafficStep]
) -> dict[str, int]:
    """Return how many instances there are before a rollout and at its peak, or nothing when that cannot be known.

    The release that is deployed counts by its own scaling. What is in the slots before it is taken to have the
    endpoint's. Nobody knows at synth what concurrency, or a metric of the caller, will be.
    """
    before, own = settings.scaling, settings.canary_scaling
    stable, needed = _needed(traffic, before), _needed(traffic, own)
    idle = (before.idle_instances, own.idle_instances)
    if stable is None or needed is None or any(Token.is_unresolved(value) for value in idle):
        return {}
    canary = max(math.ceil(needed * step.expected_percent / 100) for step in steps)
    return {
        "InstancesBefore": stable + before.idle_instances,
        "PeakInstances": stable + max(own.idle_instances, canary),
    }


def held_instances(traffic: ExpectedTraffic | None, settings: EndpointSettings) -> int | None:
    """Return how many instances more than at rest the former release keeps in a hold-back; `None`: nobody knows."""
    needed, idle = _needed(traffic, settings.scaling), settings.scaling.idle_instances
    return None if needed is None or Token.is_unresolved(idle) else max(needed - idle, 0)


def _needed(traffic: ExpectedTraffic | None, scaling: InstanceScaling) -> int | None:
    """Return how many instances of one scaling all of the traffic needs; `None`: nobody knows."""
    per_instance = scaling.invocations_per_instance
    is_unknown = any(Token.is_unresolved(value) for value in (scaling.min_instances, per_instance))
    if is_unknown or scaling.concurrency_per_instance is not None or scaling.metrics:
        return None
    if per_instance is None:
        return scaling.min_instances
    if traffic is None:
        return None
    return max(scaling.min_instances, math.ceil(traffic.rps * SECONDS_PER_MINUTE / per_instance))
