import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rollout.contract.errors import DeployRefused
from rollout.custom_resource import answer, physical_id
from rollout.handlers.release_slots import NEVER_MADE

from tests.lambdas.fakes.aws import Aws


class Bucket:
    """Where CloudFormation waits for the response: a pre-signed URL that takes one PUT."""

    def __init__(self) -> None:
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                bucket.content_type = self.headers["Content-Type"]
                bucket.body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.body = b""
        self.content_type = ""
        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.handle_request)
        self._thread.start()

    def event(self) -> dict[str, Any]:
        return {
            "RequestType": "Update",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Slots",
            "PhysicalResourceId": "whatever it was",
            "ResponseURL": f"http://127.0.0.1:{self._server.server_port}/presigned",
            "ResourceProperties": {"EndpointName": "shop"},
        }

    def response(self) -> dict[str, Any]:
        self._thread.join(timeout=10)
        self._server.server_close()
        response: dict[str, Any] = json.loads(self.body)
        return response


def test_success_carries_the_attributes_and_a_constant_identity() -> None:
    bucket = Bucket()
    answer(bucket.event(), lambda _: {"ModelA": "m"})
    assert bucket.response() == {
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Slots",
        "PhysicalResourceId": "shop",
        "Status": "SUCCESS",
        "Data": {"ModelA": "m"},
    }
    assert bucket.content_type == ""


def test_a_refusal_is_the_sentence_that_the_user_reads() -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise DeployRefused("a rollout is running; wait for its end")

    bucket = Bucket()
    answer(bucket.event(), refuse)
    response = bucket.response()
    assert (response["Status"], response["Reason"]) == ("FAILED", "a rollout is running; wait for its end")
    assert response["PhysicalResourceId"] == "shop"


@pytest.mark.parametrize(("kind", "identity"), [("Create", "shop:never-made"), ("Update", "shop")])
def test_a_resource_that_was_never_made_has_an_identity_of_its_own(kind: str, identity: str) -> None:
    """CloudFormation asks to delete what it could not create: the resource that has the endpoint must stay as it is."""

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise DeployRefused("an endpoint of this name exists already")

    bucket = Bucket()
    answer({**bucket.event(), "RequestType": kind}, refuse, failed_id=lambda event: physical_id(event) + NEVER_MADE)
    assert bucket.response()["PhysicalResourceId"] == identity


DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}, "DescribeEndpoint")


def denied_until(moment: float, now: Callable[[], float]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return work that AWS denies until a policy takes effect."""

    def work(_: dict[str, Any]) -> dict[str, Any]:
        if now() < moment:
            raise DENIED
        return {"ModelA": "m"}

    return work


def test_a_policy_that_takes_effect_late_fails_no_deploy(aws: Aws) -> None:
    bucket = Bucket()
    answer(bucket.event(), denied_until(aws.clock.now() + 60, aws.clock.now))
    assert bucket.response()["Status"] == "SUCCESS"


def test_what_stays_denied_is_said_after_a_minute_and_a_half(aws: Aws) -> None:
    bucket, began = Bucket(), aws.clock.now()
    answer(bucket.event(), denied_until(began + 3600, aws.clock.now))
    response = bucket.response()
    assert (response["Status"], "not authorized" in response["Reason"]) == ("FAILED", True)
    assert 90 <= aws.clock.now() - began <= 100


def test_another_failure_is_not_repeated(aws: Aws) -> None:
    def fail(_: dict[str, Any]) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "ValidationException", "Message": "no"}}, "DescribeEndpoint")

    bucket, began = Bucket(), aws.clock.now()
    answer(bucket.event(), fail)
    assert bucket.response()["Status"] == "FAILED"
    assert aws.clock.now() == began


@pytest.mark.parametrize("letter", ["x", "\N{BLACK STAR}"])
def test_a_response_never_outgrows_what_cloudformation_takes(letter: str) -> None:
    def fail(_: dict[str, Any]) -> dict[str, Any]:
        raise KeyError(letter * 10_000)

    bucket = Bucket()
    answer(bucket.event(), fail)
    response = bucket.response()
    assert response["Reason"].startswith("KeyError: ")
    assert len(bucket.body) <= 4096


def test_only_an_http_url_is_answered() -> None:
    event = {
        "StackId": "",
        "RequestId": "",
        "RequestType": "Update",
        "LogicalResourceId": "",
        "ResponseURL": "file:///etc/passwd",
    }
    with pytest.raises(ValueError, match="ResponseURL must be an HTTP URL"):
        answer({**event, "ResourceProperties": {"EndpointName": "shop"}}, lambda _: {})
