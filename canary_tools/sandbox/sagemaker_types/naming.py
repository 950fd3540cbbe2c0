"""Names that CloudFormation generates."""

import importlib
import uuid

_LONGEST = 63


def generated_name(stack_name: str, logical_id: str) -> str:
    """Return `Stack-LogicalId-Random`, shortened in front of the random part to SageMaker's 63 characters.

    It is new on each call, so that a record that a stack left behind is never in the way; the emulator keeps the
    seed with the resource.
    """
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    provisioners._NAME_SEED.set(uuid.uuid4().hex[:8])  # noqa: SLF001 - how its own types draw a new name
    name: str = provisioners._physical_name(stack_name, logical_id, max_len=_LONGEST)  # noqa: SLF001 - as above
    return name
