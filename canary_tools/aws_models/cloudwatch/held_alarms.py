"""Alarms that can be held in a state, independent of their metrics."""

from typing import Any

from canary_tools.aws_models.cloudwatch.alarm import Alarm, Change
from canary_tools.aws_models.cloudwatch.alarms import Alarms
from canary_tools.aws_models.cloudwatch.missing_data import AlarmState


class HeldAlarms(Alarms):
    """Alarms of which some are not evaluated for a time. The arguments are those of `Alarms`."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self._held: set[str] = set()

    def hold(self, name: str, state: AlarmState) -> None:
        """Put an alarm into a state, and keep it there until `release`. Nothing happens if there is no such alarm."""
        if self.get(name) is not None:
            self._held.add(name)
            self.set_state(name, state, "held by the scenario")

    def release(self, name: str) -> None:
        """Evaluate the alarm again from now on."""
        self._held.discard(name)

    def _evaluate(self, alarm: Alarm) -> list[Change]:
        return [] if alarm.name in self._held else super()._evaluate(alarm)

    def _evaluate_composite(self, alarm: Alarm) -> list[Change]:
        return [] if alarm.name in self._held else super()._evaluate_composite(alarm)
