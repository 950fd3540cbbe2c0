"""Whether stable itself became much worse with a shift: what harms both variants is no difference between them.

A release may use up what both depend on: a database, a feature store, a quota. The gates compare, and see nothing. So a
trouble of stable that begins within a quarter of an hour of a shift, and lasts, is a suspicion. It rolls nothing back,
because it may have another cause. The step waits while it lasts.
"""

from dataclasses import dataclass, replace
from typing import Self

from rollout.contract.gate_rules import GateRule
from rollout.gates.boosting import split_at
from rollout.gates.counts import Counts

Faded = tuple[float, float]
"""Stable's (bad, all), in which older minutes fade."""

MEMORY = 0.8
"""Of `lately`: about the last five minutes."""
TIMES = 3.0
"""So many times as often as before, or as seldom, beyond doubt. Less is what a day does by itself."""
DOUBT = 1e-5
ONSET_MINUTES = 15


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Stable before the step (in the first one, before the first move of the share) and lately.

    `lasts` tells whether a trouble that began with a shift lasts.
    """

    before: Faded
    lately: Faded = (0.0, 0.0)
    lasts: bool = False

    @property
    def rates(self) -> tuple[float, float]:
        """Stable's rate lately and before, 0 to 1."""
        return self.lately[0] / self.lately[1], self.before[0] / self.before[1]

    def observe(self, gate: GateRule, counts: Counts, minutes: int) -> Self:
        """Add one minute; `minutes` are over since the last shift. Nothing begins where stable serves nobody.

        A minute that is beyond doubt better than the ones before it ends the trouble at once.
        """
        if not counts.stable_total:
            return self
        minute = (float(counts.stable_bad), float(counts.stable_total))
        is_over = _is_worse(gate, self.lately, minute)
        lately = minute if is_over else _added(self.lately, minute)
        may_begin = self.lasts or minutes < ONSET_MINUTES
        lasts = may_begin and _matters(gate, lately, self.before) and _is_worse(gate, lately, self.before, TIMES)
        return replace(self, lately=lately, lasts=lasts)

    def to_json(self) -> list[float]:
        """Return plain JSON values, flat."""
        return [*self.before, *self.lately, int(self.lasts)]

    @classmethod
    def parse(cls, values: list[float]) -> Self:
        """Read what `to_json` wrote."""
        before, all_before, lately, all_lately, lasts = values
        return cls((before, all_before), (lately, all_lately), bool(lasts))


def _added(faded: Faded, minute: Faded) -> Faded:
    return round(faded[0] * MEMORY + minute[0], 2), round(faded[1] * MEMORY + minute[1], 1)


def _matters(gate: GateRule, lately: Faded, before: Faded) -> bool:
    difference = lately[0] / lately[1] - before[0] / before[1]
    return (-difference if gate.is_lower_worse else difference) >= gate.min_difference


def _is_worse(gate: GateRule, one: Faded, other: Faded, times: float = 1.0) -> bool:
    """Tell whether one is beyond doubt more than so many times as bad as the other."""
    more, less = (other, one) if gate.is_lower_worse else (one, other)
    many, both = round(more[0]), round(more[0]) + round(less[0])
    share = times * more[1] / (times * more[1] + less[1])
    return many > both * share and split_at(many, both, share)[1] < DOUBT
