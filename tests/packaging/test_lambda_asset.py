"""What runs in AWS is small and loads little."""

import ast
import compileall
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import rollout

from canary_construct.handlers.functions import LONG_RUNNING, _module
from canary_construct.handlers.shipped_code import (
    NOT_SHIPPED,
    shipped_folder,
    with_narrow_indentation,
    without_declarations_for_types,
    without_documentation,
    without_empty_strings,
    without_imports_for_types,
    without_spaces,
    without_types,
    without_unused_imports,
)
from canary_construct.permissions.by_handler import PERMISSIONS

pytestmark = pytest.mark.xdist_group("packaging")

PACKAGE = Path(rollout.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_ASSET_BYTES = 110_000
"""Without comments, docstrings and types. It was 90,000 before the gates compared refused requests,
checked the split of each gate's totals, counted bad minutes and knew that users are drawn. What a cold start costs,
`bench/cold_starts` measures.
"""
BOTO3_TOO = {"boto3.dynamodb", "boto3.dynamodb.types"}
LOADED = """
import importlib, sys
import boto3
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print(*(name for name in set(sys.modules) - before if name.partition(".")[0] != "rollout"))
"""


@pytest.fixture(scope="module")
def asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The handlers away from this checkout, compiled as boto3 is."""
    folder = tmp_path_factory.mktemp("lambda") / "asset"
    shutil.copytree(shipped_folder(PACKAGE), folder)
    compileall.compile_dir(folder, quiet=1)
    return folder


def module(name: str) -> str:
    return f"rollout.handlers.{_module(name)}"


def test_the_asset_is_small(asset: Path, tmp_path: Path) -> None:
    archive = tmp_path / "asset.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for file in sorted(asset.rglob("*.py")):
            zipped.write(file, file.relative_to(asset))
    assert archive.stat().st_size < MAX_ASSET_BYTES


def test_what_only_synth_and_tools_ask_is_left_out(asset: Path) -> None:
    """The handlers are imported without it below."""
    assert (PACKAGE / NOT_SHIPPED).is_dir()
    assert not (asset / "rollout" / NOT_SHIPPED).exists()
    assert not [source for source in asset.rglob("*.py") if f"rollout.{NOT_SHIPPED}" in source.read_text()]


def test_what_synth_asks_needs_no_boto3() -> None:
    """The library needs the CDK and nothing else."""
    without = "import sys; sys.modules['boto3'] = sys.modules['botocore'] = None; import rollout.forecast.course"
    subprocess.run([sys.executable, "-c", without], check=True)  # noqa: S603 - our own


@pytest.mark.parametrize("name", PERMISSIONS)
def test_a_handler_loads_boto3_and_its_own_modules_and_nothing_else(asset: Path, name: str) -> None:
    """How long that takes, `bench/cold_starts` measures."""
    command = [sys.executable, "-c", LOADED, module(name)]
    loaded = subprocess.run(command, cwd=asset, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert set(loaded.stdout.split()) == BOTO3_TOO


def test_every_handler_of_the_table_is_there_and_takes_an_event(asset: Path) -> None:
    for name in PERMISSIONS:
        source = (asset / "rollout" / "handlers" / f"{_module(name)}.py").read_text()
        assert re.search(r"^def handler\(event,", source, re.MULTILINE)


def test_long_running_handlers_are_handlers() -> None:
    assert set(PERMISSIONS) >= LONG_RUNNING


@pytest.mark.parametrize("name", PERMISSIONS)
def test_a_handler_needs_no_environment_variable_and_no_region_to_be_imported(asset: Path, name: str) -> None:
    command = [sys.executable, "-c", f"import {module(name)}"]
    subprocess.run(command, cwd=asset, env={"HOME": str(asset)}, check=True)  # noqa: S603 - our own


def statements(source: str, *, typed: bool = True, silent: bool = True) -> list[tuple[int, str]]:
    """Every statement with its line. Strings that are statements say nothing.

    Types are there only if they are asked for, and so are such strings that are not a whole block.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and not typed:
            node.annotation = None
        if isinstance(node, ast.FunctionDef) and not typed:
            node.returns = None
        if isinstance(node, ast.AnnAssign) and not typed:
            node.annotation = ast.Constant(None)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value.value = ""
    if not silent:
        for node in ast.walk(tree):
            if isinstance(block := getattr(node, "body", None), list) and len(block) > 1:
                node.body = [each for each in block if ast.unparse(each) != "''"]  # type: ignore[attr-defined]
    return [(node.lineno, ast.dump(node)) for node in ast.walk(tree) if isinstance(node, ast.stmt)]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_what_is_shipped_does_the_same_on_the_same_lines(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    shipped = without_documentation(source)
    assert statements(shipped) == statements(source)
    assert len(shipped.splitlines()) == len(source.splitlines())
    assert "#" not in re.sub(r"""(["']).*?\1""", "", shipped)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_only_types_are_left_out_and_lines_stay(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    shipped = without_types(source)
    assert statements(shipped) == statements(source, typed=False)
    assert len(shipped.splitlines()) == len(source.splitlines())


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_only_imports_for_type_checkers_are_left_out_and_lines_stay(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    shipped = without_imports_for_types(source)
    left_out = [node for node in ast.parse(source).body if ast.dump(node) not in map(ast.dump, ast.parse(shipped).body)]
    guards = ("if TYPE_CHECKING:\n    from ", "from typing import TYPE_CHECKING", "from __future__ import annotations")
    assert all(ast.unparse(node).startswith(guards) for node in left_out)
    assert set(statements(shipped)) <= set(statements(source))
    assert len(shipped.splitlines()) == len(source.splitlines())


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_only_empty_strings_are_left_out_and_lines_stay(module: Path) -> None:
    source = without_documentation(module.read_text(encoding="utf-8"))
    shipped = without_empty_strings(source)
    assert statements(shipped) == statements(source, silent=False)
    assert len(shipped.splitlines()) == len(source.splitlines())


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_a_narrow_indentation_changes_no_statement_and_no_line(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    shipped = with_narrow_indentation(source)
    assert ast.dump(ast.parse(without_documentation(shipped))) == ast.dump(ast.parse(without_documentation(source)))
    assert [line.strip() for line in shipped.splitlines()] == [line.strip() for line in source.splitlines()]
    assert len(shipped) < len(source) or "    " not in source


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_only_declarations_for_types_and_unused_imports_are_left_out_and_lines_stay(module: Path) -> None:
    source = without_types(module.read_text(encoding="utf-8"))
    shipped = without_unused_imports(without_declarations_for_types(source))
    left_out = [node for node in ast.parse(source).body if ast.dump(node) not in map(ast.dump, ast.parse(shipped).body)]
    assert all(isinstance(node, ast.ImportFrom | ast.ClassDef | ast.Assign) for node in left_out)
    assert len(shipped.splitlines()) == len(source.splitlines())


def test_nothing_that_is_shipped_lacks_a_name(asset: Path) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821,F822,F823", str(asset)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert found.returncode == 0, found.stdout


def test_every_shipped_module_can_be_imported(asset: Path) -> None:
    names = [".".join(file.relative_to(asset).with_suffix("").parts) for file in asset.rglob("*.py")]
    command = [sys.executable, "-c", f"import {', '.join(name.removesuffix('.__init__') for name in names)}"]
    subprocess.run(command, cwd=asset, env={"HOME": str(asset)}, check=True)  # noqa: S603 - our own


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_without_spaces_no_statement_changes_and_no_line(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    shipped = without_spaces(source)
    assert ast.dump(ast.parse(shipped)) == ast.dump(ast.parse(source))
    assert len(shipped.splitlines()) == len(source.splitlines())
    assert len(shipped) < len(source) or " = " not in source


def test_all_other_modules_are_shipped(asset: Path) -> None:
    shipped = {file.relative_to(asset / "rollout") for file in asset.rglob("*.py")}
    modules = {module.relative_to(PACKAGE) for module in MODULES}
    assert shipped == {module for module in modules if module.parts[0] != NOT_SHIPPED}
