"""The smallest model that can fail: it answers with its version, or fails a share of the requests.

It runs in SageMaker's scikit-learn image, whose Python is 3.9.
Source: https://github.com/aws/sagemaker-scikit-learn-container (docker/1.2-1)
"""

import json
import os
import random
from typing import Tuple, Union

VISIT, FAIL = "visit", "fail"
"""A request that may fail, and one that does; any other is answered."""

_draw = random.Random()  # noqa: S311 - which requests fail


class Failed(Exception):
    """The model failed as it was told to."""


def model_fn(_model_dir: str) -> str:
    """Return the release's version; there is nothing to load."""
    return os.environ["VERSION"]


def input_fn(body: Union[str, bytes], _content_type: str) -> str:
    """Read what kind of request it is."""
    return str(json.loads(body)["kind"])


def predict_fn(kind: str, version: str) -> str:
    """Return the version.

    Raises:
        Failed: as the environment or the request says.
    """
    share = float(os.environ["FAIL_PERCENT"]) / 100
    if kind == FAIL or (kind == VISIT and _draw.random() < share):
        raise Failed(f"release {version} failed")
    return version


def output_fn(version: str, _accept: str) -> Tuple[str, str]:
    """Write the answer and its type."""
    return json.dumps({"version": version}), "application/json"
