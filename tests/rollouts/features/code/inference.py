"""The first container of a pipeline: it adds what the model needs to know of a user."""

from typing import Any


def model_fn(_model_dir: str) -> int:
    return 7


def predict_fn(data: dict[str, Any], favourites: int) -> dict[str, Any]:
    return {**data, "favourites": favourites}
