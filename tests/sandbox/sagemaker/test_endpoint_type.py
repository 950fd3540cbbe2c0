"""The endpoint's resource type by itself: what it makes of a silently failed update."""

from collections.abc import Iterator
from typing import Any

import pytest

from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.hosting.sagemaker_hosting import SageMakerHosting
from canary_tools.aws_models.sagemaker.instances import SimulatedHost
from canary_tools.aws_models.sagemaker.ordered_faults import UpdateFailure
from canary_tools.aws_models.sagemaker.timing import Timing
from canary_tools.clock import RealClock
from canary_tools.sandbox.cloudformation.failing_siblings import FailingSiblings
from canary_tools.sandbox.emulator.turns import Turns, TurnTakingClock
from canary_tools.sandbox.sagemaker_types.endpoint_type import EndpointNotStabilized, EndpointType

FIRST = {"EndpointName": "shop", "EndpointConfigName": "first"}
ROLE = "arn:aws:iam::000000000000:role/model"
SECOND = {"EndpointName": "shop", "EndpointConfigName": "second"}


@pytest.fixture
def turns() -> Turns:
    return Turns()


@pytest.fixture
def model(turns: Turns) -> Iterator[SageMakerHosting]:
    clock = RealClock()
    made = SageMakerHosting(
        place=Place(account="000000000000", region="us-east-1"),
        clock=TurnTakingClock(clock, turns),
        host=SimulatedHost(),
        timing=Timing(fleet_update_seconds=0.01, instance_launch_seconds=0.01, weight_update_seconds=0.01),
        record=lambda **_: None,
        metric_delay=lambda _source: 0.0,
    )
    made.endpoints.on_change.append(lambda _endpoint: turns.notify_all())
    container = {"Image": "image", "ModelDataUrl": "s3://models/v1.tar.gz"}
    made.catalogue.models.create({"ModelName": "v1", "ExecutionRoleArn": ROLE, "PrimaryContainer": container})
    for name in ("first", "second"):
        variant = {"VariantName": "a", "ModelName": "v1", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        made.catalogue.configs.create({"EndpointConfigName": name, "ProductionVariants": [variant]})
    yield made
    clock.close()


def endpoint_type(model: SageMakerHosting, turns: Turns, *, notices: bool) -> tuple[EndpointType, str]:
    made = EndpointType(model.endpoints, model.tags, turns, notices_failed_update=notices, siblings=FailingSiblings())
    arn, _ = made.create("Endpoint", FIRST, "stack")
    model.faults.updates["shop"] = UpdateFailure(reason="no luck", silent=True)
    return made, arn


def test_a_silent_failure_goes_unnoticed_by_default(model: SageMakerHosting, turns: Turns) -> None:
    made, arn = endpoint_type(model, turns, notices=False)
    reference, attributes = made.update(arn, FIRST, SECOND, "stack", "Endpoint")
    assert (reference, attributes["EndpointName"]) == (arn, "shop")
    assert model.endpoints.find("shop").config_name == "first"


def test_a_silent_failure_fails_the_update_if_cloudformation_is_told_to_notice(
    model: SageMakerHosting, turns: Turns
) -> None:
    made, arn = endpoint_type(model, turns, notices=True)
    with pytest.raises(EndpointNotStabilized, match="no luck"):
        made.update(arn, FIRST, SECOND, "stack", "Endpoint")


def test_an_unchanged_endpoint_config_starts_no_update(model: SageMakerHosting, turns: Turns) -> None:
    made, arn = endpoint_type(model, turns, notices=True)
    tags: list[Any] = [{"Key": "team", "Value": "search"}]
    made.update(arn, FIRST, {**FIRST, "Tags": tags}, "stack", "Endpoint")
    assert model.tags.list_tags({"ResourceArn": arn})["Tags"] == tags
