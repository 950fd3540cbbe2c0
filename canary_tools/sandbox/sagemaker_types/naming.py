"""Names that CloudFormation generates."""

import importlib
import uuid

_LONGEST = 63


def generated_name(stack_name: str, logical_id: str) -> str:
    """Return `Stack-LogicalId-Random`. The part before the random text is cut so that 63 characters suffice.

    Each call returns a new name, so it never collides with a record that a stack has left behind. ministack keeps the
    seed with the resource.
    """
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    provisioners._NAME_SEED.set(uuid.uuid4().hex[:8])  # noqa: SLF001 - its own types draw a new name so
    name: str = provisioners._physical_name(stack_name, logical_id, max_len=_LONGEST)  # noqa: SLF001 - as above
    return name
