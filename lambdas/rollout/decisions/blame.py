"""Whether an alarm of the canary is the canary's own fault: counts of both slots in, a finding with its reason out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum, auto
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING

from rollout import sentences
from rollout.contract.counting import as_count
from rollout.contract.errors import AlarmRaised, AlarmRaisedAlone, CannotBegin
from rollout.gates.exact_test import chance_of_as_many

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rollout.contract.errors import RolloutError

CHANCE = 1e-5
"""Two slots that fail alike look so different in one of 100,000 looks. A trouble of both lasts for some dozen looks."""
MATERIAL_RATIO = 1.25
"""A common trouble hits two fleets alike, but not exactly. The canary must be bad this much more often than stable."""
COMPARABLE_PART = 10
"""A slot is compared with one that has `min_requests`, or at least a tenth of its requests, however few those are."""
NO_SHIFT: Mapping[int, float] = MappingProxyType({})


def of_caller(alarms: Sequence[str], *, had_requests: bool) -> RolloutError:
    """Return what alarms of the caller are that are in ALARM. Nobody judges a release that had no request yet.

    >>> [type(of_caller(["shop"], had_requests=had_requests)).__name__ for had_requests in (True, False)]
    ['AlarmRaised', 'CannotBegin']
    """
    raised = sentences.in_alarm([*alarms])
    return AlarmRaised(raised) if had_requests else CannotBegin(sentences.BEFORE_ANY_REQUEST.format(raised=raised))


class Fault(StrEnum):
    """What the counts say, the most urgent first."""

    CANARY = auto()
    """The canary is worse than stable beyond chance."""
    UNREAD = auto()
    """CloudWatch does not answer."""
    UNSEEN = auto()
    """The canary is beyond its limits; what stable did at that time is not published yet."""
    IMPOSSIBLE = auto()
    """The counts cannot be."""
    BOTH = auto()
    """Stable has the trouble as well, and did not have it before the rollout."""
    USUAL = auto()
    """Stable has it as well, and had it before the rollout: the limits do not fit this endpoint."""
    NOTHING = auto()
    """The canary is within its limits."""


class Bound(StrEnum):
    """How counts that are not exact read."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Requests of one slot, how many of them were bad, and whether its alarm would go off for this metric period.

    `bad` may be a `bound`: the canary's from below, stable's from above.
    """

    total: float
    bad: float
    beyond: bool = False
    bound: Bound | None = None

    @property
    def possible(self) -> bool:
        """Tell whether these are counts: whole, and no more bad requests than requests."""
        total, bad = as_count(self.total), as_count(self.bad)
        return total is not None and bad is not None and bad <= total


@dataclass(frozen=True, kw_only=True)
class Before:
    """What stable showed: in each minute of the hour before the rollout, and in the last ones before this step.

    `has_come`: whether the last minute before the step is published, or will not be any more.
    """

    rollout: Sequence[Seen] = ()
    step: Sequence[Seen] = ()
    has_come: bool = True


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Whose fault it is, and why. `lasts`: the canary's newest metric period is beyond the limits.

    `alone`: stable served nobody, or too few to compare with, when the canary was worse than stable had been before.
    `partly_seen`: of an unseen trouble, that stable had it, too, in those of the periods that it has published.
    """

    fault: Fault
    reason: str = ""
    lasts: bool = False
    alone: bool = False
    partly_seen: bool = False

    @property
    def error(self) -> type[RolloutError]:
        """Return what an alarm is that this finding explains by the canary's fault."""
        return AlarmRaisedAlone if self.alone else AlarmRaised

    @property
    def holds(self) -> bool:
        """Tell whether no traffic may be shifted now."""
        return self.lasts and self.fault is not Fault.USUAL

    @property
    def leaves_alarms_open(self) -> bool:
        """Tell whether the counts do not say whose fault an alarm of the canary is."""
        return self.fault in {Fault.UNREAD, Fault.UNSEEN, Fault.IMPOSSIBLE, Fault.NOTHING}

    def explains(self, alarms: list[str]) -> str:
        """Say that alarms of the canary are in ALARM, and why.

        >>> Finding(fault=Fault.CANARY, reason="half of its requests failed").explains(["errors"])
        'errors is in ALARM: half of its requests failed'
        """
        words = {"alarms": sentences.in_alarm(alarms), "why": self.reason}
        if self.leaves_alarms_open:
            return sentences.ALARM_UNEXPLAINED.format(**words)
        return sentences.ALARM_EXPLAINED.format(**words)


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """The canary in some periods that are beyond the limit, and stable, in the same ones or before the step."""

    canary: Seen
    stable: Seen
    stable_at_most: Seen
    """Stable, if the failures that it has published are a part of them."""
    when: str = ""

    @property
    def is_worse(self) -> bool:
        other = self.stable_at_most
        return self.canary.total > 0 and (not other.total or worse_beyond_chance(self.canary, other))

    def in_words(self, what: str) -> str:
        return sentences.COMPARED.format(
            canary=in_words(self.canary, what), stable=in_words(self.stable), when=self.when
        )


def judge(
    what: str,
    canary: Mapping[int, Seen],
    stable: Mapping[int, Seen],
    *,
    before: Before,
    alone_from: float = inf,
    two_shares: Mapping[int, float] = NO_SHIFT,
    min_requests: int,
) -> Finding:
    """Return whose fault it is that the canary's newest metric periods, by number, are beyond an alarm's limit.

    Stable is compared in the same periods. Where it serves nobody (periods from `alone_from` on), or too few to
    compare with, it is compared as it was before the step; if it served nobody then either, the canary is to blame.
    Whether CloudWatch publishes a value in parts is not documented: stable's newest counts may still grow.
    `two_shares`: periods in which a shift arrived, and the highest share of the canary (above 0, below 1) in them. An
    outage of both that begins with the shift falls on the canary by that share, though the period's requests did not.
    `what` is the verb for what is counted.
    """
    beyond = {number: seen for number, seen in canary.items() if seen.beyond and seen.possible}
    if not beyond:
        return _nothing(canary)
    beside = {n for n in beyond if n < alone_from and _comparable(beyond[n], stable.get(n), min_requests)}
    unseen = {n for n in beyond.keys() - beside if n < alone_from and not _known(stable.get(n))}
    alone = beyond.keys() - beside - unseen if before.has_come else set()
    waiting = beyond.keys() - beside - alone
    together_with = _Pair(
        canary=_sum(beyond[n] for n in beside),
        stable=_sum(stable[n] for n in beside),
        stable_at_most=_sum(_as_shared(_grown(n, stable), beyond[n], two_shares.get(n)) for n in beside),
    )
    served = _sum(before.step)
    by_itself = _Pair(
        canary=_sum(beyond[n] for n in alone), stable=served, stable_at_most=served, when=sentences.WHEN_IT_SERVED
    )
    lasts = max(canary) in beyond
    for pair in (together_with, by_itself):
        if pair.is_worse:
            return Finding(fault=Fault.CANARY, reason=pair.in_words(what), lasts=lasts, alone=pair is by_itself)
    usual = 2 * sum(seen.beyond for seen in before.rollout) > len(before.rollout)
    if waiting and not (usual and beside):
        return _unseen(in_words(_sum(beyond[n] for n in waiting), what), lasts=lasts, partly_seen=bool(beside))
    pair = together_with if beside else by_itself
    if usual:
        return Finding(fault=Fault.USUAL, reason=sentences.USUAL.format(counts=pair.in_words(what)), lasts=lasts)
    return Finding(fault=Fault.BOTH, reason=sentences.BOTH.format(counts=pair.in_words(what)), lasts=lasts)


def judge_afterwards(
    what: str, canary: Mapping[int, Seen], stable: Mapping[int, Seen], *, returned: int, min_requests: int
) -> Finding:
    """Return whose fault the canary's trouble was, by what stable does with the traffic that came back to it.

    `returned`: the metric period in which the order to give it back was written. Stable's newest one is not used: its
    values may still grow. A trouble of both that ended in between cannot be told from one of the canary.
    """
    beyond = _sum(seen for number, seen in canary.items() if number <= returned and seen.beyond)
    if not beyond.total:
        return Finding(fault=Fault.NOTHING)
    served = _sum(seen for number, seen in stable.items() if returned <= number < max(stable))
    if not served.total or not _comparable(beyond, served, min_requests):
        return Finding(fault=Fault.UNSEEN)
    words = {"counts": in_words(served, what)}
    if worse_beyond_chance(beyond, served):
        return Finding(fault=Fault.CANARY, reason=sentences.FINE_AGAIN.format(**words))
    return Finding(fault=Fault.BOTH, reason=sentences.BOTH_AGAIN.format(**words))


def most_urgent(findings: Iterable[Finding]) -> Finding:
    """Return the finding to act on: of errors and of latency, say."""
    order = list(Fault)
    return min(findings, key=lambda finding: (order.index(finding.fault), finding.partly_seen))


def worse_beyond_chance(canary: Seen, other: Seen) -> bool:
    """Tell whether so many of the canary's requests are bad that it is not chance, and materially more often.

    >>> worse_beyond_chance(Seen(total=40, bad=28), Seen(total=40, bad=15))
    False
    >>> worse_beyond_chance(Seen(total=100, bad=60), Seen(total=900, bad=9))
    True
    """
    if canary.bad * other.total <= MATERIAL_RATIO * other.bad * canary.total:
        return False
    return chance_of_as_many(canary.bad, canary.total, other.bad, other.total) < CHANCE


def in_words(seen: Seen, what: str = "") -> str:
    """Write counts for people.

    >>> in_words(Seen(total=600, bad=300), "failed"), in_words(Seen(total=0, bad=0))
    ('300 of 600 failed (50.00 %)', 'there were none')
    >>> in_words(Seen(total=600, bad=6, bound=Bound.AT_MOST))
    'at most 6 of 600 (1.00 %)'
    """
    if not seen.total:
        return sentences.NO_REQUESTS
    counts = f"{seen.bad:,.0f} of {seen.total:,.0f}{' ' if what else ''}{what}"
    return f"{f'{seen.bound} ' if seen.bound else ''}{counts} ({100 * seen.bad / seen.total:.2f} %)"


def _nothing(canary: Mapping[int, Seen]) -> Finding:
    impossible = [seen for seen in canary.values() if not seen.possible]
    if not impossible:
        return Finding(fault=Fault.NOTHING, reason=sentences.WITHIN_LIMITS)
    words = {"bad": impossible[-1].bad, "total": impossible[-1].total}
    return Finding(fault=Fault.IMPOSSIBLE, reason=sentences.IMPOSSIBLE_COUNTS.format(**words))


def _unseen(canary: str, *, lasts: bool, partly_seen: bool) -> Finding:
    reason = sentences.STABLE_UNSEEN.format(canary=canary)
    return Finding(fault=Fault.UNSEEN, reason=reason, lasts=lasts, partly_seen=partly_seen)


def _known(stable: Seen | None) -> bool:
    return stable is not None and stable.possible


def _comparable(canary: Seen, stable: Seen | None, min_requests: int) -> bool:
    return (
        stable is not None
        and stable.possible
        and (stable.total >= min_requests or stable.total * COMPARABLE_PART >= canary.total)
    )


def _grown(number: int, stable: Mapping[int, Seen]) -> Seen:
    """Return stable's counts of a period; of its newest one, as they are if half of its failures are still to come."""
    seen = stable[number]
    return seen if number < max(stable) else replace(seen, bad=min(2 * seen.bad, seen.total))


def _as_shared(stable: Seen, canary: Seen, share: float | None) -> Seen:
    """Return stable with no more requests than it got while the canary had this share; as it is without a share.

    >>> shared = _as_shared(Seen(total=1200, bad=240), Seen(total=600, bad=240), 0.5)
    >>> shared.total, shared.bad
    (600, 240)
    """
    if share is None:
        return stable
    total = min(stable.total, round(canary.total * (1 - share) / share))
    return replace(stable, total=total, bad=min(stable.bad, total))


def _sum(periods: Iterable[Seen]) -> Seen:
    counts = [seen for seen in periods if seen.possible]
    bound = next((seen.bound for seen in counts if seen.bound), None)
    return Seen(total=sum(seen.total for seen in counts), bad=sum(seen.bad for seen in counts), bound=bound)
