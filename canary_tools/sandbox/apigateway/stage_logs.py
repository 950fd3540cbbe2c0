"""Logs of a stage need a role of the account.

Gap it fills: ministack takes a stage with logs whether its account has a role for them or not. The sentence is that of
https://github.com/aws-solutions/virtual-waiting-room-on-aws/issues/74.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
"""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches

_STAGE = "AWS::ApiGateway::Stage"
_REFUSAL = "CloudWatch Logs role ARN must be set in account settings to enable logging"


def refuse_logs_without_role(patches: Patches, gateway: Any) -> None:
    """Refuse to create or update a declared stage with logs in an account without the role."""
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    functions = provisioners._RESOURCE_HANDLERS[_STAGE]  # noqa: SLF001 - the table of types
    for change, properties in {"create": 1, "update": 2}.items():
        patches.item(functions, change, _checked(functions[change], gateway, properties))


def _checked(theirs: Callable[..., Any], gateway: Any, properties: int) -> Callable[..., Any]:
    """Check first; `properties` is where the function takes what is declared."""

    def change(*arguments: Any) -> Any:
        account = gateway._account_settings.get("settings") or {}  # noqa: SLF001 - its state
        if _is_logged(arguments[properties]) and not account.get("cloudwatchRoleArn"):
            raise ValueError(_REFUSAL)
        return theirs(*arguments)

    return change


def _is_logged(stage: Mapping[str, Any]) -> bool:
    """Tell whether a stage has an access log, or methods that log what they do.

    >>> _is_logged({"MethodSettings": [{"LoggingLevel": "OFF"}]}), _is_logged({"AccessLogSetting": {"Format": "x"}})
    (False, True)
    """
    levels = {one.get("LoggingLevel", "OFF") for one in stage.get("MethodSettings", ())}
    return bool(stage.get("AccessLogSetting")) or bool(levels - {"OFF"})
