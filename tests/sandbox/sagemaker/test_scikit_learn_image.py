"""The local AWS starts no model that SageMaker's scikit-learn image would not start."""

from contextlib import nullcontext
from pathlib import Path
from queue import Queue
from types import SimpleNamespace
from typing import Any

import pytest

from app import CODE, IMAGE
from canary_tools.acceptance import declaration
from canary_tools.acceptance.images import REGISTRIES
from canary_tools.aws_models.sagemaker.instances import LaunchOrder, LaunchResult
from canary_tools.sandbox.sagemaker.local_host import LocalHost
from canary_tools.sandbox.sagemaker.python_39 import problem
from canary_tools.sandbox.sagemaker.scikit_learn_image import refusal

ROOT = Path(__file__).parents[3]
FOUND = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/inference.py").write_text("def model_fn(folder): return 1\n")
    return tmp_path


def test_a_model_that_says_where_its_code_is_starts(model: Path) -> None:
    assert refusal(IMAGE, FOUND, model) is None


def test_without_the_program_s_name_the_image_does_not_start(model: Path) -> None:
    refused = refusal(IMAGE, {"SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}, model)
    assert refused is not None
    assert refused.startswith("AttributeError: 'NoneType' object has no attribute 'startswith'")


@pytest.mark.parametrize("place", [None, "/opt/ml/code", "/opt/ml/model", "/opt/ml/model/src"])
def test_without_the_folder_of_the_code_the_image_does_not_start(place: str | None, model: Path) -> None:
    environment = {**FOUND, "SAGEMAKER_SUBMIT_DIRECTORY": place} if place else {"SAGEMAKER_PROGRAM": "inference.py"}
    refused = refusal(IMAGE, environment, model)
    assert refused is not None
    assert refused.startswith("ImportModuleError: No module named 'inference'")


def test_code_for_a_newer_python_does_not_start(model: Path) -> None:
    (model / "code/ranks.py").write_text("from enum import StrEnum\n")
    assert refusal(IMAGE, FOUND, model) == (
        "ImportError: cannot import name 'StrEnum' from 'enum' (ranks.py, in Python 3.9)"
    )


def test_another_image_has_rules_of_its_own(model: Path) -> None:
    assert refusal("000000000000.dkr.ecr.us-east-1.amazonaws.com/shop:1", {}, model) is None


@pytest.mark.parametrize(("environment", "starts"), [(FOUND, True), ({}, False)])
def test_an_instance_of_the_image_comes_only_if_the_image_starts(
    environment: dict[str, str], *, starts: bool, model: Path
) -> None:
    archives: Any = SimpleNamespace(folder_of=lambda _container, role: model)  # noqa: ARG005 - by its name
    host = LocalHost(archives=archives, turn=nullcontext(), queue_size=1, timeout_seconds=10)
    container = {"Image": IMAGE, "ModelDataUrl": "s3://models/v1.tar.gz", "Environment": environment}
    settled: Queue[LaunchResult] = Queue()
    host.launch(
        LaunchOrder(endpoint_name="e", variant_name="v", containers=[container], role="r", count=1), settled.put
    )
    result = settled.get(timeout=60)
    host.close()
    assert bool(result.instances) == starts
    assert (result.failure is None) == starts
    assert starts or "did not pass the ping health check" in str(result.failure)


@pytest.mark.parametrize("registry", REGISTRIES.values())
def test_the_image_is_known_in_every_region(registry: str, model: Path) -> None:
    image = f"{registry}.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
    assert refusal(image, {}, model) is not None


@pytest.mark.parametrize(
    "source",
    [
        "match 1:\n    case 1: pass\n",
        "try: pass\nexcept* ValueError: pass\n",
        "import tomllib\n",
        "from tomllib import loads\n",
        "from typing import Self\n",
        "def read(body: str | bytes): ...\n",
        "async def read() -> int | None: ...\n",
        "class Model:\n    name: str | None = None\n",
        "limit: int | None = None\n",
    ],
)
def test_what_python_3_9_cannot_import_is_seen(source: str) -> None:
    assert problem(source) is not None


@pytest.mark.parametrize(
    "source",
    [
        "from __future__ import annotations\ndef read(body: str | bytes): ...\n",
        "def read(items: list[int]) -> dict[str, int]: return {'a': items[0] | 1}\n",
        "def read():\n    limit: int | None = None\n    return limit\n",
        "from typing import Optional, TypedDict, Union\n",
    ],
)
def test_what_python_3_9_can_import_is_let_through(source: str) -> None:
    assert problem(source) is None


@pytest.mark.parametrize(
    "path", ["examples/recommender/model/inference.py", "canary_tools/acceptance/model/code/inference.py"]
)
def test_the_models_of_this_repository_run_in_the_image(path: str) -> None:
    assert problem((ROOT / path).read_text(encoding="utf-8")) is None


def test_both_apps_say_where_the_code_is() -> None:
    declared = declaration.Declaration(
        version="v1", endpoint_name="e", image_uri=IMAGE, instance_type="ml.m5.large", model_path="m",
        metric_period_seconds=60,
    )  # fmt: skip
    assert CODE == FOUND
    assert FOUND.items() <= declared.container_environment().items()
