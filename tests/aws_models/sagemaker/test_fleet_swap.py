"""Deployment guardrails of the local SageMaker."""

import random
from typing import Any

import pytest

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.sagemaker.fleet_swap import SwapPlan
from tests.aws_models.conftest import TIMING, VirtualSageMaker
from tests.aws_models.fleets import fleet, routed

LAUNCH = TIMING.fleet_update_seconds
STEPS = routed("CANARY", percent=30, wait=300, last=120, alarms=["errors"])


def swapping(sagemaker: VirtualSageMaker, config: dict[str, Any] = STEPS) -> dict[str, str]:
    """Begin to swap the fleet for that of the config `second`; return the states of the alarms, which a test sets."""
    alarms = {"errors": "OK"}
    sagemaker.hosting.endpoints.alarm_state = alarms.get
    sagemaker.serve()
    sagemaker.add_config("second", {"variant-a": ("v1", 100, 2), "variant-b": ("v2", 0, 1)})
    sagemaker.update("second", DeploymentConfig=config)
    return alarms


def answering(sagemaker: VirtualSageMaker) -> float:
    """Return the share of the requests that the new fleet answers."""
    endpoint, generator = sagemaker.hosting.endpoints.find("shop"), random.Random(1)  # noqa: S311 - splits traffic
    fleets = [endpoint.answering(generator) for _ in range(1000)]
    return sum(each is not None and each.config_name == "second" for each in fleets) / len(fleets)


def test_a_canary_gets_its_share_then_everything_and_the_old_fleet_ends_last(sagemaker: VirtualSageMaker) -> None:
    swapping(sagemaker)
    sagemaker.wait(LAUNCH - 1)
    assert answering(sagemaker) == 0
    sagemaker.wait(1)
    assert answering(sagemaker) == pytest.approx(0.3, abs=0.05)
    assert (sagemaker.describe()["EndpointStatus"], sagemaker.describe()["EndpointConfigName"]) == ("Updating", "first")
    sagemaker.wait(300)
    assert answering(sagemaker) == 1
    assert sagemaker.describe()["EndpointStatus"] == "Updating"
    sagemaker.wait(120)
    described = sagemaker.describe()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "second")
    assert "PendingDeploymentSummary" not in described


def test_a_linear_swap_takes_equal_steps(sagemaker: VirtualSageMaker) -> None:
    swapping(sagemaker, routed("LINEAR", percent=50, wait=60, last=0))
    sagemaker.wait(LAUNCH)
    assert answering(sagemaker) == pytest.approx(0.5, abs=0.05)
    sagemaker.wait(60)
    assert sagemaker.describe()["EndpointConfigName"] == "second"


@pytest.mark.parametrize("after", [0, 200, 400])
def test_an_alarm_in_any_step_gives_everything_back_to_the_old_fleet(sagemaker: VirtualSageMaker, after: int) -> None:
    alarms = swapping(sagemaker)
    sagemaker.wait(LAUNCH + after)
    alarms["errors"] = "ALARM"
    sagemaker.wait(2)
    assert sagemaker.describe()["EndpointStatus"] == "RollingBack"
    assert answering(sagemaker) == 0
    sagemaker.wait(TIMING.weight_update_seconds)
    described = sagemaker.describe()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "first")
    assert "errors" in described["FailureReason"]
    assert sagemaker.variants() == {"variant-a": (100.0, 2), "variant-b": (0.0, 1)}


def test_why_may_not_be_told(sagemaker: VirtualSageMaker) -> None:
    sagemaker.hosting.endpoints.fleet_rollback_reason_is_told = False
    alarms = swapping(sagemaker)
    alarms["errors"] = "ALARM"
    sagemaker.wait(LAUNCH + TIMING.weight_update_seconds)
    described = sagemaker.describe()
    assert (described["EndpointConfigName"], described.get("FailureReason")) == ("first", None)


def test_a_swap_that_takes_longer_than_its_limit_goes_back(sagemaker: VirtualSageMaker) -> None:
    swapping(sagemaker, routed("ALL_AT_ONCE", last=500, timeout=int(LAUNCH) + 100))
    sagemaker.wait(LAUNCH + 101 + TIMING.weight_update_seconds)
    described = sagemaker.describe()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "first")
    assert "maximum execution time" in described["FailureReason"]


def test_an_endpoint_that_is_made_needs_no_swap(sagemaker: VirtualSageMaker) -> None:
    sagemaker.add_config("first", {"variant-a": ("v1", 100, 2), "variant-b": ("v1", 0, 1)})
    sagemaker.hosting.endpoints.create(
        {"EndpointName": "shop", "EndpointConfigName": "first", "DeploymentConfig": STEPS}
    )
    sagemaker.wait(LAUNCH)
    assert sagemaker.describe()["EndpointStatus"] == "InService"


def test_instances_for_which_there_is_no_guardrail_are_swapped_at_once() -> None:
    new = fleet("new", instance_type="ml.inf1.xlarge")
    assert SwapPlan.of(STEPS, old=fleet("old"), new=new) == SwapPlan()


@pytest.mark.parametrize(
    ("config", "new", "why"),
    [
        (STEPS, fleet("new", "variant-a"), "same variant names"),
        ({"RollingUpdatePolicy": {}}, fleet("new"), "several variants"),
        (routed("CANARY", percent=51), fleet("new"), "at most 50"),
        (routed("LINEAR", percent=9), fleet("new"), "between 10 and 50"),
        (routed("CANARY"), fleet("new"), "CanarySize must be given"),
        (routed("ALL_AT_ONCE", last=600, timeout=600), fleet("new"), "larger than all waits"),
    ],
)
def test_what_no_guardrail_can_do_is_refused(config: dict[str, Any], new: Any, why: str) -> None:
    with pytest.raises(ApiError, match=why):
        SwapPlan.of(config, old=fleet("old"), new=new)


def test_alarms_that_the_models_role_may_not_describe_are_refused(sagemaker: VirtualSageMaker) -> None:
    sagemaker.hosting.endpoints.may_watch_alarms = lambda _role: False
    with pytest.raises(ApiError, match="must be allowed cloudwatch:DescribeAlarms"):
        swapping(sagemaker)
    assert sagemaker.describe()["EndpointStatus"] == "InService"
