"""Which modules of a package its handlers import."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path


def reached_modules(package: Path, begin: Sequence[Path], sources: Mapping[Path, str]) -> list[Path]:
    """Return the modules that are imported when these are, themselves included, in order.

    `sources`: the text of each module of the package, which says what it imports. To import a module imports the
    packages around it, too.
    """
    found: set[Path] = set()
    waiting = list(begin)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _packages_around(package, module)
            waiting += (path for path in _imported(package, sources[module]) if path in sources)
    return sorted(found)


def _packages_around(package: Path, module: Path) -> list[Path]:
    folders = [folder for folder in module.parents if folder.is_relative_to(package)]
    return [folder / "__init__.py" for folder in folders]


def _imported(package: Path, source: str) -> Iterator[Path]:
    """Yield the files that each imported name of this package may stand for: a module, or a package."""
    for name in _names(source):
        first, *rest = name.split(".")
        if first == package.name:
            place = package.joinpath(*rest)
            yield from (place / "__init__.py", place.with_name(f"{place.name}.py"))


def _names(source: str) -> Iterator[str]:
    r"""Yield what a module may import, by its whole name.

    >>> sorted(_names("import os.path\nfrom rollout import clock\n"))
    ['os.path', 'rollout', 'rollout.clock']
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
