"""What an editor shows of the public names, read from the sources as an editor reads them.

`python -m tests.docs.editor_help` writes the docstring of each construct's `__init__` anew, out of its class's.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import canary_construct

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECTION = re.compile(r"^Args:\n((?:    .*\n?|\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^    (\w+): \S", re.MULTILINE)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A docstring that an editor shows, and the parameters of the call beside which it does."""

    title: str
    docstring: str
    parameters: tuple[str, ...]


def shown() -> list[Shown]:
    """Return what is shown of everything public that is called."""
    return [each for name in canary_construct.__all__ for each in _of(_definition(name)) if each.parameters]


def constructs() -> list[ast.ClassDef]:
    """Return the public constructs: editors show the help of the CDK's own `__init__` where theirs has none."""
    definitions = [_definition(name) for name in canary_construct.__all__]
    return [
        each
        for each in definitions
        if isinstance(each, ast.ClassDef) and any(ast.unparse(base) == "Construct" for base in each.bases)
    ]


def section(docstring: str) -> str:
    """Return the lines about arguments; empty without any."""
    found = _SECTION.search(docstring)
    return "" if found is None else found[0].rstrip()


def explained(docstring: str) -> tuple[str, ...]:
    """Return the names of the arguments that a docstring has a line for."""
    return tuple(_ENTRY.findall(section(docstring)))


def line_of_pyright(docstring: str, parameter: str) -> str | None:
    """Return the line that pyright shows while a parameter is typed: the first that seems to speak of it.

    Source: https://github.com/microsoft/pyright (`extractParameterDocumentation`, as of 1.1.414)
    """
    for line in docstring.splitlines():
        found = re.search(rf"{parameter}(: | \()", line)
        if found is not None:
            return line[found.start() :] if line[: found.start()].isspace() else line
    return None


def docstring_of_init(definition: ast.ClassDef) -> str:
    """Return what the `__init__` of a construct says: the first line of its class, and the lines about arguments."""
    docstring = ast.get_docstring(definition) or ""
    summary = docstring.partition("\n")[0]
    return f"Declare {summary[0].lower()}{summary[1:]}\n\n{section(docstring)}\n"


def init(definition: ast.ClassDef) -> Function | None:
    """Return the constructor that a class defines itself."""
    return next((each for each in _functions(definition) if each.name == "__init__"), None)


def _of(definition: ast.ClassDef | Function) -> Iterator[Shown]:
    docstring = ast.get_docstring(definition) or ""
    if not isinstance(definition, ast.ClassDef):
        yield Shown(title=definition.name, docstring=docstring, parameters=_parameters(definition))
        return
    own = init(definition)
    parameters = _parameters(own) if own is not None else _fields(definition)
    yield Shown(title=definition.name, docstring=docstring, parameters=parameters)
    for each in _functions(definition):
        if not each.name.startswith("_"):
            title = f"{definition.name}.{each.name}"
            yield Shown(title=title, docstring=ast.get_docstring(each) or "", parameters=_parameters(each))


def _definition(name: str) -> ast.ClassDef | Function:
    return next(
        node
        for node in ast.parse(_source(name).read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef | Function) and node.name == name
    )


def _source(name: str) -> Path:
    return Path(inspect.getfile(inspect.unwrap(getattr(canary_construct, name))))


def _functions(definition: ast.ClassDef) -> list[Function]:
    return [each for each in definition.body if isinstance(each, Function)]


def _parameters(function: Function) -> tuple[str, ...]:
    takes = function.args
    named = [*takes.posonlyargs, *takes.args, *filter(None, [takes.vararg]), *takes.kwonlyargs]
    return tuple(each.arg for each in named if each.arg not in {"self", "cls"})


def _fields(definition: ast.ClassDef) -> tuple[str, ...]:
    """Return the fields of a dataclass, which its constructor takes; of any other class there are none."""
    if not any("dataclass" in ast.unparse(each) for each in definition.decorator_list):
        return ()
    return tuple(
        each.target.id
        for each in definition.body
        if isinstance(each, ast.AnnAssign)
        and isinstance(each.target, ast.Name)
        and "ClassVar" not in ast.unparse(each.annotation)
    )


def _rewrite(definition: ast.ClassDef) -> None:
    file, own = _source(definition.name), init(definition)
    assert own is not None, f"{definition.name} inherits its constructor"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    first = own.body[0]
    before = first.lineno - 1
    after = before if ast.get_docstring(own) is None else first.end_lineno
    text = textwrap.indent(f'"""{docstring_of_init(definition)}"""\n', " " * first.col_offset)
    file.write_text("".join([*lines[:before], text, *lines[after:]]), encoding="utf-8")


if __name__ == "__main__":
    for construct in constructs():
        _rewrite(construct)
