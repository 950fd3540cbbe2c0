"""The scaling of both slots: it belongs to the release that a slot holds, as the instance type does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rollout.contract.plan import Scaling

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Scalings:
    """What the endpoint says, and what the releases say that have a scaling of their own.

    >>> small, large = (Scaling(min_instances=n, max_instances=9, idle_instances=1) for n in (2, 5))
    >>> scalings = Scalings(endpoint=small, own={"variant-b": large})
    >>> [scalings.of(slot).min_instances for slot in ("variant-a", "variant-b")]
    [2, 5]
    """

    endpoint: Scaling
    own: Mapping[str, Scaling] = field(default_factory=dict)
    """By slot; a slot whose release says nothing is not in it."""

    def of(self, slot: str) -> Scaling:
        """Return the scaling of a slot."""
        return self.own.get(slot, self.endpoint)

    @property
    def are_scheduled(self) -> bool:
        """Tell whether any minimum comes into force by the clock."""
        return any(scaling.scheduled for scaling in (self.endpoint, *self.own.values()))

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Scalings:
        """Read what `to_json` wrote."""
        own = {slot: Scaling.parse(scaling) for slot, scaling in record.get("own_scaling", {}).items()}
        return cls(endpoint=Scaling.parse(record["scaling"]), own=own)

    def to_json(self) -> dict[str, object]:
        """Return it for a record."""
        return {
            "scaling": self.endpoint.to_json(),
            "own_scaling": {slot: scaling.to_json() for slot, scaling in self.own.items()},
        }
