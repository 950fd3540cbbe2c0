"""The resource policy by which an account's services write logs: one for all of them, with a limit.

Gap it fills: ministack takes a state machine with any log group. AWS adds each group outside of `/aws/vendedlogs/` to
one resource policy of the account, never removes it, and refuses the state machine when the policy has become too long.
Sources: https://docs.aws.amazon.com/step-functions/latest/dg/bp-cwl.html,
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html; the policy is that of
https://github.com/aws/aws-cdk/issues/28577, the sentence that of
https://github.com/aws-solutions/media-insights-on-aws/issues/685.
"""

import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.settings import PLACE

POLICY_CHARACTERS = 5_120
POLICY = "AWSLogDeliveryWrite20150319"
VENDED = "/aws/vendedlogs/"
_STATE_MACHINE = "AWS::StepFunctions::StateMachine"
_ERROR = "InvalidLoggingConfiguration"
_REFUSAL = (
    "Invalid Logging Configuration: The CloudWatch Logs Resource Policy size was exceeded. We suggest prefixing your "
    "CloudWatch log group name with /aws/vendedlogs/states/."
)


class PolicyTooLong(ValueError):
    """The policy has no room for a further log group."""


def install(*, patches: Patches) -> None:
    """Add the log groups of state machines to the policy, in the API and in templates."""
    states = importlib.import_module("ministack.services.stepfunctions")
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    policy = _DeliveryPolicy(importlib.import_module("ministack.services.cloudwatch_logs"))
    for name in ("_create_state_machine", "_update_state_machine"):
        patches.attribute(states, name, policy.answering(getattr(states, name), states.error_response_json))
    machine = provisioners._RESOURCE_HANDLERS[_STATE_MACHINE]  # noqa: SLF001 - a machine is created without the API
    patches.item(machine, "create", policy.declared(machine["create"]))


def group_resource(log_group_arn: str) -> str:
    """Return what stands in the policy for a log group.

    >>> group_resource("arn:aws:logs:us-east-1:000000000000:log-group:shop:*")
    'arn:aws:logs:us-east-1:000000000000:log-group:shop:log-stream:*'
    >>> group_resource("arn:aws:logs:us-east-1:000000000000:log-group:/aws/vendedlogs/states/shop:*")
    'arn:aws:logs:us-east-1:000000000000:log-group:/aws/vendedlogs/*'
    """
    name = log_group_arn.removesuffix(":*").rpartition(":")[2]
    return PLACE.arn("logs", f"log-group:{VENDED}*" if name.startswith(VENDED) else f"log-group:{name}:log-stream:*")


class _DeliveryPolicy:
    """The policy of the account, kept where its API shows it."""

    def __init__(self, logs: Any) -> None:
        self._logs = logs

    def answering(
        self, theirs: Callable[[dict[str, Any]], Any], refuse: Callable[..., Any]
    ) -> Callable[[dict[str, Any]], Any]:
        def change(request: dict[str, Any]) -> Any:
            try:
                self._add(request.get("loggingConfiguration") or {})
            except PolicyTooLong as error:
                return refuse(_ERROR, str(error), 400)
            return theirs(request)

        return change

    def declared(self, theirs: Callable[..., Any]) -> Callable[..., Any]:
        def create(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
            self._add(properties.get("LoggingConfiguration") or {})
            return theirs(logical_id, properties, stack_name)

        return create

    def _add(self, logging: Mapping[str, Any]) -> None:
        resources = self._resources()
        added = [*dict.fromkeys([*resources, *map(group_resource, _log_groups(logging))])]
        if added == resources:
            return
        document = json.dumps(_document(added), separators=(",", ":"))
        if len(document) > POLICY_CHARACTERS:
            raise PolicyTooLong(_REFUSAL)
        self._logs._put_resource_policy({"policyName": POLICY, "policyDocument": document})  # noqa: SLF001 - its API

    def _resources(self) -> list[str]:
        policy = self._logs._resource_policies.get(POLICY)  # noqa: SLF001 - its state
        if policy is None:
            return []
        (statement,) = json.loads(policy["policyDocument"])["Statement"]
        return list(statement["Resource"])


def _log_groups(logging: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ARNs of the log groups of a state machine, as the API or a template names them."""
    for destination in logging.get("destinations") or logging.get("Destinations") or ():
        group = destination.get("cloudWatchLogsLogGroup") or destination.get("CloudWatchLogsLogGroup") or {}
        arn = group.get("logGroupArn") or group.get("LogGroupArn")
        if arn:
            yield str(arn)


def _document(resources: list[str]) -> dict[str, Any]:
    statement = {
        "Sid": "AWSLogDeliveryWrite",
        "Effect": "Allow",
        "Principal": {"Service": "delivery.logs.amazonaws.com"},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": resources,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
