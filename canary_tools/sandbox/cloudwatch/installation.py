"""Replaces ministack's CloudWatch by the model of this project. Dashboards stay with ministack.

Gaps it fills: ministack refuses alarms on metric math and ignores dimensions when it evaluates alarms. Its
GetMetricData knows no expressions, and answers unknown statistics with the average. It sends no state-change events and
does not provision AWS::CloudWatch::CompositeAlarm.
"""

import importlib
import json
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from canary_tools.aws_models.api.errors import ApiError
from canary_tools.aws_models.api.events import Emit
from canary_tools.aws_models.cloudwatch.alarm import Change
from canary_tools.aws_models.cloudwatch.alarm_api import AlarmApi
from canary_tools.aws_models.cloudwatch.alarm_event import notification
from canary_tools.aws_models.cloudwatch.alarms import Alarms
from canary_tools.aws_models.cloudwatch.metric_api import MetricApi
from canary_tools.aws_models.cloudwatch.metric_store import MetricStore
from canary_tools.clock import Clock
from canary_tools.sandbox.cloudwatch.resource_types import alarm_handlers
from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.settings import PLACE, REGION, SandboxSettings
from canary_tools.sandbox.iam.permissions import service_may_invoke
from canary_tools.sandbox.protocols.cloudwatch_protocols import Response, protocol_of

_SUBJECT_LENGTH = 100
_ALARMS_PRINCIPAL = "lambda.alarms.cloudwatch.amazonaws.com"
_log = logging.getLogger(__name__)


def install(*, patches: Patches, settings: SandboxSettings, clock: Clock, metrics: MetricStore, emit: Emit) -> Alarms:
    """Answer the CloudWatch API from `metrics`, and evaluate alarms on `clock`."""
    alarms = Alarms(
        store=metrics,
        clock=clock,
        emit=emit,
        act=_act,
        place=PLACE,
        undocumented=settings.undocumented,
    )
    metric_api = MetricApi(store=metrics, clock=clock, undocumented=settings.undocumented)
    operations = {**metric_api.operations(), **AlarmApi(alarms).operations()}
    app = importlib.import_module("ministack.app")
    theirs = importlib.import_module("ministack.services.cloudwatch")
    patches.item(app.SERVICE_HANDLERS, "monitoring", _handler(operations, theirs.handle_request))
    patches.attribute(theirs, "record_metric", _recorder(metrics, clock))
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    for resource_type, handlers in alarm_handlers(alarms).items():
        patches.item(provisioners._RESOURCE_HANDLERS, resource_type, handlers)  # noqa: SLF001 - its extension point
    alarms.start()
    return alarms


def _handler(
    operations: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]], fallback: Callable[..., Any]
) -> Callable[..., Any]:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        protocol = protocol_of(path, headers, body, query)
        if protocol.operation not in operations:
            answer: Response = await fallback(method, path, headers, body, query)
            return answer
        try:
            return protocol.answer(operations[protocol.operation](protocol.request(body)))
        except ApiError as error:
            return protocol.refusal(error)
        except (KeyError, TypeError, ValueError) as error:
            return protocol.refusal(ApiError("ValidationError", f"invalid request: {error!r}"))

    return handle


def _recorder(metrics: MetricStore, clock: Clock) -> Callable[..., None]:
    """Return a function that stores the metrics of ministack's own services."""

    def record(
        namespace: str,
        metric_name: str,
        value: float,
        unit: str = "None",
        dimensions: Mapping[str, str] | None = None,
    ) -> None:
        metrics.record(
            namespace=namespace,
            name=metric_name,
            dimensions=dimensions or {},
            timestamp=clock.now(),
            values={float(value): 1},
            unit=unit,
        )

    return record


def _act(action: str, change: Change) -> None:
    """Notify a topic or invoke a function. Other actions are logged and do nothing."""
    message = json.dumps(notification(change))
    service = action.split(":")[2] if action.count(":") >= 5 else ""  # noqa: PLR2004 - colons of an ARN
    deliver = {"sns": _publish, "lambda": _invoke}.get(service)
    if deliver is None:
        _log.warning("the action %s of alarm %s is not supported", action, change.alarm.name)
        return
    threading.Thread(target=deliver, args=(action, message, change), daemon=True).start()


def _publish(topic: str, message: str, change: Change) -> None:
    subject = f'{change.after.value}: "{change.alarm.name}" in {REGION}'[:_SUBJECT_LENGTH]
    sns = importlib.import_module("ministack.services.sns")
    try:
        sns.publish_internal(topic, message, subject)
    except sns.SnsPublishError as error:
        _log.warning("alarm %s could not notify %s: %s", change.alarm.name, topic, error)


def _invoke(function: str, message: str, change: Change) -> None:
    functions = importlib.import_module("ministack.services.lambda_svc")
    record, configuration, _ = functions._get_func_record_for_ref(function)  # noqa: SLF001 - as its own callers do
    if record is None or configuration is None:
        _log.warning("alarm %s has no function %s to invoke", change.alarm.name, function)
        return
    execution = functions._execution_record_for_config(record, configuration)  # noqa: SLF001 - as its own callers do
    if service_may_invoke(execution, service=_ALARMS_PRINCIPAL, source_arn=change.alarm.arn):
        functions.invoke_async_with_retry(execution, json.loads(message))
    else:
        _log.warning("alarm %s has no permission to invoke %s", change.alarm.name, function)
