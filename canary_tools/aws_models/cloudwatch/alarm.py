"""What CloudWatch knows of one alarm."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from canary_tools.aws_models.cloudwatch.composite_rule import CompositeRule
from canary_tools.aws_models.cloudwatch.missing_data import AlarmState
from canary_tools.aws_models.cloudwatch.queries import Query

_ACTION_LISTS = {
    AlarmState.ALARM: "AlarmActions",
    AlarmState.OK: "OKActions",
    AlarmState.INSUFFICIENT_DATA: "InsufficientDataActions",
}


@dataclass(frozen=True)
class StateRecord:
    """A state with its reason; `since` is when it was last set, in seconds since the epoch."""

    value: AlarmState
    reason: str
    since: float
    reason_data: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Alarm:
    """A metric alarm (`queries`) or a composite one (`rule`); `request` is what it was put with."""

    name: str
    arn: str
    request: Mapping[str, Any]
    configured: float
    state: StateRecord
    transitioned: float
    queries: tuple[Query, ...] = ()
    rule: CompositeRule | None = None
    tags: dict[str, str] = field(default_factory=dict)

    def actions(self, state: AlarmState) -> list[str]:
        """Return the ARNs to notify when it enters `state`."""
        if not self.request.get("ActionsEnabled", True):
            return []
        return list(self.request.get(_ACTION_LISTS[state]) or [])

    @cached_property
    def period(self) -> int:
        """The period of its data points in seconds."""
        periods = [query.metric.period for query in self.queries if query.metric is not None]
        return max(periods, default=60)


@dataclass(frozen=True)
class Change:
    """An alarm that went from one state to another."""

    alarm: Alarm
    before: StateRecord
    after: StateRecord


def timestamp(moment: float) -> str:
    """Write a time as CloudWatch does in events and reasons.

    >>> timestamp(1000000000.25)
    '2001-09-09T01:46:40.250+0000'
    """
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
