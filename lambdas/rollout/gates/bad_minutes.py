"""Evidence from whole minutes that were bad for one variant alone: a canary that fails in bursts.

One such minute may be an accident: a host, a deploy next door. What makes one harmless (the cap on a minute, the
discount) would make a canary harmless that crashes every ten minutes. So such minutes are counted as units, whatever
their requests have in common: a bet that they come once in 20 minutes, against once in 5,000.

The evidence is valid twice over. When requests are independent and the canary is tolerable, a minute looks bad with a
chance of at most `DOUBT`, which is less than what is tolerated. When they are not, the bet is fair for every canary
that has such minutes no more often than tolerated.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

from rollout.contract.gate_rules import GateRule
from rollout.gates import restarts
from rollout.gates.boosting import split_at
from rollout.gates.capital import Capital
from rollout.gates.counts import Counts
from rollout.gates.rare import boundary_share

WORSE = 4.0
"""A minute is bad when the canary is beyond doubt this many times as bad as tolerated: more than noise of its rate."""
DOUBT = 1e-5
TOLERATED = 1 / 5000
"""The chance of such a minute that a healthy canary may have, whatever happened before."""
EXPECTED = 1 / 20
WEIGHTS = (1.0,)
RESERVE = 0.5
"""Kept for crashes that begin late: quiet minutes cost the bet all of its stake within two hours."""
PART = 0.003
"""Of the gate's alpha. With it a third bad minute within an hour rolls back. Two do with evidence of the requests."""
GAIN, LOSS = math.log(EXPECTED / TOLERATED), math.log((1 - EXPECTED) / (1 - TOLERATED))


@dataclass(frozen=True, slots=True)
class BadMinutes:
    """The capital of that bet, and how many bad minutes of the canary alone there were."""

    capital: Capital
    count: int = 0

    @classmethod
    def start(cls) -> Self:
        """Return the state before the first minute."""
        return cls(Capital.start(WEIGHTS, RESERVE))

    def observe(self, gate: GateRule, counts: Counts) -> Self:
        """Add one minute. A bad one of stable alone takes back what one of the canary gave: both have them."""
        if not counts.canary_total or not counts.stable_total:
            return self
        of_canary = is_bad(gate, counts)
        growth = GAIN if of_canary else LOSS
        if not of_canary and is_bad(gate, _exchanged(counts)):
            growth = -GAIN
        ready = restarts.when_drained(self.capital, WEIGHTS, 1.0)
        return replace(self, capital=ready.grow((growth,)).rounded(), count=self.count + of_canary)

    def given_up(self) -> Self:
        """Return the state without what such minutes have shown."""
        return replace(self, capital=self.capital.at_most(self.start().capital), count=0)

    def as_list(self) -> list[float | None]:
        """Return the state, flat; the count only once there is one."""
        return [*self.capital.logs, self.capital.cash, *([self.count] if self.count else ())]

    @classmethod
    def parse(cls, values: list[float]) -> Self:
        """Read what `as_list` wrote."""
        bet, cash, *count = values
        return cls(Capital((bet,), cash), int(sum(count)))


def is_bad(gate: GateRule, counts: Counts) -> bool:
    """Tell whether a minute was bad for the canary alone, beyond doubt.

    >>> errors = GateRule(name="errors")
    >>> is_bad(errors, Counts(600, 120, 5400, 5)), is_bad(errors, Counts(600, 120, 5400, 1080))
    (True, False)
    >>> is_bad(errors, Counts(600, 4, 5400, 5))
    False
    """
    if gate.is_lower_worse:
        too_many, share = counts.stable_bad, 1.0 - boundary_share(counts, gate.ratio / WORSE)
    else:
        too_many, share = counts.canary_bad, boundary_share(counts, gate.ratio * WORSE)
    if too_many <= counts.bad * share or _difference(gate, counts) < gate.min_difference:
        return False
    return split_at(too_many, counts.bad, share)[1] < DOUBT


def _difference(gate: GateRule, counts: Counts) -> float:
    worse = counts.canary_bad / counts.canary_total - counts.stable_bad / counts.stable_total
    return -worse if gate.is_lower_worse else worse


def _exchanged(counts: Counts) -> Counts:
    return Counts(counts.stable_total, counts.stable_bad, counts.canary_total, counts.canary_bad)
