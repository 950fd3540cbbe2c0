"""The alarm operations of the CloudWatch API."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.api.operations import Operation, Request
from canary_tools.aws_models.cloudwatch.alarm import Alarm, Change, timestamp
from canary_tools.aws_models.cloudwatch.alarm_event import event_detail
from canary_tools.aws_models.cloudwatch.alarm_request import AlarmRequestError
from canary_tools.aws_models.cloudwatch.alarms import Alarms
from canary_tools.aws_models.cloudwatch.missing_data import AlarmState

_METRIC_ALARM, _COMPOSITE_ALARM = "MetricAlarm", "CompositeAlarm"
_NOT_DESCRIBED = ("Tags",)
_NAMES_IN_A_CALL = 100


class AlarmApi:
    """Creates, describes, deletes and tags alarms."""

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms

    def operations(self) -> dict[str, Operation]:
        """Return the operations, by their names in the API."""
        return {
            "PutMetricAlarm": self._refusing(self._alarms.put_metric_alarm),
            "PutCompositeAlarm": self._refusing(self._alarms.put_composite_alarm),
            "DeleteAlarms": self._refusing(lambda request: self._alarms.delete(request["AlarmNames"])),
            "DescribeAlarms": self.describe_alarms,
            "DescribeAlarmHistory": self.describe_alarm_history,
            "SetAlarmState": self.set_alarm_state,
            "EnableAlarmActions": lambda request: self._switch_actions(request, enabled=True),
            "DisableAlarmActions": lambda request: self._switch_actions(request, enabled=False),
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._list_tags,
        }

    def describe_alarms(self, request: Request) -> dict[str, Any]:
        """Answer `DescribeAlarms`. Composite alarms are described only if `AlarmTypes` asks for them.

        Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
        """
        _check_names(request.get("AlarmNames") or [])
        types = request.get("AlarmTypes") or [_METRIC_ALARM]
        found = [alarm for alarm in self._alarms.all() if _matches(alarm, request)]
        return {
            "MetricAlarms": [_described(alarm) for alarm in found if alarm.rule is None and _METRIC_ALARM in types],
            "CompositeAlarms": [
                _described(alarm) for alarm in found if alarm.rule is not None and _COMPOSITE_ALARM in types
            ],
        }

    def describe_alarm_history(self, request: Request) -> dict[str, Any]:
        """Answer `DescribeAlarmHistory` with changes of state, newest first by default."""
        name, start, end = request.get("AlarmName"), request.get("StartDate"), request.get("EndDate")
        found = [
            _history_item(change)
            for change in self._alarms.history
            if name in (None, change.alarm.name)
            and (start is None or change.after.since >= start)
            and (end is None or change.after.since <= end)
        ]
        if request.get("ScanBy") != "TimestampAscending":
            found.reverse()
        return {"AlarmHistoryItems": found[: request.get("MaxRecords") or None]}

    def set_alarm_state(self, request: Request) -> dict[str, Any]:
        """Answer `SetAlarmState`. The state holds until the next evaluation."""
        self._existing(request["AlarmName"])
        self._alarms.set_state(
            request["AlarmName"],
            AlarmState(request["StateValue"]),
            request["StateReason"],
            request.get("StateReasonData") or "",
        )
        return {}

    def _switch_actions(self, request: Request, *, enabled: bool) -> dict[str, Any]:
        for name in request["AlarmNames"]:
            alarm = self._existing(name)
            alarm.request = {**alarm.request, "ActionsEnabled": enabled}
        return {}

    def _tag(self, request: Request) -> dict[str, Any]:
        self._by_arn(request).tags.update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
        return {}

    def _untag(self, request: Request) -> dict[str, Any]:
        tags = self._by_arn(request).tags
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _list_tags(self, request: Request) -> dict[str, Any]:
        tags = self._by_arn(request).tags
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _by_arn(self, request: Request) -> Alarm:
        return self._existing(request["ResourceARN"].partition(":alarm:")[2])

    def _existing(self, name: str) -> Alarm:
        alarm = self._alarms.get(name)
        if alarm is None:
            raise ApiError("ResourceNotFound", f"alarm {name} does not exist")
        return alarm

    @staticmethod
    def _refusing(operation: Callable[[Request], object]) -> Operation:
        def answer(request: Request) -> dict[str, Any]:
            try:
                operation(request)
            except AlarmRequestError as error:
                raise ApiError("ValidationError", str(error)) from error
            return {}

        return answer


def _check_names(names: Sequence[str]) -> None:
    """Refuse more names than a call takes, in the words of every AWS API for a list that is too long.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html (AlarmNames)
    """
    if len(names) > _NAMES_IN_A_CALL:
        raise ApiError(
            "ValidationError",
            f"1 validation error detected: Value '[{', '.join(names)}]' at 'alarmNames' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_NAMES_IN_A_CALL}",
        )


def _matches(alarm: Alarm, request: Request) -> bool:
    return (
        (not request.get("AlarmNames") or alarm.name in request["AlarmNames"])
        and alarm.name.startswith(request.get("AlarmNamePrefix") or "")
        and request.get("StateValue") in (None, alarm.state.value)
    )


def _described(alarm: Alarm) -> dict[str, Any]:
    described = {name: value for name, value in alarm.request.items() if name not in _NOT_DESCRIBED}
    defaults = {"ActionsEnabled": True, "OKActions": [], "AlarmActions": [], "InsufficientDataActions": []}
    if alarm.rule is None and "Metrics" not in described:
        defaults["Dimensions"] = []
    return {
        **defaults,
        **described,
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": alarm.configured,
        "StateValue": str(alarm.state.value),
        "StateReason": alarm.state.reason,
        "StateReasonData": json.dumps(alarm.state.reason_data) if alarm.state.reason_data else "",
        "StateUpdatedTimestamp": alarm.state.since,
        "StateTransitionedTimestamp": alarm.transitioned,
    }


def _history_item(change: Change) -> dict[str, Any]:
    before, after = change.before, change.after
    detail = event_detail(change)
    return {
        "AlarmName": change.alarm.name,
        "AlarmType": _COMPOSITE_ALARM if change.alarm.rule else _METRIC_ALARM,
        "Timestamp": after.since,
        "HistoryItemType": "StateUpdate",
        "HistorySummary": f"Alarm updated from {before.value} to {after.value}",
        "HistoryData": json.dumps(
            {
                "version": "1.0",
                "oldState": {**detail["previousState"], "stateValue": str(before.value)},
                "newState": {**detail["state"], "stateValue": str(after.value)},
                "timestamp": timestamp(after.since),
            }
        ),
    }
