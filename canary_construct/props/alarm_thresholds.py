"""When the alarms of a slot go off, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AlarmThresholds:
    """Limits of the three alarms that each slot has. Only those of the canary slot stop a rollout.

    - `error_rate_percent` (above 0, at most 100): failed requests of all requests, in percentage points above
      the other slot's. A difference that may be chance (within four standard errors) counts as none
    - `p99_latency_ms` (above 0): the model's latency that 1 % of the requests exceed, in milliseconds above the other
      slot's
    - `traffic_share_deviation_percent` (above 0): how far a slot's share of the requests is from its weight, relative
      to the weight
    - `min_requests` (at least 1): with fewer requests in a metric period the first two alarms stay quiet, so that one
      error in three requests pages nobody. When the other slot has fewer, and less than a tenth of this slot's, they
      compare with a slot without errors. The third stays quiet when fewer than this many requests are expected

    The error rate must exceed its limit in one metric period, the latency in 2 of 3, the traffic share in 3 of 3. They
    act at once on large failures; the gates find finer differences.

    No step passes while the canary's newest period is above `error_rate_percent`, even if the other slot fails as
    well: at 100 % the other slot serves nothing to compare with.

    Raises:
        ValueError: when a number is out of its range.
    """

    error_rate_percent: float = 25
    p99_latency_ms: float = 10_000
    traffic_share_deviation_percent: float = 90
    min_requests: int = 25

    def __post_init__(self) -> None:
        if not 0 < self.error_rate_percent <= 100:  # noqa: PLR2004 - a percentage
            raise ValueError(f"error_rate_percent must be above 0 and at most 100, got {self.error_rate_percent}")
        for name in ("p99_latency_ms", "traffic_share_deviation_percent"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if self.min_requests < 1:
            raise ValueError(f"min_requests must be 1 or more, got {self.min_requests}")
