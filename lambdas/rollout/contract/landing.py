"""The landing of a rollout, a record of the ledger: its end was reached, its instances are still kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Landing:
    """Since when all traffic goes where it stays, in ISO 8601."""

    since: str

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Landing:
        """Read what `to_json` wrote."""
        return cls(since=record["since"])

    def to_json(self) -> dict[str, str]:
        """Return plain JSON."""
        return {"since": self.since}
