"""What the pace of a rollout must know of a gate: what it has seen, and its bets on a few more minutes.

A view decides nothing and spends no alpha. Its bets are those of the gate: what they speak for or against moves the
canary's share, and only the judge rolls back.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from rollout.contract.gate_rules import GateRule
from rollout.gates import effects, failing, passing
from rollout.gates.counts import Counts
from rollout.gates.gate import Gate, GateState
from rollout.gates.logs import log_sum


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """One gate after the minutes that the judge has seen.

    `stable_rate` is stable's recent rate, from 0 to 1; 0.0 before its first request. `spread` is the factor by which
    evidence is discounted because requests fail together, at least 1. `log_evidence` is ln of the gate's capital, which
    bets on "worse than tolerated". `of_users` is how many times the users of this step may differ by chance: 1 where
    requests are drawn. `bets_at` is stable's rate before the newest minutes, at which bets on these are made.
    `is_comparable` tells whether the gate counts both variants alike.
    """

    rule: GateRule
    stable_rate: float
    spread: float
    log_evidence: float
    of_users: float = 1.0
    bets_at: float
    is_comparable: bool = True

    @classmethod
    def of(cls, gate: Gate, state: GateState, *, before: GateState) -> Self:
        """Return the view of a gate; `before` is its state before the minutes that bets are made on."""
        return cls(
            rule=gate.rule,
            bets_at=before.stable_rate or 0.0,
            stable_rate=state.stable_rate or 0.0,
            spread=gate.discount(state),
            log_evidence=state.capital.total,
            of_users=gate.spread,
            is_comparable=gate.is_comparable(state),
        )

    def evidence(self, minutes: Sequence[Counts]) -> float:
        """Return the log-evidence of these minutes together that the canary is worse than tolerated.

        It has no cap, no boost and no discount, and is 0 for no minute. The minutes must be later than those that the
        view comes from.

        >>> rule = GateRule(name="errors")
        >>> errors = GateView(rule=rule, stable_rate=0.001, spread=1.0, log_evidence=0.0, bets_at=0.001)
        >>> round(errors.evidence([Counts(100, 6, 900, 1)]), 2), round(errors.evidence([Counts(100, 0, 900, 1)]), 2)
        (7.96, -0.39)
        """
        rule = replace(self.rule, ratio=self.rule.tolerated(self.of_users))
        start = [math.log(weight) for weight in effects.harmful_weights(rule)]
        growths = [failing.log_growths(rule, counts, self.stable_rate) for counts in minutes]
        return log_sum(map(math.fsum, zip(start, *growths, strict=True)))

    def equality(self, counts: Counts, margin: float) -> tuple[float, float]:
        """Return the log growths, in one minute, of two bets that the canary is as good as stable.

        The first is against the tolerated ratio. The second is against "worse by `margin`": a difference of the rates
        above 0, which is added where more events are worse and taken off where fewer are. The minute must be later than
        those of `bets_at`, and `margin` must not depend on it.
        """
        return passing.as_good_growths(self.rule, margin, counts, self.bets_at, self.of_users)
