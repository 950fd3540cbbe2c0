import io
import json
import threading
import time

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from examples.recommender.shoppers import CONCURRENCY, Shoppers, ask, runtime_client
from examples.recommender.traffic import Outcome, TrafficLog


class StubClient:
    """Answers, or raises, the same thing each time and remembers what it was asked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.users: list[int] = []
        self.reached = threading.Condition()

    def invoke_endpoint(self, **request: str | bytes) -> dict[str, object]:
        user = json.loads(request["Body"])["user"]
        with self.reached:
            self.users.append(user)
            self.reached.notify_all()
        if self.error is not None:
            raise self.error
        body = json.dumps({"user": user, "items": list(range(10)), "model": "v2"}).encode()
        return {"Body": io.BytesIO(body), "InvokedProductionVariant": "variant-b"}

    def wait_for_requests(self, count: int) -> None:
        with self.reached:
            assert self.reached.wait_for(lambda: len(self.users) >= count, timeout=10)


def client_error(code: str, status: int, headers: dict[str, str] | None = None, **more: str) -> ClientError:
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers or {}}
    response = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": metadata, **more}
    return ClientError(response, "InvokeEndpoint")


def outcome_of(error: Exception) -> Outcome:
    return ask(StubClient(error), "recommender", 1, time.time()).outcome


def test_an_answer_names_its_variant_and_its_release() -> None:
    request = ask(StubClient(), "recommender", 17, time.time() - 1)
    assert (request.outcome, request.variant, request.version) == (Outcome.OK, "variant-b", "v2")
    assert request.latency_ms >= 1000


def test_a_model_error_is_an_answer() -> None:
    assert outcome_of(client_error("ModelError", 424)) is Outcome.MODEL_ERROR


@pytest.mark.parametrize(
    "error",
    [
        client_error("InternalFailure", 500),
        client_error("ServiceUnavailable", 503),
        client_error("ThrottlingException", 429),
        client_error("ValidationError", 400),
        EndpointConnectionError(endpoint_url="http://127.0.0.1"),
        ConnectTimeoutError(endpoint_url="http://127.0.0.1"),
        ReadTimeoutError(endpoint_url="http://127.0.0.1"),
    ],
    ids=str,
)
def test_whatever_is_no_answer_of_the_model_is_unanswered(error: Exception) -> None:
    assert outcome_of(error) is Outcome.UNANSWERED


def test_a_model_error_names_its_variant_in_the_header() -> None:
    error = client_error("ModelError", 424, {"x-amzn-invoked-production-variant": "variant-a"})
    assert ask(StubClient(error), "recommender", 1, time.time()).variant == "variant-a"


def test_a_model_error_names_its_release_in_the_models_message() -> None:
    message = "NoRecommendation: release v3 failed for user 5: TypeError()"
    request = ask(StubClient(client_error("ModelError", 424, OriginalMessage=message)), "recommender", 5, time.time())
    assert (request.version, request.variant) == ("v3", None)


def test_the_stream_is_steady_and_the_same_for_the_same_seed() -> None:
    client, log = StubClient(), TrafficLog()
    shoppers = Shoppers(
        client, endpoint_name="recommender", log=log, requests_per_second=200, at_most_seconds=0.25, seed=3
    )
    with shoppers:
        shoppers.wait()
    sent = [request.sent_at for request in log.all()]
    assert len(sent) == 50
    assert sent[-1] - sent[0] == pytest.approx(49 / 200)
    again = StubClient()
    with Shoppers(
        again,
        endpoint_name="recommender",
        log=TrafficLog(),
        requests_per_second=200,
        at_most_seconds=0.25,
        seed=3,
    ) as repeated:
        repeated.wait()
    assert sorted(client.users) == sorted(again.users)


def test_a_failing_service_is_asked_once_per_request() -> None:
    client, log = StubClient(client_error("InternalFailure", 500)), TrafficLog()
    with Shoppers(client, endpoint_name="recommender", log=log, requests_per_second=500):
        client.wait_for_requests(20)
    assert len(client.users) == len(log.all())
    assert {request.outcome for request in log.all()} == {Outcome.UNANSWERED}


def test_a_defect_of_the_stream_itself_is_raised_at_the_end() -> None:
    client = StubClient(TypeError("a defect"))
    shoppers = Shoppers(client, endpoint_name="recommender", log=TrafficLog(), requests_per_second=500)
    shoppers.start()
    client.wait_for_requests(1)
    with pytest.raises(TypeError, match="a defect"):
        shoppers.stop()


def test_the_client_never_sends_twice_and_has_a_connection_per_shopper() -> None:
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
    config = runtime_client(session).meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.max_pool_connections == CONCURRENCY
