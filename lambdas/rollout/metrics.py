"""CloudWatch: request counts of the slots, and alarm states."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from rollout import clients
from rollout.contract.counting import as_count
from rollout.contract.names import (
    ENDPOINT_DIMENSION,
    INVOCATIONS,
    SAGEMAKER_NAMESPACE,
    SLOTS,
    VARIANT_DIMENSION,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MINUTE = 60
UNKNOWN = "INSUFFICIENT_DATA"
DELETED = "DELETED"
"""An alarm that is not there any more: it can never go off again."""


def raised_in(states: Mapping[str, str]) -> list[str]:
    """Return the alarms that are in ALARM."""
    return [name for name, state in states.items() if state == "ALARM"]


class Busiest(NamedTuple):
    """The requests of the busiest minute that was seen; `is_known`: a minute has come for every slot that serves."""

    requests: float
    is_known: bool


class Metrics:
    """What CloudWatch knows of one endpoint."""

    def __init__(self, endpoint: str, period_seconds: int, *, client: Any = None) -> None:
        self._endpoint = endpoint
        self._period = period_seconds
        self._client = clients.client("cloudwatch") if client is None else client

    def alarm_states(self, names: Sequence[str]) -> dict[str, str]:
        """Return the state of each alarm, or that it was deleted.

        Raises:
            Throttled, Unavailable: when CloudWatch does not tell.

        Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
        """
        if not names:
            return {}
        with clients.named_failures():
            answer = self._client.describe_alarms(
                AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100
            )
        found = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        states = {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}
        return {name: states.get(name, DELETED) for name in names}

    def requests_per_minute(self, start: float, end: float, *, serving: Sequence[str]) -> Busiest:
        """Return the busiest minute of both slots together; `serving` are those that must have published.

        A value that cannot be a count is not known, and neither is a minute that has one.
        """
        minutes: defaultdict[float, dict[str, int]] = defaultdict(dict)
        unknown: set[float] = set()
        for name, begun, value in self._values([self._invocations_query(slot) for slot in SLOTS], start, end):
            minute, count = begun // MINUTE, as_count(value)
            if count is None:
                unknown.add(minute)
                continue
            minutes[minute][name] = minutes[minute].get(name, 0) + count
        needed = set(map(query_id, serving))
        known = [of_slot for minute, of_slot in minutes.items() if minute not in unknown]
        return Busiest(
            requests=max((sum(of_slot.values()) for of_slot in known), default=0),
            is_known=any(needed <= of_slot.keys() for of_slot in known),
        )

    def by_minute(self, queries: Sequence[Mapping[str, Any]], start: float, end: float) -> list[dict[str, float]]:
        """Return what queries with periods of a minute found, by their IDs, for each minute in which any found a value.

        A value that is negative or infinite has not come.

        Raises:
            Throttled, Unavailable: when CloudWatch does not tell.
        """
        minutes: defaultdict[float, dict[str, float]] = defaultdict(dict)
        for name, begun, value in self._values(queries, start, end):
            if 0 <= value < inf:
                minutes[begun][name] = value
        return list(minutes.values())

    def seen_until(self, slot: str, start: float, end: float) -> float | None:
        """Return when the newest metric period of a slot that has come ends; `None` when none has come.

        A period whose requests cannot be a count has not come.

        Raises:
            Throttled, Unavailable: when CloudWatch does not tell.
        """
        found = self._values([self._invocations_query(slot)], start, end)
        begun = [moment for _, moment, value in found if as_count(value) is not None]
        return max(begun) + self._period if begun else None

    def _values(
        self, queries: Sequence[Mapping[str, Any]], start: float, end: float
    ) -> Iterator[tuple[str, float, float]]:
        """Yield each value: the ID of its query, when its period begins, and itself."""
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries,
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
        )
        with clients.named_failures():
            for result in (result for page in pages for result in page["MetricDataResults"]):
                for timestamp, value in zip(result["Timestamps"], result["Values"], strict=True):
                    yield result["Id"], timestamp.timestamp(), value

    def _invocations_query(self, slot: str) -> dict[str, object]:
        metric = {
            "Namespace": SAGEMAKER_NAMESPACE,
            "MetricName": INVOCATIONS,
            "Dimensions": slot_dimensions(self._endpoint, slot),
        }
        return {
            "Id": query_id(slot),
            "MetricStat": {"Metric": metric, "Period": self._period, "Stat": "Sum"},
        }


def slot_dimensions(endpoint: str, slot: str) -> list[dict[str, str]]:
    """Return the dimensions of a slot's metrics."""
    return [{"Name": ENDPOINT_DIMENSION, "Value": endpoint}, {"Name": VARIANT_DIMENSION, "Value": slot}]


def query_id(slot: str) -> str:
    """Return the name of a slot's query, which may have no hyphen."""
    return slot.replace("-", "_")
