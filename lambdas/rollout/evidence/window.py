"""Which metric periods are looked at, and who should serve in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

EVERYTHING = 100
"""Percent: stable serves nobody, and nothing is left to compare with."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """The metric periods of one rollout step that nobody has read yet, by number: seconds since the epoch / period.

    `begun`: the first whole period of the step. `first`: the first one not read. `now`: seconds since the epoch.
    `looked`: what `Evidence.looked` was at the look before.
    """

    begun: int
    first: int
    now: float
    step: int
    canary_percent: int
    serves_cohort: bool = False
    looked: Mapping[int, int] = field(default_factory=dict)

    def serves(self, number: int, *, canary: bool) -> bool:
        """Tell whether a role should serve in a period. Before this step, the one before it shared the traffic.

        A canary without an earlier step, or stable at 100 %, serves nobody.
        """
        if number < self.begun:
            return self.step > 0 or not canary
        return self.canary_percent > 0 or self.serves_cohort if canary else self.canary_percent < EVERYTHING
