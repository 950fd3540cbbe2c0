"""Runs another system's rule in a world, minute by minute."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.exposure.rules import Decision, Seen
from bench.exposure.site import CANARY, MINUTE, Site
from bench.exposure.worlds import World
from canary_tools.rehearsal.traffic.latency import percentile

EVERYTHING = 100.0
MILESTONES = (50.0, 95.0, EVERYTHING)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a rollout ended. `caused`: requests that were bad because of it. `seconds`: until the decision.

    `reached`: seconds until each of the MILESTONES, where the canary got so far; `changes`: of weights.
    """

    promoted: bool
    caused: int
    seconds: float
    reached: tuple[float | None, ...]
    changes: int


@dataclass(frozen=True, kw_only=True)
class Course:
    """A rollout from its begin to its decision. `shifts`: the canary's share from each second on, in percent."""

    promoted: bool
    caused: int
    seconds: float
    shifts: tuple[tuple[float, float], ...]

    @property
    def ended(self) -> Ended:
        """How it ended."""
        return Ended(
            promoted=self.promoted, caused=self.caused, seconds=self.seconds, reached=reached(self.shifts),
            changes=len(self.shifts),
        )  # fmt: skip


def reached(shifts: Sequence[tuple[float, float]]) -> tuple[float | None, ...]:
    """Return when shares, given as (second, percent), came to each of the milestones.

    >>> reached([(0.0, 10.0), (600.0, 96.0)])
    (600.0, 600.0, None)
    """
    return tuple(next((second for second, share in shifts if share >= least), None) for least in MILESTONES)


def simulate(rule: Any, world: World, seed: int) -> Course:
    """Go on until the rule has decided. It sees each metric of a minute as late as our handlers would.

    Its changes of weights take no time.
    """
    site = Site(world, seed)
    shown: list[_Shown] = []
    shifts: list[tuple[float, float]] = []
    caused, second, decision = 0, 0.0, Decision(0)
    while not decision.over:
        decision = rule.decide(second, [minute.seen(second) for minute in shown if minute.is_visible(second)])
        if decision.percent != (shifts[-1][1] if shifts else 0.0):
            shifts.append((second, decision.percent))
        if decision.over:
            break
        answered = site.answer_canary(second, MINUTE, decision.percent / EVERYTHING)
        caused += answered.caused
        share = answered.failed / answered.requests if answered.requests else 0.0
        errors_at, latency_at = (second + MINUTE + site.delay(CANARY) for _ in range(2))
        shown.append(_Shown(errors_at, latency_at, share, percentile(answered.latency, 99) or 0.0))
        second += MINUTE
    promoted = decision.percent > 0
    caused += site.afterwards(second) if promoted else 0
    return Course(promoted=promoted, caused=caused, seconds=second, shifts=tuple(shifts))


@dataclass(frozen=True)
class _Shown:
    """One minute of the canary, and from when on each of its two metrics can be read."""

    errors_at: float
    latency_at: float
    error_share: float
    p99_ms: float

    def is_visible(self, second: float) -> bool:
        return min(self.errors_at, self.latency_at) <= second

    def seen(self, second: float) -> Seen:
        return Seen(
            self.error_share if self.errors_at <= second else 0.0,
            self.p99_ms if self.latency_at <= second else 0.0,
        )
