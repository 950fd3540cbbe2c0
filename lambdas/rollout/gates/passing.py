"""Evidence that lets a step pass: the same bets with the roles swapped.

Most steps ask for a proof that the canary is *not* worse than tolerated. A canary is bad when it is worse by the ratio
*and* by the smallest difference, so a proof against either is enough: most of the capital bets against the ratio, the
rest against the difference. A step that asks for superiority needs a proof that the canary is *better* than stable.

Where users are drawn, the canary's may be the better ones: a proof must beat the most that they can explain. `spread`
is how many times their rate may differ from that of the others.
"""

from rollout.contract.gate_rules import GateRule, Kind
from rollout.gates import effects, rare, share
from rollout.gates.capital import Capital
from rollout.gates.counts import Counts
from rollout.gates.failing import Limits

ON_DIFFERENCE = 0.4
EQUAL = 1.0


def start(gate: GateRule) -> Capital:
    """Return the capital at the start of a step."""
    return Capital.start(_weights(gate))


def grow(capital: Capital, gate: GateRule, counts: Counts, stable_rate: float, spread: float = 1.0) -> Capital:
    """Return the capital after one minute. `stable_rate` must come from earlier minutes."""
    ratio = _least_explained(gate, gate.ratio, spread)
    growths = _ratio_growths(gate.kind, ratio, effects.harmless(gate), counts, stable_rate)
    if gate.min_difference:
        growths = (*growths, _difference_growth(gate, gate.min_difference, counts, stable_rate, spread))
    return capital.grow(growths).rounded()


def as_good_growths(
    gate: GateRule, margin: float, counts: Counts, stable_rate: float, spread: float = 1.0
) -> tuple[float, float]:
    """Return the log growths of two bets that the canary is as good as stable; `stable_rate`: of earlier minutes.

    The first is against the tolerated ratio, the second against "worse by `margin`", a difference of the rates.
    """
    ratio = _least_explained(gate, gate.ratio, spread)
    (of_ratio,) = _ratio_growths(gate.kind, ratio, (EQUAL / gate.ratio,), counts, stable_rate)
    return of_ratio, _difference_growth(gate, margin, counts, stable_rate, spread)


def start_superior() -> Capital:
    """Return the capital at the start of a step that asks for superiority."""
    return Capital.start(effects.superior_weights())


def grow_superior(
    capital: Capital, gate: GateRule, counts: Counts, stable_rate: float, limits: Limits, spread: float = 1.0
) -> Capital:
    """Return the capital of that proof after one minute; `stable_rate` must come from earlier minutes.

    A minute is capped as it is for a rollback: two wild minutes alone must not promote a release.
    """
    ratio = _least_explained(gate, EQUAL, spread)
    grown = capital.grow(_ratio_growths(gate.kind, ratio, effects.superior(gate), counts, stable_rate))
    return grown.truncate(0.0, limits.after_one_minute(capital.total))


def _ratio_growths(
    kind: Kind, ratio: float, multiples: tuple[float, ...], counts: Counts, stable_rate: float
) -> tuple[float, ...]:
    """Return the log growth of a bet on each multiple of `ratio`, against the ratio itself."""
    if kind is Kind.RARE:
        return rare.log_growths(counts, ratio, multiples)
    boundary = share.Boundary(ratio)
    return tuple(
        share.log_growth(counts, boundary, stable_rate, share.alternative_rate(boundary, stable_rate, effect))
        for effect in multiples
    )


def _least_explained(gate: GateRule, ratio: float, spread: float) -> float:
    """Return the ratio of the two rates when the release is as bad as `ratio` and its users are the best."""
    return ratio * spread if gate.is_lower_worse else ratio / spread


def _weights(gate: GateRule) -> tuple[float, ...]:
    weights = effects.harmless_weights()
    if not gate.min_difference:
        return weights
    return (*((1.0 - ON_DIFFERENCE) * weight for weight in weights), ON_DIFFERENCE)


def _difference_growth(gate: GateRule, difference: float, counts: Counts, stable_rate: float, spread: float) -> float:
    """Bet that the canary is as good as stable, against "worse by the difference", if the two differ enough."""
    offset = -difference if gate.is_lower_worse else difference
    most = _least_explained(gate, EQUAL, spread)
    boundary = share.Boundary(most, most * offset)
    if (boundary.canary_rate(stable_rate) - stable_rate) * offset <= 0.0:
        return 0.0
    return share.log_growth(counts, boundary, stable_rate, stable_rate)
