"""The EventBridge rules that take the canary's traffic away as soon as an alarm goes off.

A pattern may have 2,048 characters, and holds the names of alarms instead of their ARNs. So there is one rule for as
many alarms as fit into a pattern. Sources: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import jsii
from aws_cdk import aws_events as events
from constructs import IValidation

from canary_construct.cdk.lazy import lazy_list, lazy_value
from canary_construct.rollout.event_rules import call, rule_name
from canary_construct.watching.alarm_name import name_characters

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from constructs import Construct

    from canary_construct.handlers.functions import Handlers
    from canary_construct.rollout.settings import EndpointSettings

MAX_PATTERN = 2048
MAX_INPUT = 8192
"""What a rule may hand to its target. Source:
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_InputTransformer.html (InputTemplate)"""
_EVENT_FIELDS = 256
"""More than the names of the settings' neighbours and the paths into the event take."""
_SOURCE = ["aws.cloudwatch"]
_DETAIL_TYPE = ["CloudWatch Alarm State Change"]
_RAISED = {"value": ["ALARM"]}
_WITHOUT_NAMES = {"source": _SOURCE, "detail-type": _DETAIL_TYPE, "detail": {"alarmName": [], "state": _RAISED}}
_ROOM = MAX_PATTERN - len(json.dumps(_WITHOUT_NAMES))


@dataclass(kw_only=True)
class _Group:
    """The names in one pattern, and how many characters they take with their commas."""

    names: list[str] = field(default_factory=list)
    characters: int = 0


class PanicRules:
    """One rule for each group of alarms. All of them call the panic handler in the same way."""

    def __init__(self, scope: Construct, handlers: Handlers, settings: EndpointSettings) -> None:
        self._scope = scope
        self._handlers = handlers
        self._settings = settings
        self._groups: list[_Group] = []
        for alarm in settings.alarms.all:
            self.add(alarm)
        scope.node.add_validation(_InputSize(scope, settings))

    def add(self, alarm: cloudwatch.IAlarm) -> None:
        """Watch one more alarm: with the newest rule, or with a rule of its own if its name does not fit there."""
        characters = name_characters(alarm) + len(",")
        if not self._groups or self._groups[-1].characters + characters > _ROOM:
            self._groups.append(_Group())
            self._rule(self._groups[-1])
        self._groups[-1].names.append(alarm.alarm_name)
        self._groups[-1].characters += characters

    def _rule(self, group: _Group) -> None:
        number = "" if len(self._groups) == 1 else str(len(self._groups))
        events.Rule(
            self._scope,
            f"AlarmRaised{number}",
            rule_name=rule_name(self._scope, self._settings.endpoint_name, self._handlers, f"alarm{number}"),
            event_pattern=events.EventPattern(
                source=_SOURCE,
                detail_type=_DETAIL_TYPE,
                detail={"alarmName": lazy_list(lambda: group.names), "state": _RAISED},
            ),
            targets=[
                call(
                    self._handlers["Panic"],
                    settings=lazy_value(lambda: self._settings.current().to_json()),
                    alarm_name=events.EventField.from_path("$.detail.alarmName"),
                    raised_at=events.EventField.from_path("$.time"),
                )
            ],
        )


@jsii.implements(IValidation)
class _InputSize:
    """Refuses alarms whose names would make the input of a handler too long. Each input holds all of them."""

    def __init__(self, scope: Construct, settings: EndpointSettings) -> None:
        self._scope = scope
        self._settings = settings

    def validate(self) -> list[str]:
        """Return a sentence if the input would be too long."""
        alarms = self._settings.alarms.all
        nameless = replace(self._settings.current(), alarms={}).to_json()
        characters = len(json.dumps(nameless)) + sum(name_characters(alarm) + len(", ") for alarm in alarms)
        if characters + _EVENT_FIELDS <= MAX_INPUT:
            return []
        sentence = (
            f"a handler takes {MAX_INPUT} characters from a rule, the names of the {len(alarms)} alarms of "
            f"{self._scope.node.path} make it {characters + _EVENT_FIELDS}: combine some of them in a composite alarm, "
            "or give them shorter names"
        )
        return [sentence]
