"""Evidence that the canary is worse than tolerated: one minute of it, on one gate's capital."""

import math
from dataclasses import dataclass

from rollout.contract.gate_rules import GateRule, Kind
from rollout.gates import effects, rare, share
from rollout.gates.boosting import log_boost
from rollout.gates.capital import Capital
from rollout.gates.counts import Counts
from rollout.gates.logs import log_sum

HIGHEST_BOOSTED_RATE = 0.05
LARGEST_STEP = 0.49
ROUNDING_ROOM = 1e-4
STAKED_IN_A_FALL = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on one gate's capital in one minute, as logs.

    `required` is the log-capital that rolls back. `largest_step` is the most that one minute may add: a little less
    than half, so that two bad minutes alone never roll back. Both use the discount from *before* the minute, because a
    bet must not depend on its own outcome.
    """

    required: float
    largest_step: float

    @classmethod
    def of(cls, threshold: float, alpha_share: float, discount: float, *, capped: bool) -> "Limits":
        """Return a gate's limits; `threshold` is ln(1/alpha)."""
        step = LARGEST_STEP * threshold * discount if capped else math.inf
        return cls(discount * threshold - math.log(alpha_share), step)

    def after_one_minute(self, total: float) -> float:
        """Return the highest total after this minute. Losses of healthy hours do not slow down a sudden fault."""
        return max(total, 0.0) + self.largest_step


def grow(capital: Capital, gate: GateRule, counts: Counts, stable_rate: float, limits: Limits) -> Capital:
    """Return the capital after one minute. `stable_rate` must come from earlier minutes."""
    grown = capital.grow(log_growths(gate, counts, stable_rate))
    step_end = limits.after_one_minute(capital.total)
    if gate.kind is Kind.SHARE or not _may_boost(counts):
        return grown.truncate(0.0, step_end)
    ceiling = min(step_end, max(limits.required + ROUNDING_ROOM, capital.total))
    return grown.truncate(_boost(capital, gate, counts, ceiling), ceiling)


def grow_in_a_fall(capital: Capital, gate: GateRule, counts: Counts, share: float, limits: Limits) -> Capital:
    """Return the capital after a minute in which the canary's share fell from at most `share`, above 0 and below 1.

    Whichever share a request met, its odds of falling to the canary were at most those of `share`. So a bad one fell to
    it with at most `ratio` times these odds, whatever the rate of that moment was: the rare form's bet is fair, for
    either kind of gate, on one bad request after the other. It has no boost, which is proven for one boundary in all of
    the minute. Where fewer events are worse, the bound is on the wrong side.

    At the lower share a bad canary looks good. So half of the capital is bet: a fall early in the minute costs at most
    ln 2.
    """
    odds = gate.ratio * share / (1.0 - share)
    boundary = odds / (1.0 + odds)
    bets = (rare.log_growth(counts.canary_bad, counts.bad, boundary, effect) for effect in effects.harmful(gate))
    growths = [log_sum((math.log1p(-STAKED_IN_A_FALL), math.log(STAKED_IN_A_FALL) + bet)) for bet in bets]
    return capital.grow(growths).truncate(0.0, limits.after_one_minute(capital.total))


def log_growths(gate: GateRule, counts: Counts, stable_rate: float) -> tuple[float, ...]:
    """Return what one minute says for each effect of `effects.harmful`, as logs, without boost or cap."""
    if gate.kind is Kind.RARE:
        return rare.log_growths(counts, gate.ratio, effects.harmful(gate))
    boundary = share.Boundary(gate.ratio)
    return tuple(
        share.log_growth(counts, boundary, stable_rate, share.alternative_rate(boundary, stable_rate, effect))
        for effect in effects.harmful(gate)
    )


def _may_boost(counts: Counts) -> bool:
    """Boosting is proven for rare bad requests while both variants serve."""
    serving = counts.canary_total > 0 and counts.stable_total > 0
    return serving and counts.bad <= HIGHEST_BOOSTED_RATE * counts.total


def _boost(capital: Capital, gate: GateRule, counts: Counts, ceiling: float) -> float:
    """Return the log boost; when fewer events are worse, stable's events are counted instead of the canary's."""
    boundary = rare.boundary_share(counts, gate.ratio)
    multiples = effects.harmful(gate)
    if gate.is_lower_worse:
        boundary, multiples = 1.0 - boundary, tuple(1.0 / effect for effect in multiples)
    headroom = ceiling - capital.total
    return log_boost(capital.shares(), (*multiples, 1.0), headroom, counts.bad, boundary)
