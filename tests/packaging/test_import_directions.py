"""Dependencies point one way: app, examples → canary_construct → aws_cdk, rollout → boto3; nothing → canary_tools."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OF_AWS_LAMBDA = {"boto3", "botocore"}
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
