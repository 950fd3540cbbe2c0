"""Calls of the control planes: one at a time, and throttled as in AWS."""

from collections.abc import Mapping
from typing import Any

from canary_tools.aws_models.api.operations import Operation, Request
from canary_tools.aws_models.api.throttle import Throttle
from canary_tools.sandbox.emulator.turns import Turns


def admitted(operations: Mapping[str, Operation], throttle: Throttle, turns: Turns) -> dict[str, Operation]:
    """Return operations that hold the lock while they run, and that the throttle may refuse."""
    return {name: _admitted(name, operation, throttle, turns) for name, operation in operations.items()}


def _admitted(name: str, operation: Operation, throttle: Throttle, turns: Turns) -> Operation:
    def call(request: Request) -> dict[str, Any]:
        with turns:
            throttle.admit(name)
            return operation(request)

    return call
