"""The alarms of a template, put into the model of CloudWatch."""

from collections.abc import Mapping
from typing import Any

from rollout.contract.gate_rules import PublishedCounts
from rollout.contract.names import SAGEMAKER_NAMESPACE

from canary_tools.aws_models.cloudwatch.held_alarms import HeldAlarms
from canary_tools.aws_models.cloudwatch.missing_data import AlarmState
from canary_tools.rehearsal.template import DeclaredEndpoint, alarm_names

UNKNOWN = {
    "Namespace": "Unknown", "MetricName": "Unknown", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1,
    "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
}  # fmt: skip
"""An alarm whose metric nobody publishes."""


def put_alarms(declared: DeclaredEndpoint, alarms: HeldAlarms) -> None:
    """Put the endpoint's alarms in place. What the world does not publish, such as a shop's orders, is as it should be.

    Such an alarm of the caller is OK until a control says otherwise; so is one that the template only names.
    """
    plan = declared.plan
    counted = {source.namespace for source in plan.gates.sources.values() if isinstance(source, PublishedCounts)}
    published = {SAGEMAKER_NAMESPACE} | counted
    put: set[str] = set()
    for alarm in declared.alarms:
        if "AlarmRule" not in alarm and _namespaces(alarm) <= published:
            alarms.put_metric_alarm(alarm)
            put.add(alarm["AlarmName"])
    for name in set(alarm_names(plan)) - put:
        alarms.put_metric_alarm({**UNKNOWN, "AlarmName": name})
        alarms.hold(name, AlarmState.OK)


def _namespaces(alarm: Mapping[str, Any]) -> set[str]:
    """Return where the metrics of an alarm come from."""
    if "Namespace" in alarm:
        return {alarm["Namespace"]}
    stats = [query["MetricStat"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
    return {stat["Metric"].get("Namespace", "") for stat in stats}
