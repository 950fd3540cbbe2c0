"""boto3 clients whose calls end in the AWS of the running test instead of the network.

They are real clients: a wrong parameter name or type fails as it would in AWS, and errors have boto3's classes. Only
the request is not written, signed and sent.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol

import boto3
from botocore.exceptions import ParamValidationError
from botocore.validate import ParamValidator

from canary_tools.aws_models.api.errors import ApiError

Parameters = dict[str, Any]
Operation = Callable[[Any], dict[str, Any]]
REGION = "us-east-1"
ACCOUNT = "000000000000"


class Answers(Protocol):
    """An AWS."""

    def answer(self, service: str, operation: str, parameters: Parameters) -> dict[str, Any]: ...


class _Line:
    """Where the clients of this process are connected to."""

    aws: Answers | None = None


_line = _Line()


def connect(aws: Answers | None) -> None:
    """Let every client talk to this AWS from now on."""
    _line.aws = aws


@cache
def client(service: str) -> Any:
    """Return the one client of this process for a service; making one takes long."""
    made = boto3.client(service, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")
    made._make_api_call = _answering(made, service)  # every call of a client, and of its paginators, ends there
    return made


def _copied(value: Any) -> Any:
    """Copy what a call says: dictionaries, lists, and values that do not change."""
    match value:
        case dict():
            return {name: _copied(item) for name, item in value.items()}
        case list() | tuple():
            return [_copied(item) for item in value]
        case _:
            return value


def _answering(of_client: Any, service: str) -> Callable[[str, Parameters], dict[str, Any]]:
    """Return what stands in for the making of requests, which takes most of the time of a test."""
    validator = ParamValidator()

    def answer(operation: str, parameters: Parameters) -> dict[str, Any]:
        assert _line.aws is not None, "no test has connected its AWS"
        shape = of_client.meta.service_model.operation_model(operation).input_shape
        if shape is not None and (report := validator.validate(parameters, shape)).has_errors():
            raise ParamValidationError(report=report.generate_report())
        try:
            return _line.aws.answer(service, operation, _copied(parameters))
        except ApiError as error:
            body = {
                "Error": {"Code": error.code, "Message": error.message},
                "ResponseMetadata": {"HTTPStatusCode": error.status},
            }
            raise of_client.exceptions.from_code(error.code)(body, operation) from error

    return answer
