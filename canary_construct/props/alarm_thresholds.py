"""When the alarms of a slot go off, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.contract.plan import AlarmLimits

from canary_construct.border import checked


@checked()
@dataclass(frozen=True, kw_only=True)
class AlarmThresholds:
    """Limits of the two alarms that each slot has. Only those of the canary slot can stop a rollout.

    Args:
        error_rate_percent: failed requests of all requests of the slot in a metric period; above 0, at most 100,
            default 25
        p99_latency_ms: the model's latency that 1 % of the slot's requests exceed, in milliseconds; above 0, default
            10,000
        min_requests: with fewer requests in a metric period the alarms stay quiet, so that one error in three requests
            pages nobody; at least 1, default 25

    The error rate must exceed its limit in 1 of 3 metric periods, the latency in 2 of 3.

    An alarm of the canary stops the rollout when the canary is worse than stable by more than chance, or, while stable
    serves nobody, worse than stable was when it last served. Trouble of both slots raises the alarms of both and holds
    the step; it rolls nothing back. The gates find finer differences.

    Raises:
        ValueError: when a number is out of its range.
    """

    error_rate_percent: float = AlarmLimits.failed_percent
    p99_latency_ms: float = AlarmLimits.p99_latency_ms
    min_requests: int = AlarmLimits.min_requests

    def __post_init__(self) -> None:
        if not 0 < self.error_rate_percent <= 100:  # noqa: PLR2004 - a percentage
            raise ValueError(f"error_rate_percent must be above 0 and at most 100, got {self.error_rate_percent}")
        if self.p99_latency_ms <= 0:
            raise ValueError(f"p99_latency_ms must be above 0, got {self.p99_latency_ms}")
        if self.min_requests < 1:
            raise ValueError(f"min_requests must be 1 or more, got {self.min_requests}")

    def for_handlers(self) -> AlarmLimits:
        """Return the limits as handlers compare with them."""
        return AlarmLimits(
            failed_percent=self.error_rate_percent,
            p99_latency_ms=self.p99_latency_ms,
            min_requests=self.min_requests,
        )
