"""All alarms of one endpoint. The caller may add some until the template is rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.contract.names import CALLER

from canary_construct.border.resources import refuse_alarm_elsewhere
from canary_construct.watching.slot_alarms import SlotAlarms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from constructs import Construct

    from canary_construct.props.alarm_thresholds import AlarmThresholds
    from canary_construct.props.slot import Slot
    from canary_construct.watching.slot_metrics import SlotMetrics

MAX_NAMES_IN_A_CALL = 100
"""Of DescribeAlarms. Source:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html (AlarmNames)"""


class RolloutAlarms:
    """The alarms that both slots have, and those that the caller gave."""

    def __init__(
        self,
        scope: Construct,
        *,
        slots: Sequence[SlotMetrics],
        thresholds: AlarmThresholds,
        callers: Sequence[cloudwatch.IAlarm],
    ) -> None:
        self._by_slot = {
            metrics.slot: SlotAlarms(scope, f"Alarms{metrics.slot.name}", metrics=metrics, thresholds=thresholds)
            for metrics in slots
        }
        self._scope = scope
        self._callers: list[cloudwatch.IAlarm] = []
        for alarm in callers:
            self.add(alarm)

    def add(self, alarm: cloudwatch.IAlarm) -> None:
        """Add an alarm of the caller.

        Raises:
            ValueError: when it is of another account or region, or one call could not ask for all states any more.
        """
        refuse_alarm_elsewhere(self._scope, alarm, prop="alarms")
        self._callers.append(alarm)
        most = max(len(self.that_stop(slot)) for slot in self._by_slot)
        if most > MAX_NAMES_IN_A_CALL:
            allowed = len(self._callers) - most + MAX_NAMES_IN_A_CALL
            raise ValueError(
                f"alarms must be at most {allowed}, got {len(self._callers)}: combine some of them in a composite alarm"
            )

    @property
    def of_slots(self) -> list[cloudwatch.Alarm]:
        """Return the alarms of both slots."""
        return [alarm for slot in self._by_slot.values() for alarm in slot.all]

    def that_stop(self, canary: Slot) -> list[cloudwatch.IAlarm]:
        """Return the alarms that end a rollout whose canary is in this slot: the slot's own, and the caller's."""
        return [*self._by_slot[canary].all, *self._callers]

    def names(self) -> dict[str, list[str]]:
        """Return the names by slot; those of the caller's alarms are under a key of their own."""
        by_slot = {slot.value: [alarm.alarm_name for alarm in alarms.all] for slot, alarms in self._by_slot.items()}
        return {**by_slot, CALLER: [alarm.alarm_name for alarm in self._callers]}

    @property
    def all(self) -> list[cloudwatch.IAlarm]:
        """Return all of them."""
        return [*self.of_slots, *self._callers]
