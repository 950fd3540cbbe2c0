"""Routing: which variant answers a request, and which of its instances."""

import random
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.sagemaker.variants import Fleet, Variant


class Busy(Protocol):
    """Something that knows how many requests it holds."""

    @property
    def load(self) -> int:
        """The number of requests that run or wait."""
        ...


_Instance = TypeVar("_Instance", bound=Busy)


def choose_variant(fleet: Fleet, target: str | None, generator: random.Random) -> Variant:
    """Return the variant that answers a request.

    A request that names a target variant goes to it, even if its weight is 0. All others are split by
    weight / sum of weights.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-ab-testing.html

    Raises:
        ApiError: `ValidationError` for an unknown target; `ServiceUnavailable` if the weights of all variants are 0.
    """
    if target is not None:
        if target not in fleet.variants:
            raise ApiError("ValidationError", f"Variant {target} not found for Request")
        return fleet.variants[target]
    weights = {name: variant.current_weight for name, variant in fleet.variants.items()}
    if sum(weights.values()) <= 0:
        raise ApiError("ServiceUnavailable", "No production variant takes traffic.", status=503)
    return fleet.variants[_draw(weights, generator)]


def least_busy(instances: Sequence[_Instance]) -> _Instance:
    """Return the instance with the fewest requests; of equal ones, the first."""
    return min(instances, key=lambda instance: instance.load)


def _draw(weights: Mapping[str, float], generator: random.Random) -> str:
    return generator.choices(list(weights), weights=list(weights.values()))[0]
