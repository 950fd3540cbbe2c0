"""The event that a stack has reached a terminal status, when it comes late."""

import json
from typing import Any

from tests.rollouts.shop import Shop


def hold_back(shop: Shop) -> None:
    """Let no event of the stack reach the settle handler."""
    shop.stage.client("events").disable_rule(Name=_rule(shop))


def let_pass(shop: Shop) -> None:
    """Let the events of the stack from now on reach the settle handler."""
    shop.stage.client("events").enable_rule(Name=_rule(shop))


def comes_late(shop: Shop, status: str) -> None:
    """Hand the settle handler an event as its rule does, and wait until it has been dealt with."""
    (target,) = shop.stage.client("events").list_targets_by_rule(Rule=_rule(shop))["Targets"]
    detail = {"detail": {"stack-id": shop.stack_id, "status-details": {"status": status}}}
    answer = shop.stage.client("lambda").invoke(
        FunctionName=target["Arn"], Payload=_transformed(target["InputTransformer"], detail)
    )
    assert "FunctionError" not in answer, answer["Payload"].read()


def _rule(shop: Shop) -> str:
    (found,) = [name for name in shop.resources("AWS::Events::Rule") if "StackSettled" in name]
    return found


def _transformed(transformer: dict[str, Any], event: dict[str, Any]) -> str:
    text: str = transformer["InputTemplate"]
    for name, path in transformer["InputPathsMap"].items():
        text = text.replace(f"<{name}>", json.dumps(_at(event, path)))
    return text


def _at(event: Any, path: str) -> Any:
    for key in path.removeprefix("$.").split("."):
        event = event[key]
    return event
