"""A live endpoint that a stack takes over, and what is remembered of it until it has its two slots."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ADOPTION = "Adoption"
KEPT = "Kept"
"""Properties of `Custom::ReleaseSlots`. The second one says that the endpoint stays when it leaves the stack."""


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """What the caller says of the endpoint: its one variant, its config, and the version label of its model."""

    variant: str
    version: str
    config_name: str
    logical_id: str
    """Of the endpoint in the stack."""
    carried: Sequence[str] = ()
    """The parts of an endpoint config, beside the variants, that the construct declares as well."""

    @classmethod
    def parse(cls, properties: Mapping[str, Any]) -> Self | None:
        """Read the properties of `Custom::ReleaseSlots`; `None`: the endpoint was made by its stack."""
        return cls(**json.loads(properties[ADOPTION])) if ADOPTION in properties else None

    def to_json(self) -> dict[str, Any]:
        """Return what `parse` reads."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class FormerScaling:
    """How the endpoint's one variant was scaled. It is taken away when the slots come, and put back if they do not."""

    variant: str
    instances: int = 0
    target: Mapping[str, Any] | None = None
    """Bounds and suspension, as RegisterScalableTarget takes them; `None`: there is nothing to put back."""
    policies: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """As PutScalingPolicy takes them."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `to_text` wrote."""
        return cls(**json.loads(text))

    def to_text(self) -> str:
        """Return it as text: DynamoDB's client takes no floats."""
        return json.dumps(asdict(self))
