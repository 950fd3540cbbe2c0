"""The proof that a step asks for: it must stand when it is used, on all of the step and on its newer half."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from rollout.gates.capital import Capital

SPACING = 1.5
"""How much later each bet begins than the one before it, as a multiple of the minutes.

So one of them always covers at least the newer half of a step, and at most its newer two thirds.
"""

Bet = Callable[[Capital], Capital]


@dataclass(frozen=True, slots=True)
class Proof:
    """Capital that bets on a pass through all of a step, and the same bets begun anew later in it.

    `later` holds, oldest first, the minutes that were over when a bet began, and its capital. Bets that cover more than
    the newer two thirds are dropped: three are left, however long the step is.
    """

    whole: Capital
    later: tuple[tuple[int, Capital], ...] = ()

    @property
    def newer(self) -> Capital:
        """The capital of the bet that covers the newer half; of the whole step while it is one minute old."""
        return self.later[0][1] if self.later else self.whole

    def grow(self, bet: Bet) -> Self:
        """Add one minute to all of the step."""
        return replace(self, whole=bet(self.whole))

    def grow_with_newer_half(self, bet: Bet, start: Capital, minutes: int) -> Self:
        """Add one minute to all of the step and to its newer half.

        `start` is the capital that a bet begins with, `minutes` how many of the step are over.
        """
        begins = minutes > 0 and (not self.later or minutes >= SPACING * self.later[-1][0])
        open_bets = (*self.later, (minutes, start)) if begins else self.later
        later = tuple((since, bet(capital)) for since, capital in open_bets)
        return replace(self, whole=bet(self.whole), later=_of_newer_half(later, minutes + 1))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; the newer half only where it is looked at."""
        later = [[since, *capital.logs] for since, capital in self.later]
        return {"pass": list(self.whole.logs)} | ({"later": later} if later else {})

    @classmethod
    def parse(cls, state: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        later = tuple((since, Capital(tuple(logs))) for since, *logs in state.get("later", ()))
        return cls(Capital(tuple(state["pass"])), later)


def _of_newer_half(later: tuple[tuple[int, Capital], ...], minutes: int) -> tuple[tuple[int, Capital], ...]:
    """Drop the bets that began before another one that covers the newer half as well."""
    covering = [position for position, (since, _) in enumerate(later) if 2 * since <= minutes]
    return later[covering[-1] :] if covering else later
