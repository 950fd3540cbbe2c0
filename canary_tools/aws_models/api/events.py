"""How a model tells the rest of an account what happened."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class Emit(Protocol):
    """Puts one event on the default event bus; safe to call from any thread."""

    def __call__(
        self, *, source: str, detail_type: str, resources: Sequence[str], detail: Mapping[str, object]
    ) -> None:
        """Put the event on the bus; delivery happens later and at least once."""
        ...
