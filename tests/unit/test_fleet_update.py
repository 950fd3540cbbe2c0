"""How SageMaker swaps a fleet: what the value refuses, and how long it takes."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Duration, Stack
from hypothesis import given
from hypothesis import strategies as st

from canary_construct import FleetUpdate
from canary_tools.aws_models.sagemaker.fleet_swap import SwapPlan
from tests.aws_models.fleets import fleet, routed

SECONDS = st.integers(0, 900)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: FleetUpdate.canary(percent=0),
            "percent of a canary fleet update must be between 1 and 50, got 0",
        ),
        (
            lambda: FleetUpdate.canary(percent=51),
            "percent of a canary fleet update must be between 1 and 50, got 51",
        ),
        (
            lambda: FleetUpdate.linear(percent=9),
            "percent of a linear fleet update must be between 10 and 50, got 9",
        ),
        (
            lambda: FleetUpdate.canary(percent=10, wait=Duration.seconds(3601)),
            "wait of a fleet update must be between 0 and 3,600 s, got 3,601 s",
        ),
        (
            lambda: FleetUpdate.all_at_once(termination_wait=Duration.hours(2)),
            "termination_wait of a fleet update must be between 0 and 3,600 s, got 7,200 s",
        ),
        (
            lambda: FleetUpdate.all_at_once(timeout=Duration.seconds(599)),
            "timeout of a fleet update must be between 600 and 28,800 s, got 599 s",
        ),
        (
            lambda: FleetUpdate.canary(percent=10, timeout=Duration.minutes(10)),
            "all waits of a fleet update together must be shorter than its timeout of 600 s, got 600 s",
        ),
        (
            lambda: FleetUpdate.linear(percent=10, wait=Duration.hours(1)),
            "all waits of a fleet update together must be shorter than SageMaker's limit of 28,800 s, got 32,700 s",
        ),
    ],
)
def test_what_sagemaker_would_refuse_is_refused(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole sentence is compared
        make()
    assert str(refusal.value) == sentence


def test_values_of_deploy_time_are_refused() -> None:
    number = CfnParameter(Stack(App(), "Shop"), "Number", type="Number").value_as_number
    with pytest.raises(ValueError, match=r"percent of FleetUpdate\.canary must be known at synth"):
        FleetUpdate.canary(percent=int(number))
    with pytest.raises(ValueError, match=r"wait of FleetUpdate\.canary must be known at synth"):
        FleetUpdate.canary(percent=10, wait=Duration.seconds(number))


@given(percent=st.integers(10, 50), linear=st.booleans(), wait=SECONDS, last=SECONDS)
def test_the_local_aws_takes_what_the_value_says_in_as_many_steps(
    percent: int, *, linear: bool, wait: int, last: int
) -> None:
    make: Callable[..., FleetUpdate] = FleetUpdate.linear if linear else FleetUpdate.canary
    update = make(percent=percent, wait=Duration.seconds(wait), termination_wait=Duration.seconds(last))
    config: dict[str, Any] = routed(update.strategy, percent=percent, wait=wait, last=last)
    plan = SwapPlan.of(config, old=fleet("old"), new=fleet("new"))
    assert list(plan.shares) == list(update.shares)
    assert (len(plan.shares) - 1) * plan.wait + plan.termination_wait == update.waits_seconds
