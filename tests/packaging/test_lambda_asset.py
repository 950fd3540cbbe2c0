"""What runs in AWS is small and loads little."""

import ast
import compileall
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import rollout

from canary_construct.handlers.functions import LONG_RUNNING, _module, handlers_by_asset
from canary_construct.handlers.reached_modules import reached_modules
from canary_construct.handlers.shipped_code import (
    shipped_folder,
    with_narrow_indentation,
    without_declarations_for_types,
    without_documentation,
    without_imports_for_types,
    without_types,
    without_unused_imports,
)
from canary_construct.permissions.by_handler import PERMISSIONS

pytestmark = pytest.mark.xdist_group("packaging")

PACKAGE = Path(rollout.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_ASSET_BYTES = 110_000
"""Of each asset, without comments, docstrings and types. What a cold start costs, `bench/cold_starts` measures."""
BOTO3_TOO = {"boto3.dynamodb", "boto3.dynamodb.types"}
LOADED = """
import importlib, sys
import boto3
before = set(sys.modules)
importlib.import_module(sys.argv[1])
print(*(name for name in set(sys.modules) - before if name.partition(".")[0] != "rollout"))
"""


IMPORTED = """
import importlib, pathlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
for name in [name for name in sys.modules if name.partition(".")[0] == "rollout"]:
    print(pathlib.Path(sys.modules[name].__file__).relative_to(pathlib.Path.cwd()))
"""


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], Path]:
    """The handlers away from this checkout, compiled as boto3 is, by the handlers that share them."""
    folders = {}
    for names in handlers_by_asset():
        folders[names] = tmp_path_factory.mktemp("lambda") / "asset"
        shutil.copytree(shipped_folder(PACKAGE, tuple(map(_module, names))), folders[names])
        compileall.compile_dir(folders[names], quiet=1)
    return folders


@pytest.fixture
def asset(assets: dict[tuple[str, ...], Path], name: str) -> Path:
    """The asset of one handler."""
    return next(folder for names, folder in assets.items() if name in names)


def module(name: str) -> str:
    return f"rollout.handlers.{_module(name)}"


@pytest.mark.parametrize("name", ["Evaluate", "Settle", "ShowRollout"])
def test_each_asset_is_small(asset: Path, tmp_path: Path) -> None:
    archive = tmp_path / "asset.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for file in sorted(asset.rglob("*.py")):
            zipped.write(file, file.relative_to(asset))
    assert archive.stat().st_size < MAX_ASSET_BYTES


@pytest.mark.parametrize("name", ["Evaluate", "Settle", "ShowRollout"])
def test_each_asset_has_the_sentences_that_its_modules_say(asset: Path) -> None:
    sentences = (asset / "rollout/sentences.py").read_text(encoding="utf-8")
    others = [file.read_text(encoding="utf-8") for file in asset.rglob("*.py") if file.name != "sentences.py"]
    said = {name for text in others for name in re.findall(r"\bsentences\.(\w+)", text)}
    there: dict[str, object] = {}
    exec(sentences, there)  # noqa: S102 - our own
    assert said
    assert said - set(there) == set()


@pytest.mark.parametrize("name", ["Evaluate", "Settle", "ShowRollout"])
def test_each_asset_has_nothing_that_nothing_in_it_names(asset: Path) -> None:
    """What is for synth, or for other handlers, stays at home."""
    texts = [file.read_text(encoding="utf-8") for file in asset.rglob("*.py")]
    named = Counter(word for text in texts for word in re.findall(r"[A-Za-z_]\w*", text))
    defined = [name for text in texts for name in re.findall(r"(?m)^ ?(?:def|class) ([A-Za-z]\w*)|^(\w+) = ", text)]
    names = {function or constant for function, constant in defined} - {"handler"}
    assert len(names) > 100
    assert [name for name in names if named[name] == 1] == []


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


@pytest.mark.parametrize("name", PERMISSIONS)
def test_every_handler_of_the_table_is_there_and_takes_an_event(asset: Path, name: str) -> None:
    source = (asset / "rollout" / "handlers" / f"{_module(name)}.py").read_text()
    assert re.search(r"^def handler\(event,", source, re.MULTILINE)


def test_an_asset_holds_what_its_handlers_import_and_nothing_else(assets: dict[tuple[str, ...], Path]) -> None:
    """Python itself says what is imported, from the whole package: in the asset, what is not there cannot be."""
    for names, folder in assets.items():
        command = [sys.executable, "-c", IMPORTED, *map(module, names)]
        found = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True, check=True)  # noqa: S603 - our own
        shipped = {str(file.relative_to(folder)) for file in folder.rglob("*.py")}
        assert shipped <= set(found.stdout.split())
        command = [sys.executable, "-c", IMPORTED, *map(module, names)]
        found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)  # noqa: S603 - our own
        assert set(found.stdout.split()) == shipped


def test_every_handler_has_one_asset() -> None:
    assert sorted(name for names in handlers_by_asset() for name in names) == sorted(PERMISSIONS)


def test_imports_are_followed_through_packages_and_in_every_form(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    sources = {
        "__init__.py": "",
        "begin.py": "import shop.first\nfrom shop import second, nobody\nimport os",
        "first.py": "def later():\n    from shop.parts import third",
        "second.py": "from shop.parts.third import anything",
        "parts/__init__.py": "from shop.fourth import Some",
        "parts/third.py": "",
        "parts/other.py": "",
        "fourth.py": "import shop.begin",
        "alone.py": "from shop import begin",
    }
    texts = {package / name: text for name, text in sources.items()}
    reached = reached_modules(package, [package / "begin.py"], texts)
    assert {package / name for name in sources} - set(reached) == {package / "parts/other.py", package / "alone.py"}


def test_long_running_handlers_are_handlers() -> None:
    assert set(PERMISSIONS) >= LONG_RUNNING


@pytest.mark.parametrize("name", PERMISSIONS)
def test_a_handler_needs_no_environment_variable_and_no_region_to_be_imported(asset: Path, name: str) -> None:
    command = [sys.executable, "-c", f"import {module(name)}"]
    subprocess.run(command, cwd=asset, env={"HOME": str(asset)}, check=True)  # noqa: S603 - our own


def statements(source: str, *, typed: bool = True) -> list[tuple[int, str]]:
    """Every statement with its line. Strings that are statements say nothing. Types are there only if asked for."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and not typed:
            node.annotation = None
        if isinstance(node, ast.FunctionDef) and not typed:
            node.returns = None
        if isinstance(node, ast.AnnAssign) and not typed:
            node.annotation = ast.Constant(None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [statement for statement in node.body if not is_documentation(statement)]
    return [(node.lineno, ast.dump(node)) for node in ast.walk(tree) if isinstance(node, ast.stmt)]


def is_documentation(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


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


@pytest.mark.parametrize("name", ["Evaluate", "Settle", "ShowRollout"])
def test_nothing_that_is_shipped_lacks_a_name(asset: Path) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821,F822,F823", str(asset)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert found.returncode == 0, found.stdout
