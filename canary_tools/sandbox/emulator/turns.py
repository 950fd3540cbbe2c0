"""One lock around the models, which know no threads."""

import threading
from collections.abc import Callable

from canary_tools.clock import Clock


class Turns(threading.Condition):
    """Held by whoever touches the models; whoever waits for a change of theirs waits on it."""


class TurnTakingClock:
    """A clock whose actions hold the lock while they run, and wake those who wait for a change."""

    def __init__(self, clock: Clock, turns: Turns) -> None:
        self._clock = clock
        self._turns = turns

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._clock.now()

    def call_at(self, when: float, action: Callable[[], None]) -> None:
        """Run `action` at `when`, in its turn."""

        def in_turn() -> None:
            with self._turns:
                action()

        self._clock.call_at(when, in_turn)
