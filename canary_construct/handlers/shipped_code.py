"""The code of handlers as it is uploaded: the modules of `rollout` that they import, without what nothing reads there.

What none of these modules names is left out, too. Comments, docstrings and types are more than a third of the size.
Indentation is one space. A statement keeps its line, so that a traceback in AWS fits the source that people read.
"""

from __future__ import annotations

import ast
import atexit
import io
import re
import shutil
import tempfile
import tokenize
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import rollout
from aws_cdk import aws_lambda as lambda_

from canary_construct.handlers.named_code import without_unnamed
from canary_construct.handlers.reached_modules import reached_modules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PACKAGE = "__init__.py"
_TYPE_CHECKING = "TYPE_CHECKING"
_NAMES_FOR_TYPES = (["TYPE_CHECKING"], ["annotations"])
"""What modules import for types alone."""
_BASES_FOR_TYPES = frozenset({"TypedDict", "Protocol"})
_GENERIC = frozenset({"Callable", "Mapping", "Sequence", "dict", "list", "tuple"})
_INDENTATION = re.compile(r"(?: {4})+")
_STATEMENT_ENDS = frozenset({tokenize.ENCODING, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT})
_BETWEEN_STATEMENTS = frozenset({tokenize.NL, tokenize.COMMENT})


def shipped_code(handlers: Sequence[str]) -> lambda_.Code:
    """Return what these modules of `rollout.handlers` run, as an asset."""
    return lambda_.Code.from_asset(str(shipped_folder(Path(rollout.__file__).parent, tuple(handlers))))


@cache
def shipped_folder(package: Path, handlers: tuple[str, ...]) -> Path:
    """Return a folder with the modules of this package that its handlers import. It lasts as long as this process."""
    folder = Path(tempfile.mkdtemp(prefix="canary-construct-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for module, text in _reached(package, handlers).items():
        copy = folder / package.name / module.relative_to(package)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, encoding="utf-8")
    return folder


def _reached(package: Path, handlers: tuple[str, ...]) -> dict[Path, str]:
    """Return the text of each module that these import, without what nothing names there, until nothing is left out."""
    begin = [package / "handlers" / f"{handler}.py" for handler in handlers]
    before: dict[Path, str] = {}
    texts = dict(_shipped_modules(package))
    while texts != before:
        before = texts
        reached = {module: texts[module] for module in reached_modules(package, begin, texts)}
        texts = {module: _with_used_imports(module, text) for module, text in without_unnamed(reached).items()}
    return texts


@cache
def _shipped_modules(package: Path) -> dict[Path, str]:
    """Return the text of every module of the package, as it would be shipped."""
    return {module: _shipped(module) for module in sorted(package.rglob("*.py"))}


def _shipped(module: Path) -> str:
    source = without_imports_for_types(module.read_text(encoding="utf-8"))
    source = without_types(without_documentation(source))
    if module.name != _PACKAGE:
        source = without_declarations_for_types(source)
    return with_narrow_indentation(_with_used_imports(module, source))


def _with_used_imports(module: Path, source: str) -> str:
    """Leave out imports that a module does not use; those of a package are for others."""
    return source if module.name == _PACKAGE else without_unused_imports(source)


def without_imports_for_types(source: str) -> str:
    r"""Return a module's code without the blocks that only a type checker runs, and without what they need.

    >>> without_imports_for_types("import os\nif TYPE_CHECKING:\n    import abc\n\nprint(os)\n")
    'import os\n\n\n\nprint(os)\n'
    """
    lines = source.splitlines(keepends=True)
    for block in ast.parse(source).body:
        if _is_for_types(block):
            _blank(lines, block)
    return "".join(lines)


def _is_for_types(block: ast.stmt) -> bool:
    if isinstance(block, ast.If):
        return isinstance(block.test, ast.Name) and block.test.id == _TYPE_CHECKING
    return isinstance(block, ast.ImportFrom) and [alias.name for alias in block.names] in _NAMES_FOR_TYPES


def without_types(source: str) -> str:
    r"""Return a module's code without the types of what functions take and return.

    A field of a class must have a type to be one, and gets `None`: nothing here reads it.

    >>> without_types("def half(n: int, of: int = 2) -> float:\n    return n / of\n")
    'def half(n, of = 2):\n    return n / of\n'
    >>> without_types("class Half:\n    of: int = 2\n")
    'class Half:\n    of: None = 2\n'
    """
    lines = source.encode().splitlines(keepends=True)
    for first, begin, last, end, instead in sorted(_types(lines, source), reverse=True):
        lines[first - 1 : last] = [lines[first - 1][:begin] + instead + b"\n" * (last - first) + lines[last - 1][end:]]
    return b"".join(lines).decode()


def _types(lines: Sequence[bytes], source: str) -> Iterator[tuple[int, int, int, int, bytes]]:
    """Yield where each type begins and ends, line, from 1, and byte, and what comes in its place."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg) and node.annotation is not None:
            begin = (node.lineno, node.col_offset + len(node.arg.encode()))
            yield (*begin, *_end(node.annotation), b"")
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            arrow = lines[node.returns.lineno - 1].rindex(b" -> ", 0, node.returns.col_offset)
            yield (node.returns.lineno, arrow, *_end(node.returns), b"")
        if isinstance(node, ast.AnnAssign):
            yield (node.annotation.lineno, node.annotation.col_offset, *_end(node.annotation), b"None")


def _end(node: ast.expr) -> tuple[int, int]:
    return node.end_lineno or 0, node.end_col_offset or 0


def without_declarations_for_types(source: str) -> str:
    r"""Return a module's code without the classes and the names of types that tell something to a type checker only.

    >>> without_declarations_for_types("class Row(TypedDict):\n    name: str\n\nRows = list[Row]\nrows = []\n")
    '\n\n\n\nrows = []\n'
    """
    tree, lines = ast.parse(source), source.splitlines(keepends=True)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for block in tree.body:
        match block:
            case ast.ClassDef(bases=bases) if any(ast.unparse(base) in _BASES_FOR_TYPES for base in bases):
                _blank(lines, block)
            case ast.Assign(targets=[ast.Name(name)], value=ast.Subscript(value=ast.Name(generic))):
                if name not in used and generic in _GENERIC:
                    _blank(lines, block)
    return "".join(lines)


def without_unused_imports(source: str) -> str:
    r"""Return a module's code without imported names that it does not use. No other module may take them from there.

    >>> without_unused_imports("from typing import Any, Protocol\n\nAny\n")
    'from typing import Any\n\nAny\n'
    """
    tree, lines = ast.parse(source), source.splitlines(keepends=True)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for block in tree.body:
        if isinstance(block, ast.ImportFrom):
            block.names = [alias for alias in block.names if (alias.asname or alias.name) in used]
            _blank(lines, block)
            if block.names:
                lines[block.lineno - 1] = f"{ast.unparse(block)}\n"
    return "".join(lines)


def _blank(lines: list[str], block: ast.stmt) -> None:
    """Leave the lines of a statement empty."""
    assert block.end_lineno is not None
    lines[block.lineno - 1 : block.end_lineno] = ["\n"] * (block.end_lineno - block.lineno + 1)


def without_documentation(source: str) -> str:
    r"""Return a module's code without comments and docstrings. Where a docstring is all that there is, "" is left.

    >>> without_documentation('def twice(n):\n    # by adding\n    "Return more."\n    return n + n  # more\n')
    'def twice(n):\n\n\n    return n + n\n'
    >>> without_documentation('class Late(Exception):\n    "Raised when it is."\n')
    'class Late(Exception):\n    ""\n'
    """
    lines = source.splitlines(keepends=True)
    needed = {node.body[0].lineno for node in ast.walk(ast.parse(source)) if _is_documented_only(node)}
    for token in reversed(list(_documentation(source))):
        (first, begin), (last, end) = token.start, token.end
        before, after = lines[first - 1][:begin], lines[last - 1][end:]
        kept = f'{before}""' if first in needed and token.type == tokenize.STRING else before.rstrip()
        lines[first - 1 : last] = [kept + "\n" * (last - first) + after]
    return "".join(lines)


def _is_documented_only(node: ast.AST) -> TypeGuard[ast.ClassDef | ast.FunctionDef]:
    return (
        isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None and not node.body[1:]
    )


def with_narrow_indentation(source: str) -> str:
    r"""Return a module's code with one space for four at the begin of each line; strings keep theirs.

    >>> with_narrow_indentation("def half(n):\n    if n:\n        return n / 2\n")
    'def half(n):\n if n:\n  return n / 2\n'
    """
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    in_strings = {line for token in tokens for line in range(token.start[0] + 1, token.end[0] + 1)}
    lines = enumerate(source.splitlines(keepends=True), start=1)
    return "".join(line if number in in_strings else _narrow(line) for number, line in lines)


def _narrow(line: str) -> str:
    return _INDENTATION.sub(lambda spaces: " " * (len(spaces[0]) // 4), line, count=1) if line[:1] == " " else line


def _documentation(source: str) -> Iterator[tokenize.TokenInfo]:
    """Yield each comment, and each string that is a statement of its own."""
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    before = tokenize.ENCODING
    for token, following in zip(tokens, [*tokens[1:], tokens[-1]], strict=True):
        alone = before in _STATEMENT_ENDS and following.type == tokenize.NEWLINE
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and alone):
            yield token
        if token.type not in _BETWEEN_STATEMENTS:
            before = token.type
