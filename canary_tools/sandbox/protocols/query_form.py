"""Reads the flat form of an AWS query request into nested members."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

_READ: Mapping[str, Callable[[str], Any]] = {
    "integer": int,
    "long": int,
    "double": float,
    "float": float,
    "boolean": lambda text: text.lower() == "true",
    "timestamp": lambda text: datetime.fromisoformat(text).timestamp(),
}


def nested(form: Mapping[str, str], shape: Any, prefix: str = "") -> Any:
    """Return the value of a shape of botocore's service model. Absent members are left out.

    Lists are written as `Name.member.1`, structures as `Name.Member`.
    """
    if shape.type_name == "structure":
        start = f"{prefix}." if prefix else ""
        present = {name: member for name, member in shape.members.items() if _is_present(form, start + name)}
        return {name: nested(form, member, start + name) for name, member in present.items()}
    if shape.type_name == "list":
        found: list[Any] = []
        while _is_present(form, f"{prefix}.member.{len(found) + 1}"):
            found.append(nested(form, shape.member, f"{prefix}.member.{len(found) + 1}"))
        return found
    return _READ.get(shape.type_name, str)(form[prefix])


def _is_present(form: Mapping[str, str], name: str) -> bool:
    return name in form or any(key.startswith(f"{name}.") for key in form)
