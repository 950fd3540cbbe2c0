"""The rollouts of an endpoint as the ledger has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from rollout.contract.names import RUNNING
from rollout.contract.records import StepRecord

PREFIX = "rollout#"
_deserialize = TypeDeserializer().deserialize


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """One rollout. Times are in ISO 8601; what has not happened is empty.

    `promoted_at`: since when the release is promoted, though the rollout may go on with its hold-back. `former`: the
    version that served at its start. `leaves`: of a way back, the version that lost its traffic.
    """

    execution: str
    version: str
    outcome: str
    reason: str = ""
    started_at: str = ""
    ended_at: str = ""
    promoted_at: str = ""
    former: str = ""
    leaves: str = ""
    steps: Sequence[StepRecord] = ()

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> "Rollout":
        """Read a record of the ledger."""
        known = {name: record[name] for name in cls.__dataclass_fields__ if record.get(name)}
        steps = tuple(step for step in record.get("steps", ()) if step)
        known["leaves"] = record.get("way_back", {}).get("leaves", "")
        return cls(**{"version": "", "outcome": "", **known, "steps": steps}, execution=record["record"][len(PREFIX) :])

    @property
    def is_running(self) -> bool:
        """Tell whether it has not ended yet."""
        return self.outcome == RUNNING


def rollouts_of(client: Any, *, table: str, endpoint: str) -> list[Rollout]:
    """Return all rollouts of an endpoint, the oldest first."""
    pages = client.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="endpoint = :endpoint AND begins_with(#record, :rollout)",
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues={":endpoint": {"S": endpoint}, ":rollout": {"S": PREFIX}},
        ConsistentRead=True,
    )
    found = [
        Rollout.parse({name: _deserialize(value) for name, value in item.items()})
        for page in pages
        for item in page["Items"]
    ]
    return sorted(found, key=lambda rollout: (rollout.started_at, rollout.execution))
