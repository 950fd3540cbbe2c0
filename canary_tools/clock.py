"""Clocks: the wall clock for the sandbox, a virtual one for the rehearsal. Code gets its clock as an argument."""

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
    """What the model of a service needs to know about time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def call_at(self, when: float, action: Action) -> None:
        """Run `action` once, at `when` (seconds since the epoch) or as soon after it as possible."""
        ...


class RealClock:
    """The wall clock: one thread waits until an action is due, and a few worker threads run the actions.

    Actions that are due together may run at the same time, so they must guard the state that they share.
    An exception in an action is logged; the other actions still run.
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
        """Run `action` in a worker thread at `when`. After `close` no action starts."""
        with self._changed:
            heapq.heappush(self._due, (when, next(self._order), action))
            self._changed.notify()

    def close(self) -> None:
        """Drop the actions that have not started, and wait for those that are running."""
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
    """A clock that stands still until it is told to advance. It uses one thread and is deterministic."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._due: list[tuple[float, int, Action]] = []
        self._order = itertools.count()

    def now(self) -> float:
        """Seconds since the epoch, as of the last advance."""
        return self._now

    def call_at(self, when: float, action: Action) -> None:
        """Run `action` when the clock reaches `when`. A moment in the past counts as now."""
        heapq.heappush(self._due, (max(when, self._now), next(self._order), action))

    def next_due(self) -> float | None:
        """When the next action is due, or `None` if none is."""
        return self._due[0][0] if self._due else None

    def advance_to(self, when: float) -> None:
        """Run all actions that are due up to and including `when`, ordered by time, then by insertion.

        Raises:
            ValueError: `when` is earlier than the clock's present time.

        """
        if when < self._now:
            raise ValueError(f"a clock cannot go back: when must be at least {self._now}, got {when}")
        while self._due and self._due[0][0] <= when:
            self._now, _, action = heapq.heappop(self._due)
            action()
        self._now = max(self._now, when)


def _run_logged(action: Action) -> None:
    try:
        action()
    except Exception:  # noqa: BLE001 - the other actions must still run
        _log.exception("a scheduled action failed")
