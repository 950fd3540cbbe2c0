"""A function that is updated while it runs: the running invocation ends with the code with which it began.

Gap it fills: ministack kills every process of a function when its code or configuration changes, even during an
invocation. Lambda runs new code in new execution environments only.
Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

import importlib
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches

_UPDATES = ("_update_code", "_update_config")

# whether a function is being updated, not deleted, and the emulator is not closing
_updating: ContextVar[bool] = ContextVar("updating_function", default=False)


def install(*, patches: Patches) -> None:
    """Keep busy processes alive when a function is updated, and end them after their invocation."""
    runtime = importlib.import_module("ministack.core.lambda_runtime")
    functions = importlib.import_module("ministack.services.lambda_svc")
    outdated = _Outdated(runtime)
    for update in _UPDATES:
        patches.attribute(functions, update, _marked(getattr(functions, update)))
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
        """Kill workers, except busy ones whose function is being updated."""
        doomed = list(workers)
        if _updating.get():
            with self._lock:
                busy = [worker for worker in doomed if worker.in_use]
                self._running += busy
            doomed = [worker for worker in doomed if worker not in busy]
        self._kill(doomed)

    def release(self, worker: Any) -> None:
        """Take a worker back after its invocation. A worker with old code ends."""
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


def _marked(update: Callable[..., Any]) -> Callable[..., Any]:
    def marked(*arguments: Any) -> Any:
        token = _updating.set(True)
        try:
            return update(*arguments)
        finally:
            _updating.reset(token)

    return marked
