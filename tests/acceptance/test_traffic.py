"""Visits to an endpoint that answers, fails or is away."""

import json
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from canary_tools.acceptance.traffic import Outcome, Visit, Visitors, visit, visiting_client

seen: list[str | None] = []


class Endpoint(BaseHTTPRequestHandler):
    """Answers a visit, fails one that asks for it, and notes what became of each connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        seen.append(self.headers["Connection"])
        kind = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["kind"]
        status, body = (200, {"version": "v1"}) if kind == "visit" else (424, {"Message": "failed"})
        content = json.dumps(body).encode()
        self.send_response(status)
        if status != 200:
            self.send_header("X-Amzn-ErrorType", "ModelError")
        self.send_header("x-Amzn-Invoked-Production-Variant", "variant-b")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", self.headers["Connection"])
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def runtime(port: int) -> Any:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "eu-west-1"}
    return visiting_client(partial(boto3.client, endpoint_url=f"http://127.0.0.1:{port}", **keys))


def test_an_answer_names_variant_and_release(port: int) -> None:
    found = visit(runtime(port), "shop")
    assert (found.outcome, found.variant, found.version) == (Outcome.ANSWERED, "variant-b", "v1")


def test_a_failing_model_is_no_lost_request(port: int) -> None:
    found = visit(runtime(port), "shop", "fail")
    assert (found.outcome, found.variant) == (Outcome.FAILED, "variant-b")


def test_a_request_that_nobody_answers_is_lost() -> None:
    assert visit(runtime(1), "shop").outcome is Outcome.UNANSWERED


def test_every_request_has_a_connection_of_its_own(port: int) -> None:
    client = runtime(port)
    seen.clear()
    for _ in range(3):
        visit(client, "shop")
    assert seen == ["close"] * 3


def test_visitors_come_at_their_rate_until_they_are_stopped() -> None:
    came = threading.Semaphore(0)

    def visit_shop() -> Visit:
        came.release()
        return Visit(sent_at=time.time(), outcome=Outcome.ANSWERED)

    with Visitors(visit_shop, per_second=100.0) as visitors:
        time.sleep(0.05)
        assert visitors.since(0) == []
        visitors.start()
        began = time.monotonic()
        assert all(came.acquire(timeout=10) for _ in range(20))
        assert time.monotonic() - began > 0.15
        visitors.stop()
        count = len(visitors.since(0))
        time.sleep(0.05)
        assert len(visitors.since(0)) == count
