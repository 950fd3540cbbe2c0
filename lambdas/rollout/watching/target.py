"""What is looked at, and through which clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class Target:
    """One endpoint of the library. `construct`: its path in the CDK app. `ledger`: the name of the table."""

    endpoint: str
    stack_id: str
    construct: str
    ledger: str
    state_machine_arn: str

    @property
    def stack(self) -> str:
        """Return the name of the stack that people deploy, which its ID has in the middle."""
        return self.stack_id.split("/")[1]


@dataclass(frozen=True, kw_only=True)
class Access:
    """How to reach AWS."""

    region: str
    client: Callable[[str], Any] = field(repr=False)
