"""Dependencies point one way: app, examples → canary_construct → aws_cdk, rollout → boto3; nothing → canary_tools."""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OF_AWS_LAMBDA = {"boto3", "botocore", "dateutil"}
"""botocore needs dateutil, and so does jsii."""
OF_THE_CDK = {"aws_cdk", "constructs", "jsii"}
CDK_APP = ROOT / "canary_tools/acceptance/app.py"
"""A CDK app that a wheel must hold: `cdk synth` runs it in a process of its own, and no module imports it."""


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(source: Path) -> Iterator[str]:
    """Yield the top-level name of every import, those for type checking and inside of functions included."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: imports are absolute"
            assert node.module is not None
            yield node.module.split(".")[0]


def third_parties(folder: str, *, without: Path | None = None) -> set[str]:
    names = {name for source in sources(folder) if source != without for name in imported(source)}
    return names - set(sys.stdlib_module_names)


@pytest.mark.parametrize("folder", ["lambdas", "canary_construct", "canary_tools", "client", "examples"])
def test_the_folder_is_there(folder: str) -> None:
    assert sources(folder)


def test_what_runs_in_aws_needs_what_lambda_has() -> None:
    assert third_parties("lambdas") <= {"rollout", *OF_AWS_LAMBDA}


def test_the_library_needs_the_cdk_and_nothing_else() -> None:
    assert third_parties("canary_construct") <= {"canary_construct", "rollout", *OF_THE_CDK}


def test_the_app_to_copy_needs_the_library_and_the_cdk() -> None:
    assert set(imported(ROOT / "app.py")) - set(sys.stdlib_module_names) <= {"canary_construct", *OF_THE_CDK}


def test_the_client_needs_boto3_and_nothing_else() -> None:
    assert third_parties("client") <= {"canary_construct_client", "boto3", "botocore"}


def test_what_runs_beside_aws_starts_no_node() -> None:
    assert not third_parties("canary_tools", without=CDK_APP) & {"canary_construct", "cdk_nag", *OF_THE_CDK}


def test_no_module_imports_the_cdk_app_of_the_tools() -> None:
    module = "canary_tools.acceptance.app"
    texts = [source.read_text() for source in sources("canary_tools") if source != CDK_APP]
    assert not [text for text in texts if f"import {module}" in text or f"from {module}" in text]


def test_what_ships_does_not_know_its_tools_examples_or_tests() -> None:
    for folder in ("lambdas", "canary_construct", "canary_tools", "client"):
        assert not third_parties(folder) & {"tests", "examples", "bench", "app"}
    assert "canary_tools" not in third_parties("lambdas") | third_parties("canary_construct")


def modules(package: str) -> dict[str, Path]:
    """Return the sources of a package by their module names."""
    above = (ROOT / package).parent
    names = {source: ".".join(source.relative_to(above).with_suffix("").parts) for source in sources(package)}
    return {name.removesuffix(".__init__"): source for source, name in names.items()}


def imported_modules(source: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """Yield the imported modules of the same package, those for type checking and inside of functions included."""
    for node in ast.walk(ast.parse(source.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            longer = {f"{node.module}.{alias.name}" for alias in node.names}
            names = [name if name in known else str(node.module) for name in longer]
        yield from (name for name in names if name in known)


def room(module: str, known: Mapping[str, Path]) -> str:
    """Return the folder of a module. A file that stands beside folders is a room of its own."""
    source = known[module]
    beside_folders = any(child.is_dir() and any(child.glob("*.py")) for child in source.parent.iterdir())
    return module if source.name == "__init__.py" or beside_folders else module.rpartition(".")[0]


def arrows(package: str) -> dict[str, set[str]]:
    """Return which rooms of a package each of its rooms imports."""
    known = modules(package)
    found: dict[str, set[str]] = defaultdict(set)
    for module, source in known.items():
        here = room(module, known)
        found[here] |= {room(imported, known) for imported in imported_modules(source, known)} - {here}
    return found


@pytest.mark.parametrize(("package", "rooms"), [("canary_construct", 9), ("lambdas/rollout", 10), ("canary_tools", 20)])
def test_no_folders_import_each_other_in_a_circle(package: str, rooms: int) -> None:
    """At least so many rooms are looked at: without folders there would be no circle either."""
    found = arrows(package)
    assert len(found) >= rooms
    try:
        TopologicalSorter(found).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_the_recommender_s_shop_and_model_do_not_know_each_other_or_the_demonstration() -> None:
    found = arrows("examples")
    model, shop, demo = (f"examples.recommender.{folder}" for folder in ("model", "shop", "demo"))
    assert (found[model], found[shop], found[demo]) == (set(), set(), {model, shop})


def test_the_diagram_of_the_rooms_is_what_the_imports_say() -> None:
    drawn = set(re.findall(r"^  (\w+) --> (\w+)$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE))
    package = "canary_construct"
    assert drawn == {
        (importer.split(".")[1], imported.split(".")[1])
        for importer, rooms in arrows(package).items()
        for imported in rooms
        if importer != package
    }
