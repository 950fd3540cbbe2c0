"""Turns what CloudWatch answered into evidence: what has come, of whom, and what is missing."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

from rollout.contract.counting import as_count
from rollout.contract.exposure import EVERYTHING
from rollout.contract.names import INVOCATIONS, SAGEMAKER_NAMESPACE
from rollout.decisions.pacing import NEWEST_PERIODS, Period
from rollout.evidence.arrivals import Arrivals, Series
from rollout.evidence.sources import Query, SlotCount, SourceReader, requests_of
from rollout.gates import Counts, InvalidCountsError, Minute

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from rollout.evidence.window import Window

SECONDS_PER_MINUTE = 60

RawCounts = dict[str, float]
"""The fields of `Counts`, as they were published."""


class Take(Enum):
    """What is taken of counts that are bounds: what speaks most for the canary, least for it, or what is likeliest."""

    FAVOURABLE = auto()
    WORST = auto()
    LIKELIEST = auto()


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was read of a window. Its periods up to, not including, `end` have come, and are used now.

    A period is seen when the requests of each role that should serve were published. `seen` of the used ones at the
    present share were, `is_fresh` tells whether the newest was. `newest` and `newest_of_canary` are the newest periods
    that were published for all roles and for the canary, whether complete or not; `None` if there is none.
    """

    end: int
    minutes: tuple[Minute, ...] = ()
    seen: int = 0
    is_fresh: bool = False
    newest: int | None = None
    newest_of_canary: int | None = None
    canary_requests: int = 0
    requests_per_minute: float = 0.0
    """Of both slots together, on average over the periods that were seen."""
    bracketed: bool = False
    """Whether slow requests were bounded by percentiles, not counted."""
    missing: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """In how many of the used periods a gate lacked a metric of a role, by gate and role."""
    looked: Mapping[int, int] = field(default_factory=dict)
    """A digest of each period that has not come, by number."""
    published: tuple[Period, ...] = ()
    """The periods that pacing looks at: those of the window, complete or not, and the newest before it."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What CloudWatch answered, read for the slots in their roles."""

    series: Series
    sources: Mapping[str, SourceReader]
    window: Window
    stable: str
    canary: str

    def evidence(self, numbers: Sequence[int]) -> Evidence:
        """Return what the periods with these numbers, at least one, tell."""
        arrivals = Arrivals(self.series, now=self.window.now, is_expected=self._is_expected, looked=self.window.looked)
        end = next((number for number in numbers if not arrivals.has_come(number)), numbers[-1] + 1)
        used = range(numbers[0], end)
        requests = {number: self._requests(number) for number in numbers}
        seen = {number: found for number in used if (found := requests[number]) is not None}
        counted = {number: self._counted(number) for number in used}
        return Evidence(
            end=end,
            minutes=tuple(self._minutes(counted, requests)),
            seen=sum(number >= self.window.begun for number in seen),
            is_fresh=bool(used) and requests[used[-1]] is not None,
            newest=max((number for number in numbers if requests[number] is not None), default=None),
            newest_of_canary=max((number for number in numbers if self._saw_canary(number)), default=None),
            canary_requests=sum(of_canary for of_canary, _ in seen.values()),
            requests_per_minute=self._per_minute(seen.values()),
            bracketed=any(not exact for counts in counted.values() for _, exact in counts.values()),
            missing=self._missing(used),
            looked={number: self.series.digest(number) for number in range(end, numbers[-1] + 1)},
            published=tuple(self._published(end, numbers[-1] + 1)),
        )

    def _per_minute(self, seen: Collection[tuple[int, int]]) -> float:
        seconds = len(seen) * self.series.period_seconds
        return sum(map(sum, seen)) * SECONDS_PER_MINUTE / seconds if seen else 0.0

    def _minutes(
        self,
        counted: Mapping[int, Mapping[str, tuple[RawCounts | None, bool]]],
        requests: Mapping[int, tuple[int, int] | None],
    ) -> Iterable[Minute]:
        """Yield the periods in which anything was counted. One in which the share rose says nothing."""
        for number, by_gate in counted.items():
            counts = {name: found for name, (found, _) in by_gate.items()}
            served = self.window.served(number)
            if served is None or (requests[number] is None and not any(counts.values())):
                continue
            bounded = {
                name: self._compared(self.sources[name], number, take=Take.WORST)[0]
                for name, (_, exact) in by_gate.items()
                if not exact
            }
            minute = Minute(number, self.window.step, counts, bounded=bounded, fleet_age=self.window.fleet_age(number))
            if served.percent is not None:
                yield replace(minute, invocations=requests[number], share=served.percent / EVERYTHING)
            elif served.fell_from is not None:
                yield replace(minute, fell_from=served.fell_from / EVERYTHING)

    def _published(self, end: int, until: int) -> Iterable[Period]:
        """Yield the periods of the window in which both were seen, and as many before it as a brake looks at.

        From `end` on a metric of them may still come: what is missing is not known, and no 0.
        """
        for number in range(max(self.window.counts_for_pacing_from, self.window.first - NEWEST_PERIODS), until):
            requests, served = self._requests(number), self.window.served(number)
            if requests is not None and served is not None:
                counts, worst, likely = (self._parsed(number, has_come=number < end, take=take) for take in Take)
                yield Period(number, served.percent, sum(requests), counts, worst, likely)

    def _parsed(self, number: int, *, has_come: bool, take: Take) -> dict[str, Counts]:
        """Return what each gate counted; a gate that lacks a metric, or was told what cannot be, is left out."""
        parsed: dict[str, Counts] = {}
        for name, source in self.sources.items():
            found, _ = self._compared(source, number, has_come=has_come, take=take)
            with suppress(InvalidCountsError):
                parsed |= {} if found is None else {name: Counts.parse(found)}
        return parsed

    def _is_expected(self, query: Query, read: int) -> bool:
        """Tell whether a metric must be there in the period `read`, whose values count.

        A role that does not serve publishes nothing. A slot that published 0 requests has nothing more to tell. Whether
        answers are streamed is not known.
        """
        if query.of_streams or not self.window.serves(read, canary=query.slot == self.canary):
            return False
        of_requests = query.namespace == SAGEMAKER_NAMESPACE and query.metric != INVOCATIONS
        return not of_requests or self.series.by_query[requests_of(query.slot)].get(read) != 0

    def _requests(self, number: int) -> tuple[int, int] | None:
        """Return the requests of (canary, stable); `None` when those of a role that should serve are not known.

        A value that is impossible as a count is not known, either.
        """
        canary, stable = (self._requests_of(slot, number) for slot in (self.canary, self.stable))
        return None if canary is None or stable is None else (canary, stable)

    def _requests_of(self, slot: str, number: int) -> int | None:
        query = requests_of(slot)
        found = self.series.value(query, number)
        if found is None and not self._is_expected(query, number):
            return 0
        return as_count(found)

    def _saw_canary(self, number: int) -> bool:
        is_published = self.series.value(requests_of(self.canary), number) is not None
        return is_published and self._requests_of(self.canary, number) is not None

    def _counted(self, number: int) -> dict[str, tuple[RawCounts | None, bool]]:
        """Return each gate's counts and whether they are exact; no counts while a role's are not known."""
        return {name: self._compared(source, number) for name, source in self.sources.items()}

    def _compared(
        self, source: SourceReader, number: int, *, has_come: bool = True, take: Take = Take.FAVOURABLE
    ) -> tuple[RawCounts | None, bool]:
        """Return the counts of both, and whether they are exact."""
        is_worst = take is Take.WORST
        of_stable = self._count(source, self.stable, number, has_come=has_come, from_below=is_worst)
        of_canary = self._count(source, self.canary, number, has_come=has_come, from_below=not is_worst)
        if of_stable is None or of_canary is None or not of_stable.total + of_canary.total:
            return None, True
        exact = of_stable.exact and of_canary.exact
        if take is Take.LIKELIEST:
            of_stable, of_canary = of_stable.likeliest, of_canary.likeliest
        return _counts(of_stable, of_canary), exact

    def _count(
        self, source: SourceReader, slot: str, number: int, *, from_below: bool, has_come: bool = True
    ) -> SlotCount | None:
        """Return what a slot counted: nothing of the canary before its first share, when another release was there."""
        if slot == self.canary and not self._had_a_share(source, number):
            return SlotCount(total=0, bad=0)
        found = source.count(self.series.period(number, has_come=has_come), slot, from_below=from_below)
        return SlotCount(total=0, bad=0) if found is None and not self._owes(source, slot, number) else found

    def _had_a_share(self, source: SourceReader, number: int) -> bool:
        """Tell whether the canary had a share, or its cohort, when what a gate counts in a period was shown."""
        read = (self.series.read_at(query, number) for query in source.queries(self.canary))
        return any(self.window.serves(each, canary=True) for each in read)

    def _owes(self, source: SourceReader, slot: str, number: int) -> bool:
        """Tell whether a slot must have published what a gate counts."""
        return any(self._is_expected(query, self.series.read_at(query, number)) for query in source.queries(slot))

    def _missing(self, used: Iterable[int]) -> dict[str, dict[str, int]]:
        roles = {"stable": self.stable, "the canary": self.canary}
        lacking = {
            name: Counter(
                role
                for number in used
                for role, slot in roles.items()
                if self._count(source, slot, number, from_below=slot == self.canary) is None
            )
            for name, source in self.sources.items()
        }
        return {name: dict(by_role) for name, by_role in lacking.items() if by_role}


def _counts(of_stable: SlotCount, of_canary: SlotCount) -> RawCounts:
    """Return the counts of both. What one slot alone has not published would count against the other."""
    in_stable, in_canary = of_stable.broken, of_canary.broken
    if in_stable is None or in_canary is None:
        in_stable = in_canary = 0
    return {
        "canary_total": of_canary.total, "canary_bad": of_canary.bad + in_canary,
        "stable_total": of_stable.total, "stable_bad": of_stable.bad + in_stable,
    }  # fmt: skip
