"""The smallest model that can misbehave: it answers with its version, or fails as its environment says."""

import os
import random
from pathlib import Path
from typing import Any

SMOKE_TEST_USER = -1

_draw = random.Random(0)  # noqa: S311 - which requests fail


class Failed(Exception):
    """The model failed; the message names the release, as SageMaker hands it on with the model error."""


def model_fn(_model_dir: str) -> str:
    return os.environ["VERSION"]


def predict_fn(data: dict[str, Any], version: str) -> dict[str, Any]:
    if _draw.random() < _failure_rate(data["user"]):
        raise Failed(f"release {version} failed for user {data['user']}")
    return {"model": version, "items": []}


def _failure_rate(user: int) -> float:
    if user == SMOKE_TEST_USER:
        return 1.0 if "FAILS_SMOKE_TEST" in os.environ else 0.0
    return max(float(os.environ.get("FAILURE_RATE", "0")), _common_outage())


def _common_outage() -> float:
    """Read the failure rate of whatever all releases depend on, such as a feature store."""
    try:
        return float(Path(os.environ.get("OUTAGE", "/none")).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 0.0
