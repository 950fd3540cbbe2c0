"""The characters that are allowed in a stage variable.

Source: https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html (variables)
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_VALUE = re.compile(r"[A-Za-z0-9\-._~:/?#&=,]*")
_PATCHED = "/variables/"


def with_checked_variables(theirs: Callable[..., Any], gateway: Any) -> Callable[..., Any]:
    """Refuse to create or change a stage if a variable has another character."""

    def change(api_id: str, *stage: Any) -> Any:
        for value in _values(stage[-1]):
            if not _VALUE.fullmatch(str(value)):
                return gateway._v1_error(  # noqa: SLF001 - how it refuses
                    "BadRequestException", f"Invalid stage variable value: {value}", 400
                )
        return theirs(api_id, *stage)

    return change


def _values(request: Mapping[str, Any]) -> Iterator[Any]:
    yield from (request.get("variables") or {}).values()
    for operation in request.get("patchOperations", ()):
        if operation.get("path", "").startswith(_PATCHED):
            yield operation.get("value", "")
        elif operation.get("path") == "/variables":
            yield from operation["value"].values()
