"""Lambda: runs the packaged handlers as processes, with their time-outs and the repetitions of event deliveries."""

import json
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from canary_tools.rehearsal.services.packaged_code import PackagedCode
from canary_tools.rehearsal.template import Function
from canary_tools.rehearsal.virtual_time.processes import Process, Processes, Signal

ASYNCHRONOUS_DELAYS = (60.0, 120.0)
"""Between the attempts of an asynchronous invocation. Source:
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""

_log = logging.getLogger(__name__)


class Crashed(BaseException):
    """Kills a handler, as a crash of its environment does: no `except` or `finally` of it may help."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an invocation ended: with a value, or with the name and message of an error."""

    value: Any = None
    error: str = ""
    message: str = ""

    @property
    def cause(self) -> str:
        """The error as Step Functions hands it over."""
        return json.dumps({"errorMessage": self.message, "errorType": self.error})


@dataclass(frozen=True, kw_only=True)
class Invoked:
    """One invocation that has ended."""

    function: Function
    outcome: Outcome
    seconds: float


class Functions:
    """Invokes the functions of one endpoint. `running` counts invocations and planned repetitions.

    `code` is what the functions run.
    """

    def __init__(self, functions: Mapping[str, Function], processes: Processes, *, seed: int) -> None:
        self._functions = functions
        self._processes = processes
        self._draw = random.Random(seed)  # noqa: S311 - a simulation, not a secret
        self.code = PackagedCode()
        self.running = 0
        self.listeners: list[Callable[[Invoked], None]] = []

    def invoke(self, arn: str, event: Any, *, timeout: float | None = None) -> Outcome | None:
        """Run a function from a process, to its end; `None` when it needs longer than `timeout` seconds."""
        ended, result = self._begin(self._functions[arn], event)
        return result[0] if ended.wait(timeout) else None

    def deliver(self, arn: str, event: Any, *, attempt: int = 0) -> None:
        """Run a function asynchronously, and again if it fails."""
        function = self._functions[arn]
        self.running += 1
        self._processes.start(lambda: self._attempt(function, event, attempt))

    def _attempt(self, function: Function, event: Any, attempt: int) -> None:
        ended, result = self._begin(function, event)
        ended.wait()
        if result[0].error and attempt < function.asynchronous_retries:
            self._processes.pause(ASYNCHRONOUS_DELAYS[min(attempt, 1)])
            self.deliver(function.arn, event, attempt=attempt + 1)
        self.running -= 1

    def _begin(self, function: Function, event: Any) -> tuple[Signal, list[Outcome]]:
        ended, result = Signal(self._processes), []  # type: tuple[Signal, list[Outcome]]
        begun = self._processes.clock.now()
        copied = json.loads(json.dumps(event))
        self.running += 1

        def finish(outcome: Outcome) -> None:
            if result:
                return
            result.append(outcome)
            self.running -= 1
            seconds = self._processes.clock.now() - begun
            for listener in self.listeners:
                listener(Invoked(function=function, outcome=outcome, seconds=seconds))
            ended.set()

        process = self._processes.start(lambda: finish(self._run(function, copied)))
        self._limit(function, process, finish)
        return ended, result

    def _run(self, function: Function, event: Any) -> Outcome:
        self._processes.pause(self._draw.uniform(0.01, 0.06))
        clock = self._processes.clock
        context = Context(clock.now() + function.timeout_seconds, clock.now)
        try:
            value = self.code.handler(function.code, function.handler)(event, context)
            return Outcome(value=json.loads(json.dumps(value)))
        except Crashed:
            return Outcome(error="Runtime.ExitError", message="the handler's environment crashed")
        except Exception as error:  # noqa: BLE001 - a Lambda reports whatever its handler raises
            _log.debug("%s failed", function.short_name, exc_info=True)
            return Outcome(error=type(error).__name__, message=str(error))

    def _limit(self, function: Function, process: Process, finish: Callable[[Outcome], None]) -> None:
        """End the function at its time-out.

        Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html (Sandbox.Timedout)
        """

        def end() -> None:
            if not process.done:
                process.end()
                message = f"Task timed out after {function.timeout_seconds:.2f} seconds"
                finish(Outcome(error="Sandbox.Timedout", message=message))

        clock = self._processes.clock
        clock.call_at(clock.now() + function.timeout_seconds, end)


class Context:
    """The Lambda context, as far as handlers ask for it."""

    def __init__(self, deadline: float, now: Callable[[], float]) -> None:
        self._deadline = deadline
        self._now = now

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""
        return max(0, int((self._deadline - self._now()) * 1000))
