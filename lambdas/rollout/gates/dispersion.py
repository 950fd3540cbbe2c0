"""How much more than chance the canary's share of the bad requests varies from minute to minute.

Requests that fail together (one client retries, one host is bad) carry less evidence than independent ones.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

from rollout.gates.counts import Counts
from rollout.gates.logs import floored

UNIT = 7
PRIOR = 4.0
STANDARD_ERRORS = 1.25
LARGEST_DISCOUNT = 6.0
"""What requests can have in common. A client that tries five times gives clusters of five failures, which vary five
times as much as chance; so do clusters of geometric size with a mean of three. What varies more is no dependence of
requests but minutes that are bad as a whole, and those are counted as such (`bad_minutes`): without this bound the
worse a burst was, the less it was seen. Source for the five:
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/retries.html
"""


@dataclass(frozen=True, slots=True)
class Dispersion:
    """Differences between successive units of at least seven bad requests; a unit is (canary's, both variants')."""

    excess: float = 0.0
    pairs: int = 0
    previous: tuple[int, int] = (0, 0)
    current: tuple[int, int] = (0, 0)
    seen: tuple[int, int] = (0, 0)

    @property
    def discount(self) -> float:
        """The factor on the required evidence: 1 for independent requests, and at most `LARGEST_DISCOUNT`.

        >>> Dispersion().discount
        1.0
        >>> round(Dispersion(excess=500.0, pairs=100).discount, 2)
        4.64
        >>> Dispersion(excess=5000.0, pairs=100).discount
        6.0
        """
        return discount(self.excess, self.pairs)

    def observe(self, counts: Counts) -> Self:
        """Add one minute.

        When m of N requests are bad, the variance is `1 - m/N` times the binomial one. This matters for high rates.
        """
        if not counts.total:
            return self
        finite = max(1.0 - counts.bad / counts.total, UNIT / (UNIT + counts.total))
        return self.observe_unit(counts.canary_bad, counts.bad, finite)

    def observe_unit(self, of_canary: int, of_both: int, finite: float = 1.0) -> Self:
        """Add events that fell to the variants; a full unit is compared with the one before.

        `finite` is the part of the binomial variance that independent events have.
        """
        unit = (self.current[0] + of_canary, self.current[1] + of_both)
        if unit[1] < UNIT:
            return replace(self, current=unit)
        seen = (self.seen[0] + unit[0], self.seen[1] + unit[1])
        grown = replace(self, previous=unit, current=(0, 0), seen=seen)
        if not self.previous[1] or not 0 < seen[0] < seen[1]:
            return grown
        return replace(
            grown,
            excess=floored(self.excess + _squared_difference(self.previous, unit, seen, finite)),
            pairs=self.pairs + 1,
        )

    def begin_step(self) -> Self:
        """Forget the last unit: a new split moves the share of a healthy canary as well."""
        return replace(self, previous=(0, 0), current=(0, 0), seen=(0, 0))

    def as_list(self) -> list[float]:
        """Return the state, flat."""
        return [self.excess, self.pairs, *self.previous, *self.current, *self.seen]

    @classmethod
    def parse(cls, values: list[float]) -> Self:
        """Read what `as_list` wrote."""
        excess, pairs, *units = values
        a, b, c, d, e, f = (int(unit) for unit in units)
        return cls(excess, int(pairs), (a, b), (c, d), (e, f))


INDEPENDENT = Dispersion()


def discount(excess: float, pairs: float) -> float:
    """Return the mean squared difference less 1.25 standard errors, with a prior of four pairs of 1.

    Overlapping pairs of independent units have a variance of 3 each. Without the standard errors, chance alone raises
    the discount to 1.15, and a fault needs 10 % more requests.
    """
    mean = (PRIOR + excess) / (PRIOR + pairs)
    raised = max(1.0, mean - STANDARD_ERRORS * math.sqrt(3.0 * pairs) / (PRIOR + pairs))
    return min(raised, LARGEST_DISCOUNT)


def _squared_difference(before: tuple[int, int], now: tuple[int, int], seen: tuple[int, int], finite: float) -> float:
    """Return the squared difference of two shares, divided by its variance for independent requests."""
    share = seen[0] / seen[1]
    variance = share * (1.0 - share) * (1.0 / before[1] + 1.0 / now[1]) * finite
    return (now[0] / now[1] - before[0] / before[1]) ** 2 / variance
