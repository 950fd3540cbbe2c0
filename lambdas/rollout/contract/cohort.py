"""Which requests reach the canary while its weight is 0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class CohortRule:
    """Requests whose header has one of these values, or a bucket below `buckets` (1 to 9,999)."""

    header: str
    values: Sequence[str] = ()
    buckets: int = 0

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> CohortRule:
        """Read what `to_json` wrote."""
        values = tuple(payload.get("values", ()))
        return cls(header=payload["header"], values=values, buckets=int(payload.get("buckets", 0)))

    def to_json(self) -> dict[str, object]:
        """Return the rule as handlers and clients read it."""
        if self.buckets:
            return {"kind": "users", "header": self.header, "buckets": self.buckets}
        return {"kind": "header", "header": self.header, "values": list(self.values)}


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """The cohort that the ledger publishes for clients. `salt` is the rollout's own."""

    variant: str
    rule: CohortRule
    salt: str

    @classmethod
    def parse(cls, payload: Mapping[str, Any]) -> Cohort:
        """Read what `to_json` wrote."""
        return cls(**{**payload, "rule": CohortRule.parse(payload["rule"])})

    def to_json(self) -> dict[str, object]:
        """Return the cohort as clients read it."""
        return {**vars(self), "rule": self.rule.to_json()}
