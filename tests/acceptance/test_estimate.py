"""What a run is said to cost and to take."""

import pytest

from canary_tools.acceptance.account import CannotStart
from canary_tools.acceptance.estimate import estimate


@pytest.mark.parametrize("instance_type", ["ml.m5.large", "ml.c5.large"])
def test_a_run_costs_less_than_five_dollars_and_takes_less_than_two_hours(instance_type: str) -> None:
    expected = estimate(instance_type)
    assert 0 < expected.dollars < 5
    assert 60 < expected.minutes < 120


def test_a_type_whose_price_is_not_known_is_refused() -> None:
    with pytest.raises(CannotStart, match=r"ml\.p9\.large"):
        estimate("ml.p9.large")
