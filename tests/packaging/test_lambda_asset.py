"""What runs in AWS is small and starts quickly."""

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
from canary_construct.permissions.by_handler import PERMISSIONS

pytestmark = pytest.mark.xdist_group("packaging")

ROOT = Path(__file__).parents[2]
MAX_ASSET_BYTES = 90_000
ROUNDS = 3
MAX_RATIO = 1.1
MAX_RATIO_OF_THE_JUDGE = 1.3
"""`Evaluate` loads every gate. It is called once a minute and so stays warm."""
MEASURE = """
import importlib, sys, time
start = time.perf_counter()
import boto3
between = time.perf_counter()
importlib.import_module(sys.argv[1])
print((between - start), (time.perf_counter() - between))
"""


@pytest.fixture(scope="module")
def asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The handlers away from this checkout, compiled as boto3 is."""
    folder = tmp_path_factory.mktemp("lambda") / "asset"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(rollout.__file__).parent, folder / "rollout", ignore=ignore)
    compileall.compile_dir(folder, quiet=1)
    return folder


def module(name: str) -> str:
    return f"rollout.handlers.{_module(name)}"


def seconds(asset: Path, name: str) -> tuple[float, float]:
    """Return the seconds that boto3 takes, and those that the handler takes after it."""
    command = [sys.executable, "-c", MEASURE, module(name)]
    measured = subprocess.run(command, cwd=asset, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    boto3, handler = measured.stdout.split()
    return float(boto3), float(handler)


def test_the_asset_is_small(asset: Path, tmp_path: Path) -> None:
    archive = tmp_path / "asset.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for file in sorted(asset.rglob("*.py")):
            zipped.write(file, file.relative_to(asset))
    assert archive.stat().st_size < MAX_ASSET_BYTES


@pytest.mark.parametrize("name", PERMISSIONS)
def test_a_handler_adds_little_to_the_import_of_boto3(asset: Path, name: str) -> None:
    """The quickest of some runs: others may be busy on this machine."""
    runs = [seconds(asset, name) for _ in range(ROUNDS)]
    boto3, handler = (min(times) for times in zip(*runs, strict=True))
    assert 1 + handler / boto3 < (MAX_RATIO_OF_THE_JUDGE if name == "Evaluate" else MAX_RATIO)


def test_every_handler_of_the_table_is_there_and_takes_an_event(asset: Path) -> None:
    for name in PERMISSIONS:
        source = (asset / "rollout" / "handlers" / f"{_module(name)}.py").read_text()
        assert re.search(r"^def handler\(event: ", source, re.MULTILINE)


def test_long_running_handlers_are_handlers() -> None:
    assert set(PERMISSIONS) >= LONG_RUNNING


@pytest.mark.parametrize("name", PERMISSIONS)
def test_a_handler_needs_no_environment_variable_and_no_region_to_be_imported(asset: Path, name: str) -> None:
    command = [sys.executable, "-c", f"import {module(name)}"]
    subprocess.run(command, cwd=asset, env={"HOME": str(asset)}, check=True)  # noqa: S603 - our own
