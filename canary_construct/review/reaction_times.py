"""How soon gates and alarms can act on a bad release."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Token
from aws_cdk import aws_cloudwatch as cloudwatch
from rollout.contract.timing import METRIC_DELAY_SECONDS, SUCCESSOR_PERIODS

from canary_construct.props.slot import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from canary_construct.props.gate import Gate

ROLLBACK_PERIODS = 3
"""How many metric periods a gate needs to roll back; one period adds at most 0.49 of the evidence that it asks for."""
USUAL_PERIOD_SECONDS = 60
"""Of an alarm whose metric does not tell its period."""


@dataclass(frozen=True, kw_only=True)
class ReactionTime:
    """A gate or an alarm cannot act on a bad release earlier than `earliest_seconds` after a shift of traffic."""

    name: str
    earliest_seconds: int


def of_gates(gates: Sequence[Gate], *, metric_period_seconds: int) -> Iterator[ReactionTime]:
    """Yield the reaction time of each gate: its waits, the periods it needs, and the time until those have come."""
    for gate in gates:
        waits = (gate.warm_up_seconds, gate.delay_seconds)
        periods = sum(math.ceil(seconds / metric_period_seconds) for seconds in waits)
        periods += ROLLBACK_PERIODS + SUCCESSOR_PERIODS
        seconds = periods * metric_period_seconds + METRIC_DELAY_SECONDS
        yield ReactionTime(name=f"gate {gate.name}", earliest_seconds=seconds)


def of_alarms(alarms: Sequence[cloudwatch.IAlarm]) -> Iterator[ReactionTime]:
    """Yield the reaction time of each alarm that this app declares; those of imported alarms are not known."""
    for alarm in alarms:
        declared = alarm.node.default_child
        if isinstance(alarm, cloudwatch.Alarm) and isinstance(declared, cloudwatch.CfnAlarm):
            name = f"alarm {_alarm_title(declared, alarm)}"
            yield ReactionTime(name=name, earliest_seconds=_seconds_to_fire(declared, alarm))


def _alarm_title(declared: cloudwatch.CfnAlarm, alarm: cloudwatch.Alarm) -> str:
    description = declared.alarm_description
    if description is None or Token.is_unresolved(description):
        return alarm.node.id
    return description.removeprefix(f"{Slot.B.value}: ")


def _seconds_to_fire(declared: cloudwatch.CfnAlarm, alarm: cloudwatch.Alarm) -> int:
    """Return the seconds until an alarm can go off. Its first breaching period may have begun before the shift."""
    points = declared.datapoints_to_alarm
    if points is None:
        points = declared.evaluation_periods
    period = getattr(alarm.metric, "period", None)
    seconds = USUAL_PERIOD_SECONDS if period is None else int(period.to_seconds())
    return (int(points or 1) - 1) * seconds + METRIC_DELAY_SECONDS
