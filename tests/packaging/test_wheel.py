"""The wheel, built and used as a stranger would: another environment, another folder."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("packaging")

ROOT = Path(__file__).parents[2]
STRANGERS_APP = """
from aws_cdk import App, NestedStack, Stack
from canary_construct import CanaryEndpoint, ModelRelease

RELEASE = ModelRelease(version="v1", image_uri="image", model_data_url="s3://models/v1.tar.gz")

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
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    run(build, folder=ROOT)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def contents(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def stranger(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment that holds the wheel and can see the pinned CDK, and nothing of this checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    run([*install, str(wheel)], folder=folder)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    (site_packages / "pinned.pth").write_text(sysconfig.get_path("purelib"))
    return python


@pytest.fixture(scope="module")
def assembly(stranger: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "app.py").write_text(STRANGERS_APP)
    run([str(stranger), "app.py"], folder=folder, CDK_OUTDIR="out")
    return folder / "out"


def run(command: list[str], *, folder: Path, **variables: str) -> str:
    """Run a command that sees nothing of this checkout through Python's variables, and return what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**kept, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    ended = subprocess.run(  # noqa: S603 - the commands are those of this file
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def resources(assembly: Path, template: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((assembly / template).read_text())["Resources"]
    return found


def test_three_packages_are_installed_and_nothing_beside_them(contents: list[str]) -> None:
    top = {name.split("/")[0] for name in contents}
    assert {name for name in top if not name.endswith(".dist-info")} == {"canary_construct", "canary_tools", "rollout"}


def test_every_handler_is_in_the_wheel(contents: list[str]) -> None:
    inside = {name for name in contents if name.startswith("rollout/")}
    assert inside == {str(file.relative_to(ROOT / "lambdas")) for file in (ROOT / "lambdas").rglob("*.py")}


def test_the_wheel_is_typed_and_holds_no_leftovers(contents: list[str]) -> None:
    assert "canary_construct/py.typed" in contents
    assert not [name for name in contents if "__pycache__" in name or name.endswith((".pyc", ".tar.gz"))]


def test_the_wheel_asks_for_the_cdk_and_nothing_else_unless_told(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        lines = archive.read(metadata).decode().splitlines()
    needs = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    always = {need.split("<")[0].split(">")[0] for need in needs if "extra ==" not in need}
    assert always == {"aws-cdk-lib", "constructs"}


def test_the_installed_library_is_the_wheels(stranger: Path, tmp_path: Path) -> None:
    show = "import canary_construct; print(canary_construct.__file__)"
    assert run([str(stranger), "-c", show], folder=tmp_path).startswith(str(stranger.parents[1]))


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
    (code,) = {
        resource["Properties"]["Code"]["S3Key"].removesuffix(".zip")
        for resource in resources(assembly, "Shop.template.json").values()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    shipped = assembly / f"asset.{code}"
    checkout = {file.relative_to(ROOT / "lambdas") for file in (ROOT / "lambdas").rglob("*.py")}
    assert {file.relative_to(shipped) for file in shipped.rglob("*") if file.is_file()} == checkout
    assert all((shipped / file).read_bytes() == (ROOT / "lambdas" / file).read_bytes() for file in checkout)
