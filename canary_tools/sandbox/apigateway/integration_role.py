"""Whether the role of an integration may do what API Gateway does with it, judged by ministack's own evaluator."""

import importlib

from canary_tools.sandbox.emulator.settings import ACCOUNT_ID, REGION


def role_may(role_arn: str | None, action: str, resource_arn: str) -> bool:
    """Evaluate the policies of a role, as API Gateway assumes it; an integration without a role may nothing."""
    if not role_arn:
        return False
    evaluator = importlib.import_module("ministack.core.iam_evaluator")
    role = role_arn.rpartition("/")[2]
    context = evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}/BackplaneAssumeRoleSession",
        principal_type="AssumedRole",
        principal_account=ACCOUNT_ID,
        action=action,
        resource_arn=resource_arn,
        region=REGION,
    )
    policies = evaluator._gather_role_policies(role, ACCOUNT_ID)  # noqa: SLF001 - what its own enforcement reads
    return bool(evaluator.evaluate(context, policies).decision == "Allow")
