"""How requests are split."""

import random
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.sagemaker.routing import choose_variant, least_busy


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - splits traffic


def fleet(**weights: float) -> Any:
    variants = {name: SimpleNamespace(name=name, current_weight=weight) for name, weight in weights.items()}
    return SimpleNamespace(variants=variants)


@given(st.integers(min_value=1, max_value=99), st.integers(min_value=0, max_value=10_000))
def test_shares_follow_weight_over_sum(percent: int, seed: int) -> None:
    generator, served = seeded(seed), fleet(a=200 - 2 * percent, b=2 * percent)
    drawn = Counter(choose_variant(served, None, generator).name for _ in range(500))
    spread = 5 * (500 * percent / 100 * (1 - percent / 100)) ** 0.5
    assert abs(drawn["b"] - 5 * percent) <= spread + 1


def test_weight_zero_gets_nothing_unless_it_is_the_target() -> None:
    generator, served = seeded(0), fleet(a=100, b=0)
    assert {choose_variant(served, None, generator).name for _ in range(1000)} == {"a"}
    assert choose_variant(served, "b", generator).name == "b"


def test_an_unknown_target_is_a_validation_error() -> None:
    with pytest.raises(ApiError) as refused:
        choose_variant(fleet(a=1), "x", seeded(0))
    assert (refused.value.code, refused.value.message) == ("ValidationError", "Variant x not found for Request")


def test_without_any_weight_the_service_is_unavailable() -> None:
    with pytest.raises(ApiError) as refused:
        choose_variant(fleet(a=0), None, seeded(0))
    assert (refused.value.code, refused.value.status) == ("ServiceUnavailable", 503)


def test_the_least_busy_instance_is_chosen() -> None:
    instances = [SimpleNamespace(load=load) for load in (3, 1, 2)]
    assert least_busy(instances).load == 1
