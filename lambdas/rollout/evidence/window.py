"""Which metric periods are looked at, and who should serve in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rollout.contract.exposure import EVERYTHING, Exposure, Served

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Window:
    """The metric periods of one rollout step that nobody has read yet, by number: seconds since the epoch / period.

    `begun`: the first whole period of the present share. `first`: the first one not read. `now`: seconds since the
    epoch. `looked`: what `Evidence.looked` was at the look before.
    """

    begun: int
    first: int
    now: float
    step: int
    exposure: Exposure
    looked: Mapping[int, int] = field(default_factory=dict)

    @property
    def counts_for_pacing_from(self) -> int:
        """Return the first period that pacing may look at: what was before a brake is over."""
        since = self.exposure.pacing.since
        return self.begun if since is None else since

    def served(self, number: int) -> Served | None:
        """Return the canary's share in a period; `None` before its first one."""
        return self.exposure.served_in(number)

    def fleet_age(self, number: int) -> int | None:
        """Return how many periods before this one the canary's instances grew in number; `None` if they did not."""
        return None if self.exposure.fleet is None else self.exposure.fleet.age(number)

    def serves(self, number: int, *, canary: bool) -> bool:
        """Tell whether a role should serve in a period: not stable at 100 %, nor the canary before its first share.

        In a period in which that first share came, nobody knows. A canary with a share of 0 serves its cohort.
        """
        served = self.served(number)
        if served is None:
            return not canary
        if served.percent is None:
            return not canary or self.exposure.served[0] is not served
        return canary or served.percent < EVERYTHING
