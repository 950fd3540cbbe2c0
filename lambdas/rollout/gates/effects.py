"""The effects that a gate bets on, as multiples of what is tolerated, and the part of its capital on each."""

from collections.abc import Iterable

from rollout.contract.gate_rules import GateRule, Kind

RARE = {1.5: 0.05, 2.1: 0.29, 3.3: 0.15, 5.5: 0.24, 10.0: 0.18, 25.0: 0.07, 100.0: 0.02}
SHARE = {1.1: 0.08, 1.25: 0.15, 1.5: 0.20, 2.0: 0.20, 3.0: 0.16, 5.0: 0.11, 10.0: 0.07, 30.0: 0.03}
BETTER = {1.0: 0.65, 2.0: 0.35}
LIFTS = {1.03: 0.20, 1.07: 0.30, 1.15: 0.25, 1.35: 0.15, 2.0: 0.10}


def harmful(gate: GateRule) -> tuple[float, ...]:
    """Return the effects that roll back; below 1 when lower is worse."""
    effects = tuple(RARE if gate.kind is Kind.RARE else SHARE)
    return tuple(1.0 / effect for effect in effects) if gate.is_lower_worse else effects


def harmful_weights(gate: GateRule) -> tuple[float, ...]:
    """Return the part of the capital on each of them."""
    return tuple((RARE if gate.kind is Kind.RARE else SHARE).values())


def harmless(gate: GateRule) -> tuple[float, ...]:
    """Return the effects that an early pass bets on: as good as stable, and twice as good."""
    return tuple(effect / gate.ratio for effect in _better(gate, BETTER))


def harmless_weights() -> tuple[float, ...]:
    """Return the part of the capital on each of them."""
    return tuple(BETTER.values())


def superior(gate: GateRule) -> tuple[float, ...]:
    """Return the effects that a proof of superiority bets on: lifts too small for `BETTER` to see."""
    return _better(gate, LIFTS)


def superior_weights() -> tuple[float, ...]:
    """Return the part of the capital on each of them."""
    return tuple(LIFTS.values())


def _better(gate: GateRule, effects: Iterable[float]) -> tuple[float, ...]:
    return tuple(effects) if gate.is_lower_worse else tuple(1.0 / effect for effect in effects)
