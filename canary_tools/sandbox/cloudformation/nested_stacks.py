"""Updates of nested stacks.

Gap it fills: when ministack updates a nested stack, it loses the attributes of unchanged resources, so that
`Fn::GetAtt` of one of them fails. A gap that stays: resources that a nested update replaces are not deleted afterwards.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches

Provisioned = tuple[str, dict[str, Any]]


def install(*, patches: Patches) -> None:
    """Keep the attributes of unchanged resources in nested stacks."""
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    update = _with_attributes(provisioners._update_resource)  # noqa: SLF001 - the function that forgets them
    patches.attribute(provisioners, "_update_resource", update)


def _with_attributes(theirs: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    def update(
        resource_type: str,
        physical_id: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        stack_name: str,
        logical_id: str | None = None,
        attributes: dict[str, Any] | None = None,
    ) -> Provisioned:
        known = _recorded(stack_name, logical_id) if attributes is None else attributes
        return theirs(resource_type, physical_id, before, after, stack_name, logical_id, known)

    return update


def _recorded(stack_name: str, logical_id: str | None) -> dict[str, Any]:
    package = importlib.import_module("ministack.services.cloudformation")
    stack = package._stacks.get(stack_name) or {}  # noqa: SLF001 - its state
    attributes: dict[str, Any] = stack.get("_resources", {}).get(logical_id, {}).get("Attributes") or {}
    return attributes
