"""How an execution starts and ends.

Gaps it fills: ministack ignores the machine's TimeoutSeconds, so no execution ever times out. An execution that is
stopped while a Lambda function runs becomes FAILED when that function raises: ministack retries the function and sends
a second terminal event. StartExecution refuses the name and input of a running execution; AWS answers with that
execution.
Sources: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
and https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html
"""

import contextlib
import importlib
import json
import threading
from collections.abc import Callable
from typing import Any

from canary_tools.clock import Clock
from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.settings import ACCOUNT_ID, REGION

Execution = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

_RUNNING = "RUNNING"
_COMPLETED = (
    "_start_execution",
    "_run_execution",
    "_fail_execution",
    "_add_event",
    "_emit_execution_status_event",
)


class ExecutionEndedError(SystemExit):
    """Ends the thread of an execution that has already ended. No Catch of its definition sees this error."""


def install(*, patches: Patches, clock: Clock, states: Any = None) -> None:
    """Complete ministack's Step Functions, or the copy of that module in `states`."""
    states = importlib.import_module("ministack.services.stepfunctions") if states is None else states
    lifecycle = _Lifecycle(states, clock)
    for name in _COMPLETED:
        patches.attribute(states, name, getattr(lifecycle, name.lstrip("_"))(getattr(states, name)))
    patches.on_undo(lifecycle.end_all)


class _Lifecycle:
    """Wrappers of ministack's functions. Each takes the function that it replaces."""

    def __init__(self, states: Any, clock: Clock) -> None:
        self._states = states
        self._clock = clock
        self._lock = threading.RLock()
        self._announced: set[str] = set()

    def start_execution(self, theirs: Callable[[Any], Response]) -> Callable[[Any], Response]:
        def start(data: dict[str, Any]) -> Response:
            with self._lock:
                running = self._same_execution(data)
                if running is not None:
                    body = {"executionArn": running["executionArn"], "startDate": running["startDate"]}
                    response: Response = self._states.json_response(body)
                    return response
                response = theirs(data)
            self._limit(response)
            return response

        return start

    def run_execution(self, theirs: Callable[[str], None]) -> Callable[[str], None]:
        def run(execution_arn: str) -> None:
            with contextlib.suppress(ExecutionEndedError):
                theirs(execution_arn)

        return run

    def fail_execution(self, theirs: Callable[..., None]) -> Callable[..., None]:
        def fail(execution: Execution, error: str, cause: str) -> None:
            with self._lock:
                if execution["status"] == _RUNNING:
                    theirs(execution, error, cause)

        return fail

    def add_event(self, theirs: Callable[..., Any]) -> Callable[..., Any]:
        """Add no event to an ended execution: its thread stops instead."""

        def add(execution: Execution, event_type: str, details: object = None) -> Any:
            if execution["status"] != _RUNNING and not event_type.startswith("Execution"):
                raise ExecutionEndedError
            return theirs(execution, event_type, details)

        return add

    def emit_execution_status_event(self, theirs: Callable[[Execution], None]) -> Callable[[Execution], None]:
        """Send only the first terminal event of each execution."""

        def emit(execution: Execution) -> None:
            with self._lock:
                if execution["status"] != _RUNNING:
                    if execution["executionArn"] in self._announced:
                        return
                    self._announced.add(execution["executionArn"])
            theirs(execution)

        return emit

    def end_all(self) -> None:
        """End every execution without an event, so that no thread of this sandbox acts in the next one."""
        for execution in list(self._states._executions._data.values()):  # noqa: SLF001 - all accounts and regions
            execution.update(status="ABORTED", sync=True)  # ministack sends no events of synchronous ones

    def _same_execution(self, data: dict[str, Any]) -> Execution | None:
        """Return the running execution of the same machine, name and input."""
        machine = self._states._resolve_state_machine_arn(data.get("stateMachineArn", ""))  # noqa: SLF001 - as StartExecution does
        if machine is None or not data.get("name"):
            return None
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{data['name']}"
        execution: Execution | None = self._states._executions.get(arn)  # noqa: SLF001 - its state
        if execution is None or execution["status"] != _RUNNING:
            return None
        return execution if execution["input"] == data.get("input", "{}") else None

    def _limit(self, response: Response) -> None:
        """Schedule the time-out of an execution that has just started."""
        arn = json.loads(response[2]).get("executionArn")
        execution = self._states._executions.get(arn) if arn else None  # noqa: SLF001 - its state
        if execution is None:
            return
        machine = self._states._state_machines.get(execution["stateMachineArn"]) or {}  # noqa: SLF001 - its state
        seconds = json.loads(machine.get("definition") or "{}").get("TimeoutSeconds")
        if seconds is not None:
            self._clock.call_at(self._clock.now() + float(seconds), lambda: self._time_out(execution))

    def _time_out(self, execution: Execution) -> None:
        responses = importlib.import_module("ministack.core.responses")
        with responses.request_scope(ACCOUNT_ID, REGION), self._lock:
            if execution["status"] != _RUNNING:
                return
            execution.update(status="TIMED_OUT", stopDate=responses.now_iso())
            self._states._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})  # noqa: SLF001
            self._states._emit_execution_status_event(execution)  # noqa: SLF001 - as its StopExecution does
