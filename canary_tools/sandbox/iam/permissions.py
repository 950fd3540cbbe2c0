"""Whether one AWS service may invoke a function, judged by ministack's own policy evaluator.

Hole it fills: EventBridge, CloudWatch alarms and Step Functions reach Lambda inside ministack without any
permission check, so that a missing AWS::Lambda::Permission or role policy would only show in AWS.
"""

import importlib
from typing import Any

from canary_tools.sandbox.emulator.settings import ACCOUNT_ID, REGION

_INVOKE = "lambda:InvokeFunction"


def service_may_invoke(function: dict[str, Any], *, service: str, source_arn: str) -> bool:
    """Evaluate the function's resource policy for a service principal such as `events.amazonaws.com`."""
    evaluator = importlib.import_module("ministack.core.iam_evaluator")
    context = evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=_INVOKE,
        resource_arn=function["config"]["FunctionArn"],
        region=REGION,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": ACCOUNT_ID},
    )
    decision = evaluator.evaluate_resource_policy(function.get("policy"), context, service=service)
    return bool(decision.decision == "Allow")


def role_may_invoke(role_arn: str, function_arn: str) -> bool:
    """Evaluate the policies of a role, as Step Functions assumes it."""
    evaluator = importlib.import_module("ministack.core.iam_evaluator")
    role = role_arn.rpartition("/")[2]
    context = evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}/states",
        principal_type="AssumedRole",
        principal_account=ACCOUNT_ID,
        action=_INVOKE,
        resource_arn=function_arn,
        region=REGION,
    )
    policies = evaluator._gather_role_policies(role, ACCOUNT_ID)  # noqa: SLF001 - what its own enforcement reads
    return bool(evaluator.evaluate(context, policies).decision == "Allow")
