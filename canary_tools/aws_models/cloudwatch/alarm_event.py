"""The change of an alarm's state, as an EventBridge event and as an SNS message.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
and https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
"""

import json
from typing import Any

from canary_tools.aws_models.cloudwatch.alarm import Alarm, Change, StateRecord, timestamp
from canary_tools.aws_models.cloudwatch.queries import MetricStat, Query

SOURCE = "aws.cloudwatch"
DETAIL_TYPE = "CloudWatch Alarm State Change"


def event_detail(change: Change) -> dict[str, Any]:
    """Return the `detail` of the EventBridge event."""
    return {
        "alarmName": change.alarm.name,
        "state": _state(change.after),
        "previousState": _state(change.before),
        "configuration": _configuration(change.alarm),
    }


def notification(change: Change) -> dict[str, Any]:
    """Return the message that an SNS topic receives."""
    account, region = change.alarm.arn.split(":")[4], change.alarm.arn.split(":")[3]
    return {
        "AlarmName": change.alarm.name,
        "AlarmDescription": change.alarm.request.get("AlarmDescription"),
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": timestamp(change.alarm.configured),
        "NewStateValue": str(change.after.value),
        "NewStateReason": change.after.reason,
        "StateChangeTime": timestamp(change.after.since),
        "Region": region,
        "AlarmArn": change.alarm.arn,
        "OldStateValue": str(change.before.value),
        **_trigger(change.alarm),
    }


def _state(record: StateRecord) -> dict[str, Any]:
    state = {"value": str(record.value), "reason": record.reason, "timestamp": timestamp(record.since)}
    if record.reason_data:
        state["reasonData"] = json.dumps(record.reason_data)
    return state


def _configuration(alarm: Alarm) -> dict[str, Any]:
    configuration: dict[str, Any] = {}
    if alarm.request.get("AlarmDescription"):
        configuration["description"] = alarm.request["AlarmDescription"]
    if alarm.rule is not None:
        return {**configuration, "alarmRule": alarm.request["AlarmRule"]}
    return {**configuration, "metrics": [_query(query) for query in alarm.queries]}


def _query(query: Query) -> dict[str, Any]:
    source = {"expression": query.expression} if query.metric is None else {"metricStat": _metric_stat(query.metric)}
    return {"id": query.id, "label": query.label, "returnData": query.returned, **source}


def _metric_stat(metric: MetricStat) -> dict[str, Any]:
    return {
        "metric": {
            "namespace": metric.key.namespace,
            "name": metric.key.name,
            "dimensions": dict(metric.key.dimensions),
        },
        "period": metric.period,
        "stat": metric.stat,
    }


def _trigger(alarm: Alarm) -> dict[str, Any]:
    if alarm.rule is not None:
        return {"AlarmRule": alarm.request["AlarmRule"]}
    copied = (
        "MetricName",
        "Namespace",
        "Dimensions",
        "Metrics",
        "Period",
        "EvaluationPeriods",
        "DatapointsToAlarm",
        "ComparisonOperator",
        "Threshold",
        "TreatMissingData",
    )
    return {"Trigger": {name: alarm.request[name] for name in copied if name in alarm.request}}
