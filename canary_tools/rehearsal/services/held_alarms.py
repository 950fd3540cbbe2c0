"""Alarms that can be held in a state, whatever their metrics say."""

from collections.abc import Mapping
from typing import Any

from canary_tools.aws_models.cloudwatch.alarm import Alarm, Change
from canary_tools.aws_models.cloudwatch.alarms import Alarms
from canary_tools.aws_models.cloudwatch.missing_data import AlarmState
from canary_tools.rehearsal.template import DeclaredEndpoint

SAGEMAKER, OWN = "AWS/SageMaker", "CanaryConstruct"
UNKNOWN = {
    "Namespace": "Unknown", "MetricName": "Unknown", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
    "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
}  # fmt: skip
"""An alarm whose metric nobody publishes."""


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


def put_alarms(declared: DeclaredEndpoint, alarms: HeldAlarms) -> None:
    """Put the endpoint's alarms in place. What the world does not publish, such as a shop's orders, is as it should be.

    Such an alarm of the caller is OK until a control says otherwise; so is one that the template only names.
    """
    plan = declared.plan
    published = {SAGEMAKER, OWN, *(source.get("namespace", "") for source in plan["gates"]["sources"].values())}
    put: set[str] = set()
    for alarm in declared.alarms:
        if "AlarmRule" not in alarm and _namespaces(alarm) <= published:
            alarms.put_metric_alarm(alarm)
            put.add(alarm["AlarmName"])
    for name in {name for names in plan["alarms"].values() for name in names} - put:
        alarms.put_metric_alarm({**UNKNOWN, "AlarmName": name})
        alarms.hold(name, AlarmState.OK)


def _namespaces(alarm: Mapping[str, Any]) -> set[str]:
    """Return where the metrics of an alarm come from."""
    if "Namespace" in alarm:
        return {alarm["Namespace"]}
    stats = [query["MetricStat"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
    return {stat["Metric"].get("Namespace", "") for stat in stats}
