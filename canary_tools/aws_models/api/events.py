"""Events: how a model tells the rest of the account what happened."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class Emit(Protocol):
    """Puts one event on the default event bus. Any thread may call it."""

    def __call__(
        self, *, source: str, detail_type: str, resources: Sequence[str], detail: Mapping[str, object]
    ) -> None:
        """Put the event on the bus. It is delivered later, at least once."""
        ...
