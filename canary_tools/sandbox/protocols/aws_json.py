"""AWS's JSON protocols. Requests are checked against botocore's service models.

Protocol: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

import functools
import json
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from canary_tools.aws_models.api.errors import ApiError, validation_error
from canary_tools.aws_models.api.operations import Operation

HttpResponse = tuple[int, dict[str, str], bytes]

_CONTENT_TYPE = "application/x-amz-json-1.1"


@functools.cache
def service_model(service: str) -> Any:
    """Return botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


def check_request(service: str, operation: str, request: Mapping[str, Any]) -> None:
    """Check the members of a request and their types.

    Raises:
        ApiError: `ValidationException` with a list of all errors.
    """
    shape = service_model(service).operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise validation_error(report.generate_report())


def answer_json(
    service: str, operations: Mapping[str, Operation], headers: Mapping[str, str], body: bytes
) -> HttpResponse:
    """Answer one call of a JSON 1.1 service. The header `X-Amz-Target` names the operation."""
    name = headers.get("x-amz-target", "").rpartition(".")[2]
    try:
        operation = _known(operations, name)
        request = json.loads(body or b"{}")
        check_request(service, name, request)
        return 200, {"Content-Type": _CONTENT_TYPE}, json.dumps(operation(request)).encode()
    except ApiError as error:
        return error_response(error)


def _known(operations: Mapping[str, Operation], name: str) -> Operation:
    if name not in operations:
        raise ApiError("UnknownOperationException", f"This local AWS does not know the operation {name}.")
    return operations[name]


def error_response(error: ApiError) -> HttpResponse:
    """Return an error in the form of both JSON protocols of AWS."""
    fields = {"__type": error.code, "message": error.message, "Message": error.message, **error.fields}
    headers = {"Content-Type": _CONTENT_TYPE, "x-amzn-errortype": error.code}
    return error.status, headers, json.dumps(fields).encode()
