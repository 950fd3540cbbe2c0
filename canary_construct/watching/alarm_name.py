"""How long the name of an alarm is, also of one that only the deploy names."""

from __future__ import annotations

import json

from aws_cdk import CfnElement, Stack, Token
from aws_cdk import aws_cloudwatch as cloudwatch

MAX_ALARM_NAME = 255
"""Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html (AlarmName)"""
_MAX_STACK_NAME = 128
_RANDOM_PART = 13
"""CloudFormation calls an alarm without a name `<stack>-<logical ID>-<random part>`. Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html"""


def name_characters(alarm: cloudwatch.IAlarm) -> int:
    """Return the most characters that the name of an alarm takes in JSON, with its quotes."""
    name = _declared_name(alarm)
    if isinstance(name, str):
        return len(json.dumps(name))
    return min(MAX_ALARM_NAME, _generated(alarm) if name is None else MAX_ALARM_NAME) + len('""')


def _declared_name(alarm: cloudwatch.IAlarm) -> object:
    """Return the name as text, `None` when CloudFormation makes it, and something else when only the deploy knows."""
    if not Token.is_unresolved(alarm.alarm_name):
        return alarm.alarm_name
    declared = alarm.node.default_child
    if isinstance(declared, cloudwatch.CfnAlarm | cloudwatch.CfnCompositeAlarm):
        name: object = Stack.of(declared).resolve(declared.alarm_name)
        return name
    return alarm


def _generated(alarm: cloudwatch.IAlarm) -> int:
    declared = alarm.node.default_child
    assert isinstance(declared, CfnElement)
    stack = Stack.of(declared)
    stack_name = _MAX_STACK_NAME if Token.is_unresolved(stack.stack_name) else len(stack.stack_name)
    return stack_name + len("-") + len(str(stack.resolve(declared.logical_id))) + len("-") + _RANDOM_PART
