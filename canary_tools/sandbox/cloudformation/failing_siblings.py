"""Resources that fail while another one of their stack still changes.

Gap it fills: ministack makes one resource after the other. CloudFormation makes them at the same time: when one fails,
it cancels the others, does not wait for them, and goes back. SageMaker then refuses: "Cannot update in-progress
endpoint". ministack also forgets what it could not delete, so that nobody can delete it with the stack later.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
"""

import importlib
from collections.abc import Awaitable, Callable
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches


class SiblingFailed(Exception):
    """Another resource of the stack failed."""


class FailingSiblings:
    """Failures that are ordered by the name of the endpoint that still changes then."""

    def __init__(self) -> None:
        self._ordered: set[str] = set()
        self._due = False

    def order(self, endpoint_name: str) -> None:
        """Let the resource fail that is next after the next change of an endpoint has begun."""
        self._ordered.add(endpoint_name)

    def begins(self, endpoint_name: str) -> bool:
        """Tell whether a failure is ordered, so that the stack must not wait for the change that has begun."""
        self._due = endpoint_name in self._ordered
        self._ordered.discard(endpoint_name)
        return self._due

    def install(self, patches: Patches) -> None:
        """Let the emulator ask before it makes or updates a resource."""
        stacks = importlib.import_module("ministack.services.cloudformation.stacks")
        for name in ("_provision_keeping_seed", "_update_keeping_seed"):
            patches.attribute(stacks, name, self._failing(getattr(stacks, name)))
        rollback = _keeping_what_stays(stacks._roll_back_operation)  # noqa: SLF001 - its rollback
        patches.attribute(stacks, "_roll_back_operation", rollback)

    def _failing(self, make: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any) -> Any:
            if self._due:
                self._due = False
                raise SiblingFailed("another resource of the stack failed")
            return make(*arguments)

        return made


def _keeping_what_stays(roll_back: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def rolled_back(name: str, stack_id: str, stack: dict[str, Any], operation: Any, reason: str = "") -> None:
        await roll_back(name, stack_id, stack, operation, reason)
        if not operation["is_update"]:
            stack["_resources"].update(stack.get("_rollback_failed", {}))

    return rolled_back
