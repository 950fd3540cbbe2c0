"""Step Functions on the virtual clock: the emulator's interpreter, with its waits and Lambda calls as processes.

Each rehearsal loads the interpreter as a new module. So it shares no state with a sandbox in the same Python process.
"""

import importlib.util
import json
import random
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.api.events import Emit
from canary_tools.rehearsal.services.fast_copies import PlainCopies
from canary_tools.rehearsal.services.faults import INVOKE, Faults
from canary_tools.rehearsal.services.lambda_functions import Functions, Outcome
from canary_tools.rehearsal.template.intrinsics import ACCOUNT, REGION
from canary_tools.rehearsal.virtual_time.processes import Processes, Signal, VirtualTime
from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.stepfunctions import lifecycle, retries

Execution = dict[str, Any]

_MODULE = "ministack.services.stepfunctions"
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/rehearsal"
_LAMBDA_EVENTS = 1
"""AWS's history has one more event for each Lambda task than the emulator's: LambdaFunctionStarted."""


@dataclass(frozen=True)
class Usage:
    """What an execution uses: events of its history, and state transitions including repetitions."""

    history_events: int
    state_transitions: int


class Executions:
    """Runs one state machine."""

    def __init__(
        self,
        *,
        name: str,
        definition: str,
        processes: Processes,
        functions: Functions,
        faults: Faults,
        emit: Emit,
        seed: int,
    ) -> None:
        self._processes = processes
        self._functions = functions
        self._faults = faults
        self._emit = emit
        self._states: Any = _private_module()
        self._scope = importlib.import_module("ministack.core.responses").request_scope
        self._patch(seed)
        self._call(
            "_create_state_machine", {"name": name, "definition": definition, "roleArn": _ROLE, "type": "STANDARD"}
        )

    def operations(self) -> dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        """Return the operations of the Step Functions API that handlers and operators use."""
        names = {
            "StartExecution": "_start_execution",
            "StopExecution": "_stop_execution",
            "DescribeExecution": "_describe_execution",
            "DescribeStateMachine": "_describe_state_machine",
            "GetExecutionHistory": "_get_execution_history",
            "ListExecutions": "_list_executions",
            "SendTaskSuccess": "_send_task_success",
            "SendTaskFailure": "_send_task_failure",
            "SendTaskHeartbeat": "_send_task_heartbeat",
        }
        return {name: self._operation(function) for name, function in names.items()}

    def __len__(self) -> int:
        """Return how many executions there are, in any status."""
        return len(self._states._executions._data)  # noqa: SLF001 - its state

    def all(self) -> list[Execution]:
        """Return every execution, the oldest first."""
        found: list[Execution] = list(self._states._executions._data.values())  # noqa: SLF001 - its state
        return sorted(found, key=lambda execution: str(execution["startDate"]))

    def stop(self, execution: Execution, *, error: str, cause: str) -> None:
        """Stop an execution as an operator does."""
        if execution["status"] == "RUNNING":
            request = {"executionArn": execution["executionArn"], "error": error, "cause": cause}
            self._call("_stop_execution", request)

    def time_out(self, execution: Execution) -> None:
        """End an execution as the time-out of the state machine does."""
        if execution["status"] == "RUNNING":
            with self._scope(ACCOUNT, REGION):
                execution.update(status="TIMED_OUT", stopDate=self._states.now_iso())
                self._states._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})  # noqa: SLF001 - as its StopExecution does
                self._states._emit_execution_status_event(execution)  # noqa: SLF001

    def usage(self, execution: Execution) -> Usage:
        """Return what an execution has used, counted as AWS counts it.

        Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html and
        https://aws.amazon.com/step-functions/pricing/ (a repetition is a transition too)
        """
        kinds = [event["type"] for event in execution["events"]]
        scheduled = kinds.count("TaskScheduled")
        entered = sum(kind.endswith("StateEntered") for kind in kinds)
        repeated = scheduled - kinds.count("TaskStateEntered")
        return Usage(len(kinds) + _LAMBDA_EVENTS * scheduled, entered + repeated)

    def entered(self, execution: Execution, state: str) -> float | None:
        """Return when an execution first entered a state, in seconds since the epoch; `None` if it never did."""
        for event in execution["events"]:
            if event.get("stateEnteredEventDetails", {}).get("name") == state:
                return seconds_of(event["timestamp"])
        return None

    def _patch(self, seed: int) -> None:
        states, patches, clock = self._states, Patches(), self._processes.clock
        states.copy = PlainCopies()
        states.time = VirtualTime(self._processes, states.time)
        states.threading = _Threading(self._processes)
        states.now_iso = lambda: iso(clock.now())
        states.new_uuid = _uuids(seed)
        states._sleep_until = lambda moment: self._processes.pause(seconds_of(moment) - clock.now())  # noqa: SLF001
        states._invoke_resource_with_timeout = self._invoke_with_timeout  # noqa: SLF001 - its thread waits in real time
        states._call_lambda = lambda arn, event: self._invoke(arn, event, None)  # noqa: SLF001
        states._emit_execution_status_event = self._announce  # noqa: SLF001 - it writes to the emulator's bus
        lifecycle.install(patches=patches, clock=clock, states=states)
        retries.install(patches=patches, seed=seed, states=states)

    def _invoke_with_timeout(self, resource: str, event: Any, timeout: float) -> Any:
        arn = self._states._extract_lambda_ref(resource)  # noqa: SLF001 - as its own callers do
        if arn:
            return self._invoke(resource, event, timeout)
        return self._states._invoke_resource(resource, event)  # noqa: SLF001 - nothing in it waits

    def _invoke(self, arn: str, event: Any, timeout: float | None) -> Any:
        fault = self._faults.of(INVOKE)
        if fault is not None:
            failed = Outcome(error=f"Lambda.{fault}", message=f"{fault} of the rehearsal")
            raise self._states._ExecutionError(failed.error, failed.cause)  # noqa: SLF001
        outcome = self._functions.invoke(arn, event, timeout=timeout)
        if outcome is None:
            raise self._states._ExecutionError("States.Timeout", f"Task timed out after {timeout} seconds")  # noqa: SLF001
        if outcome.error:
            raise self._states._ExecutionError(outcome.error, outcome.cause)  # noqa: SLF001
        return outcome.value

    def _announce(self, execution: Execution) -> None:
        """Put the event about a change of status on the bus.

        Source: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
        """
        members = ("executionArn", "stateMachineArn", "name", "status", "input", "error", "cause")
        detail = {name: execution.get(name) for name in members}
        for moment in ("startDate", "stopDate"):
            detail[moment] = int(seconds_of(execution[moment]) * 1000) if execution[moment] else None
        self._emit(
            source="aws.states",
            detail_type="Step Functions Execution Status Change",
            resources=[execution["executionArn"]],
            detail=detail,
        )

    def _operation(self, function: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        return lambda request: self._call(function, dict(request))

    def _call(self, function: str, request: dict[str, Any]) -> dict[str, Any]:
        with self._scope(ACCOUNT, REGION):
            status, _headers, body = getattr(self._states, function)(request)
        answer: dict[str, Any] = json.loads(body)
        if status >= 300:  # noqa: PLR2004 - not a success
            raise ApiError(answer["__type"], answer.get("message", answer.get("Message", "")), status=status)
        return answer


class _Threading:
    """Replaces the module `threading` in the interpreter."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def Thread(  # noqa: N802 - the module's name for it
        self, *, target: Callable[..., None], args: tuple[Any, ...] = (), **_options: object
    ) -> Any:
        return _Startable(self._processes, lambda: target(*args))

    def Event(self) -> Signal:  # noqa: N802 - the module's name for it
        return Signal(self._processes)

    def __getattr__(self, name: str) -> Any:
        return getattr(threading, name)


class _Startable:
    def __init__(self, processes: Processes, body: Callable[[], None]) -> None:
        self._processes = processes
        self._body = body

    def start(self) -> None:
        self._processes.start(self._run)

    def _run(self) -> None:
        try:
            self._body()
        except lifecycle.ExecutionEndedError:
            return


def iso(seconds: float) -> str:
    """Write a time as Step Functions does.

    >>> iso(0.5)
    '1970-01-01T00:00:00.500Z'
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(moment: str | float) -> float:
    """Read a time as Step Functions writes it.

    >>> seconds_of("1970-01-01T00:00:00.500Z")
    0.5
    """
    return datetime.fromisoformat(moment).timestamp() if isinstance(moment, str) else float(moment)


def _uuids(seed: int) -> Callable[[], str]:
    draw = random.Random(seed)  # noqa: S311 - names in a simulation
    return lambda: f"{draw.getrandbits(128):032x}"


def _private_module() -> ModuleType:
    found = importlib.util.find_spec(_MODULE)
    assert found is not None
    assert found.origin is not None
    spec = importlib.util.spec_from_file_location(f"{__name__}.interpreter", found.origin)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[spec.name]
    return module
