"""`cdk synth --strict` fails on every warning: the app, the examples and the documents' apps have none."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from app import MODELS
from canary_tools.acceptance.cdk import APP
from canary_tools.acceptance.declaration import VARIABLE, Declaration
from examples.recommender.demo.cdk_app import APP as APP_OF_THE_DEMONSTRATION

pytestmark = pytest.mark.xdist_group("strict")

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
EVERYTHING = {"front_door": "yes", "cohort_percent": "5", "users": "200000", "conversion_namespace": "Shop"}
HINT = re.compile(r"\d+ feature flags are not configured\. Run 'cdk flags --unstable=flags' to learn more\.")
"""What the command says of every app, and no warning."""
WARNING_APP = """
from aws_cdk import Annotations, App, Stack

app = App()
Annotations.of(Stack(app, "Shop")).add_warning_v2("test:warning", "something is wrong")
app.synth()
"""


def strictly(
    app: str, out: Path, *, folder: Path = ROOT, context: Mapping[str, str] | None = None, **environment: str
) -> tuple[int, str]:
    """Synthesise as a pipeline does; return the status, and everything that was said."""
    cdk = shutil.which("cdk", path=f"{ROOT / 'node_modules/.bin'}{os.pathsep}{os.environ['PATH']}")
    assert cdk
    command = [cdk, "synth", "--strict", "--quiet", "--no-color", "--no-notices", f"--app={app}", f"--output={out}"]
    command += [f"--context={name}={value}" for name, value in (context or {}).items()]
    run = subprocess.run(  # noqa: S603 - the command of the CDK on apps of this repository
        command, cwd=folder, env={**os.environ, "CDK_DISABLE_CLI_TELEMETRY": "true", **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = [line for line in (run.stdout + run.stderr).splitlines() if line and not HINT.fullmatch(line)]
    return run.returncode, "\n".join(said)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("team") / MODELS / "v1/model.tar.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(b"v1"))
    return path


def test_the_root_app_is_silent(archive: Path, tmp_path: Path) -> None:
    team = archive.parents[3]
    shutil.copy(ROOT / "cdk.json", team)
    assert strictly(f"{sys.executable} {ROOT / 'app.py'}", tmp_path, folder=team) == (0, "")


def test_the_app_of_the_demonstration_is_silent_with_everything_that_it_can_have(archive: Path, tmp_path: Path) -> None:
    context = {**EVERYTHING, "models": str(archive.parents[1])}
    app = APP_OF_THE_DEMONSTRATION.replace("python", sys.executable, 1)
    assert strictly(app, tmp_path, context=context) == (0, "")


def test_the_app_of_the_acceptance_command_is_silent(archive: Path, tmp_path: Path) -> None:
    declared = Declaration(
        version="v1", endpoint_name="acceptance",
        image_uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/ranker:1", instance_type="ml.m5.large",
        model_path=str(archive), metric_period_seconds=60, tags=(("team", "search"),),
    )  # fmt: skip
    assert strictly(APP, tmp_path, **{VARIABLE: json.dumps(vars(declared))}) == (0, "")


@pytest.mark.parametrize("document", ["README.md", "docs/front-door.md"])
def test_the_app_of_a_document_is_silent(document: str, tmp_path: Path) -> None:
    (snippet,) = [found for found in FENCE.findall((ROOT / document).read_text()) if "App()" in found]
    (tmp_path / "shop.py").write_text(f"{snippet}\napp.synth()\n")
    assert strictly(f"{sys.executable} {tmp_path / 'shop.py'}", tmp_path / "out") == (0, "")


def test_a_warning_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(WARNING_APP)
    status, said = strictly(f"{sys.executable} {tmp_path / 'shop.py'}", tmp_path / "out")
    assert status == 1
    assert "something is wrong" in said
