"""Each folder of `canary_tools` can be read alone: imports make no cycle, and the models know no emulator."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = "canary_tools"
MODELS = f"{TOOLS}.aws_models"
Arrows = Mapping[str, set[str]]


def imported_modules(source: Path) -> Iterator[str]:
    """Yield every imported module, those for type checking and inside of functions included."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            folders = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if path_of(name).is_dir() else node.module for name in folders)


def path_of(module: str) -> Path:
    return ROOT / module.replace(".", "/")


def folder_of(module: str) -> str:
    return module if path_of(module).is_dir() else module.rpartition(".")[0]


def arrows(top: str) -> Arrows:
    """Return which folders of this repository each folder at or below `top` imports."""
    found: dict[str, set[str]] = defaultdict(set)
    for source in sorted(path_of(top).rglob("*.py")):
        here = ".".join(source.parent.relative_to(ROOT).parts)
        mine = {folder_of(module) for module in imported_modules(source) if module.split(".")[0] == TOOLS}
        found[here] |= mine - {here}
    return found


@pytest.mark.parametrize("top", [MODELS, f"{TOOLS}.sandbox", f"{TOOLS}.rehearsal"])
def test_no_folders_import_each_other_in_a_circle(top: str) -> None:
    assert len(arrows(top)) > 1
    try:
        TopologicalSorter(arrows(top)).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_the_models_of_aws_know_neither_the_sandbox_nor_the_rehearsal() -> None:
    known = {folder for folders in arrows(MODELS).values() for folder in folders}
    assert {folder for folder in known if not folder.startswith(MODELS)} == {TOOLS}  # the clock


def test_the_models_of_aws_need_the_standard_library_and_the_names_of_aws_alone() -> None:
    """So they hold no protocol, no emulator and no client of AWS."""
    modules = {module for source in path_of(MODELS).rglob("*.py") for module in imported_modules(source)}
    others = {module for module in modules if module.split(".")[0] not in {TOOLS, *sys.stdlib_module_names}}
    assert others == {"rollout.contract.names"}


def test_the_clock_imports_no_other_tool() -> None:
    assert not [module for module in imported_modules(ROOT / TOOLS / "clock.py") if module.startswith(TOOLS)]


@pytest.mark.parametrize(("one", "other"), [("sagemaker", "autoscaling"), ("autoscaling", "sagemaker")])
def test_sagemaker_and_auto_scaling_can_be_read_alone(one: str, other: str) -> None:
    assert f"{MODELS}.{other}" not in arrows(f"{MODELS}.{one}")[f"{MODELS}.{one}"]


def test_the_sandbox_does_not_know_the_rehearsal() -> None:
    known = {folder for folders in arrows(f"{TOOLS}.sandbox").values() for folder in folders}
    assert not [folder for folder in known if folder.startswith(f"{TOOLS}.rehearsal")]


def test_there_is_one_error_of_an_api() -> None:
    classes = [
        f"{source.relative_to(ROOT)}"
        for source in path_of(TOOLS).rglob("*.py")
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.ClassDef) and node.name == "ApiError"
    ]
    assert classes == [f"{TOOLS}/aws_models/api/errors.py"]
