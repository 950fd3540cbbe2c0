"""The capital of a gate: one bet per effect size, and cash that is kept for later."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from rollout.gates.logs import floored, log_sum, rescale


@dataclass(frozen=True, slots=True)
class Capital:
    """Log-capital per effect and the log of the cash (`None`: no cash). It starts with a total of 1."""

    logs: tuple[float, ...]
    cash: float | None = None

    @classmethod
    def start(cls, weights: Sequence[float], reserve: float = 0.0) -> Self:
        """Bet all but the reserve, in proportion to the weights (which sum to 1)."""
        logs = tuple(floored(math.log(weight * (1.0 - reserve))) for weight in weights)
        return cls(logs, floored(math.log(reserve)) if reserve else None)

    @property
    def total(self) -> float:
        """The log of everything."""
        return log_sum(self._all())

    def shares(self) -> list[float]:
        """Return the part of the capital on each effect, and the cash last: they sum to 1."""
        total = self.total
        cash = -math.inf if self.cash is None else self.cash
        return [math.exp(log - total) for log in (*self.logs, cash)]

    def grow(self, growths: Sequence[float]) -> Self:
        """Multiply the capital on each effect by its evidence; cash neither wins nor loses."""
        return replace(self, logs=tuple(a + b for a, b in zip(self.logs, growths, strict=True)))

    def rounded(self) -> Self:
        """Keep the decimals that a state has."""
        return self._rebuilt(self._all())

    def truncate(self, boost: float, ceiling: float) -> Self:
        """Multiply everything by exp(boost), up to a total of exp(ceiling).

        The excess is taken from the bets: one wild minute must not use up the cash.
        """
        if self.total + boost <= ceiling:
            return self._rebuilt([log + boost for log in self._all()])
        if self.cash is None or self.cash >= ceiling:
            return self._rebuilt(rescale(self._all(), ceiling))
        bets = ceiling + math.log1p(-math.exp(self.cash - ceiling))
        return self._rebuilt([*rescale(self.logs, bets), self.cash])

    def at_most(self, other: Self) -> Self:
        """Give up what is above another capital with the same bets, bet by bet and in cash.

        >>> Capital((-3.0, 2.0), -1.0).at_most(Capital((-0.5, -1.0), -2.0))
        Capital(logs=(-3.0, -1.0), cash=-2.0)
        """
        logs = tuple(min(pair) for pair in zip(self.logs, other.logs, strict=True))
        cash = None if self.cash is None or other.cash is None else min(self.cash, other.cash)
        return replace(self, logs=logs, cash=cash)

    def invest(self, weights: Sequence[float], part: float, stake: float) -> Self:
        """Take a part (above 0, below 1) out of the cash and bet exp(stake), at most that part."""
        if self.cash is None:
            return self
        logs = tuple(
            floored(log_sum((log, stake + math.log(weight)))) for log, weight in zip(self.logs, weights, strict=True)
        )
        return replace(self, logs=logs, cash=floored(self.cash + math.log1p(-part)))

    def _all(self) -> tuple[float, ...]:
        return self.logs if self.cash is None else (*self.logs, self.cash)

    def _rebuilt(self, logs: Sequence[float]) -> Self:
        kept = tuple(floored(log) for log in logs)
        return replace(self, logs=kept) if self.cash is None else replace(self, logs=kept[:-1], cash=kept[-1])
