"""Which share of the requests the canary has, on how many instances, and what pacing knows of it.

Kept from step to step, under `exposure`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EVERYTHING = 100
"""Percent: stable serves nobody, and nothing is left to compare with."""
FINEST_PERCENT = 0.01
"""The smallest share, and the smallest difference of two. SageMaker takes weights as 32-bit floats; those of this
library are whole numbers that sum to 100 or to 10,000, which such floats hold exactly."""


GROWS = 1.25
"""New instances matter when they make the canary's fleet so many times as large as it was: of fewer, each has a small
part of the requests. A fleet can grow so a few times only."""


class Served(NamedTuple):
    """The share from one metric period on, in percent; `None` while it changes, from `fell_from` if it fell."""

    first: int
    percent: float | None
    fell_from: float | None = None


class Fleet(NamedTuple):
    """The canary's instances, as the looks found them. `size`: how many there were when it grew last, or at first.

    `looked`: the period of the last look. `grown`: from which period to which the instances came with which it grew,
    for each time that it did.
    """

    size: int
    looked: int
    grown: Sequence[tuple[int, int]] = ()

    def found(self, instances: int, period: int) -> Fleet:
        """Return the fleet after a look. It does not grow by instances that were there before, and come again."""
        if instances < GROWS * self.size:
            return self._replace(looked=period)
        return Fleet(instances, period, (*self.grown, (self.looked, period)))

    def age(self, period: int) -> int | None:
        """Return how many periods before this one it grew last; `None` if it did not.

        >>> fleet = Fleet(size=1, looked=10).found(4, 11)
        >>> [fleet.age(period) for period in (9, 10, 11, 12)]
        [None, 0, 0, 1]
        """
        return min((max(0, period - last) for first, last in self.grown if first <= period), default=None)


@dataclass(frozen=True, kw_only=True)
class GateSums:
    """What pacing counted of one gate since it began, or began anew after a brake.

    `expected`: how many of the canary's `requests` had been bad at stable's rate of the same period. `ratio` and
    `margin` are the log-evidence that the canary is as good as stable: against the tolerated ratio, and against worse
    by a margin. Where counts are bounds, they hold for the worst of what may be between them; `likely_ratio` and
    `likely_margin` are for what is likeliest. `rise` is how much the gate's evidence against the canary has risen
    lately, in nats. `total` is that evidence at the last look.
    """

    requests: int = 0
    bad: int = 0
    expected: float = 0.0
    ratio: float = 0.0
    margin: float = 0.0
    likely_ratio: float = 0.0
    likely_margin: float = 0.0
    rise: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Pacing:
    """What pacing keeps. Periods are numbers of metric periods.

    `since`: the first period that counts, `None` before the share is in force. `last`: the newest one that was counted.
    `clean`: the largest share that was seen in a whole period since then, in percent. `here`: the first whole period of
    the present share that was counted, `None` before it. `busiest`: requests of both slots in the busiest period of
    late. `brakes`: how often the share was lowered in this rollout. `is_low`: it was, and was not raised since then.
    """

    since: int | None = None
    last: int = -1
    clean: float = 0.0
    here: int | None = None
    busiest: float = 0.0
    brakes: int = 0
    is_low: bool = False
    gates: Mapping[str, GateSums] = field(default_factory=dict)

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        gates = {name: GateSums(**sums) for name, sums in payload["gates"].items()}
        return cls(**{**payload, "gates": gates})

    def to_json(self) -> dict[str, object]:
        """Return plain JSON."""
        return {**vars(self), "gates": {name: vars(sums) for name, sums in self.gates.items()}}


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """The canary's share, in percent of all requests; of a cohort step it is 0.

    `percent`: what this step wants now; `None` before it was chosen. `before`: what was in force when it was chosen.
    `number`: how many shares came before, its number in the ledger. `served`: all of them, oldest first.
    `waited_seconds`: how long the shares of this rollout waited for instances and weights in all. `fleet`: `None`
    before the first look.
    """

    percent: float | None = None
    before: float = 0.0
    number: int = 0
    served: Sequence[Served] = ()
    waited_seconds: float = 0.0
    pacing: Pacing = field(default_factory=Pacing)
    fleet: Fleet | None = None

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        served = tuple(Served(*entry) for entry in payload["served"])
        fleet = None if payload.get("fleet") is None else _fleet(*payload["fleet"])
        return cls(**{**payload, "served": served, "pacing": Pacing.parse(payload["pacing"]), "fleet": fleet})

    def to_json(self) -> dict[str, object]:
        """Return plain JSON."""
        fleet = None if self.fleet is None else [*self.fleet[:2], [list(entry) for entry in self.fleet.grown]]
        served = [list(entry) for entry in self.served]
        return {**vars(self), "served": served, "pacing": self.pacing.to_json(), "fleet": fleet}

    @property
    def wanted(self) -> float:
        """Return the chosen share."""
        assert self.percent is not None, "the share is chosen before it is shifted"
        return self.percent

    def choose(self, percent: float) -> Self:
        """Return the exposure that wants another share."""
        chosen_before = self.percent is not None
        return replace(
            self,
            percent=percent,
            before=self.percent if self.percent is not None else self.before,
            number=self.number + 1 if chosen_before else self.number,
        )

    def with_instances(self, instances: int, period: int) -> Self:
        """Return the exposure with what a look found: so many instances of the canary, in that period."""
        before = Fleet(instances, period) if self.fleet is None else self.fleet
        return replace(self, fleet=before.found(instances, period))

    def in_force(self, *, changes_from: int, whole_from: int) -> Self:
        """Return the exposure with the periods from which its share changed, and had changed."""
        change = Served(changes_from, None, self.before if self.before > self.wanted else None)
        since = whole_from if self.pacing.since is None else self.pacing.since
        return replace(
            self,
            served=(*self.served, change, Served(whole_from, self.wanted)),
            pacing=replace(self.pacing, since=since, here=None),
        )

    def served_in(self, period: int) -> Served | None:
        """Return the share in one metric period; `None` before the first one."""
        return next((entry for entry in reversed(self.served) if entry.first <= period), None)


def _fleet(size: int, looked: int, grown: Sequence[tuple[int, int]]) -> Fleet:
    return Fleet(size, looked, tuple((first, last) for first, last in grown))
