"""A tool without its extra says which one it needs."""

import ast
import importlib.util
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from canary_tools.extras import MISSING, MODULES, MissingExtra, need, run

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / "canary_tools"
OTHER_NAMES = {"airspeed-ext": "airspeed"}
OWN = {"canary_tools", "rollout"}
COME_ALONG = {"botocore", "hypercorn"}
"""What boto3 and ministack bring."""
CDK_APP = TOOLS / "acceptance/app.py"
MODEL = TOOLS / "acceptance/model"
"""These run elsewhere: with `cdk synth`, and in a container."""


def declared() -> dict[str, set[str]]:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = {extra: [re.split(r"[<>=~]", each)[0] for each in needed] for extra, needed in extras.items()}
    return {extra: {OTHER_NAMES.get(name, name) for name in needed} for extra, needed in names.items()}


def imported(source: Path) -> Iterator[str]:
    """Yield the top-level name of every import, and of every `import_module` with a constant."""
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.split(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module)):
                yield module.split(".")[0]
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(module))]):
                yield module.split(".")[0]


def test_the_modules_are_those_of_the_declared_extras() -> None:
    assert {extra: set(modules) for extra, modules in MODULES.items()} == declared()


@pytest.mark.parametrize("extra", MODULES)
def test_a_tool_imports_nothing_but_its_extra(extra: str) -> None:
    sources = [one for one in (TOOLS / extra).rglob("*.py") if one != CDK_APP and MODEL not in one.parents]
    names = {name for source in sources for name in imported(source)} - set(sys.stdlib_module_names)
    assert names - OWN - COME_ALONG <= set(MODULES[extra])


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a module look as if it were not installed."""
    find: Callable[..., Any] = importlib.util.find_spec

    def hide(module: str) -> None:
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, *rest: None if name == module else find(name, *rest)
        )

    return hide


@pytest.mark.parametrize(("extra", "module"), [(extra, module) for extra in MODULES for module in MODULES[extra]])
def test_a_missing_module_is_a_sentence_that_names_the_extra(
    extra: str, module: str, without: Callable[[str], None]
) -> None:
    without(module)
    with pytest.raises(MissingExtra, match=rf"^{module} not installed: pip install 'canary-construct\[{extra}\]'$"):
        need(extra, module)


@pytest.mark.parametrize("tool", ["acceptance", "rehearsal"])
def test_a_command_without_its_extra_prints_the_sentence_and_imports_nothing(
    tool: str, without: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    without("boto3")
    assert run(tool, f"no.such.module.{tool}") == MISSING
    assert f"pip install 'canary-construct[{tool}]'" in capsys.readouterr().err


def test_the_sandbox_without_its_extra_does_not_start(
    without: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without("ministack")
    command = importlib.import_module("canary_tools.sandbox.__main__")
    monkeypatch.setattr(sys, "argv", ["sandbox", "--port", "0"])
    assert command.main() == MISSING
    assert capsys.readouterr().err == "ministack not installed: pip install 'canary-construct[sandbox]'\n"
