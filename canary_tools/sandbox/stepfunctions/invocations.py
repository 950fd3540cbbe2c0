"""Step Functions invokes a Lambda function with the permissions of the state machine's role.

Gap it fills: ministack invokes the function without a permission check.
"""

import importlib
import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.iam.permissions import INVOKE_FUNCTION, role_may

_role: ContextVar[str] = ContextVar("state_machine_role", default="")


def install(*, patches: Patches) -> None:
    """Check `lambda:InvokeFunction` before each invocation."""
    states = importlib.import_module("ministack.services.stepfunctions")
    patches.attribute(states, "_run_execution", _remembering_role(states))
    patches.attribute(states, "_call_lambda", _checked(states))


def _may_invoke(function_arn: str) -> bool:
    return role_may(_role.get(), INVOKE_FUNCTION, function_arn, session="states")


def _remembering_role(states: Any) -> Callable[[str], None]:
    theirs = states._run_execution  # noqa: SLF001 - the body of an execution's thread

    def run(execution_arn: str) -> None:
        execution = states._executions.get(execution_arn) or {}  # noqa: SLF001 - its state
        machine = states._state_machines.get(execution.get("stateMachineArn")) or {}  # noqa: SLF001 - its state
        _role.set(machine.get("roleArn", ""))
        theirs(execution_arn)

    return run


def _checked(states: Any) -> Callable[[str, Any], Any]:
    theirs = states._call_lambda  # noqa: SLF001 - where all task types meet

    def call(function: str, event: object) -> Any:
        functions = importlib.import_module("ministack.services.lambda_svc")
        _, configuration, _ = functions._get_func_record_for_ref(function)  # noqa: SLF001 - as its own callers do
        if configuration and _role.get() and not _may_invoke(configuration["FunctionArn"]):
            message = f"{_role.get()} is not authorized to perform: {INVOKE_FUNCTION} on {function}"
            raise states._ExecutionError("Lambda.AWSLambdaException", json.dumps({"errorMessage": message}))  # noqa: SLF001
        return theirs(function, event)

    return call
