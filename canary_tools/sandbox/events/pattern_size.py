"""How long the pattern of a rule may be.

Gap it fills: ministack takes patterns of any length. EventBridge takes 2,048 characters unless the account's quota was
raised. The name of the error is in the service's model, its sentence is not known.
Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
"""

import importlib
import json
from collections.abc import Callable
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches

PATTERN_CHARACTERS = 2048
_REFUSAL = f"the event pattern is longer than {PATTERN_CHARACTERS} characters"
_ERROR = "LimitExceededException"


def install(*, patches: Patches) -> None:
    """Refuse patterns that are too long, in the API and in templates."""
    eventbridge = importlib.import_module("ministack.services.eventbridge")
    provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
    put_rule = _answering(eventbridge._put_rule, eventbridge.error_response_json)  # noqa: SLF001 - all calls pass it
    patches.attribute(eventbridge, "_put_rule", put_rule)
    rule = provisioners._RESOURCE_HANDLERS["AWS::Events::Rule"]  # noqa: SLF001 - a rule is created without PutRule
    patches.item(rule, "create", _declared(rule["create"]))


def _is_too_long(pattern: Any) -> bool:
    return len(pattern if isinstance(pattern, str) else json.dumps(pattern, separators=(",", ":"))) > PATTERN_CHARACTERS


def _answering(theirs: Callable[[dict[str, Any]], Any], refuse: Callable[..., Any]) -> Callable[[dict[str, Any]], Any]:
    def put(request: dict[str, Any]) -> Any:
        if _is_too_long(request.get("EventPattern") or ""):
            return refuse(_ERROR, _REFUSAL, 400)
        return theirs(request)

    return put


def _declared(theirs: Callable[..., Any]) -> Callable[..., Any]:
    def create(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        if _is_too_long(properties.get("EventPattern") or ""):
            raise ValueError(f"{_ERROR}: {_REFUSAL}")
        return theirs(logical_id, properties, stack_name)

    return create
