"""The way back after a promotion, as a person orders it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout.contract.order import Order

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class WayBack:
    """From which version to which, both as their labels, and who wants it. An order that meets others does nothing."""

    leaves: str
    to: str
    order: Order

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> WayBack:
        """Read what `to_json` wrote."""
        return cls(leaves=str(record["leaves"]), to=str(record["to"]), order=Order.parse(record))

    def to_json(self) -> dict[str, str]:
        """Return plain JSON."""
        return {"leaves": self.leaves, "to": self.to, **self.order.to_json()}
