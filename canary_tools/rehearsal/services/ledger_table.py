"""The ledger's DynamoDB table: the emulator's expressions and conditions, in an account of its own."""

import importlib
import itertools
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.rehearsal.services.fast_copies import PlainCopies
from canary_tools.rehearsal.template.intrinsics import REGION

_accounts = itertools.count(900_000_000_000)

OPERATIONS = {
    "PutItem": "_put_item",
    "GetItem": "_get_item",
    "UpdateItem": "_update_item",
    "DeleteItem": "_delete_item",
    "Query": "_query",
    "TransactWriteItems": "_transact_write_items",
}
_READS = frozenset({"_get_item", "_query"})
_WRITES = frozenset({"_put_item", "_update_item"})
"""Of one record each. Nobody waits for what is written in a transaction."""


class LedgerTable:
    """One table with partition key `endpoint` and sort key `record`.

    `on_written` is called with each record that is put or updated, in DynamoDB's format.
    """

    def __init__(self, name: str) -> None:
        self._dynamodb = importlib.import_module("ministack.services.dynamodb")
        self._scope = importlib.import_module("ministack.core.responses").request_scope
        self._account = str(next(_accounts))
        self._read: dict[tuple[str, str], dict[str, Any] | None] = {}
        self.name = name
        self.on_written: Callable[[Mapping[str, Any]], None] = lambda _item: None
        keys = {"endpoint": "HASH", "record": "RANGE"}
        self._run(
            "_create_table",
            {
                "TableName": name,
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
                "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
            },
        )

    def operations(self) -> dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]:
        """Return the operations of the DynamoDB API that handlers use. Each raises `ApiError` as DynamoDB refuses."""
        return {name: partial(self._run, function) for name, function in OPERATIONS.items()}

    def item(self, endpoint: str, record: str) -> dict[str, Any] | None:
        """Return one record in plain Python values, without a call.

        A rehearsal asks each second whether a lock is left. So what was read is kept until something is written.
        """
        if (endpoint, record) not in self._read:
            key = {"endpoint": {"S": endpoint}, "record": {"S": record}}
            found = self._run("_get_item", {"TableName": self.name, "Key": key}).get("Item")
            self._read[endpoint, record] = None if found is None else plain({"M": found})
        copied: dict[str, Any] | None = PlainCopies.deepcopy(self._read[endpoint, record])
        return copied

    def drop(self) -> None:
        """Delete the table."""
        self._run("_delete_table", {"TableName": self.name})

    def _run(self, function: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if function not in _READS:
            self._read.clear()
        with self._scope(self._account, REGION):
            status, _headers, body = getattr(self._dynamodb, function)(dict(request))
        answer: dict[str, Any] = json.loads(body)
        if status >= 300:  # noqa: PLR2004 - not a success
            code = answer.pop("__type").rpartition("#")[2]
            message = answer.pop("message", answer.pop("Message", ""))
            raise ApiError(code, message, status=status, fields=answer)
        self._tell(function, request)
        return answer

    def _tell(self, function: str, request: Mapping[str, Any]) -> None:
        """Tell what a record holds after it was put or updated."""
        written = request.get("Key") if function == "_update_item" else request.get("Item")
        if function in _WRITES and written is not None:
            key = {name: written[name] for name in ("endpoint", "record")}
            item = self._run("_get_item", {"TableName": self.name, "Key": key}).get("Item")
            if item is not None:
                self.on_written(item)


def plain(value: Mapping[str, Any]) -> Any:
    """Return a DynamoDB value as a Python one.

    >>> plain({"M": {"steps": {"L": [{"N": "10"}, {"BOOL": True}]}}})
    {'steps': [10, True]}
    """
    ((kind, content),) = value.items()
    if kind == "M":
        return {name: plain(item) for name, item in content.items()}
    if kind == "L":
        return [plain(item) for item in content]
    if kind == "N":
        return float(content) if "." in content else int(content)
    return None if kind == "NULL" else content
