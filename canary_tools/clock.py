"""Time as a value that can be passed in: the wall clock for a sandbox, a virtual one for a rehearsal."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

Action = Callable[[], None]

_log = logging.getLogger(__name__)


class Clock(Protocol):
    """What a model of a service needs of time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def call_at(self, when: float, action: Action) -> None:
        """Run `action` once, at `when` (seconds since the epoch) or as soon as possible after it."""
        ...


class RealClock:
    """The wall clock: one thread waits for what is due, a few workers run it.

    Actions that are due together may run side by side, so they must guard the state that they share.
    An exception in an action is logged and harms no other.
    """

    def __init__(self, *, workers: int = 16) -> None:
        self._due: list[tuple[float, int, Action]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._workers = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="clock-worker")
        self._scheduler = threading.Thread(target=self._run, name="clock-scheduler", daemon=True)
        self._scheduler.start()

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def call_at(self, when: float, action: Action) -> None:
        """Run `action` in a worker thread at `when`; after `close` nothing runs any more."""
        with self._changed:
            heapq.heappush(self._due, (when, next(self._order), action))
            self._changed.notify()

    def close(self) -> None:
        """Forget what is due and wait for the actions that are running."""
        with self._changed:
            self._closed = True
            self._due.clear()
            self._changed.notify()
        self._scheduler.join()
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (not self._due or self._due[0][0] > time.time()):
                    self._changed.wait(self._due[0][0] - time.time() if self._due else None)
                if self._closed:
                    return
                action = heapq.heappop(self._due)[2]
                self._workers.submit(_run_logged, action)


class VirtualClock:
    """A clock that stands still until it is told to advance; single-threaded and deterministic."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._due: list[tuple[float, int, Action]] = []
        self._order = itertools.count()

    def now(self) -> float:
        """Seconds since the epoch, as of the last advance."""
        return self._now

    def call_at(self, when: float, action: Action) -> None:
        """Run `action` when the clock reaches `when`; a moment that has passed counts as now."""
        heapq.heappush(self._due, (max(when, self._now), next(self._order), action))

    def next_due(self) -> float | None:
        """When the next action is due, or `None` if none is."""
        return self._due[0][0] if self._due else None

    def advance_to(self, when: float) -> None:
        """Run all actions due up to and including `when`, in order of time and then of insertion.

        Raises:
            ValueError: `when` lies before the clock's present time.

        """
        if when < self._now:
            raise ValueError(f"a clock cannot go back: it is at {self._now}, got {when}")
        while self._due and self._due[0][0] <= when:
            self._now, _, action = heapq.heappop(self._due)
            action()
        self._now = max(self._now, when)


def _run_logged(action: Action) -> None:
    try:
        action()
    except Exception:  # noqa: BLE001 - one action must not end the others
        _log.exception("a scheduled action failed")
