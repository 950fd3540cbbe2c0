"""A barrier: something happens once several other things have all happened."""

from collections.abc import Callable


class Barrier:
    """Calls `then` once, when all parties have arrived."""

    def __init__(self, *, parties: int, then: Callable[[], None]) -> None:
        self._awaited = parties
        self._then = then

    def arrive(self) -> None:
        """Count one arrival."""
        self._awaited -= 1
        if self._awaited == 0:
            self._then()
