"""Evidence that a gate does not count the two variants alike: its own totals do not fit the split of the requests.

A gate divides what happened by what was shown. When every fifth showing of one variant is lost, all its rates are too
high, and a loss is taken for a success. Whom a request falls to is chance, so the totals must split as the requests do.
The evidence is the same as for rare events, on what each variant was counted for, in both directions.
"""

from dataclasses import dataclass, replace
from typing import Self

from rollout.gates import restarts
from rollout.gates.capital import Capital
from rollout.gates.dispersion import INDEPENDENT, Dispersion
from rollout.gates.rare import log_growth

LOST = {0.95: 0.15, 0.8: 0.2, 0.4: 0.15}
"""The bets: this part of what one variant should be counted for is there. The same for either variant."""
WEIGHTS = (*LOST.values(), *LOST.values())
TOLERANCE = 1.01
"""In odds. A rate that is wrong by 1 % is less than the smallest lift that can be proven (1.5 %)."""
LARGEST_STEP = 0.49
"""Of what is required, for one minute: what was shown before a shift may be counted after it."""
RESERVE = 0.3
"""Kept for losses that begin late: minutes that fit cost the bets nearly everything."""
PART = 0.1
"""Of the gate's alpha, beside it: so seldom is a step held whose counts fit."""


@dataclass(frozen=True, slots=True)
class Split:
    """The capital of these bets in one step, and what was counted and requested: (canary, stable) each."""

    capital: Capital
    dispersion: Dispersion = INDEPENDENT
    counted: tuple[int, int] = (0, 0)
    requested: tuple[int, int] = (0, 0)

    @classmethod
    def start(cls) -> Self:
        """Return the state before the first minute."""
        return cls(Capital.start(WEIGHTS, RESERVE))

    def observe(self, counted: tuple[int, int], requested: tuple[int, int], share: float, threshold: float) -> Self:
        """Add one minute. `share` is the canary's configured share, above 0 and below 1.

        Nobody knows exactly how SageMaker rounds a share. So the totals must be off from both, the configured share and
        the requests' own split. A request that is counted several times is as much evidence as one.
        """
        if not all(requested) or not any(counted):
            return self
        scale = min(1.0, sum(requested) / sum(counted))
        canary, stable = (scale * count for count in counted)
        discount = self.dispersion.discount
        ready = restarts.when_drained(self.capital, WEIGHTS, discount)
        grown = ready.grow(_growths(canary, stable, _odds(requested, share)))
        ceiling = max(self.capital.total, 0.0) + LARGEST_STEP * threshold * discount
        return replace(
            self,
            capital=grown.truncate(0.0, ceiling),
            dispersion=self.dispersion.observe_unit(round(canary), round(canary) + round(stable)),
            counted=_sum(self.counted, counted),
            requested=_sum(self.requested, requested),
        )

    def at_new_share(self) -> Self:
        """Forget the last unit: the variants' totals move with the share. What was off before still is."""
        return replace(self, dispersion=self.dispersion.begin_step())

    def fits(self, threshold: float) -> bool:
        """Tell whether the totals fit the split. `threshold`: the log-capital against it, for independent requests."""
        return self.capital.total < self.dispersion.discount * threshold

    def to_json(self) -> list[list[float | None]]:
        """Return plain JSON values."""
        sums: list[float | None] = [*self.counted, *self.requested]
        return [[*self.capital.logs, self.capital.cash], [*self.dispersion.as_list()], sums]

    @classmethod
    def parse(cls, state: list[list[float]]) -> Self:
        """Read what `to_json` wrote."""
        (*logs, cash), dispersion, (a, b, c, d) = state
        return cls(Capital(tuple(logs), cash), Dispersion.parse(dispersion), (int(a), int(b)), (int(c), int(d)))


def _odds(requested: tuple[int, int], share: float) -> tuple[float, float]:
    """Return the lowest and the highest tolerated odds of the canary."""
    odds = (share / (1.0 - share), requested[0] / requested[1])
    return min(odds) / TOLERANCE, max(odds) * TOLERANCE


def _growths(canary: float, stable: float, odds: tuple[float, float]) -> list[float]:
    """Return the log growth of each bet: that the canary is counted too seldom, and that stable is."""
    lowest, highest = odds
    both = canary + stable
    of_canary = [log_growth(canary, both, lowest / (1.0 + lowest), part) for part in LOST]
    return [*of_canary, *(log_growth(stable, both, 1.0 / (1.0 + highest), part) for part in LOST)]


def _sum(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]
