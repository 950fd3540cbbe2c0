"""Exceptions of Python functions are reported under their class name.

Gap it fills: ministack reports every exception of a function as `Runtime.HandlerError`. A Retry or Catch that names an
exception can then never match. Lambda reports the class name, with a stack trace.
Source: https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

import importlib
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches

Answer = dict[str, Any]

_REPORTED = '"trace": traceback.format_exc()}'
_WITH_TYPE = '"trace": traceback.format_exc(), "error_type": type(e).__name__}'

# the worker's answer to the running invocation
_answer: ContextVar[Answer | None] = ContextVar("worker_answer", default=None)


def install(*, patches: Patches) -> None:
    """Make Python workers report the class of an exception, and pass it on to the caller.

    Raises:
        RuntimeError: the worker script of this ministack version is a different one.

    """
    runtime = importlib.import_module("ministack.core.lambda_runtime")
    functions = importlib.import_module("ministack.services.lambda_svc")
    script = runtime._PYTHON_WORKER_SCRIPT  # noqa: SLF001 - the program in a Python function's process
    if _REPORTED not in script:
        raise RuntimeError("this version of ministack reports exceptions in another way")
    patches.attribute(runtime, "_PYTHON_WORKER_SCRIPT", script.replace(_REPORTED, _WITH_TYPE))
    patches.attribute(runtime.Worker, "invoke", _remembering(runtime.Worker.invoke))
    patches.attribute(functions, "_execute_function_warm", _typed(functions._execute_function_warm))  # noqa: SLF001


def _remembering(invoke: Callable[..., Answer]) -> Callable[..., Answer]:
    def remembering(*arguments: Any, **named: Any) -> Answer:
        answer = invoke(*arguments, **named)
        _answer.set(answer)
        return answer

    return remembering


def _typed(execute: Callable[..., Answer]) -> Callable[..., Answer]:
    def typed(*arguments: Any) -> Answer:
        _answer.set(None)
        result = execute(*arguments)
        answer = _answer.get() or {}
        if result.get("error") and "error_type" in answer:
            trace = answer["trace"].splitlines(keepends=True)
            result["body"] = {**result["body"], "errorType": answer["error_type"], "stackTrace": trace}
        return result

    return typed
