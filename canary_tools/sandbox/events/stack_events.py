"""CloudFormation's stack-status events, and the clean-up phase of an update.

Gaps it fills: ministack records stack events but sends none to EventBridge. Its successful update goes from
UPDATE_IN_PROGRESS to UPDATE_COMPLETE. In AWS, UPDATE_COMPLETE_CLEANUP_IN_PROGRESS lies between them, in which replaced
and removed resources are deleted.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacks-event-bridge.html
"""

import importlib
from collections.abc import Callable
from typing import Any

from canary_tools.aws_models.api.events import Emit
from canary_tools.sandbox.emulator.patching import Patches

_SOURCE = "aws.cloudformation"
_DETAIL_TYPE = "CloudFormation Stack Status Change"
_STACK_TYPE = "AWS::CloudFormation::Stack"
_CLEANUP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
# modules with their own reference to the function that records a stack event
_RECORDERS = ("stacks", "changesets", "handlers")


def install(*, patches: Patches, emit: Emit) -> None:
    """Emit an event for each status that a stack enters."""
    modules = {name: importlib.import_module(f"ministack.services.cloudformation.{name}") for name in _RECORDERS}
    stacks = modules["stacks"]
    record = _emitting(stacks._add_event, emit)  # noqa: SLF001 - all stack events pass through it
    for module in modules.values():
        patches.attribute(module, "_add_event", record)
    outputs = _entering_cleanup(stacks._resolve_stack_outputs, record)  # noqa: SLF001 - the last step before clean-up
    patches.attribute(stacks, "_resolve_stack_outputs", outputs)


def _emitting(add_event: Callable[..., None], emit: Emit) -> Callable[..., None]:
    def record(
        stack_id: str, stack_name: str, logical_id: str, resource_type: str, status: str, *rest: Any, **named: Any
    ) -> None:
        add_event(stack_id, stack_name, logical_id, resource_type, status, *rest, **named)
        if resource_type == _STACK_TYPE and logical_id == stack_name:
            reason = named.get("reason") or (rest[0] if rest else "")
            emit(
                source=_SOURCE,
                detail_type=_DETAIL_TYPE,
                resources=[stack_id],
                detail={
                    "stack-id": stack_id,
                    "status-details": {"status": status, "status-reason": reason},
                    "client-request-token": "",
                },
            )

    return record


def _entering_cleanup(resolve_outputs: Callable[..., Any], record: Callable[..., None]) -> Callable[..., Any]:
    """Enter the clean-up phase when the outputs of an update are resolved: it cannot fail after that."""

    def resolve(*arguments: Any) -> Any:
        result = resolve_outputs(*arguments)
        stack_name, stack_id = arguments[-2:]
        package = importlib.import_module("ministack.services.cloudformation")
        stack = package._stacks.get(stack_name)  # noqa: SLF001 - its state
        if stack and stack["StackStatus"] == "UPDATE_IN_PROGRESS":
            stack["StackStatus"] = _CLEANUP
            record(stack_id, stack_name, stack_name, _STACK_TYPE, _CLEANUP, physical_id=stack_id)
        return result

    return resolve
