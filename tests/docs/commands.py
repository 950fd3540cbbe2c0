"""Whether a command that a page shows can be typed: its program, words and options exist."""

import importlib.util
import re
import shlex
import tomllib
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import typer

from canary_tools.cli.command import app as canary
from tests.docs.pages import ROOT

CDK = {"bootstrap", "deploy", "destroy", "diff", "import", "synth"}
OTHERS = {"aws", "awk", "do", "done", "echo", "export", "for", "jq", "npm", "sed"}
"""Programs and words of the shell that pages use, and that are not ours to check."""
_BETWEEN, _REDIRECTIONS = set(";|&()"), set("<>")


def commands(script: str) -> Iterator[list[str]]:
    """Yield the simple commands of a script.

    >>> list(commands("python -m x | sed -n 1p > y  # why"))
    [['python', '-m', 'x'], ['sed', '-n', '1p']]
    """
    command: list[str] = []
    redirects = False
    for word in [*_words(script), ";"]:
        if set(word) <= _BETWEEN:
            if command:
                yield command
            command, redirects = [], False
        elif set(word) <= _REDIRECTIONS:
            redirects = True
        elif not redirects:
            command.append(word)


def _words(script: str) -> Iterator[str]:
    """Yield the words of a script; a line that ends within a quotation goes on in the next one."""
    read = ""
    for line in script.replace("\\\n", " ").splitlines():
        read = f"{read}\n{line}" if read else line
        lexer = shlex.shlex(read, posix=True, punctuation_chars=";|&()<>")
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:
            continue
        yield from words
        yield ";"
        read = ""


def complaints(command: list[str], *, files: Container[str] = ()) -> Iterator[str]:
    """Yield what is wrong with a command; `files` are those that its page has the reader write."""
    program, *words = command
    program = program.removeprefix(".venv/bin/")
    if program == "python" and words[:1] == ["-m"]:
        yield from _wrong_module(words[1], words[2:])
    elif program == "python" and words[0] in files:
        return
    elif program == "canary":
        yield from _wrong_order(words)
    elif program == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        yield from (f"make has no target {word}" for word in words if word not in targets)
    elif program in {"cdk", "npx"}:
        order = next((word for word in words if word != "cdk"), "")
        if order not in CDK:
            yield f"cdk has no command {order}"
    elif program == "pip":
        yield from _wrong_requirement(words)
    elif program not in OTHERS:
        yield f"{program} is no program that the pages explain"


def _wrong_module(module: str, words: list[str]) -> Iterator[str]:
    if module in {"venv", "pytest"}:
        return
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        found = None
    if found is None:
        yield f"there is no module {module}"
        return
    folders = [Path(folder) for folder in found.submodule_search_locations or ()]
    files = [file for folder in folders for file in folder.rglob("*.py")] or [Path(str(found.origin))]
    source = "".join(file.read_text(encoding="utf-8") for file in files)
    options = (word.partition("=")[0] for word in words if word.startswith("--"))
    yield from (f"{module} has no option {option}" for option in options if f'"{option}"' not in source)


def _wrong_order(words: list[str]) -> Iterator[str]:
    group = typer.main.get_command(canary)
    orders: dict[str, Any] = getattr(group, "commands")  # noqa: B009 - of a group, which typer does not promise
    name = next((word for word in words if word in orders), None)
    if name is None:
        yield f"canary has no command in {words}"
        return
    known = {option for each in (group, orders[name]) for parameter in each.params for option in parameter.opts}
    yield from (f"canary {name} has no option {word}" for word in words if word.startswith("--") and word not in known)


def _wrong_requirement(words: list[str]) -> Iterator[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for word in words:
        name, _, extras = word.partition("[")
        wanted = {extra for extra in extras.rstrip("]").split(",") if extra}
        unknown = wanted - set(project["optional-dependencies"])
        if word != "install" and (name not in {project["name"], "canary-construct-client"} or unknown):
            yield f"{word} cannot be installed"
