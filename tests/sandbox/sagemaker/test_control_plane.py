"""The control planes through boto3, with the faults that can be ordered."""

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

pytestmark = pytest.mark.xdist_group("sagemaker-sandbox")


@pytest.fixture(scope="module")
def shop(running: Any) -> Any:
    running.add_model("v1")
    running.add_model("v2")
    running.serve("shop", {"variant-a": ("v1", 100, 1), "variant-b": ("v2", 0, 1)})
    return running


@pytest.fixture(scope="module")
def plain_client(running: Any) -> Any:
    """A client that neither retries nor checks its requests."""
    return boto3.client(
        "sagemaker",
        endpoint_url=running.sandbox.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )


def shift(shop: Any, weight: float) -> None:
    shop.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="shop", DesiredWeightsAndCapacities=[{"VariantName": "variant-b", "DesiredWeight": weight}]
    )


def weight(shop: Any) -> float:
    return float(shop.describe("shop")["ProductionVariants"][1]["CurrentWeight"])


def test_a_change_during_an_update_is_refused_in_sagemakers_words(shop: Any) -> None:
    shift(shop, 10)
    with pytest.raises(ClientError) as refused:
        shift(shop, 20)
    assert refused.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": 'Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/shop".',
    }
    shop.settle("shop")
    assert weight(shop) == 10


def test_weights_can_be_made_to_roll_back(shop: Any) -> None:
    before = weight(shop)
    shop.faults.roll_back_next_weights("shop")
    shift(shop, 77)
    shop.settle("shop")
    assert weight(shop) == before


@pytest.mark.parametrize(
    ("model", "archive", "environment", "reason"),
    [
        ("corrupt", "broken", {}, "Failed to extract model data archive"),
        ("absent", "nowhere", {}, "Failed to download model data"),
        ("unloadable", "good", {"FAILS_TO_LOAD": "1"}, "did not pass the ping health check"),
    ],
)
def test_a_model_that_cannot_serve_leaves_the_old_fleet_in_service(
    shop: Any, model: str, archive: str, environment: dict[str, str], reason: str
) -> None:
    before = shop.describe("shop")["EndpointConfigName"]
    shop.add_model(model, archive=archive, **environment)
    shop.add_config(f"shop-{model}", {"variant-a": ("v1", 100, 1), "variant-b": (model, 0, 1)})
    shop.sagemaker.update_endpoint(EndpointName="shop", EndpointConfigName=f"shop-{model}")
    after = shop.settle("shop")
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", before)
    assert reason in after["FailureReason"]
    assert shop.invoke("shop")["InvokedProductionVariant"] in {"variant-a", "variant-b"}


def test_an_update_can_be_made_to_fail_silently(shop: Any) -> None:
    shop.faults.fail_next_update("shop", "ordered")
    current = shop.describe("shop")["EndpointConfigName"]
    shop.sagemaker.update_endpoint(EndpointName="shop", EndpointConfigName=current)
    assert shop.settle("shop")["FailureReason"] == "ordered"


def test_an_operation_can_be_throttled(shop: Any, plain_client: Any) -> None:
    shop.faults.throttle("ListEndpoints", 600)
    with pytest.raises(ClientError, match="Rate exceeded"):
        plain_client.list_endpoints()
    shop.faults.throttle("ListEndpoints", 0)
    assert [row["EndpointName"] for row in plain_client.list_endpoints()["Endpoints"]] == ["shop"]


def test_registration_brings_a_real_second_instance(shop: Any) -> None:
    identity = {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": "endpoint/shop/variant/variant-b",
    }
    shop.scaling.register_scalable_target(**identity, MinCapacity=2, MaxCapacity=3)
    assert shop.describe("shop")["EndpointStatus"] == "Updating"
    assert shop.settle("shop")["ProductionVariants"][1]["CurrentInstanceCount"] == 2
    shop.faults.stall_capacity("shop", "variant-b")
    shop.scaling.register_scalable_target(**identity, MinCapacity=3, MaxCapacity=3)
    assert shop.settle("shop")["ProductionVariants"][1]["CurrentInstanceCount"] == 2
    shop.faults.release_capacity("shop", "variant-b")
    shop.scaling.register_scalable_target(**identity, MinCapacity=3, MaxCapacity=3)
    assert shop.settle("shop")["ProductionVariants"][1]["CurrentInstanceCount"] == 3
    [target] = shop.scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 3)


def test_target_tracking_follows_the_requests(running: Any) -> None:
    running.add_model("popular")
    running.serve("busy", {"variant-a": ("popular", 1, 1)})
    identity = {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "ResourceId": "endpoint/busy/variant/variant-a",
    }
    running.scaling.register_scalable_target(**identity, MinCapacity=1, MaxCapacity=2)
    running.scaling.put_scaling_policy(
        **identity,
        PolicyName="track",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 60.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        },
    )

    def invoked_and_scaled() -> bool:
        running.invoke("busy")
        count = running.describe("busy")["ProductionVariants"][0]["CurrentInstanceCount"]
        return bool(count == 2)

    running.eventually(invoked_and_scaled)


def test_a_malformed_request_is_refused_by_its_types(plain_client: Any) -> None:
    with pytest.raises(ClientError, match='Missing required parameter in input: "EndpointConfigName"'):
        plain_client.create_endpoint(EndpointName="x")


def test_tags_are_found_by_the_tagging_api(shop: Any) -> None:
    arn = shop.sagemaker.describe_model(ModelName="v1")["ModelArn"]
    shop.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "slot", "Value": "a"}])
    found = shop.sandbox.client("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "slot", "Values": ["a"]}], ResourceTypeFilters=["sagemaker:model"]
    )
    assert [row["ResourceARN"] for row in found["ResourceTagMappingList"]] == [arn]
    assert shop.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "slot", "Value": "a"}]


def test_lists_are_paged(shop: Any) -> None:
    pages = shop.sagemaker.get_paginator("list_models").paginate(PaginationConfig={"PageSize": 1})
    names = [row["ModelName"] for page in pages for row in page["Models"]]
    assert {"v1", "v2"} <= set(names)
    assert len(names) == len(set(names))


def test_a_role_that_may_no_longer_read_the_archive_gets_no_new_instance(running: Any) -> None:
    running.add_model("read-again")
    running.serve("reading", {"variant-a": ("read-again", 1.0, 1)})
    target = {"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/reading/variant/variant-a"}
    target["ScalableDimension"] = "sagemaker:variant:DesiredInstanceCount"
    running.let_models_read("models-of-the-next-release")
    try:
        running.scaling.register_scalable_target(**target, MinCapacity=2, MaxCapacity=4)
        described = running.settle("reading")
    finally:
        running.let_models_read("models")
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert "role passed to CreateModel has permissions" in described["FailureReason"]
