"""botocore's clients, whose requests end in the simulated world instead of the network.

Everything up to the HTTP request is botocore's own, save the signature: validation, serialisation, time-outs and
repetitions.
Source: https://boto3.amazonaws.com/v1/documentation/api/latest/guide/events.html
"""

import io
import json
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Protocol
from urllib.parse import unquote

import boto3
import botocore.endpoint
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.rehearsal.services.offline_session import OfflineSession, offline_session
from canary_tools.sandbox.emulator.patching import Patches

Parameters = Mapping[str, Any]
SERVICES = {
    "sagemaker": "sagemaker",
    "sagemaker-runtime": "sagemaker",
    "application-auto-scaling": "application-autoscaling",
    "cloudwatch": "cloudwatch",
    "dynamodb": "dynamodb",
    "sfn": "states",
    "eventbridge": "events",
    "cloudformation": "cloudformation",
    "api-gateway": "apigateway",
    "resource-groups-tagging-api": "tag",
}
"""What botocore's events call a service, and its prefix in IAM."""

_JSON = "application/x-amz-json-1.1"


class AnswerLost(Exception):
    """A call that gets no answer within the client's time-out."""


class World(Protocol):
    """Answers the calls."""

    def answer(self, service: str, operation: str, parameters: Parameters, *, read_timeout: float) -> dict[str, Any]:
        """Answer one attempt of a call.

        Raises:
            ApiError: as the service refuses.
            AnswerLost: when the answer never comes.
        """


def connect(patches: Patches, world: World, virtual_time: Any) -> None:
    """Let boto3's clients talk to this world from now on, and their repetitions wait on the virtual clock."""
    session = offline_session()
    session.renew()
    _connected(session).world = world
    patches.attribute(boto3, "DEFAULT_SESSION", session)
    patches.attribute(botocore.endpoint, "time", virtual_time)


@cache
def _connected(session: OfflineSession) -> "_Wire":
    """Put a wire before the network of every client that this session makes."""
    wire = _Wire()
    session.events.register("before-call", wire.note_timeout)
    session.events.register("before-send", wire.answer)
    return wire


class _Body(io.BytesIO):
    def stream(self, **_options: object) -> Iterator[bytes]:
        yield self.read()


class _Wire:
    """Answers requests instead of the network. `world`: who knows the answers."""

    world: World

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def note_timeout(self, context: Mapping[str, Any], **_rest: object) -> None:
        self._of_thread.read_timeout = context["client_config"].read_timeout

    def answer(self, request: Any, event_name: str, **_rest: object) -> AWSResponse:
        _, service, operation = event_name.split(".")
        try:
            answer = self.world.answer(
                service,
                operation,
                _parameters(service, request),
                read_timeout=float(getattr(self._of_thread, "read_timeout", 60)),
            )
        except ApiError as error:
            return _response(request, error.status, _error_headers(error), _error_body(service, error))
        except AnswerLost:
            raise ReadTimeoutError(endpoint_url=request.url) from None
        if service == "cloudformation":
            return _response(request, 200, {"Content-Type": "text/xml"}, _xml(operation, answer))
        if service == "sagemaker-runtime":
            headers = {"Content-Type": "application/json", **answer.get("headers", {})}
            return _response(request, 200, headers, answer["body"])
        return _response(request, 200, {"Content-Type": _JSON}, json.dumps(answer).encode())


def _parameters(service: str, request: Any) -> Parameters:
    """Return what the request asks; JSON services say it in their body."""
    if service == "sagemaker-runtime":
        return {
            "EndpointName": request.url.split("/endpoints/")[1].split("/")[0],
            "TargetVariant": _text(request.headers.get("X-Amzn-SageMaker-Target-Variant")),
        }
    if service == "cloudformation":
        return dict(request.body) if isinstance(request.body, Mapping) else {"body": _text(request.body)}
    body = request.body
    if service == "api-gateway":
        _, _, _, _, api, _, stage = request.url.split("/")
        return {**json.loads(body), "restApiId": unquote(api), "stageName": unquote(stage)}
    parameters: dict[str, Any] = json.loads(body or b"{}")
    return parameters


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _response(request: Any, status: int, headers: Mapping[str, str], body: bytes) -> AWSResponse:
    return AWSResponse(request.url, status, {**headers, "Content-Length": str(len(body))}, _Body(body))


def _error_headers(error: ApiError) -> dict[str, str]:
    return {"Content-Type": _JSON, "x-amzn-errortype": error.code}


def _error_body(service: str, error: ApiError) -> bytes:
    if service == "cloudformation":
        text = f"<Error><Code>{error.code}</Code><Message>{error.message}</Message></Error>"
        return f"<ErrorResponse>{text}</ErrorResponse>".encode()
    return json.dumps({"__type": error.code, "message": error.message, **error.fields}).encode()


def _xml(operation: str, answer: Mapping[str, Any]) -> bytes:
    """Write the answer of DescribeStacks, the only call of a query protocol that handlers make."""
    stacks = "".join(
        "<member>" + "".join(f"<{name}>{value}</{name}>" for name, value in stack.items()) + "</member>"
        for stack in answer["Stacks"]
    )
    result = f"<{operation}Result><Stacks>{stacks}</Stacks></{operation}Result>"
    return f"<{operation}Response>{result}</{operation}Response>".encode()
