"""boto3 clients whose calls end in the AWS of the running test instead of the network.

They are real clients: a wrong parameter name or type fails as it would in AWS, and errors have boto3's classes.
"""

import copy
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any, Protocol

import boto3

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
    made.meta.events.register_last("before-parameter-build.*.*", _remember)
    made.meta.events.register_first("before-call.*.*", _answering(service))
    return made


def _remember(params: Parameters, context: dict[str, Any], **_: object) -> None:
    context["asked"] = copy.deepcopy(params)


def _answering(service: str) -> Callable[..., tuple[SimpleNamespace, dict[str, Any]]]:
    def answer(model: Any, context: dict[str, Any], **_: object) -> tuple[SimpleNamespace, dict[str, Any]]:
        assert _line.aws is not None, "no test has connected its AWS"
        try:
            return SimpleNamespace(status_code=200), _line.aws.answer(service, model.name, context["asked"])
        except ApiError as error:
            body = {
                "Error": {"Code": error.code, "Message": error.message},
                "ResponseMetadata": {"HTTPStatusCode": error.status},
            }
            return SimpleNamespace(status_code=error.status), body

    return answer
