"""Kills an execution at an exact moment of its history, which looking from outside would miss."""

import importlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self

from canary_tools.sandbox.emulator.patching import Patches

Execution = dict[str, Any]


class Moment(Enum):
    """When in a state: as it is entered, or a little after its function was called, which then runs on."""

    ENTERED = "entered"
    RUNNING = "function running"


@dataclass(frozen=True, kw_only=True)
class Trap:
    """What happens to the next execution of a machine that comes to the n-th visit of a state."""

    machine: str
    state: str
    moment: Moment
    visit: int
    action: Callable[[str], None]
    """Called with the execution's ARN, in its own thread: it goes on when this returns."""
    sprung: Future[float] = field(default_factory=Future)
    """When it happened, in seconds since the epoch."""


class Traps:
    """All traps of one emulator; only the sandbox of this process can be watched so closely."""

    def __init__(self, *, after_call_seconds: float) -> None:
        self._after_call_seconds = after_call_seconds
        self._patches = Patches()
        self._lock = threading.Lock()
        self._set: list[Trap] = []
        self._visits: dict[tuple[str, str], int] = {}
        self._current: dict[str, str] = {}

    def __enter__(self) -> Self:
        states = importlib.import_module("ministack.services.stepfunctions")
        self._patches.attribute(states, "_add_event", self._watched(states._add_event))  # noqa: SLF001 - its history
        return self

    def __exit__(self, *_error: object) -> None:
        self._patches.undo()

    def set(self, trap: Trap) -> None:
        """Wait for a moment."""
        with self._lock:
            self._set.append(trap)

    def clear(self, machine: str) -> None:
        """Take the traps of a machine away."""
        with self._lock:
            self._set = [trap for trap in self._set if trap.machine != machine]

    def _watched(self, add_event: Callable[..., Any]) -> Callable[..., Any]:
        def add(execution: Execution, event_type: str, details: Any = None) -> Any:
            answer = add_event(execution, event_type, details)
            arn = execution["executionArn"]
            if "stateEnteredEventDetails" in (details or {}):
                self._enter(arn, details["stateEnteredEventDetails"]["name"])
            elif event_type == "TaskScheduled":
                self._call(arn)
            return answer

        return add

    def _enter(self, arn: str, state: str) -> None:
        with self._lock:
            self._current[arn] = state
            self._visits[arn, state] = self._visits.get((arn, state), 0) + 1
        trap = self._sprung(arn, Moment.ENTERED)
        if trap is not None:
            _spring(trap, arn)

    def _call(self, arn: str) -> None:
        trap = self._sprung(arn, Moment.RUNNING)
        if trap is not None:
            threading.Timer(self._after_call_seconds, _spring, [trap, arn]).start()

    def _sprung(self, arn: str, moment: Moment) -> Trap | None:
        """Take the trap for what an execution does now."""
        with self._lock:
            state = self._current.get(arn, "")
            here = (state, self._visits.get((arn, state), 0), moment)
            for trap in self._set:
                if f":{trap.machine}:" in arn and here == (trap.state, trap.visit, trap.moment):
                    self._set.remove(trap)
                    return trap
        return None


def _spring(trap: Trap, arn: str) -> None:
    try:
        trap.action(arn)
    except Exception as error:  # noqa: BLE001 - handed to the thread that waits for the trap
        trap.sprung.set_exception(error)
    else:
        trap.sprung.set_result(time.time())
