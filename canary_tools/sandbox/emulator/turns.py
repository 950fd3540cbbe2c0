"""One lock for the models, which are not made for several threads."""

import threading
from collections.abc import Callable

from canary_tools.clock import Clock


class Turns(threading.Condition):
    """The lock. A thread holds it while it uses the models, and waits on it for a change of the models."""


class TurnTakingClock:
    """A clock whose actions hold the lock while they run."""

    def __init__(self, clock: Clock, turns: Turns) -> None:
        self._clock = clock
        self._turns = turns

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.now()

    def call_at(self, when: float, action: Callable[[], None]) -> None:
        """Run `action` at `when`, holding the lock."""

        def in_turn() -> None:
            with self._turns:
                action()

        self._clock.call_at(when, in_turn)
