"""`InvokeEndpoint`: choose a variant and an instance, hand over the request, count the result.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import asyncio
import random
import re
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.api.place import Place
from canary_tools.aws_models.sagemaker.endpoint import Endpoint
from canary_tools.aws_models.sagemaker.endpoints import Endpoints
from canary_tools.aws_models.sagemaker.invocation_metrics import InvocationMetrics, ServedInvocation
from canary_tools.aws_models.sagemaker.metric_source import MetricSource, metric_source
from canary_tools.aws_models.sagemaker.routing import choose_variant, least_busy
from canary_tools.sandbox.protocols.aws_json import HttpResponse, error_response
from canary_tools.sandbox.sagemaker.data_capture import Content, DataCapture, Exchange
from canary_tools.sandbox.sagemaker.pipeline import Pipeline
from canary_tools.sandbox.sagemaker.worker_process import ModelReply, ModelRequest, WorkerProcess

if TYPE_CHECKING:
    from concurrent.futures import Future

INVOCATIONS = re.compile(r"/endpoints/([^/]+)/invocations")
_HTTP_OK = range(200, 300)
_HTTP_CLIENT_ERROR = range(400, 500)
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class _Handed:
    """A request that an instance accepted."""

    source: MetricSource
    config: Mapping[str, Any]
    model_name: str
    instance_count: int
    reply: "Future[ModelReply]"


class Runtime:
    """The data plane of the endpoints.

    Args:
        turn: a lock that is held while the endpoints or the metrics are used.
        generator: splits the traffic at random.
        capture: keeps requests and answers.
        role_of: returns the ARN of the execution role of a model.
    """

    def __init__(
        self,
        *,
        place: Place,
        endpoints: Endpoints,
        metrics: InvocationMetrics,
        turn: AbstractContextManager[object],
        generator: random.Random,
        capture: DataCapture,
        role_of: Callable[[str], str],
    ) -> None:
        self._place = place
        self._endpoints = endpoints
        self._metrics = metrics
        self._turn = turn
        self._generator = generator
        self._capture = capture
        self._role_of = role_of

    async def invoke(self, endpoint_name: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Answer one request."""
        began = time.perf_counter()
        request = ModelRequest(
            body=body,
            content_type=headers.get("content-type", "application/json"),
            accept=headers.get("accept", "application/json"),
        )
        try:
            handed = self._hand_over(endpoint_name, headers.get("x-amzn-sagemaker-target-variant"), request)
        except ApiError as error:
            return error_response(error)
        handed_at = time.perf_counter()
        reply = await asyncio.wrap_future(handed.reply)
        answered_at = time.perf_counter()
        self._count(handed, reply, model_seconds=answered_at - handed_at, overhead_seconds=handed_at - began)
        if reply.status in _HTTP_OK:
            self._keep(handed, request, reply)
        return self._response(handed.source, headers, reply)

    def _hand_over(self, endpoint_name: str, target: str | None, request: ModelRequest) -> _Handed:
        with self._turn:
            endpoint = self._serving(endpoint_name)
            fleet = endpoint.answering(self._generator)
            assert fleet is not None
            variant = choose_variant(fleet, target, self._generator)
            workers = [instance for instance in variant.instances if isinstance(instance, (WorkerProcess, Pipeline))]
            if not workers:
                raise ApiError("ServiceUnavailable", f"Variant {variant.name} has no instance.", status=503)
            return _Handed(
                config=fleet.config,
                model_name=variant.model_name,
                source=metric_source(endpoint.name, fleet, variant.name),
                instance_count=variant.current_count,
                reply=least_busy(workers).submit(request),
            )

    def _serving(self, name: str) -> Endpoint:
        if not self._endpoints.exists(name) or self._endpoints.find(name).fleet is None:
            raise ApiError("ValidationError", f"Endpoint {name} of account {self._place.account} not found.")
        return self._endpoints.find(name)

    def _count(self, handed: _Handed, reply: ModelReply, *, model_seconds: float, overhead_seconds: float) -> None:
        invocation = ServedInvocation(
            model_status=reply.status,
            model_microseconds=round(model_seconds * _MICROSECONDS),
            overhead_microseconds=round(overhead_seconds * _MICROSECONDS),
            instance_count=handed.instance_count,
        )
        with self._turn:
            self._metrics.observe(handed.source, invocation)

    def _keep(self, handed: _Handed, request: ModelRequest, reply: ModelReply) -> None:
        with self._turn:
            role = self._role_of(handed.model_name)
        exchange = Exchange(
            endpoint_name=handed.source.endpoint_name,
            variant_name=handed.source.variant_name,
            role=role,
            request=Content(body=request.body, content_type=request.content_type),
            answer=Content(body=reply.body, content_type=reply.content_type),
        )
        self._capture.observe(handed.config, exchange)

    def _response(self, source: MetricSource, headers: Mapping[str, str], reply: ModelReply) -> HttpResponse:
        if reply.status not in _HTTP_OK:
            return error_response(self._model_error(source, reply))
        # ministack replaces a header that is spelled `Content-Type` by the type of the control plane's protocol.
        answered = {"content-type": reply.content_type, "x-Amzn-Invoked-Production-Variant": source.variant_name}
        custom = headers.get("x-amzn-sagemaker-custom-attributes")
        if custom is not None:
            answered["X-Amzn-SageMaker-Custom-Attributes"] = custom
        return reply.status, answered, reply.body

    def _model_error(self, source: MetricSource, reply: ModelReply) -> ApiError:
        group = f"/aws/sagemaker/Endpoints/{source.endpoint_name}"
        side = "client" if reply.status in _HTTP_CLIENT_ERROR else "server"
        message = reply.body.decode(errors="replace")
        return ApiError(
            "ModelError",
            f'Received {side} error ({reply.status}) from primary with message "{message}". See {group} in account '
            f"{self._place.account} for more information.",
            status=424,
            fields={
                "OriginalStatusCode": reply.status,
                "OriginalMessage": message,
                "LogStreamArn": f"arn:aws:logs:{self._place.region}:{self._place.account}:log-group:{group}",
            },
        )
