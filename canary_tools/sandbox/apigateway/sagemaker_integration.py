"""The AWS integration with SageMaker's runtime.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-request-basic-setup.html
"""

import asyncio
import importlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from canary_tools.sandbox.apigateway.gateway_rules import media_type
from canary_tools.sandbox.apigateway.parameter_mapping import mapped_headers
from canary_tools.sandbox.apigateway.payloads import UndecodableError, as_text, request_payload, response_payload
from canary_tools.sandbox.apigateway.velocity import Input, TemplateError, render
from canary_tools.sandbox.iam.enforcement import resource_arn
from canary_tools.sandbox.iam.permissions import role_may

Answer = tuple[int, dict[str, str], bytes]

_SERVICE = "runtime.sagemaker"
_JSON = "application/json"
_MAX_BODY_BYTES = 6 * 1024 * 1024
"""Of InvokeEndpoint: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html"""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request to a method with this integration. Header names are in lower case."""

    integration: Mapping[str, Any]
    path: str
    headers: Mapping[str, str]
    body: bytes
    stage_variables: Mapping[str, str]
    context: Mapping[str, str]
    binary_types: list[str]


def with_sagemaker(theirs: Callable[..., Awaitable[Any]], gateway: Any) -> Callable[..., Awaitable[Any]]:
    """Call SageMaker if the URI of the integration names it. ministack handles all other integrations."""

    async def invoke(
        integration: dict[str, Any],
        api_id: str,
        stage_name: str,
        stage: dict[str, Any],
        resource: dict[str, Any],
        request_path: str,
        method: str,
        headers: dict[str, str],
        body: bytes,
        *rest: Any,
        **more: Any,
    ) -> Any:
        target = gateway._parse_service_integration_uri(integration.get("uri", ""))  # noqa: SLF001 - its own parser
        if target is None or target[1:3] != (_SERVICE, "path"):
            return await theirs(
                integration, api_id, stage_name, stage, resource, request_path, method, headers, body, *rest, **more
            )
        call = Call(
            integration=integration,
            path=f"/{target[3]}",
            headers=headers,
            body=body or b"",
            stage_variables=stage.get("variables") or {},
            context={"apiId": api_id, "stage": stage_name, "resourcePath": resource["path"], "httpMethod": method},
            binary_types=more.get("binary_media_types") or [],
        )
        return await _answered(call, gateway)

    return invoke


async def _answered(call: Call, gateway: Any) -> Any:
    seconds = call.integration["timeoutInMillis"] / 1000
    try:
        status, headers, body = await asyncio.wait_for(_invoked(call), seconds)
        return _returned(call, gateway, status=status, headers=headers, body=body)
    except TimeoutError:
        return gateway._gw_error("INTEGRATION_TIMEOUT", "Endpoint request timed out")  # noqa: SLF001 - its own errors
    except (TemplateError, UndecodableError, LookupError):
        return gateway._gw_error("API_CONFIGURATION_ERROR", "Internal server error")  # noqa: SLF001 - its own errors


async def _invoked(call: Call) -> Answer:
    """Send SageMaker the request that the integration makes from the caller's request."""
    headers = mapped_headers(
        call.integration["requestParameters"],
        target="integration.request.header.",
        source="method.request.header.",
        find=call.headers.get,
        stage_variables=call.stage_variables,
    )
    body = request_payload(call.body, call.headers.get("content-type"), call.binary_types)
    template = _template(call.integration["requestTemplates"], call.headers.get("content-type"))
    if template is not None:
        source = Input(as_text(body), call.headers)
        rendered = render(template, source=source, stage_variables=call.stage_variables, context=call.context)
        headers, body = {**headers, **rendered.request_headers}, rendered.body.encode()
    if not _may_invoke(call):
        return 403, {}, json.dumps({"Message": "the role of the integration may not invoke this endpoint"}).encode()
    return await _runtime(call.path, headers, body)


def _may_invoke(call: Call) -> bool:
    """Tell whether the integration has a role, and the role may invoke the endpoint."""
    role = call.integration["credentials"]
    endpoint = resource_arn("", "", call.path, b"")
    return bool(role) and role_may(role, "sagemaker:InvokeEndpoint", endpoint, session="BackplaneAssumeRoleSession")


async def _runtime(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
    if len(body) > _MAX_BODY_BYTES:  # https://github.com/aws/sagemaker-python-sdk/issues/171
        return 413, {}, f"HTTP content length exceeded {_MAX_BODY_BYTES} bytes.".encode()
    handler = importlib.import_module("ministack.app").SERVICE_HANDLERS["sagemaker"]
    answer: Answer = await handler("POST", path, {name.lower(): value for name, value in headers.items()}, body, {})
    return answer


def _returned(call: Call, gateway: Any, *, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Return the answer for the caller, made from SageMaker's answer.

    Raises:
        LookupError: the integration has no response for this status.
    """
    selected = gateway._select_service_integration_response(call.integration, status)  # noqa: SLF001 - its own rule
    if selected is None:
        raise LookupError(f"no integration response for status {status}")
    returned = {"Content-Type": _JSON} | mapped_headers(
        selected.get("responseParameters") or {},
        target="method.response.header.",
        source="integration.response.header.",
        find=lambda name: _header(headers, name),
        stage_variables=call.stage_variables,
    )
    accept = call.headers.get("accept")
    payload = response_payload(
        body,
        content_type=_header(headers, "content-type"),
        accept=accept,
        binary_types=call.binary_types,
        handling=selected.get("contentHandling"),
    )
    answered = int(selected["statusCode"])
    template = _response_template(selected.get("responseTemplates") or {}, accept)
    if template is not None:
        # A response template still reads the parameters of the caller's request.
        source = Input(as_text(payload), call.headers)
        rendered = render(template, source=source, stage_variables=call.stage_variables, context=call.context)
        payload, answered = rendered.body.encode(), rendered.status or answered
        returned |= rendered.response_headers
    # ministack replaces a header that is spelled `Content-Type` by the type of the control plane's protocol.
    return answered, {"content-type" if name == "Content-Type" else name: v for name, v in returned.items()}, payload


def _template(templates: Mapping[str, str], content_type: str | None) -> str | None:
    return templates.get(media_type(content_type), templates.get("$default"))


def _response_template(templates: Mapping[str, str], accept: str | None) -> str | None:
    """Return the template for the accepted type, or the one for JSON.

    Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
    """
    return templates.get(media_type(accept), templates.get(_JSON))


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for key, value in headers.items() if key.lower() == name.lower()), None)
