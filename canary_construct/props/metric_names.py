"""What CloudWatch takes as the name of a metric."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rollout.contract.names import ENDPOINT_DIMENSION, VARIANT_DIMENSION

from canary_construct.border.texts import check_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"(?!:)(?=.*\S)[ -~]{1,255}")
_VALUE = re.compile(r"(?=.*\S)[ -~]{1,1024}")
MOST_DIMENSIONS = 28
"""CloudWatch takes 30; endpoint and variant are two of them."""


def check_metric_names(**names: str) -> None:
    """Refuse a namespace or a metric that CloudWatch does not take: nobody can publish it, and reading it fails.

    Raises:
        ValueError: with what the caller gave it for.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
    """
    for prop, name in names.items():
        allowed = "be 1 to 255 ASCII characters that begin with no colon, as CloudWatch takes them"
        check_text(prop, name, _NAME, allowed)


def check_dimensions(dimensions: Mapping[str, str]) -> None:
    """Refuse dimensions that CloudWatch does not take, and those that the library adds.

    Raises:
        ValueError: with the first one, or how many there are.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
    """
    for name in (ENDPOINT_DIMENSION, VARIANT_DIMENSION):
        if name in dimensions:
            raise ValueError(f"dimensions must leave {name} out: the library adds it")
    if len(dimensions) > MOST_DIMENSIONS:
        raise ValueError(f"dimensions must be at most {MOST_DIMENSIONS}, got {len(dimensions)}")
    for name, value in dimensions.items():
        check_metric_names(dimensions=name)
        check_text("dimensions", value, _VALUE, "have values of 1 to 1,024 ASCII characters", why=f" in {name}")
