"""Evidence that the canary is *better* than stable: bets on small lifts, against "at most as good"."""

from rollout.gates import effects, passing
from rollout.gates.capital import Capital
from rollout.gates.counts import Counts
from rollout.gates.failing import Limits
from rollout.gates.settings import GateSettings

EQUAL = 1.0


def start() -> Capital:
    """Return the capital at the start of the step that asks for the proof."""
    return Capital.start(effects.superior_weights())


def grow(capital: Capital, gate: GateSettings, counts: Counts, stable_rate: float, limits: Limits) -> Capital:
    """Return the capital after one minute. `stable_rate` must come from earlier minutes.

    Capped as evidence for a rollback is: two wild minutes alone must not promote a release.
    """
    grown = capital.grow(passing.ratio_growths(gate.kind, EQUAL, effects.superior(gate), counts, stable_rate))
    return grown.truncate(0.0, limits.after_one_minute(capital.total))
