"""The EventBridge rules that call handlers outside of the state machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsii
from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from rollout.contract.names import EVENT_SOURCE

from canary_construct.cdk.lazy import lazy_value

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sns as sns
    from aws_cdk.interfaces.aws_events import IRuleRef
    from constructs import Construct

    from canary_construct.handlers.functions import Handlers
    from canary_construct.rollout.settings import EndpointSettings

TERMINAL_STATUSES = [
    "CREATE_COMPLETE",
    "ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
]
WATCH_MINUTES = 15
"""As long as a Lambda function may run. A lock that is older, and that no execution works on, was left behind."""
MINIMUM_MINUTES = 5
"""How late a scheduled minimum may come into force."""
MAX_RULE_NAME = 64
"""Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html"""
MAX_EVENT_AGE = Duration.hours(6)
RETRY_ATTEMPTS = 100
UNFINISHED_ENDINGS = ["ABORTED", "FAILED", "TIMED_OUT"]


def settle_rule(scope: Construct, handlers: Handlers, settings: EndpointSettings, settled_stack: Stack) -> None:
    """Settle the endpoint whenever an operation on its stack has ended.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/eventbridge-events.html
    """
    events.Rule(
        scope,
        "StackSettled",
        rule_name=rule_name(scope, settings.endpoint_name, handlers, "settled"),
        event_pattern=events.EventPattern(
            source=["aws.cloudformation"],
            detail_type=["CloudFormation Stack Status Change"],
            detail={"stack-id": [settled_stack.stack_id], "status-details": {"status": TERMINAL_STATUSES}},
        ),
        targets=[
            call(
                handlers["Settle"],
                settings=lazy_value(lambda: settings.current().to_json()),
                stack_id=events.EventField.from_path("$.detail.stack-id"),
                status=events.EventField.from_path("$.detail.status-details.status"),
            )
        ],
    )


def watch_rule(scope: Construct, handlers: Handlers, settings: EndpointSettings, settled_stack: Stack) -> None:
    """Look every 15 minutes whether a process ended and left its lock behind, and whether a rollout has landed.

    Without either this reads three records. With scheduled minimums of instances, of the endpoint or of the release
    that is deployed, it looks every 5 minutes, and brings them into force. Lambda repeats a failed asynchronous
    invocation twice and then drops the event. Sources:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html,
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html
    """
    events.Rule(
        scope,
        "LockWatched",
        rule_name=rule_name(scope, settings.endpoint_name, handlers, "watched"),
        schedule=events.Schedule.rate(Duration.minutes(MINIMUM_MINUTES if _has_minimums(settings) else WATCH_MINUTES)),
        targets=[
            call(
                handlers["Settle"],
                settings=lazy_value(lambda: settings.current().to_json()),
                stack_id=settled_stack.stack_id,
            )
        ],
    )


def _has_minimums(settings: EndpointSettings) -> bool:
    return any(scaling.scheduled_minimums for scaling in (settings.scaling, settings.canary_scaling))


def restore_rule(
    scope: Construct, handlers: Handlers, settings: EndpointSettings, state_machine_arn: str
) -> events.Rule:
    """Clean up after executions that ended without doing so themselves.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    """
    return events.Rule(
        scope,
        "ExecutionEnded",
        rule_name=rule_name(scope, settings.endpoint_name, handlers, "ended"),
        event_pattern=events.EventPattern(
            source=["aws.states"],
            detail_type=["Step Functions Execution Status Change"],
            detail={"stateMachineArn": [state_machine_arn], "status": UNFINISHED_ENDINGS},
        ),
        targets=[
            call(
                handlers["Restore"],
                settings=lazy_value(lambda: settings.current().to_json()),
                execution=events.EventField.from_path("$.detail.name"),
                status=events.EventField.from_path("$.detail.status"),
            )
        ],
    )


def own_events(endpoint_name: str) -> events.EventPattern:
    """Return the pattern of the events that the handlers send about one endpoint's rollouts."""
    return events.EventPattern(source=[EVENT_SOURCE], detail={"endpoint": [endpoint_name]})


def told_rule(
    scope: Construct, handlers: Handlers, endpoint_name: str, topic: sns.ITopic, *, dashboard: str, executions: str
) -> None:
    """Publish every event about an endpoint's rollouts for people. `dashboard` and `executions` as in `Announced`."""
    announcer = handlers.announcer_to(topic)
    field = events.EventField.from_path
    events.Rule(
        scope,
        "Notification",
        rule_name=rule_name(scope, endpoint_name, handlers, "told"),
        event_pattern=own_events(endpoint_name),
        targets=[
            call(
                announcer,
                topic=topic.topic_arn,
                dashboard=dashboard,
                executions=executions,
                detail_type=field("$.detail-type"),
                detail=field("$.detail"),
            )
        ],
    )


def rule_name(scope: Construct, endpoint_name: str, handlers: Handlers, kind: str) -> str:
    """Return a name of at most 64 characters that ends in the stack's mark, for which the handlers may be called."""
    ending = f"-{scope.node.addr[-8:]}-{kind}-{handlers.scope.mark}"
    return endpoint_name[: MAX_RULE_NAME - len(ending)].rstrip("-") + ending


@jsii.implements(events.IRuleTarget)
class _Call:
    """A call of a handler. All rules of the stack have one permission, which the handlers hold."""

    def __init__(self, handler: lambda_.IFunction, payload: dict[str, Any]) -> None:
        self._handler = handler
        self._payload = payload

    def bind(self, rule: IRuleRef, id: str | None = None) -> events.RuleTargetConfig:  # noqa: A002, ARG002 - CDK's
        """Return what the rule calls, and with what."""
        return events.RuleTargetConfig(
            arn=self._handler.function_arn,
            input=events.RuleTargetInput.from_object(self._payload),
            retry_policy=events.CfnRule.RetryPolicyProperty(
                maximum_event_age_in_seconds=MAX_EVENT_AGE.to_seconds(), maximum_retry_attempts=RETRY_ATTEMPTS
            ),
            target_resource=self._handler,
        )


def call(handler: lambda_.IFunction, **payload: Any) -> events.IRuleTarget:
    """Return a target that calls a handler with this payload."""
    return _Call(handler, payload)
