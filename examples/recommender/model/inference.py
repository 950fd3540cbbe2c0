"""What runs inside the endpoint's container: the same code in every release, only ``model.json`` differs.

It runs in SageMaker's scikit-learn image, whose Python is 3.9. The four functions are SageMaker's inference contract.
Source: https://sagemaker.readthedocs.io/en/stable/frameworks/pytorch/using_pytorch.html#serve-a-pytorch-model
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, TypedDict, cast

ANSWER_LENGTH = 10


class Model(TypedDict):
    """The content of ``model.json``."""

    name: str
    popular: list[int]
    """Item ids, the most popular first. They fill up an answer that is too short."""
    history: list[list[int]]
    """Per user id, the items that the user already has."""
    neighbours: list[list[list[int]]]
    """Per item id, pairs of (similar item, similarity in thousandths). Empty: recommend what is popular."""
    profile_lookup_ms: list[int]
    """Milliseconds to load a visitor's profile; user n takes entry n modulo the length. Empty: nothing is loaded."""


class Recommendation(TypedDict):
    """One answer; ``model`` names the release that gave it."""

    user: int
    items: list[int]
    model: str


class NoRecommendation(Exception):
    """The model failed; the message begins with the release, as SageMaker hands it on with the model error."""


def model_fn(model_dir: str) -> Model:
    """Load the artefact that the training packed."""
    return cast("Model", json.loads(Path(model_dir, "model.json").read_text(encoding="utf-8")))


def input_fn(body: str | bytes, content_type: str) -> int:
    """Read the user id out of ``{"user": 17}``.

    Raises:
        ValueError: the content type or the body is not JSON.
        KeyError: the body names no user.

    """
    if content_type.partition(";")[0].strip() != "application/json":
        raise ValueError(f"content type must be application/json, got {content_type}")
    request: dict[str, Any] = json.loads(body)
    return int(request["user"])


def predict_fn(user: int, model: Model) -> Recommendation:
    """Answer with ten items that the user does not have yet.

    Raises:
        NoRecommendation: anything went wrong.

    """
    load_profile(user, model)
    try:
        return {"user": user, "items": recommend(user, model), "model": model["name"]}
    except Exception as error:
        raise NoRecommendation(f"release {model['name']} failed for user {user}: {error!r}") from error


def output_fn(prediction: Recommendation, _accept: str) -> tuple[str, str]:
    """Render the answer as JSON, whatever the caller accepts, and name its type."""
    return json.dumps(prediction), "application/json"


def load_profile(user: int, model: Model) -> None:
    """Wait as long as the look-up of the user's profile takes; only v4 has such a look-up."""
    waits = model["profile_lookup_ms"]
    if waits:
        time.sleep(waits[user % len(waits)] / 1000)


def recommend(user: int, model: Model) -> list[int]:
    """Rank the neighbours of what the user has, then fill up with what is popular.

    A user who is not in the history is new and gets what is popular.
    """
    owned = model["history"][user] if user < len(model["history"]) else []
    scores: defaultdict[int, int] = defaultdict(int)
    if model["neighbours"]:
        for item in owned:
            for neighbour, similarity in model["neighbours"][item]:
                scores[neighbour] += similarity
    ranked = sorted(scores, key=lambda item: (-scores[item], item))
    excluded = set(owned)
    candidates = dict.fromkeys([*ranked, *model["popular"]])
    return [item for item in candidates if item not in excluded][:ANSWER_LENGTH]
