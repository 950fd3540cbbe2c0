"""How much traffic a release gets next: the largest share at which what it may still break stays in the harm budget.

A harm budget counts requests that are bad although stable would have served them well. What may still be broken is the
largest effect that the counts of earlier periods do not exclude, times the share, the traffic and the time until a
lower share is in force. Shares are chosen from earlier periods only, so that the gates' evidence stays valid under any
pacing; and nothing here judges a release: that is the gates' business, and costs no part of alpha.

When the newest published periods speak strongly against the release, its share falls to a tenth at once. It rises again
when periods at that share are clean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import TYPE_CHECKING, NamedTuple

from rollout import sentences
from rollout.contract.exposure import EVERYTHING, FINEST_PERCENT, GateSums, Pacing
from rollout.gates.logs import log_sum

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rollout.gates import Counts, GateView

DOUBT = 0.05
"""The chance that an effect counts as excluded though it is there."""
LARGEST_FIRST_PERCENT = 10.0
GROWTH = 5.0
"""A share is at most so many times the largest one that was seen in a clean period."""
LEAST_RAISE = 1.3
"""A smaller raise is not worth a change of weights."""
NEARLY = 0.9
"""From this part of a checkpoint on, the checkpoint itself is taken."""
HOLD_AT = 2.0
"""Log-evidence of the newest periods against the release from which on nothing is raised."""
RISE_AT = 0.7
"""The same of the gates' evidence, risen lately."""
MEMORY = 0.85
"""The part of an earlier rise that is left after one more period."""
BRAKE_AT = math.log(200)
"""Log-evidence of the newest periods against the release at which its share is lowered."""
BRAKE = 10.0
"""The share is lowered to this part of it, or to less."""
MOST_BRAKES = 2
"""One more ends the rollout."""
NEWEST_PERIODS = 3
"""A brake looks at the newest one, two and three."""
BETA = 0.03
"""The chance that a release that is worse by the margin passes for one that is as good as stable."""
PROVE_PERIODS = 60.0
"""What is not disproven breaks no more than the budget in so many periods."""
PRIORS = (0.3, 0.7)
"""How much the bets on equality begin with: against the ratio, and against the margin."""
VISIBLE = 1.23
"""A ratio so much above the tolerated one is the least that the gates find in a bake."""
PROOF_RANGE = (-30.0, 4.0)
"""Within these bounds a bet on equality is kept, in nats: what was lost long ago can be won again."""
OUTAGE_RATIO, OUTAGE_DIFFERENCES, OUTAGE_DOUBT = 5.0, 10.0, 1e-5
"""Stable is in an outage when it is so many times as bad as lately, and by so many least differences, beyond doubt.

One bad request of two is none: to leave out what is bad at stable by chance would make every canary look worse.
"""


class Period(NamedTuple):
    """One metric period that was published, complete or not.

    `percent`: the canary's share; `None` where it changed. `requests`: of both slots. `counts`, by gate, as the gates
    take them: where they are bounds, the canary's bad requests from below and stable's from above. `worst`: the other
    way round. `likely`: what is likeliest between them.
    """

    number: int
    percent: float | None
    requests: int
    counts: Mapping[str, Counts]
    worst: Mapping[str, Counts]
    likely: Mapping[str, Counts]


class Strongest(NamedTuple):
    """The most evidence against the release in the newest periods, in nats, and which gate and how many periods."""

    evidence: float = -math.inf
    gate: str = ""
    periods: int = 0


class Brake(NamedTuple):
    """To which share, in percent, the canary falls, and why."""

    percent: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What does not change within one look. Without a `budget` (requests) no share is too large.

    `reaction`: metric periods from a bad request until a lower share is in force. `share`: the present one, in percent.
    """

    budget: float | None
    reaction: float
    share: float
    gates: Sequence[GateView]

    def look(self, before: Pacing, periods: Sequence[Period], *, end: int) -> Look:
        """Return what the published periods show, in order; those before `end` are complete and are counted once."""
        new = [period for period in periods if period.number > before.last]
        complete = [period for period in new if period.number < end]
        since = math.inf if before.since is None else before.since
        newest = [period for period in reversed(periods) if period.number >= since and period.requests]
        busiest = max((period.requests for period in periods), default=before.busiest)
        begun = self._risen(replace(before, busiest=float(busiest)), len(complete))
        kept = reduce(self._take, complete, begun)
        ahead = reduce(self._take, [period for period in new if period.number >= end], kept)
        return Look(pace=self, kept=kept, ahead=ahead, newest=newest)

    def _risen(self, pacing: Pacing, periods: int) -> Pacing:
        """Return the sums with what the gates' evidence has risen since the look before, `periods` ago."""
        gates = {}
        for gate in self.gates:
            found = pacing.gates.get(gate.rule.name, START)
            sums = found if gate.is_comparable else _begun_anew(found)
            rise = max(0.0, sums.rise * MEMORY**periods + gate.log_evidence - sums.total)
            gates[gate.rule.name] = replace(sums, rise=round(rise, 3), total=round(gate.log_evidence, 3))
        return replace(pacing, gates=gates)

    def _take(self, pacing: Pacing, period: Period) -> Pacing:
        """Add a period. One in which the share changed says nothing here."""
        now = replace(pacing, last=period.number)
        if pacing.since is None or period.number < pacing.since or not period.percent:
            return now
        complete = all(_is_shown(gate, period) for gate in self.gates)
        is_here = complete and period.percent == self.share
        sums = {gate.rule.name: self._added(pacing, gate, period) for gate in self.gates}
        return replace(
            now,
            clean=max(now.clean, period.percent) if complete else now.clean,
            here=period.number if now.here is None and is_here else now.here,
            gates=sums,
        )

    def _added(self, pacing: Pacing, gate: GateView, period: Period) -> GateSums:
        sums, counts = pacing.gates[gate.rule.name], period.worst.get(gate.rule.name)
        if not gate.is_comparable or counts is None or not counts.stable_total or not counts.canary_total:
            return sums
        if _is_outage(gate, counts):
            return sums
        margin = self.margin(gate, pacing.busiest)
        certain, likely = (gate.equality(known[gate.rule.name], margin) for known in (period.worst, period.likely))
        return replace(
            sums,
            ratio=_bounded(sums.ratio + certain[0]),
            margin=_bounded(sums.margin + certain[1]),
            likely_ratio=_bounded(sums.likely_ratio + likely[0]),
            likely_margin=_bounded(sums.likely_margin + likely[1]),
            requests=sums.requests + counts.canary_total,
            bad=sums.bad + counts.canary_bad,
            expected=round(sums.expected + counts.expected, 3),
        )

    def margin(self, gate: GateView, per_period: float) -> float:
        """Return the difference of the rates that is disproven at a checkpoint.

        It is the least that the gates can see, or what breaks the budget within an hour of all traffic.
        """
        rule = gate.rule
        visible = 1 - rule.ratio / VISIBLE if rule.is_lower_worse else VISIBLE * rule.ratio - 1
        in_budget = 0.0 if self.budget is None else self.budget / (max(per_period, 1.0) * PROVE_PERIODS)
        return min(0.5, max(2 * rule.min_difference, visible * gate.bets_at, in_budget))

    def affords(self, gate: GateView, worst: float, per_period: float) -> float:
        """Return the share, in percent, at which an excess of bad requests (0 to 1) stays in the budget."""
        if self.budget is None or worst <= _tolerated(gate):
            return float(EVERYTHING)
        return EVERYTHING * self.budget / (max(per_period, 1.0) * (self.reaction + gate.rule.delay) * worst)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look has shown. `kept` is for the next one; `ahead` knows of periods that are not complete, too.

    `newest`: the published periods, the newest first. Each metric comes when it comes: a gate may lack the newest ones.
    """

    pace: Pace
    kept: Pacing
    ahead: Pacing
    newest: Sequence[Period]

    @cached_property
    def strongest(self) -> Strongest:
        """Return the most evidence against the release that the newest periods hold."""
        found = [
            Strongest(evidence, gate.rule.name, count)
            for gate in self.pace.gates
            for newest in [self._newest_of(gate.rule.name)]
            for count in range(1, len(newest) + 1)
            if (evidence := _evidence(gate, newest[:count])) is not None
        ]
        return max(found, default=Strongest())

    @property
    def brake(self) -> Brake | None:
        """Return the lower share that the newest periods call for; `None` where they call for none.

        A share that was lowered is not lowered again before it was raised: a verdict needs some requests.
        """
        strongest = self.strongest
        if strongest.evidence < BRAKE_AT or not self.pace.share or self.kept.is_low:
            return None
        lower = self._lower(self._newest_of(strongest.gate)[: strongest.periods])
        if lower > self.pace.share / 2:
            return None
        words = {"gate": strongest.gate, "odds": math.exp(min(strongest.evidence, 20.0)), "periods": strongest.periods}
        return Brake(lower, sentences.BRAKED.format(**words))

    @property
    def is_last_brake(self) -> bool:
        """Tell whether the rollout was braked as often as it may be."""
        return self.kept.brakes >= MOST_BRAKES

    @property
    def held(self) -> str:
        """Return why no step passes at this share; empty where nothing stands against it."""
        if self.ahead.here is None:
            return sentences.SHARE_NOT_SEEN.format(share=self.pace.share)
        return self.suspicion

    @property
    def suspicion(self) -> str:
        """Return why nothing is raised now; empty where nothing stands against it.

        A share that was not seen yet may rise: not above `GROWTH` times one that was seen clean.
        """
        if self.strongest.evidence >= HOLD_AT:
            return sentences.NEWEST_AGAINST.format(gate=self.strongest.gate)
        rising = [gate.rule.name for gate in self.pace.gates if self._rise(gate) >= RISE_AT]
        return sentences.EVIDENCE_RISES.format(gates=", ".join(rising)) if rising else ""

    def next_share(self, checkpoint: float) -> float:
        """Return the share that is affordable on the way to a checkpoint; the present one if a raise is too small."""
        share, (allowed, _) = self.pace.share, self.affordable
        target = fine(min(checkpoint, GROWTH * self.ahead.clean, allowed))
        target = checkpoint if target >= NEARLY * checkpoint else target
        return share if target < min(LEAST_RAISE * share, checkpoint) else max(share, target)

    @cached_property
    def affordable(self) -> tuple[float, str]:
        """Return the largest share, in percent, that keeps the budget, and a sentence about what limits it."""
        found = [(self._afforded(gate), gate) for gate in self.pace.gates]
        share, gate = min(found, key=lambda each: each[0])
        if share >= EVERYTHING:
            return share, ""
        return share, sentences.MAY_BE_WORSE.format(gate=gate.rule.name, points=100 * self._excess(gate))

    @property
    def limit(self) -> str:
        """Return a sentence about what limits the share; empty where nothing does."""
        return self.affordable[1]

    def is_proven(self, *, at_bake_end: bool) -> bool:
        """Tell whether every gate's equality is proven; at the end of a bake it must be likelier than not.

        A proof holds for whatever bounds allow. What is likelier than not rests on what is likeliest between them: of
        few requests, bounds are so far apart that a good release could be half again as bad as stable.
        """
        known = [self.ahead.gates[gate.rule.name] for gate in self.pace.gates]
        if at_bake_end:
            return all(_proof(sums.likely_ratio, sums.likely_margin) >= 0.0 for sums in known)
        return all(_proof(sums.ratio, sums.margin) >= -math.log(BETA) for sums in known)

    def _newest_of(self, gate: str) -> Sequence[Period]:
        """Return the newest periods of which a gate's counts have come."""
        return [period for period in self.newest if gate in period.counts][:NEWEST_PERIODS]

    def _rise(self, gate: GateView) -> float:
        return self.ahead.gates[gate.rule.name].rise / gate.spread

    def _afforded(self, gate: GateView) -> float:
        return self.pace.affords(gate, self._excess(gate), self.ahead.busiest)

    def _excess(self, gate: GateView) -> float:
        return excess(gate, self.ahead.gates[gate.rule.name])

    def _lower(self, bad: Sequence[Period]) -> float:
        """Return a tenth of the share, or what the excess of the bad periods affords if that is less."""
        counted = {gate.rule.name: _pooled(gate, bad) for gate in self.pace.gates}
        afforded = min(
            self.pace.affords(gate, excess(gate, counted[gate.rule.name]), self.ahead.busiest)
            for gate in self.pace.gates
        )
        return max(fine(min(afforded, self.pace.share / BRAKE)), self._safe_share)

    @property
    def _safe_share(self) -> float:
        """Return the share that keeps the budget whatever the release does: nobody needs less."""
        if self.pace.budget is None:
            return FINEST_PERCENT
        return first_share(
            self.pace.budget, per_period=self.ahead.busiest, reaction=self.pace.reaction, checkpoint=EVERYTHING
        )


def _is_shown(gate: GateView, period: Period) -> bool:
    """Tell whether a gate counted anything of the canary in a period. No request is no clean one."""
    counts = period.worst.get(gate.rule.name)
    return counts is not None and counts.canary_total > 0


START = GateSums()


def _begun_anew(sums: GateSums) -> GateSums:
    """Give up what was counted: a gate that does not count both alike excludes nothing, and proves nothing."""
    return replace(
        START,
        ratio=min(sums.ratio, 0.0),
        margin=min(sums.margin, 0.0),
        likely_ratio=min(sums.likely_ratio, 0.0),
        likely_margin=min(sums.likely_margin, 0.0),
        rise=sums.rise,
        total=sums.total,
    )


def _proof(ratio: float, margin: float) -> float:
    """Return the log-evidence of both bets on equality together."""
    return log_sum(math.log(prior) + log for prior, log in zip(PRIORS, (ratio, margin), strict=True))


def first_share(budget: float | None, *, per_period: float, reaction: float, checkpoint: float) -> float:
    """Return the share, in percent, at which a release that fails every request keeps the budget.

    >>> first_share(100, per_period=6000, reaction=4, checkpoint=10)
    0.41
    >>> first_share(100, per_period=60, reaction=4, checkpoint=10)
    10.0
    >>> first_share(None, per_period=6000, reaction=4, checkpoint=50)
    50
    """
    if budget is None:
        return checkpoint
    afforded = EVERYTHING * budget / (max(per_period, 1.0) * reaction)
    return fine(min(checkpoint, LARGEST_FIRST_PERCENT, afforded))


def braked(pacing: Pacing) -> Pacing:
    """Return what is kept after a brake: nothing of what was counted, because a lower share shall show it anew."""
    gates = {name: GateSums(rise=sums.rise, total=sums.total) for name, sums in pacing.gates.items()}
    return Pacing(last=pacing.last, busiest=pacing.busiest, brakes=pacing.brakes + 1, is_low=True, gates=gates)


def fine(percent: float) -> float:
    """Return a share as weights can give it, rounded down; at least the smallest."""
    steps = math.floor(percent / FINEST_PERCENT + 1e-6)
    return round(min(max(steps * FINEST_PERCENT, FINEST_PERCENT), float(EVERYTHING)), 2)


def excess(gate: GateView, sums: GateSums) -> float:
    """Return how many more of the canary's requests may be bad than at stable's rate, 0 to 1, as far as is excluded.

    Where fewer events are worse, at most all that stable has can be lost.
    """
    nats = -math.log(DOUBT) * gate.spread
    if gate.rule.is_lower_worse:
        if not sums.requests:
            return gate.stable_rate or 1.0
        return max(sums.expected - lower_mean(sums.bad, nats), 0.0) / sums.requests
    if not sums.requests:
        return 1.0
    return min(1.0, max(upper_mean(sums.bad, nats) - sums.expected, 0.0) / sums.requests)


def upper_mean(count: float, nats: float) -> float:
    """Return the largest Poisson mean under which so few events are no less likely than exp(-nats).

    The bound is Chernoff's: `mean - count + count * ln(count / mean) <= nats`.

    >>> round(upper_mean(0, 3.0), 2), round(upper_mean(10, 3.0), 2)
    (3.0, 19.86)
    """
    if count <= 0:
        return nats
    return _bisect(count, count + nats + math.sqrt(nats * nats + 2 * count * nats), count, nats)


def lower_mean(count: float, nats: float) -> float:
    """Return the smallest Poisson mean under which so many events are no less likely than exp(-nats).

    >>> lower_mean(0, 3.0), round(lower_mean(10, 3.0), 2)
    (0.0, 4.11)
    """
    return 0.0 if count <= 0 else _bisect(count, 0.0, count, nats)


def _bisect(inside: float, outside: float, count: float, nats: float) -> float:
    for _ in range(40):
        middle = (inside + outside) / 2
        if middle - count + count * math.log(count / middle) <= nats:
            inside = middle
        else:
            outside = middle
    return inside


def _bounded(log: float) -> float:
    low, high = PROOF_RANGE
    return round(max(min(log, high), low), 3)


def _tolerated(gate: GateView) -> float:
    return max(gate.rule.min_difference, abs(gate.rule.ratio - 1) * gate.stable_rate)


def _is_outage(gate: GateView, counts: Counts) -> bool:
    """Tell whether stable is in trouble itself: then a period says nothing of how good the canary is at other times."""
    if gate.rule.is_lower_worse:
        return False
    usual = max(OUTAGE_RATIO * gate.stable_rate, OUTAGE_DIFFERENCES * gate.rule.min_difference)
    return lower_mean(counts.stable_bad, -math.log(OUTAGE_DOUBT)) > usual * counts.stable_total


def _evidence(gate: GateView, periods: Sequence[Period]) -> float | None:
    """Return the evidence of some periods, over the gate's dispersion; `None` where the difference does not matter."""
    counts = [period.counts[gate.rule.name] for period in periods]
    if not _differs(gate, counts):
        return None
    return gate.evidence(counts) / gate.spread


def _differs(gate: GateView, counts: Sequence[Counts]) -> bool:
    canary, stable = sum(c.canary_total for c in counts), sum(c.stable_total for c in counts)
    if not canary or not stable:
        return False
    worse = sum(c.canary_bad for c in counts) / canary - sum(c.stable_bad for c in counts) / stable
    return (-worse if gate.rule.is_lower_worse else worse) >= gate.rule.min_difference


def _pooled(gate: GateView, periods: Sequence[Period]) -> GateSums:
    counts = [period.counts[gate.rule.name] for period in periods if gate.rule.name in period.counts]
    return GateSums(
        requests=sum(c.canary_total for c in counts),
        bad=sum(c.canary_bad for c in counts),
        expected=sum(c.expected for c in counts),
    )
