"""Delivery of events from EventBridge to Lambda, as in AWS: later, at least once, and only with permission.

Gaps it fills: ministack delivers an event at once and exactly once. It does not try again after a function error, and
ignores the function's resource policy. Here a delivery takes some time, and some events come twice. A rule without a
matching AWS::Lambda::Permission cannot invoke the function. A function that fails is invoked again as its asynchronous
invocation settings say (twice by default).
Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html
"""

import importlib
import json
import logging
import random
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from canary_tools.clock import Clock
from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.settings import SandboxSettings
from canary_tools.sandbox.iam.permissions import service_may_invoke

_DUPLICATE_WITHIN_SECONDS = 2.0
_PRINCIPAL = "events.amazonaws.com"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Origin:
    rule_arn: str
    dead_letter_arn: str | None


# the rule whose target is invoked now; ministack does not pass it to its dispatcher
_origin: ContextVar[_Origin | None] = ContextVar("event_origin", default=None)


def install(*, patches: Patches, settings: SandboxSettings, clock: Clock) -> None:
    """Take over the delivery of events to Lambda functions."""
    eventbridge = importlib.import_module("ministack.services.eventbridge")
    delivery = LambdaDelivery(settings=settings, clock=clock)
    patches.attribute(eventbridge, "_invoke_target", _remembering_origin(eventbridge._invoke_target))  # noqa: SLF001
    patches.attribute(eventbridge, "_dispatch_to_lambda", delivery.dispatch)


class LambdaDelivery:
    """Delivers events to functions."""

    def __init__(self, *, settings: SandboxSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._random = random.Random(settings.seed)  # noqa: S311 - a simulation, not a secret

    def dispatch(self, function_arn: str, payload: str) -> None:
        """Deliver `payload` after a short delay, and with some probability a second time."""
        origin = _origin.get()
        for delay in self._delays():
            self._clock.call_at(self._clock.now() + delay, lambda: _deliver(function_arn, payload, origin))

    def _delays(self) -> list[float]:
        with self._lock:
            delays = [self._random.uniform(0, self._settings.event_delivery_seconds)]
            if self._random.random() < self._settings.duplicate_event_probability:
                delays.append(delays[0] + self._random.uniform(0, _DUPLICATE_WITHIN_SECONDS))
        return delays


def _remembering_origin(invoke_target: Callable[..., None]) -> Callable[..., None]:
    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: object = None) -> None:
        dead_letter = (target.get("DeadLetterConfig") or {}).get("Arn")
        token = _origin.set(_Origin(rule.get("Arn", ""), dead_letter))
        try:
            invoke_target(target, event, rule, view)
        finally:
            _origin.reset(token)

    return invoke


def _deliver(function_arn: str, payload: str, origin: _Origin | None) -> None:
    functions = importlib.import_module("ministack.services.lambda_svc")
    record, configuration, name = functions._get_func_record_for_ref(function_arn)  # noqa: SLF001 - as its dispatcher does
    if record is None or configuration is None:
        _give_up(payload, origin, f"function {name} does not exist")
        return
    execution = functions._execution_record_for_config(record, configuration)  # noqa: SLF001 - as its dispatcher does
    rule_arn = origin.rule_arn if origin else ""
    if not service_may_invoke(execution, service=_PRINCIPAL, source_arn=rule_arn):
        _give_up(payload, origin, f"rule {rule_arn} has no permission to invoke {name}")
        return
    functions.invoke_async_with_retry(execution, json.loads(payload))


def _give_up(payload: str, origin: _Origin | None, reason: str) -> None:
    """Send the event to the dead-letter queue of the target, if it has one. AWS does not retry these errors."""
    _log.warning("an event was not delivered: %s", reason)
    if origin is None or origin.dead_letter_arn is None:
        return
    arn = importlib.import_module("ministack.core.arn")
    eventbridge = importlib.import_module("ministack.services.eventbridge")
    eventbridge._dispatch_to_sqs(arn.parse_arn(origin.dead_letter_arn), payload)  # noqa: SLF001 - ministack has no public function for it
