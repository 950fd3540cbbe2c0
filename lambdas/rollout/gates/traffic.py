"""Evidence that the canary receives less traffic than its weight says.

The gates cannot judge a canary without requests, and such a canary is not healthy. The evidence is the same as for
rare events, on who received the requests.
"""

from dataclasses import dataclass

from rollout.gates import restarts
from rollout.gates.capital import Capital
from rollout.gates.rare import log_growth

EFFECTS = {0.5: 0.3, 0.1: 0.4, 0.01: 0.3}
WEIGHTS = tuple(EFFECTS.values())
LARGEST_STEP = 0.75
RESERVE = 0.3
"""Kept for traffic that stops late: healthy minutes cost the bets nearly everything."""


@dataclass(frozen=True, slots=True)
class TrafficGate:
    """Tests whether the canary receives less than `ratio` of its configured share (in odds)."""

    ratio: float
    threshold: float

    def new_state(self) -> Capital:
        """Return the state before the first minute of a step."""
        return Capital.start(WEIGHTS, RESERVE)

    def update(self, capital: Capital, canary: int, stable: int, share: float) -> Capital:
        """Add one minute's invocations; `share` (0 to 1) is the configured share of the canary.

        SageMaker may publish nothing of a variant without requests. Then only minutes are seen in which stable got one,
        so its first request says nothing. The others are no more than chance makes them, whether a 0 is published or
        not.
        """
        others = max(stable - 1, 0)
        if not 0.0 < share <= 1.0 or not canary + others:
            return capital
        odds = self.ratio * share
        boundary = odds / (odds + 1.0 - share)
        growths = [log_growth(canary, canary + others, boundary, effect) for effect in EFFECTS]
        ready = restarts.when_drained(capital, WEIGHTS, 1.0)
        return ready.grow(growths).truncate(0.0, max(capital.total, 0.0) + LARGEST_STEP * self.threshold)

    def is_starved(self, capital: Capital) -> bool:
        """Tell whether the canary gets too little traffic."""
        return capital.total >= self.threshold
