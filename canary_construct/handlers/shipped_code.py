"""The code of the handlers as it is uploaded: `rollout` without comments, docstrings and what type checkers read.

They are more than a third of its size. Indentation is one space, and there are no others where Python needs none. A
statement keeps its line, so that a traceback in AWS fits the source that people read.
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
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import rollout
from aws_cdk import aws_lambda as lambda_

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOT_SHIPPED = "forecast"
"""The folder that synth and the tools ask, and no handler."""
_TYPE_CHECKING = "TYPE_CHECKING"
_NAMES_FOR_TYPES = (["TYPE_CHECKING"], ["annotations"])
"""What modules import for types alone."""
_BASES_FOR_TYPES = frozenset({"TypedDict", "Protocol"})
_GENERIC = frozenset({"Callable", "Mapping", "Sequence", "dict", "list", "tuple"})
_INDENTATION = re.compile(r"(?: {4})+")
_STATEMENT_ENDS = frozenset({tokenize.ENCODING, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT})
_FSTRING_START, _FSTRING_END = (getattr(tokenize, f"FSTRING_{end}", None) for end in ("START", "END"))
"""Python 3.11 has a token for a whole f-string."""
_WORDS = frozenset({tokenize.NAME, tokenize.NUMBER, tokenize.STRING, _FSTRING_START, _FSTRING_END})
_LINE_BREAKS = frozenset({tokenize.INDENT, tokenize.DEDENT, tokenize.NL, tokenize.NEWLINE})
_BETWEEN_STATEMENTS = frozenset({tokenize.NL, tokenize.COMMENT})


def shipped_code() -> lambda_.Code:
    """Return what every handler runs, as an asset."""
    return lambda_.Code.from_asset(str(shipped_folder(Path(rollout.__file__).parent)))


@cache
def shipped_folder(package: Path) -> Path:
    """Return a folder with a copy of this package that lasts as long as this process, without what no handler needs."""
    folder = Path(tempfile.mkdtemp(prefix="canary-construct-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for module in sorted(package.rglob("*.py")):
        if module.relative_to(package).parts[0] == NOT_SHIPPED:
            continue
        copy = folder / package.name / module.relative_to(package)
        copy.parent.mkdir(parents=True, exist_ok=True)
        source = without_imports_for_types(module.read_text(encoding="utf-8"))
        source = without_types(without_empty_strings(without_documentation(source)))
        if module.name != "__init__.py":
            source = without_unused_imports(without_declarations_for_types(source))
        copy.write_text(without_spaces(with_narrow_indentation(source)), encoding="utf-8")
    return folder


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


def without_empty_strings(source: str) -> str:
    r"""Return a module's code without empty strings that are statements, but for those that are a whole block.

    >>> without_empty_strings('def twice(n):\n    ""\n    return n + n\n\nclass Odd:\n    ""\n')
    'def twice(n):\n\n    return n + n\n\nclass Odd:\n    ""\n'
    """
    lines = source.splitlines(keepends=True)
    for block in ast.walk(ast.parse(source)):
        statements = getattr(block, "body", None)
        if isinstance(statements, list) and len(statements) > 1:
            for statement in statements:
                if isinstance(statement, ast.Expr) and ast.unparse(statement) in {"''", '""'}:
                    lines[statement.lineno - 1] = "\n"
    return "".join(lines)


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
    r"""Return a module's code without comments, and with empty strings for docstrings.

    >>> without_documentation('def twice(n):\n    # by adding\n    "Return more."\n    return n + n  # more\n')
    'def twice(n):\n\n    ""\n    return n + n\n'
    """
    lines = source.splitlines(keepends=True)
    for token in reversed(list(_documentation(source))):
        (first, begin), (last, end) = token.start, token.end
        before, after = lines[first - 1][:begin], lines[last - 1][end:]
        kept = f'{before}""' if token.type == tokenize.STRING else before.rstrip()
        lines[first - 1 : last] = [kept + "\n" * (last - first) + after]
    return "".join(lines)


def with_narrow_indentation(source: str) -> str:
    r"""Return a module's code with one space for four at the begin of each line; strings keep theirs.

    >>> with_narrow_indentation("def half(n):\n    if n:\n        return n / 2\n")
    'def half(n):\n if n:\n  return n / 2\n'
    """
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    in_strings = {line for token in tokens for line in range(token.start[0] + 1, token.end[0] + 1)}
    lines = enumerate(source.splitlines(keepends=True), start=1)
    return "".join(line if number in in_strings else _narrow(line) for number, line in lines)


def without_spaces(source: str) -> str:
    r"""Return a module's code without spaces between tokens, but for those that keep two words apart.

    Strings stay as they are, and so do f-strings, which newer versions of Python take apart.

    >>> without_spaces("def half(n, of=2):\n return n / of if of else f'{n} / 0'\n")
    "def half(n,of=2):\n return n/of if of else f'{n} / 0'\n"
    """
    lines = source.splitlines(keepends=True)
    for line, begin, end in reversed(list(_spaces(source))):
        lines[line - 1] = lines[line - 1][:begin] + lines[line - 1][end:]
    return "".join(lines)


def _spaces(source: str) -> Iterator[tuple[int, int, int]]:
    """Yield the spaces within lines that nothing needs: their line, from 1, and their columns."""
    in_string = 0
    for token, following in pairwise(tokenize.generate_tokens(io.StringIO(source).readline)):
        in_string += (token.type == _FSTRING_START) - (token.type == _FSTRING_END)
        apart = token.end[0] == following.start[0] and token.type not in _LINE_BREAKS and not in_string
        if apart and not (token.type in _WORDS and following.type in _WORDS):
            yield token.end[0], token.end[1], following.start[1]


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
