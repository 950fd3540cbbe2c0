"""Each adapter against recorded answers: what it asks for, and which name a failure gets."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber
from rollout.contract.errors import EndpointBusy, EndpointNotFound, EndpointUnusable, Throttled, Unavailable
from rollout.contract.names import SLOTS
from rollout.contract.plan import Scaling
from rollout.endpoint import Endpoint
from rollout.ledger import Ledger
from rollout.metrics import Metrics
from rollout.scaling import SlotScalers, Suspension

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ARN = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/shop"
SCALING = Scaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=1000)


def stubbed(service: str) -> tuple[Any, Stubber]:
    client = boto3.client(service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    stubber = Stubber(client)
    stubber.activate()
    return client, stubber


def described(**changes: Any) -> dict[str, Any]:
    variants = [
        {"VariantName": "variant-a", "CurrentWeight": 90.0, "DesiredWeight": 90.0, "CurrentInstanceCount": 2},
        {"VariantName": "variant-b", "CurrentWeight": 10.0, "DesiredWeight": 10.0, "CurrentInstanceCount": 1},
    ]
    return {
        "EndpointName": "shop",
        "EndpointArn": ARN,
        "EndpointConfigName": "config-2",
        "EndpointStatus": "InService",
        "CreationTime": NOW,
        "LastModifiedTime": NOW,
        "ProductionVariants": variants,
        **changes,
    }


def endpoint() -> tuple[Endpoint, Stubber]:
    client, stubber = stubbed("sagemaker")
    return Endpoint("shop", reading=client, changing=client), stubber


def test_weights_are_read_as_sagemaker_keeps_them() -> None:
    """It keeps 32-bit floats: whole numbers survive, fractions do not."""
    shop, stubber = endpoint()
    variants = described()["ProductionVariants"]
    variants[1] |= {"CurrentWeight": 0.10000000149011612, "DesiredWeight": 0.10000000149011612}
    stubber.add_response("describe_endpoint", described(ProductionVariants=variants), {"EndpointName": "shop"})
    view = shop.describe()
    assert view.weights["variant-b"] != 0.1
    assert view.shows({"variant-a": 90})
    assert not view.shows({"variant-a": 90, "variant-b": 10})


def test_a_weight_that_is_on_its_way_is_not_shown_yet() -> None:
    shop, stubber = endpoint()
    variants = described()["ProductionVariants"]
    variants[1] |= {"DesiredWeight": 50.0}
    stubber.add_response("describe_endpoint", described(ProductionVariants=variants))
    assert not shop.describe().shows({"variant-a": 90, "variant-b": 10})


def test_a_pending_deployment_is_not_quiet() -> None:
    shop, stubber = endpoint()
    pending = {"EndpointConfigName": "config-3", "StartTime": NOW}
    stubber.add_response("describe_endpoint", described(PendingDeploymentSummary=pending))
    view = shop.describe()
    assert (view.quiet, view.working, view.config_name) == (False, True, "config-2")


def test_an_endpoint_that_is_being_created_has_no_variants() -> None:
    shop, stubber = endpoint()
    answer = described(EndpointStatus="Creating")
    del answer["ProductionVariants"]
    stubber.add_response("describe_endpoint", answer)
    assert shop.describe().serving_slots() == []


def test_only_weights_are_sent() -> None:
    shop, stubber = endpoint()
    rows = [
        {"VariantName": "variant-a", "DesiredWeight": 50.0},
        {"VariantName": "variant-b", "DesiredWeight": 50.0},
    ]
    expected = {"EndpointName": "shop", "DesiredWeightsAndCapacities": rows}
    stubber.add_response("update_endpoint_weights_and_capacities", {"EndpointArn": ARN}, expected)
    shop.set_weights({"variant-a": 50, "variant-b": 50})
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "message", "status", "name"),
    [
        ("ValidationException", f'Cannot update in-progress endpoint "{ARN}".', 400, EndpointBusy),
        ("ValidationException", f'Could not find endpoint "{ARN}".', 400, EndpointNotFound),
        ("ValidationException", f'Could not find endpoint "{ARN}-configuration".', 400, EndpointNotFound),
        ("ValidationException", 'Could not find endpoint configuration "config-2".', 400, EndpointUnusable),
        ("ValidationException", "Weights must not be negative.", 400, ClientError),
        ("AccessDeniedException", "not authorized", 403, ClientError),
        ("ThrottlingException", "Rate exceeded", 400, Throttled),
        ("InternalFailure", "", 500, Unavailable),
        ("ServiceUnavailable", "", 503, Unavailable),
    ],
)
def test_failures_of_sagemaker_get_their_names(code: str, message: str, status: int, name: type[Exception]) -> None:
    shop, stubber = endpoint()
    stubber.add_client_error("update_endpoint_weights_and_capacities", code, message, http_status_code=status)
    with pytest.raises(name) as caught:
        shop.set_weights({"variant-a": 100})
    assert type(caught.value) is name or name is ClientError


def test_a_lost_connection_is_unavailable() -> None:
    class Unreachable:
        def describe_endpoint(self, **_: str) -> None:
            raise EndpointConnectionError(endpoint_url="https://api.sagemaker")

    with pytest.raises(Unavailable, match="Could not connect"):
        Endpoint("shop", reading=Unreachable(), changing=Unreachable()).describe()


def target(slot: str, **changes: Any) -> dict[str, Any]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/shop/variant/{slot}",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "MinCapacity": 2,
        "MaxCapacity": 8,
        "RoleARN": "arn:role",
        "CreationTime": NOW,
        **changes,
    }


def test_a_slot_that_is_not_registered_is_left_out() -> None:
    client, stubber = stubbed("application-autoscaling")
    stubber.add_response("describe_scalable_targets", {"ScalableTargets": [target("variant-a")]})
    assert list(SlotScalers("shop", client=client).registered()) == ["variant-a"]


@pytest.mark.parametrize(("per_instance", "ceiling"), [(1000, 8), (None, 3)])
def test_a_fixed_fleet_has_its_floor_as_its_ceiling(per_instance: int | None, ceiling: int) -> None:
    client, stubber = stubbed("application-autoscaling")
    scaling = Scaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=per_instance)
    expected = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/shop/variant/variant-a",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "MinCapacity": 3,
        "MaxCapacity": ceiling,
        "SuspendedState": {
            "DynamicScalingInSuspended": True,
            "DynamicScalingOutSuspended": False,
        },
    }
    stubber.add_response("register_scalable_target", {}, expected)
    SlotScalers("shop", client=client).set_floor("variant-a", 3, scaling, Suspension.SCALE_IN)
    stubber.assert_no_pending_responses()


def test_suspending_leaves_the_bounds_alone() -> None:
    client, stubber = stubbed("application-autoscaling")
    expected = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/shop/variant/variant-a",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "SuspendedState": {"DynamicScalingInSuspended": True, "DynamicScalingOutSuspended": True},
    }
    stubber.add_response("register_scalable_target", {}, expected)
    SlotScalers("shop", client=client).suspend("variant-a", Suspension.ALL)
    stubber.assert_no_pending_responses()


def test_the_lock_is_read_consistently() -> None:
    client, stubber = stubbed("dynamodb")
    key = {"endpoint": {"S": "shop"}, "record": {"S": "lock"}}
    stubber.add_response("get_item", {}, {"TableName": "ledger", "Key": key, "ConsistentRead": True})
    assert Ledger("shop", table="ledger", client=client).lock() is None
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "status", "name"),
    [
        ("ProvisionedThroughputExceededException", 400, Throttled),
        ("ThrottlingException", 400, Throttled),
        ("InternalServerError", 500, Unavailable),
        ("ResourceNotFoundException", 400, ClientError),
    ],
)
def test_failures_of_the_ledger_get_their_names(code: str, status: int, name: type[Exception]) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_client_error("update_item", code, "", http_status_code=status)
    with pytest.raises(name):
        Ledger("shop", table="ledger", client=client).halt("v2-1", "why", 0)


def test_a_condition_that_does_not_hold_is_an_answer() -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_client_error("update_item", "ConditionalCheckFailedException", "", http_status_code=400)
    assert Ledger("shop", table="ledger", client=client).seal("v2-1") is False


def test_composite_alarms_are_asked_for_and_deleted_ones_are_told_apart() -> None:
    client, stubber = stubbed("cloudwatch")
    asked = {"AlarmNames": ["a", "b", "c"], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 100}
    answer = {
        "MetricAlarms": [{"AlarmName": "a", "StateValue": "OK"}],
        "CompositeAlarms": [{"AlarmName": "b", "StateValue": "ALARM"}],
    }
    stubber.add_response("describe_alarms", answer, asked)
    assert Metrics("shop", 60, client=client).alarm_states(["a", "b", "c"]) == {
        "a": "OK", "b": "ALARM", "c": "DELETED",
    }  # fmt: skip


def test_the_busiest_minute_adds_both_slots_over_all_pages() -> None:
    client, stubber = stubbed("cloudwatch")
    for slot, value, token in (("variant-a", 900.0, {"NextToken": "more"}), ("variant-b", 100.0, {})):
        result = {"Id": slot.replace("-", "_"), "Label": slot, "Timestamps": [NOW], "Values": [value]}
        stubber.add_response("get_metric_data", {"MetricDataResults": [result], **token})
    assert Metrics("shop", 60, client=client).requests_per_minute(0, 600, serving=SLOTS) == (1000, True)


@pytest.mark.parametrize(("serving", "is_known"), [(["variant-a"], True), (["variant-b"], False), (SLOTS, False)])
def test_traffic_is_known_when_each_slot_that_serves_has_published(serving: list[str], *, is_known: bool) -> None:
    client, stubber = stubbed("cloudwatch")
    result = {"Id": "variant_a", "Label": "variant-a", "Timestamps": [NOW], "Values": [900.0]}
    stubber.add_response("get_metric_data", {"MetricDataResults": [result]})
    assert Metrics("shop", 60, client=client).requests_per_minute(0, 600, serving=serving) == (900, is_known)


IMPOSSIBLE = [-900.0, 0.5, 2.0**360]


def in_two_minutes(slot: str, first: float, second: float) -> dict[str, Any]:
    moments = [NOW, NOW + timedelta(seconds=60)]
    return {"Id": slot.replace("-", "_"), "Label": slot, "Timestamps": moments, "Values": [first, second]}


@pytest.mark.parametrize("impossible", IMPOSSIBLE)
def test_a_minute_whose_requests_cannot_be_a_count_says_nothing_of_the_traffic(impossible: float) -> None:
    client, stubber = stubbed("cloudwatch")
    results = [in_two_minutes("variant-a", 900.0, impossible), in_two_minutes("variant-b", 100.0, 5_000.0)]
    stubber.add_response("get_metric_data", {"MetricDataResults": results})
    assert Metrics("shop", 60, client=client).requests_per_minute(0, 600, serving=SLOTS) == (1000, True)


@pytest.mark.parametrize("impossible", IMPOSSIBLE)
def test_traffic_is_not_known_when_nothing_published_can_be_a_count(impossible: float) -> None:
    client, stubber = stubbed("cloudwatch")
    stubber.add_response(
        "get_metric_data", {"MetricDataResults": [in_two_minutes("variant-a", impossible, impossible)]}
    )
    assert Metrics("shop", 60, client=client).requests_per_minute(0, 600, serving=["variant-a"]) == (0, False)


@pytest.mark.parametrize("impossible", IMPOSSIBLE)
def test_traffic_has_not_arrived_in_a_minute_whose_requests_cannot_be_a_count(impossible: float) -> None:
    client, stubber = stubbed("cloudwatch")
    stubber.add_response("get_metric_data", {"MetricDataResults": [in_two_minutes("variant-a", 900.0, impossible)]})
    assert Metrics("shop", 60, client=client).seen_until("variant-a", 0, 600) == NOW.timestamp() + 60
