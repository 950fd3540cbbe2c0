"""CloudWatch: request counts of the slots, and alarm states."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
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
    from collections.abc import Mapping, Sequence

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
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[self._invocations_query(slot) for slot in SLOTS],
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
        )
        minutes: defaultdict[float, dict[str, int]] = defaultdict(dict)
        unknown: set[float] = set()
        with clients.named_failures():
            for result in (result for page in pages for result in page["MetricDataResults"]):
                for timestamp, value in zip(result["Timestamps"], result["Values"], strict=True):
                    minute, count = timestamp.timestamp() // MINUTE, as_count(value)
                    if count is None:
                        unknown.add(minute)
                        continue
                    of_slot = minutes[minute]
                    of_slot[result["Id"]] = of_slot.get(result["Id"], 0) + count
        needed = set(map(_query_id, serving))
        known = [of_slot for minute, of_slot in minutes.items() if minute not in unknown]
        return Busiest(
            requests=max((sum(of_slot.values()) for of_slot in known), default=0),
            is_known=any(needed <= of_slot.keys() for of_slot in known),
        )

    def seen_until(self, slot: str, start: float, end: float) -> float | None:
        """Return when the newest metric period of a slot that has come ends; `None` when none has come.

        A period whose requests cannot be a count has not come.

        Raises:
            Throttled, Unavailable: when CloudWatch does not tell.
        """
        pages = self._client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[self._invocations_query(slot)],
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
        )
        with clients.named_failures():
            results = [result for page in pages for result in page["MetricDataResults"]]
        begun = [
            timestamp.timestamp()
            for result in results
            for timestamp, value in zip(result["Timestamps"], result["Values"], strict=True)
            if as_count(value) is not None
        ]
        return max(begun) + self._period if begun else None

    def _invocations_query(self, slot: str) -> dict[str, object]:
        metric = {
            "Namespace": SAGEMAKER_NAMESPACE,
            "MetricName": INVOCATIONS,
            "Dimensions": self._dimensions(slot),
        }
        return {
            "Id": _query_id(slot),
            "MetricStat": {"Metric": metric, "Period": self._period, "Stat": "Sum"},
        }

    def _dimensions(self, slot: str) -> list[dict[str, str]]:
        return [{"Name": ENDPOINT_DIMENSION, "Value": self._endpoint}, {"Name": VARIANT_DIMENSION, "Value": slot}]


def _query_id(slot: str) -> str:
    """Return the name of a slot's query, which may have no hyphen."""
    return slot.replace("-", "_")
