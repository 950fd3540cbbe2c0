"""An answer, a failing model and a failing service are told apart, whichever way the request goes."""

import io
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from examples.recommender.shop.senders import CONCURRENCY, ApiSender, RuntimeSender, runtime_client
from examples.recommender.shop.traffic import Outcome, Request

ITEMS = tuple(range(10))


class StubClient:
    """Answers, or raises, the same thing each time."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def invoke_endpoint(self, **request: str | bytes) -> dict[str, object]:
        assert request["EndpointName"] == "recommender"
        self.target_variant = request.get("TargetVariant")
        if self.error is not None:
            raise self.error
        body = json.dumps({"user": json.loads(request["Body"])["user"], "items": ITEMS, "model": "v2"}).encode()
        return {"Body": io.BytesIO(body), "InvokedProductionVariant": "variant-b"}


def ask(client: StubClient, user: int, due: float) -> Request:
    return RuntimeSender(client, "recommender").ask(user, due)


def client_error(code: str, status: int, headers: dict[str, str] | None = None, **more: str) -> ClientError:
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers or {}}
    response = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": metadata, **more}
    return ClientError(response, "InvokeEndpoint")


def outcome_of(error: Exception) -> Outcome:
    return ask(StubClient(error), 1, time.time()).outcome


def test_an_answer_names_its_variant_and_its_release() -> None:
    request = ask(StubClient(), 17, time.time() - 1)
    assert (request.outcome, request.variant, request.version) == (Outcome.OK, "variant-b", "v2")
    assert request.items == ITEMS
    assert request.latency_ms >= 1000


def test_a_user_s_variant_is_named_and_nobody_has_one_otherwise() -> None:
    client = StubClient()
    sender = RuntimeSender(client, "recommender", target_variant=lambda user: "variant-b" if user == 7 else None)
    targets = []
    for user in (7, 8):
        sender.ask(user, time.time())
        targets.append(client.target_variant)
    assert targets == ["variant-b", None]


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
    assert ask(StubClient(error), 1, time.time()).variant == "variant-a"


def test_a_model_error_names_its_release_in_the_models_message() -> None:
    message = "NoRecommendation: release v3 failed for user 5: TypeError()"
    request = ask(StubClient(client_error("ModelError", 424, OriginalMessage=message)), 5, time.time())
    assert (request.version, request.variant) == ("v3", None)


def test_the_client_never_sends_twice_and_has_a_connection_per_shopper() -> None:
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
    config = runtime_client(session).meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.max_pool_connections == CONCURRENCY


class StubApi(BaseHTTPRequestHandler):
    """An API that answers by the user's number, which is the HTTP status."""

    def do_POST(self) -> None:
        user = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["user"]
        assert self.headers["x-user"] == str(user)
        assert self.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=key/")
        assert "/us-east-1/execute-api/aws4_request" in self.headers["Authorization"]
        answers = {
            200: json.dumps({"user": user, "items": ITEMS, "model": "v2"}),
            424: json.dumps({"error": "ModelError", "message": "TypeError()"}),
        }
        body = answers.get(user, "{}").encode()
        self.send_response(user)
        if user != 503:
            self.send_header("X-Canary-Variant", "variant-b")
            self.send_header("X-Canary-Release", "variant-a=v2,variant-b=v3")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[ApiSender]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), StubApi)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    session = boto3.Session(aws_access_key_id="key", aws_secret_access_key="x", region_name="us-east-1")
    yield ApiSender(
        session,
        f"http://127.0.0.1:{server.server_port}/prod/invocations",
        region="us-east-1",
        headers=lambda user: {"x-user": str(user)},
    )
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_api_s_answer_names_its_variant_and_its_release(api: ApiSender) -> None:
    request = api.ask(200, time.time() - 1)
    assert (request.outcome, request.variant, request.version) == (Outcome.OK, "variant-b", "v2")
    assert request.items == ITEMS
    assert request.latency_ms >= 1000


def test_a_model_error_through_the_api_is_an_answer_too(api: ApiSender) -> None:
    request = api.ask(424, time.time())
    assert (request.outcome, request.variant, request.version) == (Outcome.MODEL_ERROR, "variant-b", "v3")


@pytest.mark.parametrize("status", [400, 403, 413, 429, 500, 503, 504])
def test_whatever_else_the_api_says_is_no_answer_of_the_model(api: ApiSender, status: int) -> None:
    request = api.ask(status, time.time())
    assert request.outcome is Outcome.UNANSWERED
    assert request.reason.startswith(f"HTTP {status}")


def test_an_api_that_cannot_be_reached_leaves_the_request_unanswered() -> None:
    session = boto3.Session(aws_access_key_id="key", aws_secret_access_key="x", region_name="us-east-1")
    sender = ApiSender(session, "http://127.0.0.1:1/prod/invocations", region="us-east-1")
    assert sender.ask(1, time.time()).outcome is Outcome.UNANSWERED


def test_a_session_without_credentials_is_refused_before_the_first_request() -> None:
    nobody = Mock(spec=boto3.Session, **{"get_credentials.return_value": None})
    with pytest.raises(NoCredentialsError):
        ApiSender(nobody, "http://127.0.0.1:1/prod/invocations", region="us-east-1")
