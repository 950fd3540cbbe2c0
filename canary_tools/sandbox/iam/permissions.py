"""Whether an AWS service may make a call, decided by ministack's own policy evaluator.

Gap it fills: inside ministack, EventBridge, CloudWatch alarms, Step Functions and API Gateway call other services
without a permission check. A missing AWS::Lambda::Permission or role policy would only show in AWS.
"""

import importlib
from typing import Any

from canary_tools.sandbox.emulator.settings import ACCOUNT_ID, REGION

INVOKE_FUNCTION = "lambda:InvokeFunction"


def service_may_invoke(function: dict[str, Any], *, service: str, source_arn: str) -> bool:
    """Tell whether the function's resource policy allows a service principal such as `events.amazonaws.com`."""
    evaluator = importlib.import_module("ministack.core.iam_evaluator")
    context = evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=INVOKE_FUNCTION,
        resource_arn=function["config"]["FunctionArn"],
        region=REGION,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": ACCOUNT_ID},
    )
    decision = evaluator.evaluate_resource_policy(function.get("policy"), context, service=service)
    return bool(decision.decision == "Allow")


def may_call(role_arn: str, function_arn: str) -> bool:
    """Tell whether the policies of a model's role allow it to call a function."""
    return role_may(role_arn, INVOKE_FUNCTION, function_arn, session="SageMaker")


def may_describe_alarms(role_arn: str) -> bool:
    """Tell whether the policies of a model's role allow it to describe all alarms, the composite ones included."""
    return role_may(role_arn, "cloudwatch:DescribeAlarms", "*", session="SageMaker")


def role_may(role_arn: str, action: str, resource_arn: str, *, session: str) -> bool:
    """Tell whether the policies of a role allow an action to the service that assumes it under this session name."""
    evaluator = importlib.import_module("ministack.core.iam_evaluator")
    role = role_arn.rpartition("/")[2]
    context = evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}/{session}",
        principal_type="AssumedRole",
        principal_account=ACCOUNT_ID,
        action=action,
        resource_arn=resource_arn,
        region=REGION,
    )
    policies = evaluator._gather_role_policies(role, ACCOUNT_ID)  # noqa: SLF001 - what its own enforcement reads
    return bool(evaluator.evaluate(context, policies).decision == "Allow")
