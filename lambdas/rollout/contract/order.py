"""What a person asked, as the ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Order:
    """Who asked for something, when and why.

    `who`: the ARN of the caller's identity, as `sts:GetCallerIdentity` returns it. `at`: in ISO 8601, such as
    `2026-11-29T20:55:00Z`. `why`: the caller's own words, of at most 400 characters.
    """

    who: str
    at: str
    why: str = ""

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Order:
        """Read what `to_json` wrote. What a person wrote by hand may lack something."""
        return cls(**{name: str(record.get(name, "")) for name in cls.__dataclass_fields__})

    def to_json(self) -> dict[str, str]:
        """Return plain JSON."""
        return dict(vars(self))

    @property
    def sentence(self) -> str:
        """Return who asked, and why.

        >>> Order(who="arn:aws:sts::1:assumed-role/ops/ann", at="2026-11-29T20:55:00Z", why="wrong model").sentence
        'ann: wrong model'
        """
        name = self.who.rpartition("/")[2] or self.who or "somebody"
        return f"{name}: {self.why}" if self.why else name
