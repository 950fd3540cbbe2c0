"""Reads rollouts from the stack's ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from rollout.contract.names import RUNNING


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """One release on trial; `name` is of its execution, `percents` are of the steps that it came to.

    `started_at` is in seconds since the epoch.
    """

    name: str
    version: str
    outcome: str
    reason: str
    started_at: float
    percents: tuple[float, ...]


class Rollouts:
    """The rollouts of one endpoint."""

    def __init__(self, dynamodb: Any, *, table: str, endpoint_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._endpoint = endpoint_name

    def of(self, version: str) -> Rollout | None:
        """Return the last rollout of a release; `None` if it has had none."""
        found = [rollout for rollout in self._all() if rollout.version == version]
        return max(found, key=lambda rollout: rollout.started_at, default=None)

    def ended(self, version: str) -> Rollout | None:
        """Return the same once it is over; `None` until then."""
        found = self.of(version)
        return found if found is not None and found.outcome != RUNNING else None

    def reached(self, version: str, percent: float) -> Rollout | None:
        """Return the same once it watches a traffic share or is over; `None` until then."""
        found = self.of(version)
        return found if found is not None and (percent in found.percents or found.outcome != RUNNING) else None

    def lock_is_free(self) -> bool:
        """Tell whether neither a deploy nor a rollout holds the endpoint."""
        key = {"endpoint": {"S": self._endpoint}, "record": {"S": "lock"}}
        return "Item" not in self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)

    def _all(self) -> list[Rollout]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="endpoint = :endpoint AND begins_with(#record, :rollout)",
            ExpressionAttributeNames={"#record": "record"},
            ExpressionAttributeValues={":endpoint": {"S": self._endpoint}, ":rollout": {"S": "rollout#"}},
            ConsistentRead=True,
        )
        return [_parsed(item) for page in pages for item in page["Items"]]


def _parsed(item: Mapping[str, Any]) -> Rollout:
    record = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
    return Rollout(
        name=record["record"].partition("#")[2],
        version=record["version"],
        outcome=record["outcome"],
        reason=record.get("reason") or "",
        started_at=datetime.fromisoformat(record["started_at"]).timestamp(),
        percents=tuple(float(step["percent"]) for step in record.get("steps", ()) if step.get("shifted_at")),
    )
