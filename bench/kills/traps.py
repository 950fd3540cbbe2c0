"""Kills an execution at an exact moment of its history. A look from outside would come too late."""

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
    """The moment in a state: on entry, or a little after its function was called. The function then runs on."""

    ENTERED = "entered"
    RUNNING = "function running"


@dataclass(frozen=True, kw_only=True)
class Trap:
    """What to do with the next execution that visits a state for the n-th time."""

    machine: str
    state: str
    moment: Moment
    visit: int
    action: Callable[[str], None]
    """Called with the execution's ARN, in the execution's thread; the execution goes on when it returns."""
    sprung: Future[float] = field(default_factory=Future)
    """When it happened, in seconds since the epoch."""


class Traps:
    """All traps of one emulator. They work only when the emulator runs in this process."""

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
        """Remove the traps of a state machine."""
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
        """Remove and return the trap for what an execution does now."""
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
