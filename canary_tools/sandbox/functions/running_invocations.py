"""The processes of a function that is updated or deleted: a running invocation ends first, an idle process at once.

Gaps it fills: ministack kills every process of a function when its code or configuration changes, even during an
invocation. Lambda runs new code in new execution environments only. And when CloudFormation deletes a function,
ministack keeps its processes: after forty stacks, they fill the memory of a machine.
Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import importlib
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches

_UPDATES = ("_update_code", "_update_config")
_FUNCTION = "AWS::Lambda::Function"

# whether a function changes, and the emulator is not closing
_changing: ContextVar[bool] = ContextVar("changing_function", default=False)


def install(*, patches: Patches) -> None:
    """Keep busy processes alive when a function is updated or deleted, and end them after their invocation."""
    runtime = importlib.import_module("ministack.core.lambda_runtime")
    functions = importlib.import_module("ministack.services.lambda_svc")
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    outdated = _Outdated(runtime)
    for update in _UPDATES:
        patches.attribute(functions, update, _marked(getattr(functions, update)))
    of_stacks = provisioners._RESOURCE_HANDLERS  # noqa: SLF001 - its extension point
    delete = _marked(_ending_processes(of_stacks[_FUNCTION]["delete"], runtime))
    patches.item(of_stacks, _FUNCTION, {**of_stacks[_FUNCTION], "delete": delete})
    patches.attribute(runtime, "kill_workers", outdated.spare)
    patches.attribute(functions, "release_worker", outdated.release)
    patches.on_undo(outdated.end_all)


class _Outdated:
    """Processes with old code whose invocation still runs."""

    def __init__(self, runtime: Any) -> None:
        self._lock = runtime._lock  # noqa: SLF001 - guards which workers are in use
        self._kill = runtime.kill_workers
        self._release = runtime.release_worker
        self._running: list[Any] = []

    def spare(self, workers: Iterable[Any]) -> None:
        """Kill workers, except busy ones whose function changes."""
        doomed = list(workers)
        if _changing.get():
            with self._lock:
                busy = [worker for worker in doomed if worker.in_use]
                self._running += busy
            doomed = [worker for worker in doomed if worker not in busy]
        self._kill(doomed)

    def release(self, worker: Any) -> None:
        """Take a worker back after its invocation. A worker that is no longer wanted ends."""
        self._release(worker)
        with self._lock:
            outdated = worker in self._running
            if outdated:
                self._running.remove(worker)
        if outdated:
            self._kill([worker])

    def end_all(self) -> None:
        """Kill all workers that still run."""
        self._kill(self._running)


def _ending_processes(delete: Callable[[str, Any], None], runtime: Any) -> Callable[[str, Any], None]:
    def ending(name: str, properties: Any) -> None:
        delete(name, properties)
        runtime.invalidate_worker(name)

    return ending


def _marked(change: Callable[..., Any]) -> Callable[..., Any]:
    def marked(*arguments: Any) -> Any:
        token = _changing.set(True)
        try:
            return change(*arguments)
        finally:
            _changing.reset(token)

    return marked
