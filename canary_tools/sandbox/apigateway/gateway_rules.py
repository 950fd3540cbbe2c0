"""Rules by which API Gateway refuses a request before the integration is called.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

MAX_BODY_BYTES = 10 * 1024 * 1024
"""https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html"""
_TOO_LARGE = "Request Too Long"
_JSON = "application/json"


def media_type(content_type: str | None) -> str:
    """Return the media type of a header without its parameters. A missing header counts as JSON.

    >>> media_type("Text/CSV; charset=utf-8"), media_type(None)
    ('text/csv', 'application/json')
    """
    return (content_type or _JSON).split(";", 1)[0].strip().lower()


def with_body_limit(theirs: Callable[..., Awaitable[Any]], gateway: Any) -> Callable[..., Awaitable[Any]]:
    """Refuse bodies over API Gateway's limit. AWS does not document when this check runs among the others."""

    async def execute(
        request: dict[str, Any],
        api_id: str,
        stage_name: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        *rest: object,
    ) -> Any:
        stage = gateway._stages_v1.get(api_id, {}).get(stage_name)  # noqa: SLF001 - its state
        if stage and len(body or b"") > MAX_BODY_BYTES:
            request["stage"] = stage
            return gateway._gw_error("REQUEST_TOO_LARGE", _TOO_LARGE)  # noqa: SLF001 - makes its errors
        return await theirs(request, api_id, stage_name, method, path, headers, body, *rest)

    return execute


def with_models_by_content_type(theirs: Callable[..., Any], _gateway: Any) -> Callable[..., Any]:
    """Validate a body only with the model of its content type, or with the model of `$default`.

    Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
    """

    def check(
        method: dict[str, Any],
        api_id: str,
        request: dict[str, Any],
        headers: Mapping[str, str],
        body: bytes,
        query: Mapping[str, Any],
    ) -> Any:
        models = method.get("requestModels") or {}
        own = models.get(media_type(headers.get("content-type")), models.get("$default"))
        only_own = {**method, "requestModels": {_JSON: own} if own else {}}
        return theirs(only_own, api_id, request, headers, body, query)

    return check
