"""The wheel, built and used as a stranger would: another environment, another folder."""

import json
from pathlib import Path
from typing import Any

import pytest

from canary_construct.handlers.functions import _module, handlers_by_asset
from canary_construct.handlers.shipped_code import shipped_folder
from canary_tools.acceptance.declaration import STACK_NAME, VARIABLE, Declaration
from tests.packaging import wheels
from tests.packaging.wheels import ROOT, Environment

pytestmark = pytest.mark.xdist_group("packaging")

STRANGERS_APP = """
from aws_cdk import App, NestedStack, Stack
from canary_construct import CanaryEndpoint, ModelRelease

RELEASE = ModelRelease(version="v1", image_uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/ranker:1", model_data_url="s3://models/v1.tar.gz")

def endpoint(scope, name):
    CanaryEndpoint(scope, name, release=RELEASE, instance_type="ml.m5.xlarge")

app = App()
shop = Stack(app, "Shop")
endpoint(shop, "Recommender")
endpoint(shop, "Ranker")
endpoint(Stack(app, "Search"), "Ranker")
endpoint(NestedStack(Stack(app, "Outer"), "Inner"), "Ranker")
app.synth()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheels.build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def stranger(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment that holds the wheel and can see the pinned CDK, and nothing of this checkout."""
    return wheels.beside_the_pinned(tmp_path_factory.mktemp("environment"), wheel)


@pytest.fixture(scope="module")
def assembly(stranger: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "app.py").write_text(STRANGERS_APP)
    stranger.run("app.py", folder=folder, CDK_OUTDIR="out")
    return folder / "out"


def resources(assembly: Path, template: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((assembly / template).read_text())["Resources"]
    return found


def test_three_packages_are_installed_and_nothing_beside_them(wheel: Path) -> None:
    """The application's client is no part of the library: it is a distribution of its own."""
    assert wheels.packages(wheel) == {"canary_construct", "canary_tools", "rollout"}


def test_every_handler_is_in_the_wheel(wheel: Path) -> None:
    inside = {name for name in wheels.contents(wheel) if name.startswith("rollout/") and name.endswith(".py")}
    assert inside == {str(file.relative_to(ROOT / "lambdas")) for file in (ROOT / "lambdas").rglob("*.py")}


def test_the_wheel_is_typed_and_holds_no_leftovers(wheel: Path) -> None:
    contents = wheels.contents(wheel)
    assert {f"{package}/py.typed" for package in wheels.packages(wheel)} <= set(contents)
    assert not [name for name in contents if "__pycache__" in name or name.endswith((".pyc", ".tar.gz"))]


def test_the_wheel_asks_for_the_cdk_and_nothing_else_unless_told(wheel: Path) -> None:
    assert wheels.needs(wheel) == {"aws-cdk-lib", "constructs"}


@pytest.mark.parametrize("package", ["canary_construct", "canary_tools", "rollout"])
def test_the_installed_packages_are_the_wheels(stranger: Environment, tmp_path: Path, package: str) -> None:
    show = f"import {package}; print({package}.__file__)"
    assert stranger.run("-c", show, folder=tmp_path).startswith(str(stranger.site_packages))


def test_an_app_in_another_folder_can_have_endpoints_wherever_it_likes(assembly: Path) -> None:
    nested = next(assembly.glob("Outer*nested.template.json")).name
    templates = ("Shop.template.json", "Search.template.json", nested)
    endpoints = [
        resource["Properties"]["EndpointName"]
        for template in templates
        for resource in resources(assembly, template).values()
        if resource["Type"] == "AWS::SageMaker::Endpoint"
    ]
    assert len(set(endpoints)) == 4


def test_the_handlers_that_an_installed_library_ships_are_those_of_the_checkout(assembly: Path) -> None:
    shipped = {
        resource["Properties"]["Code"]["S3Key"].removesuffix(".zip")
        for resource in resources(assembly, "Shop.template.json").values()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    checkout = [
        _contents(shipped_folder(ROOT / "lambdas" / "rollout", tuple(map(_module, names))))
        for names in handlers_by_asset()
    ]
    assert len(shipped) == len(checkout)
    assert all(_contents(assembly / f"asset.{code}") in checkout for code in shipped)


def _contents(folder: Path) -> dict[Path, bytes]:
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_acceptance_stack_and_its_model_are_in_the_wheel(stranger: Environment, tmp_path: Path) -> None:
    declared = Declaration(
        version="v1",
        endpoint_name="shop",
        image_uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/ranker:1",
        instance_type="ml.m5.large",
        model_path=str(stranger.site_packages / "canary_tools" / "acceptance" / "model"),
        metric_period_seconds=60,
    )
    variables = {VARIABLE: declared.to_json(), "CDK_OUTDIR": "out"}
    stranger.run("-P", "-m", "canary_tools.acceptance.app", folder=tmp_path, **variables)
    kinds = {resource["Type"] for resource in resources(tmp_path / "out", f"{STACK_NAME}.template.json").values()}
    assert "AWS::SageMaker::Endpoint" in kinds
