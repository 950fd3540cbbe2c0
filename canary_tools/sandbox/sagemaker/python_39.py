"""What Python 3.9 cannot import of a module that is written for a newer one, as far as its source shows.

The syntax is asked of Python's own parser. Of the rest, this knows unions in annotations, and what the standard library
got later. Sources: https://docs.python.org/3/whatsnew/3.10.html, https://docs.python.org/3/whatsnew/3.11.html
"""

import ast
from collections.abc import Iterator, Mapping

VERSION = (3, 9)
_NEW_MODULES = frozenset({"tomllib"})
_NEW_NAMES: Mapping[str, frozenset[str]] = {
    "asyncio": frozenset({"Runner", "TaskGroup", "timeout"}),
    "contextlib": frozenset({"aclosing", "chdir"}),
    "dataclasses": frozenset({"KW_ONLY"}),
    "datetime": frozenset({"UTC"}),
    "enum": frozenset({"EnumCheck", "ReprEnum", "StrEnum", "member", "nonmember", "verify"}),
    "itertools": frozenset({"batched", "pairwise"}),
    "types": frozenset({"EllipsisType", "NoneType", "NotImplementedType", "UnionType"}),
    "typing": frozenset(
        {
            "Concatenate", "LiteralString", "Never", "NotRequired", "ParamSpec", "Required", "Self", "TypeAlias",
            "TypeGuard", "TypeVarTuple", "Unpack", "assert_never", "assert_type", "dataclass_transform", "override",
            "reveal_type",
        }
    ),
}  # fmt: skip


def problem(source: str) -> str | None:
    r"""Return the error with which Python 3.9 ends when it imports a module; `None` when none is seen.

    >>> problem("def read(body: str | bytes) -> int: ...")
    "TypeError: unsupported operand type(s) for |: 'type' and 'type'"
    >>> problem("from __future__ import annotations\ndef read(body: str | bytes) -> int: ...")
    >>> problem("from enum import StrEnum")
    "ImportError: cannot import name 'StrEnum' from 'enum'"
    """
    try:
        module = ast.parse(source, feature_version=VERSION)
    except SyntaxError as error:
        return f"SyntaxError: {error.msg}"
    return next(_imports(module), None) or next(_unions(module), None)


def _imports(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (_no_module(alias.name) for alias in node.names if alias.name in _NEW_MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in _NEW_MODULES:
            yield _no_module(str(node.module))
        elif isinstance(node, ast.ImportFrom):
            new = _NEW_NAMES.get(str(node.module), frozenset())
            names = (alias.name for alias in node.names if alias.name in new)
            yield from (f"ImportError: cannot import name {name!r} from {node.module!r}" for name in names)


def _no_module(name: str) -> str:
    return f"ModuleNotFoundError: No module named {name!r}"


def _unions(module: ast.Module) -> Iterator[str]:
    """Yield an error for each annotation that Python evaluates and that joins types with `|`."""
    if any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" and _postpones(node) for node in module.body
    ):
        return
    for annotation in _annotations(module):
        if any(isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitOr) for part in ast.walk(annotation)):
            yield "TypeError: unsupported operand type(s) for |: 'type' and 'type'"


def _postpones(future: ast.ImportFrom) -> bool:
    return any(alias.name == "annotations" for alias in future.names)


def _annotations(module: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(module):
        if isinstance(node, ast.arg) and node.annotation is not None:
            yield node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            yield node.returns
    yield from (node.annotation for body in _evaluated(module) for node in body if isinstance(node, ast.AnnAssign))


def _evaluated(module: ast.Module) -> Iterator[list[ast.stmt]]:
    """Yield the bodies in which Python evaluates annotations of variables: of the module and of classes."""
    yield module.body
    yield from (node.body for node in ast.walk(module) if isinstance(node, ast.ClassDef))
