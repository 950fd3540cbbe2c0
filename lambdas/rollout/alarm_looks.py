"""Looks at both slots to learn whose fault an alarm of the canary is."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

from rollout import clock, sentences
from rollout.clock import seconds_of
from rollout.contract.exposure import EVERYTHING
from rollout.contract.timing import RAISING_SECONDS
from rollout.decisions.blame import Before, judge, judge_afterwards, most_urgent
from rollout.evidence.newest import AlarmCounter
from rollout.evidence.series import SeriesReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.contract.lock import Lock
    from rollout.decisions.blame import Finding
    from rollout.evidence.newest import AlarmCounts, OfSlot
    from rollout.world import World

MINUTE = 60
HOUR = 60 * MINUTE
LOOK_BACK_SECONDS = 15 * MINUTE
"""Metric periods that are older explain no alarm of now, however late they come."""
JUDGED_SECONDS = 5 * MINUTE
"""The newest periods, which are judged: as many as an alarm looks at and more, so that a late event finds its cause."""
COME_SECONDS = 5 * MINUTE
"""After this long, what was not published of a minute is not waited for."""
SERVED_MINUTES = 5
"""The last minutes in which stable served: they say how it was then."""


@dataclass(frozen=True, kw_only=True)
class _History:
    """When stable last served somebody (infinite while it serves), and what it showed before."""

    served_until: float = inf
    of_errors: Before = field(default_factory=Before)
    of_latency: Before = field(default_factory=Before)
    two_shares: Mapping[int, float] = field(default_factory=dict)
    """Metric periods in which the last shift arrived, and the canary's highest share in them."""


@dataclass(frozen=True, kw_only=True)
class AlarmLook:
    """Looks as often as asked. What stable showed before is read once. `client` is CloudWatch's."""

    world: World
    lock: Lock
    client: Any
    _hours: dict[float, AlarmCounts] = field(default_factory=dict)
    """Stable in the hour before a moment, by that moment."""

    def look(self) -> Finding:
        """Return whose fault it is if the canary is beyond the limits of its alarms, by what CloudWatch has published.

        Of errors and latency the more urgent finding. Periods from before the rollout say nothing of it.

        Raises:
            Throttled, Unavailable: when CloudWatch or the ledger does not answer.
        """
        settings, began, now = self.world.settings, seconds_of(self.lock.taken_at), clock.now()
        limits, period = settings.alarm_limits, settings.metric_period_seconds
        slots = {self.lock.canary: True, self.lock.stable: False}
        canary, stable = self._read(slots, period, max(began, now - LOOK_BACK_SECONDS), now)
        newest = canary.newest(JUDGED_SECONDS // period)
        history = self._history(began) if newest.beyond else _History()
        judge_kind = partial(
            judge,
            alone_from=history.served_until / period,
            two_shares=history.two_shares,
            min_requests=limits.min_requests,
        )
        slower = sentences.SLOWER.format(limit=limits.p99_latency_ms)
        of_errors = judge_kind(sentences.FAILED, newest.errors, stable.errors, before=history.of_errors)
        of_latency = judge_kind(slower, newest.slow, stable.slow, before=history.of_latency)
        return most_urgent([of_errors, of_latency])

    def look_again(self, halted_at: float) -> Finding:
        """Return whose fault the trouble was that took the canary's traffic, by what stable does with it since then.

        Raises:
            Throttled, Unavailable: when CloudWatch does not answer.
        """
        settings, began = self.world.settings, seconds_of(self.lock.taken_at)
        period = settings.metric_period_seconds
        slots = {self.lock.canary: True, self.lock.stable: False}
        canary, stable = self._read(slots, period, max(began, halted_at - LOOK_BACK_SECONDS), clock.now())
        judge_kind = partial(
            judge_afterwards, returned=int(halted_at // period), min_requests=settings.alarm_limits.min_requests
        )
        slower = sentences.SLOWER.format(limit=settings.alarm_limits.p99_latency_ms)
        of_errors = judge_kind(sentences.FAILED, canary.errors, stable.errors)
        return most_urgent([of_errors, judge_kind(slower, canary.slow, stable.slow)])

    def _history(self, began: float) -> _History:
        steps = (self.world.ledger.rollout(self.lock.holder) or {}).get("steps")
        step = steps[-1] if steps else None
        shifted_at = began if step is None else seconds_of(step["shifted_at"])
        usual, last = self._stable_before(began), self._stable_before(shifted_at)
        return _History(
            served_until=shifted_at if step is not None and step["percent"] == EVERYTHING else inf,
            of_errors=_before(usual.errors, last.errors, moment=shifted_at),
            of_latency=_before(usual.slow, last.slow, moment=shifted_at),
            two_shares=self._two_shares(steps or [], shifted_at),
        )

    def _two_shares(self, steps: Sequence[Mapping[str, Any]], shifted_at: float) -> dict[int, float]:
        """Return the periods from the order of the last shift until it was seen to have arrived.

        The order is known by its announcement in the lock, unless the lock was read before it. A step to 100 %, and one
        of a cohort, has no such share.
        """
        share = max((float(step["percent"]) for step in steps[-2:]), default=0.0) / EVERYTHING
        if not self.lock.raising_until or not 0 < share < 1:
            return {}
        ordered_at = seconds_of(self.lock.raising_until) - RAISING_SECONDS
        if any(seconds_of(step["shifted_at"]) > ordered_at for step in steps[:-1]):
            return {}
        period = self.world.settings.metric_period_seconds
        return dict.fromkeys(range(int(ordered_at // period), int(shifted_at // period) + 1), share)

    def _stable_before(self, moment: float) -> AlarmCounts:
        """Read the hour before a moment in minutes: shorter periods are gone after three hours."""
        if moment in self._hours:
            return self._hours[moment]
        (stable,) = self._read({self.lock.stable: False}, MINUTE, moment - HOUR, moment)
        if clock.now() >= moment + COME_SECONDS:
            self._hours[moment] = stable
        return stable

    def _read(self, slots: dict[str, bool], period: int, start: float, end: float) -> list[AlarmCounts]:
        reader = SeriesReader(endpoint=self.world.settings.endpoint, period_seconds=period, client=self.client)
        return AlarmCounter(limits=self.world.settings.alarm_limits).read(reader, slots, start=start, end=end)


def _before(usual: OfSlot, last: OfSlot, *, moment: float) -> Before:
    served = [seen for seen in last.values() if seen.possible and seen.total]
    has_come = clock.now() >= moment + COME_SECONDS or int(moment // MINUTE) - 1 in last
    return Before(rollout=list(usual.values()), step=served[-SERVED_MINUTES:], has_come=has_come)
