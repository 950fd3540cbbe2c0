import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from rollout.contract.errors import DeployRefused
from rollout.custom_resource import answer


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
    event = {"StackId": "", "RequestId": "", "LogicalResourceId": "", "ResponseURL": "file:///etc/passwd"}
    with pytest.raises(ValueError, match="ResponseURL must be an HTTP URL"):
        answer({**event, "ResourceProperties": {"EndpointName": "shop"}}, lambda _: {})
