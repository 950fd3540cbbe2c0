"""Alarms that can be held in a state, whatever their metrics say."""

from typing import Any

from canary_tools.sandbox.cloudwatch.alarm import Alarm, Change
from canary_tools.sandbox.cloudwatch.alarms import Alarms
from canary_tools.sandbox.cloudwatch.missing_data import AlarmState


class HeldAlarms(Alarms):
    """The sandbox's alarms, of which some are not evaluated for a time."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self._held: set[str] = set()

    def hold(self, name: str, state: AlarmState) -> None:
        """Put an alarm into a state that its data do not change until `release`; a deleted one is left alone."""
        if self.get(name) is not None:
            self._held.add(name)
            self.set_state(name, state, "held by the scenario")

    def release(self, name: str) -> None:
        """Let its data say again what an alarm's state is."""
        self._held.discard(name)

    def _evaluate(self, alarm: Alarm) -> list[Change]:
        return [] if alarm.name in self._held else super()._evaluate(alarm)

    def _evaluate_composite(self, alarm: Alarm) -> list[Change]:
        return [] if alarm.name in self._held else super()._evaluate_composite(alarm)
