"""The effect sizes that a gate bets on, as multiples of what is tolerated, and how much it bets on each."""

from rollout.gates.settings import GateSettings, Kind

RARE = {1.5: 0.05, 2.1: 0.29, 3.3: 0.15, 5.5: 0.24, 10.0: 0.18, 25.0: 0.07, 100.0: 0.02}
SHARE = {1.1: 0.08, 1.25: 0.15, 1.5: 0.20, 2.0: 0.20, 3.0: 0.16, 5.0: 0.11, 10.0: 0.07, 30.0: 0.03}
BETTER = {1.0: 0.65, 2.0: 0.35}


def harmful(gate: GateSettings) -> tuple[float, ...]:
    """Return the effects that a gate looks for; below 1 when lower is worse."""
    effects = tuple(RARE if gate.kind is Kind.RARE else SHARE)
    return tuple(1.0 / effect for effect in effects) if gate.is_lower_worse else effects


def harmful_weights(gate: GateSettings) -> tuple[float, ...]:
    """Return the part of the capital on each of them."""
    return tuple((RARE if gate.kind is Kind.RARE else SHARE).values())


def harmless(gate: GateSettings) -> tuple[float, ...]:
    """Return the effects that an early pass bets on: as good as stable, and twice as good."""
    better = tuple(1.0 / effect for effect in BETTER) if not gate.is_lower_worse else tuple(BETTER)
    return tuple(effect / gate.ratio for effect in better)


def harmless_weights() -> tuple[float, ...]:
    """Return the part of the capital on each of them."""
    return tuple(BETTER.values())
