"""Completes ministack's API Gateway.

Gaps it fills: AWS integrations reach only SQS and Lambda. Mapping templates know neither `#if` nor `$stageVariables`
nor overrides. CloudFormation creates no request validators. Bodies of any size are accepted. A request model also
validates other content types than its own. Stage variables take any value. A stage may have logs without the account's
role for them.
"""

import importlib

from canary_tools.sandbox.apigateway.gateway_rules import with_body_limit, with_models_by_content_type
from canary_tools.sandbox.apigateway.resource_types import register_resource_types
from canary_tools.sandbox.apigateway.sagemaker_integration import with_sagemaker
from canary_tools.sandbox.apigateway.stage_limits import limited
from canary_tools.sandbox.apigateway.stage_logs import refuse_logs_without_role
from canary_tools.sandbox.apigateway.stage_values import with_checked_variables
from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.settings import SandboxSettings


def install(*, patches: Patches, settings: SandboxSettings) -> None:
    """Install all of it in the emulator of this process."""
    gateway = importlib.import_module("ministack.services.apigateway_v1")
    for name, completed in {
        "_execute_in_scope": with_body_limit,
        "_check_request_validation": with_models_by_content_type,
        "_invoke_lambda_custom_v1": with_sagemaker,
        "_create_stage": with_checked_variables,
        "_update_stage": with_checked_variables,
    }.items():
        patches.attribute(gateway, name, completed(getattr(gateway, name), gateway))
    patches.attribute(gateway, "_update_stage", limited(gateway._update_stage, gateway, settings))  # noqa: SLF001 - its route
    register_resource_types(patches, gateway)
    refuse_logs_without_role(patches, gateway)
