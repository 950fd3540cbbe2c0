"""Leaves out of the handlers' code what nothing there names: it is for synth, or for other handlers."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ENTRY = "handler"
"""The function of each handler's module that Lambda calls."""
_WORD = re.compile(r"[A-Za-z_]\w*")


def without_unnamed(texts: Mapping[Path, str]) -> dict[Path, str]:
    r"""Return these modules without the constants, functions, classes and methods whose names stand nowhere else.

    A name in a string counts. Lines stay where they are. What only a removed definition names is left for the next
    call.

    >>> from pathlib import Path
    >>> modules = {Path("half.py"): "def half(n):\n    return n / 2\n\ndef third(n):\n    return n / 3\n",
    ...            Path("show.py"): "def handler(event, _):\n    return half(event)\n"}
    >>> without_unnamed(modules)[Path("half.py")]
    'def half(n):\n    return n / 2\n\n\n\n'
    """
    named = Counter(word for text in texts.values() for word in _WORD.findall(text))
    return {path: _without(text, {name for name, times in named.items() if times == 1}) for path, text in texts.items()}


def _without(text: str, unnamed: set[str]) -> str:
    lines = text.splitlines(keepends=True)
    for name, first, last in _definitions(ast.parse(text).body):
        if name in unnamed and name != ENTRY:
            lines[first - 1 : last] = ["\n"] * (last - first + 1)
    return "".join(lines)


def _definitions(block: list[ast.stmt]) -> Iterator[tuple[str, int, int]]:
    """Yield the name of each definition, its first and its last line. A class keeps its first statement."""
    for node in block:
        last = node.end_lineno or node.lineno
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]), last
            case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
                yield name, node.lineno, last
        if isinstance(node, ast.ClassDef):
            methods = [method for method in node.body[1:] if isinstance(method, ast.FunctionDef)]
            yield from _definitions([method for method in methods if not method.name.startswith("__")])
