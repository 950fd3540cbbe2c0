"""Calls that come too fast, or at the wrong time."""

import pytest

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.api.throttle import Throttle
from canary_tools.clock import VirtualClock


def refused(throttle: Throttle, operation: str) -> bool:
    try:
        throttle.admit(operation)
    except ApiError as error:
        return (error.code, error.message) == ("ThrottlingException", "Rate exceeded")
    return False


def test_a_burst_of_changes_is_throttled_and_recovers() -> None:
    clock = VirtualClock()
    throttle = Throttle(clock=clock, calls_per_second=5)
    assert [refused(throttle, "UpdateEndpoint") for _ in range(21)] == [False] * 20 + [True]
    clock.advance_to(1)
    assert [refused(throttle, "UpdateEndpoint") for _ in range(6)] == [False] * 5 + [True]


def test_reads_are_not_throttled() -> None:
    throttle = Throttle(clock=VirtualClock(), calls_per_second=1)
    assert not any(refused(throttle, "DescribeEndpoint") for _ in range(100))


@pytest.mark.parametrize("operation", ["UpdateEndpoint", "DescribeEndpoint"])
def test_an_ordered_refusal_ends_with_its_time(operation: str) -> None:
    clock = VirtualClock()
    throttle = Throttle(clock=clock, calls_per_second=5)
    throttle.refuse(operation, 10)
    assert refused(throttle, operation)
    assert not refused(throttle, "ListEndpoints")
    clock.advance_to(10)
    assert not refused(throttle, operation)
