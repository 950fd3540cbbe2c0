"""InvokeEndpoint against worker processes, through boto3."""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.xdist_group("sagemaker-sandbox")


@pytest.fixture(scope="module")
def shop(running: Any) -> Any:
    running.add_model("v1")
    running.add_model("v2")
    running.serve("shop", {"variant-a": ("v1", 75, 1), "variant-b": ("v2", 25, 1), "variant-c": ("v2", 0, 1)})
    return running


def test_requests_are_split_by_weight_and_name_their_variant(shop: Any) -> None:
    answers = [shop.invoke("shop") for _ in range(300)]
    variants = Counter(answer["InvokedProductionVariant"] for answer in answers)
    assert set(variants) == {"variant-a", "variant-b"}
    assert 180 <= variants["variant-a"] <= 270
    assert json.loads(answers[0]["Body"].read())["version"] in {"v1", "v2"}
    assert answers[0]["ContentType"] == "application/json"


def test_a_target_variant_wins_over_weight_zero(shop: Any) -> None:
    answer = shop.invoke("shop", TargetVariant="variant-c", CustomAttributes="trace=1")
    assert answer["InvokedProductionVariant"] == "variant-c"
    assert answer["CustomAttributes"] == "trace=1"


def test_a_model_that_raises_is_a_model_error(shop: Any) -> None:
    with pytest.raises(ClientError) as refused:
        shop.invoke("shop", {"raise": "unlucky user"})
    answer = refused.value.response
    assert answer["Error"]["Code"] == "ModelError"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert (answer["OriginalStatusCode"], answer["OriginalMessage"]) == (500, "ValueError: unlucky user")


def test_a_content_type_that_the_model_cannot_read_is_a_client_error(shop: Any) -> None:
    with pytest.raises(ClientError) as refused:
        shop.runtime.invoke_endpoint(EndpointName="shop", Body=b"a,b", ContentType="text/csv")
    assert refused.value.response["OriginalStatusCode"] == 415


def test_a_crash_is_a_model_error_and_the_instance_comes_back(shop: Any) -> None:
    with pytest.raises(ClientError) as refused:
        shop.invoke("shop", {"exit": True}, TargetVariant="variant-c")
    assert refused.value.response["OriginalStatusCode"] == 0
    assert shop.invoke("shop", TargetVariant="variant-c")["InvokedProductionVariant"] == "variant-c"


def test_a_model_that_takes_too_long_is_a_model_error(shop: Any) -> None:
    with pytest.raises(ClientError, match="timed out while waiting for a response from container primary"):
        shop.invoke("shop", {"sleep": 30}, TargetVariant="variant-c")


def test_more_requests_than_the_queue_holds_are_turned_away(shop: Any) -> None:
    def status(_: int) -> int:
        try:
            shop.invoke("shop", {"sleep": 0.2}, TargetVariant="variant-b")
        except ClientError as error:
            return int(error.response["OriginalStatusCode"])
        return 200

    with ThreadPoolExecutor(8) as callers:
        outcomes = Counter(callers.map(status, range(8)))
    assert outcomes == {200: 3, 503: 5}


@pytest.mark.parametrize(
    ("endpoint", "members", "sentence"),
    [
        ("nowhere", {}, "Endpoint nowhere of account 000000000000 not found."),
        ("shop", {"TargetVariant": "variant-x"}, "Variant variant-x not found for Request"),
    ],
)
def test_unknown_names_are_validation_errors(shop: Any, endpoint: str, members: Any, sentence: str) -> None:
    with pytest.raises(ClientError) as refused:
        shop.invoke(endpoint, **members)
    assert refused.value.response["Error"] == {"Code": "ValidationError", "Message": sentence}


def test_no_request_is_lost_while_fleets_and_instances_change(running: Any) -> None:
    running.add_model("calm-1")
    running.add_model("calm-2")
    running.serve("calm", {"variant-a": ("calm-1", 1, 2)})
    running.add_config("calm-second", {"variant-a": ("calm-2", 1, 2)})
    stop, versions = threading.Event(), []

    def call() -> None:
        while not stop.is_set():
            versions.append(json.loads(running.invoke("calm")["Body"].read())["version"])

    with ThreadPoolExecutor(1) as caller:
        calls = caller.submit(call)
        running.sagemaker.update_endpoint(EndpointName="calm", EndpointConfigName="calm-second")
        running.settle("calm")
        running.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="calm",
            DesiredWeightsAndCapacities=[{"VariantName": "variant-a", "DesiredInstanceCount": 1}],
        )
        running.settle("calm")
        stop.set()
        calls.result()
    assert versions[0] == "calm-1"
    assert versions[-1] == "calm-2"
    assert versions == sorted(versions)


def test_what_was_served_is_published_as_metrics(shop: Any) -> None:
    def points(name: str) -> Counter[float]:
        dimensions = {"EndpointName": "shop", "VariantName": "variant-b"}
        found: Counter[float] = Counter()
        for key in shop.sandbox.metrics.metrics():
            if key.name == name and dict(key.dimensions) == dimensions:
                for values in shop.sandbox.metrics.periods(key, start=0, end=1e11, period=10).values():
                    found.update(values)
        return found

    with pytest.raises(ClientError):
        shop.invoke("shop", {"raise": "again"}, TargetVariant="variant-b")
    shop.invoke("shop", {"sleep": 0.4}, TargetVariant="variant-b")
    # Each metric's point comes by itself: none of them says that another is there.
    shop.eventually(lambda: points("InvocationModelErrors")[1.0] > 0)
    shop.eventually(lambda: max(points("ModelLatency"), default=0.0) > 400_000)
    shop.eventually(lambda: points("Invocations")[1.0] > 0)
