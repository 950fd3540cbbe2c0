"""What CloudWatch would publish if every minute were as expected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from rollout.contract.gate_rules import FailedRequests, PublishedCounts, RefusedRequests, SlowRequests
from rollout.gates import Counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.contract.gate_rules import GateRule, GateRules

USUAL_RATES = {FailedRequests: 0.001, RefusedRequests: 0.0, SlowRequests: 0.01, PublishedCounts: 0.01}
"""What stable is taken for: the part of its requests that fail, are refused, are slow, or are counted otherwise."""
USUAL_CONVERSIONS = 0.05
"""The same where fewer are worse."""


class Shift(NamedTuple):
    """From when on, in seconds since the first order of weights, the canary has a share (0 to 1)."""

    seconds: float
    share: float


class Counted(NamedTuple):
    """What one metric period shows. `requests`: of (canary, stable). `by_gate`: what each gate compares."""

    requests: tuple[int, int]
    by_gate: Mapping[str, Counts]


@dataclass(kw_only=True)
class ExpectedCounts:
    """The metric periods of a rollout, one after the other.

    `per_period`: requests of both slots. `failing`: the part of the canary's requests that fail beyond stable's rate.
    Fractions of a request are kept for the next period, so that the sums are as expected.
    """

    gates: GateRules
    per_period: float
    failing: float
    period_seconds: int
    _sums: dict[tuple[str, ...], float] = field(default_factory=dict)

    def period(self, number: int, shifts: Sequence[Shift]) -> Counted:
        """Return the next period. Each is asked for once, in order."""
        by_gate = {rule.name: self._counts(rule, number, shifts) for rule in self.gates.judge.gates}
        canary, stable = self._both(("requests",), mean_share(shifts, number, self.period_seconds), 1.0, 1.0)
        return Counted((canary, stable), by_gate)

    def _counts(self, rule: GateRule, number: int, shifts: Sequence[Shift]) -> Counts:
        """Return what a gate compares in a period: with a delay, what was shown so many periods before."""
        source = type(self.gates.sources[rule.name])
        rate = USUAL_CONVERSIONS if rule.is_lower_worse else USUAL_RATES[source]
        of_canary = min(1.0, rate + self.failing) if source is FailedRequests else rate
        share = mean_share(shifts, number - rule.delay, self.period_seconds)
        canary, stable = self._both((rule.name, "all"), share, 1.0, 1.0)
        canary_bad, stable_bad = self._both((rule.name, "bad"), share, of_canary, rate)
        return Counts(canary, min(canary, canary_bad), stable, min(stable, stable_bad))

    def _both(self, key: tuple[str, ...], share: float, of_canary: float, of_stable: float) -> tuple[int, int]:
        canary = self._whole((*key, "canary"), self.per_period * share * of_canary)
        return canary, self._whole((*key, "stable"), self.per_period * (1 - share) * of_stable)

    def _whole(self, key: tuple[str, ...], expected: float) -> int:
        """Return the next whole number of a sum that grows as expected."""
        before = self._sums.get(key, 0.0)
        self._sums[key] = before + expected
        return round(self._sums[key]) - round(before)


def mean_share(shifts: Sequence[Shift], number: int, period_seconds: int) -> float:
    """Return the canary's mean share (0 to 1) in a metric period.

    >>> mean_share([Shift(90, 0.1), Shift(150, 0.5)], 1, 60), mean_share([Shift(90, 0.1), Shift(150, 0.5)], 2, 60)
    (0.05, 0.3)
    """
    begin, end = number * period_seconds, (number + 1) * period_seconds
    return sum(seconds * share for seconds, share in spent(shifts, begin, end)) / period_seconds


def spent(shifts: Sequence[Shift], begin: float, end: float) -> list[tuple[float, float]]:
    """Return how many seconds of a time the canary had each share.

    >>> spent([Shift(30, 0.1), Shift(60, 0.5)], 0, 100)
    [(30, 0.1), (40, 0.5)]
    """
    ends = [shift.seconds for shift in shifts[1:]] + [end]
    lasting = [
        (min(until, end) - max(shift.seconds, begin), shift.share)
        for shift, until in zip(shifts, ends, strict=bool(shifts))
    ]
    return [(seconds, share) for seconds, share in lasting if seconds > 0]
