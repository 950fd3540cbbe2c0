"""The CloudFormation types AWS::CloudWatch::Alarm and AWS::CloudWatch::CompositeAlarm."""

from collections.abc import Callable, Mapping
from typing import Any

from canary_tools.aws_models.cloudwatch.alarms import Alarms

Properties = Mapping[str, Any]
Provisioned = tuple[str, dict[str, str]]

_INTEGERS = ("EvaluationPeriods", "DatapointsToAlarm", "Period")
_NUMBERS = ("Threshold",)
_BOOLEANS = ("ActionsEnabled", "ReturnData")
_NAME_LENGTH = 255


def alarm_handlers(alarms: Alarms) -> dict[str, dict[str, Any]]:
    """Return the handlers of each type, in the form of ministack's table."""
    return {
        "AWS::CloudWatch::Alarm": _handlers(alarms, alarms.put_metric_alarm),
        "AWS::CloudWatch::CompositeAlarm": _handlers(alarms, alarms.put_composite_alarm),
    }


def _handlers(alarms: Alarms, put: Callable[[Properties], Any]) -> dict[str, Any]:
    def create(logical_id: str, properties: Properties, stack_name: str) -> Provisioned:
        name = properties.get("AlarmName") or _physical_name(stack_name, logical_id)
        alarm = put({**_coerced(properties), "AlarmName": name})
        alarm.tags = {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags") or []}
        return name, {"Arn": alarm.arn}

    def update(
        physical_id: str, _before: Properties, after: Properties, stack_name: str, logical_id: str
    ) -> Provisioned:
        """Put the alarm. If its name has changed, the old alarm is deleted in the clean-up phase."""
        name = after.get("AlarmName") or physical_id
        return create(logical_id, {**after, "AlarmName": name}, stack_name)

    def delete(physical_id: str, _properties: Properties) -> None:
        alarms.delete([physical_id])

    return {"create": create, "update": update, "update_with_logical_id": True, "delete": delete}


def _physical_name(stack_name: str, logical_id: str) -> str:
    from ministack.services.cloudformation import provisioners  # noqa: PLC0415 - reads the environment

    name: str = provisioners._physical_name(stack_name, logical_id, max_len=_NAME_LENGTH)  # noqa: SLF001 - as its handlers do
    return name


def _coerced(value: Any, name: str = "") -> Any:
    """Convert numbers and booleans that a template holds as text, at any depth."""
    if isinstance(value, Mapping):
        return {key: _coerced(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_coerced(item) for item in value]
    if name in _INTEGERS:
        return int(float(value))
    if name in _NUMBERS:
        return float(value)
    if name in _BOOLEANS and isinstance(value, str):
        return value.lower() == "true"
    return value
