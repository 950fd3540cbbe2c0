"""Evidence that the canary is *not* worse than tolerated: the same bets with the roles swapped.

A canary is bad when it is worse by the ratio *and* by the least difference, so either proof is enough that
it is not; two parts of the capital bet against the ratio, one against the difference.
"""

from rollout.gates import effects, rare, share
from rollout.gates.capital import Capital
from rollout.gates.counts import Counts
from rollout.gates.settings import GateSettings, Kind

ON_DIFFERENCE = 0.4


def start(gate: GateSettings) -> Capital:
    """Return the capital at the start of a step."""
    return Capital.start(_weights(gate))


def grow(capital: Capital, gate: GateSettings, counts: Counts, stable_rate: float) -> Capital:
    """Return the capital after one minute. `stable_rate` must come from earlier minutes."""
    growths = ratio_growths(gate.kind, gate.ratio, effects.harmless(gate), counts, stable_rate)
    if gate.min_difference:
        growths = (*growths, _difference_growth(gate, counts, stable_rate))
    grown = capital.grow(growths)
    return grown.truncate(0.0, grown.total)


def ratio_growths(
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


def _weights(gate: GateSettings) -> tuple[float, ...]:
    weights = effects.harmless_weights()
    if not gate.min_difference:
        return weights
    return (*((1.0 - ON_DIFFERENCE) * weight for weight in weights), ON_DIFFERENCE)


def _difference_growth(gate: GateSettings, counts: Counts, stable_rate: float) -> float:
    """Bet that the canary is as good as stable, against "worse by the least difference"."""
    offset = -gate.min_difference if gate.is_lower_worse else gate.min_difference
    return share.log_growth(counts, share.Boundary(1.0, offset), stable_rate, stable_rate)
