"""DynamoDB tables in this process, with the emulator's own reading of every expression."""

import itertools
import json
from collections.abc import Coroutine
from typing import Any

from ministack.services import dynamodb

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.rehearsal.services.fast_copies import PlainCopies
from tests.lambdas.fakes.boto_clients import Parameters

_numbers = itertools.count()
dynamodb.copy = PlainCopies()  # it copies every item at every call


class Table:
    """One ledger table, new and empty."""

    def __init__(self) -> None:
        self.name = f"ledger-{next(_numbers)}"
        keys = {"endpoint": "HASH", "record": "RANGE"}
        self.call(
            "CreateTable",
            {
                "TableName": self.name,
                "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
                "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in keys],
                "BillingMode": "PAY_PER_REQUEST",
            },
        )

    def call(self, operation: str, parameters: Parameters) -> dict[str, Any]:
        """Answer one operation."""
        headers = {"x-amz-target": f"DynamoDB_20120810.{operation}"}
        status, _, body = _result(dynamodb.handle_request("POST", "/", headers, json.dumps(parameters).encode(), {}))
        answer: dict[str, Any] = json.loads(body)
        if status >= 400:
            message = answer.get("message") or answer.get("Message") or ""
            raise ApiError(answer["__type"].rpartition("#")[2], message, status=status)
        return answer

    def drop(self) -> None:
        """Forget the table."""
        self.call("DeleteTable", {"TableName": self.name})


def _result(request: Coroutine[Any, Any, tuple[int, dict[str, str], bytes]]) -> tuple[int, dict[str, str], bytes]:
    """Run a request that waits for nothing."""
    try:
        request.send(None)
    except StopIteration as done:
        answer: tuple[int, dict[str, str], bytes] = done.value
        return answer
    raise AssertionError("a DynamoDB request waited for something")
