"""A model that says what reached it."""

import json
from typing import Any


class Failed(Exception):
    """The model failed."""


def model_fn(_model_dir: str) -> None:
    return None


def input_fn(body: bytes, content_type: str) -> dict[str, Any]:
    if content_type == "application/json":
        asked: dict[str, Any] = json.loads(body)
        return {"asked": asked, "content_type": content_type, "bytes": body}
    return {"asked": {}, "content_type": content_type, "bytes": body}


def predict_fn(data: dict[str, Any], _model: None) -> dict[str, Any]:
    if "fail" in data["asked"]:
        raise Failed(data["asked"]["fail"])
    return data


def output_fn(data: dict[str, Any], accept: str) -> tuple[bytes, str]:
    if accept == "application/octet-stream":
        return bytes(reversed(data["bytes"])), accept
    seen = {"content_type": data["content_type"], "hex": data["bytes"].hex()}
    return json.dumps(seen).encode(), "application/json"
