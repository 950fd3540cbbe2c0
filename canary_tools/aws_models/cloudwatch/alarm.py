"""One alarm, its state, and the change of its state."""

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
    """The state of an alarm, with its reason. `since`: when it was set, in seconds since the epoch."""

    value: AlarmState
    reason: str
    since: float
    reason_data: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Alarm:
    """A metric alarm, which has `queries`, or a composite alarm, which has a `rule`.

    Attributes:
        request: the request that created or last changed it.
        configured: when that request came, in seconds since the epoch.
        transitioned: when the state last changed, in seconds since the epoch.
    """

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
        """Return the ARNs of the actions that run when the alarm enters `state`."""
        if not self.request.get("ActionsEnabled", True):
            return []
        return list(self.request.get(_ACTION_LISTS[state]) or [])

    @cached_property
    def period(self) -> int:
        """The period of the alarm's data points, in seconds."""
        periods = [query.metric.period for query in self.queries if query.metric is not None]
        return max(periods, default=60)


@dataclass(frozen=True)
class Change:
    """A change of an alarm's state."""

    alarm: Alarm
    before: StateRecord
    after: StateRecord


def timestamp(moment: float) -> str:
    """Return a time in the form of CloudWatch's events and reasons.

    >>> timestamp(1000000000.25)
    '2001-09-09T01:46:40.250+0000'
    """
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
