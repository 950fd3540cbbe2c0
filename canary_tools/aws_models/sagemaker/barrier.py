"""Several things that must all have happened before the next one does."""

from collections.abc import Callable


class Barrier:
    """Calls `then` when the last of the parties has arrived."""

    def __init__(self, *, parties: int, then: Callable[[], None]) -> None:
        self._awaited = parties
        self._then = then

    def arrive(self) -> None:
        """Note one arrival."""
        self._awaited -= 1
        if self._awaited == 0:
            self._then()
