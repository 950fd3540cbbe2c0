"""Reads rollouts from the ledger, the stack's DynamoDB table.

The partition key is ``endpoint`` (S), the sort key is ``record`` (S). The item of a rollout has the record
``rollout#<execution name>`` and the attributes ``version``, ``outcome`` (see ``rollout.contract.names``), ``reason``,
``started_at``, ``ended_at`` and ``steps``. Each step is a map with ``percent``, ``shifted_at``, ``ended_at`` and
``canary_requests``. Times are ISO 8601 in UTC. An attribute is absent until the thing has happened.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from rollout.contract.names import RUNNING


@dataclass(frozen=True, kw_only=True)
class Step:
    """One traffic share of a rollout; times are seconds since the epoch."""

    percent: float
    shifted_at: float
    ended_at: float | None
    canary_requests: int


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """One release on trial; times are seconds since the epoch, ``None`` for what has not happened."""

    name: str
    version: str
    outcome: str
    reason: str
    started_at: float
    ended_at: float | None
    steps: tuple[Step, ...]

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.outcome == RUNNING


class Ledger:
    """The rollouts of one endpoint."""

    def __init__(self, dynamodb: Any, *, table_name: str, endpoint_name: str) -> None:  # boto3 is untyped
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._endpoint_name = endpoint_name

    def rollouts(self) -> tuple[Rollout, ...]:
        """List all rollouts, the oldest first."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="#endpoint = :endpoint AND begins_with(#record, :rollout)",
            ExpressionAttributeNames={"#endpoint": "endpoint", "#record": "record"},
            ExpressionAttributeValues={":endpoint": {"S": self._endpoint_name}, ":rollout": {"S": "rollout#"}},
            ConsistentRead=True,
        )
        found = [parse_rollout(item) for page in pages for item in page["Items"]]
        return tuple(sorted(found, key=lambda rollout: rollout.started_at))


def latest_of(rollouts: Iterable[Rollout], version: str) -> Rollout | None:
    """Return the last rollout of a release; ``None`` if it never had one."""
    matching = [rollout for rollout in rollouts if rollout.version == version]
    return matching[-1] if matching else None


def parse_rollout(item: Mapping[str, Any]) -> Rollout:
    """Read one item in DynamoDB's own notation."""
    deserialise = TypeDeserializer().deserialize
    record = {name: deserialise(value) for name, value in item.items()}
    return Rollout(
        name=record["record"].partition("#")[2],
        version=record["version"],
        outcome=record["outcome"],
        reason=record.get("reason") or "",
        started_at=_required_seconds(record["started_at"]),
        ended_at=_seconds(record.get("ended_at")),
        steps=tuple(_parse_step(step) for step in record.get("steps", ()) if step.get("shifted_at")),
    )


def _parse_step(step: Mapping[str, Any]) -> Step:
    return Step(
        percent=float(step["percent"]),
        shifted_at=_required_seconds(step["shifted_at"]),
        ended_at=_seconds(step.get("ended_at")),
        canary_requests=int(step.get("canary_requests", 0)),
    )


def _seconds(moment: str | None) -> float | None:
    return _required_seconds(moment) if moment else None


def _required_seconds(moment: str) -> float:
    parsed = datetime.fromisoformat(moment)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
