"""Resolves the annotations of a function, those that its module imports for type checkers only included."""

from __future__ import annotations

import ast
import inspect
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def types_in(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the types of a function's parameters by name; nothing of `self`, of `cls` and of what it returns."""
    own = {name: hint for name, hint in function.__annotations__.items() if name != "return"}
    return get_type_hints(_Annotated(own), globalns=dict(_names_in(function.__module__)))


class _Annotated:
    """What `get_type_hints` reads annotations from."""

    def __init__(self, annotations: dict[str, Any]) -> None:
        self.__annotations__ = annotations


@cache
def _names_in(module_name: str) -> Mapping[str, Any]:
    """Return the names that a module knows, and those of its `if TYPE_CHECKING:` blocks, which are imported now.

    By now every module is complete: what cannot be imported while modules import each other can be.
    """
    module = sys.modules[module_name]
    names = dict(vars(module))
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            imports = ast.Module(body=node.body, type_ignores=[])
            exec(compile(imports, module_name, "exec"), names)  # noqa: S102  # imports of the library's own modules
    return names
