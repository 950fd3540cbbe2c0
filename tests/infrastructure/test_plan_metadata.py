"""The plan's summary in the template's metadata, and the warnings beside the construct."""

from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk.assertions import Annotations, Match
from rollout.contract.names import PLAN_METADATA

from canary_construct import CanaryEndpoint, Gate, InstanceScaling, TrafficRouting
from tests.infrastructure.synthesis import declare, only, rendered, resources_of, stack

HALF_FIRST = TrafficRouting.steps([50, 100], bake=Duration.minutes(10))
SUPERIOR = Gate.conversion(namespace="Shop", shown="Shown", converted="Bought", superior=True)


def metadata(resources: Any) -> dict[str, Any]:
    found: dict[str, Any] = only(resources, "AWS::StepFunctions::StateMachine")[1]["Metadata"][PLAN_METADATA]
    return found


def orders(scope: Stack, **more: Any) -> cloudwatch.Alarm:
    metric = cloudwatch.Metric(namespace="Shop", metric_name="Orders", period=Duration.minutes(5))
    return cloudwatch.Alarm(scope, "Orders", metric=metric, threshold=5, evaluation_periods=3, **more)


def warnings(scope: CanaryEndpoint) -> list[str]:
    found = Annotations.from_stack(Stack.of(scope)).find_warning("*", Match.string_like_regexp("canary-construct:plan"))
    return [str(entry.entry.data) for entry in found]


def test_the_metadata_name_every_gate_and_alarm_that_can_stop_a_rollout() -> None:
    found = metadata(resources_of(expected_rps=10, routing=HALF_FIRST))
    guards = {guard["Name"]: (guard["EarliestSeconds"], guard["ExpectedRequests"]["50 %"]) for guard in found["Guards"]}
    assert guards == {
        "gate errors": (330, 1650),
        "gate refused": (330, 1650),
        "gate latency": (630, 3150),
        "alarm more than 25 % of 25 or more requests in a metric period failed": (90, 450),
        "alarm p99 of the model latency of 25 or more requests in a metric period is above 10000 ms": (150, 750),
    }
    assert found["MetricDelaySeconds"] == 90


def test_the_metadata_hold_the_peak_at_the_expected_traffic() -> None:
    scaling = InstanceScaling(max_instances=8, invocations_per_instance=600)
    found = metadata(resources_of(expected_rps=50, scaling=scaling, routing=HALF_FIRST))
    assert (found["InstancesBefore"], found["PeakInstances"]) == (6, 10)


def test_gates_and_alarms_that_were_added_later_are_in_the_metadata() -> None:
    shop = stack()
    endpoint = declare(shop)
    endpoint.add_gate(Gate.conversion(namespace="Shop", shown="Shown", converted="Bought"))
    endpoint.add_alarm(orders(shop, datapoints_to_alarm=2))
    endpoint.add_alarm(cloudwatch.Alarm.from_alarm_name(shop, "Theirs", "theirs"))
    guards = {guard["Name"]: guard["EarliestSeconds"] for guard in metadata(rendered(shop))["Guards"]}
    assert guards["gate conversion"] == 330
    assert guards["alarm Orders"] == 300 + 90
    assert len(guards) == 3 + 1 + 2 + 1


def test_a_gate_that_was_added_later_is_warned_of_once() -> None:
    endpoint = declare(stack(), routing=HALF_FIRST, expected_rps=10)
    endpoint.add_gate(SUPERIOR)
    (warning,) = warnings(endpoint)
    assert "gate conversion compares about 12,000 requests of each variant in the max_bake of 2,400 s" in warning


def test_nothing_is_warned_of_at_unknown_traffic() -> None:
    assert warnings(declare(stack(), routing=HALF_FIRST, gates=[SUPERIOR])) == []


@pytest.mark.parametrize("rps", [float("nan"), float("inf")])
def test_traffic_that_is_no_number_is_refused_by_the_construct(rps: Any) -> None:
    with pytest.raises(ValueError, match=f"expected_rps of CanaryEndpoint must be a finite number, got {rps}"):
        declare(Stack(App(), "Shop"), expected_rps=rps)
