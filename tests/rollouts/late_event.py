"""The event that a stack has reached a terminal status, when it comes late."""

import json
from typing import Any

from tests.rollouts.deployed_shop import DeployedShop

SETTLED, WATCHED = "StackSettled", "LockWatched"


def hold_back(shop: DeployedShop) -> None:
    """Let no event of the stack reach the settle handler."""
    disable(shop, SETTLED)


def let_pass(shop: DeployedShop) -> None:
    """Let the events of the stack from now on reach the settle handler."""
    shop.stage.client("events").enable_rule(Name=_rule(shop, SETTLED))


def disable(shop: DeployedShop, rule: str) -> None:
    """Let a rule of the endpoint call nobody, by a part of its construct ID."""
    shop.stage.client("events").disable_rule(Name=_rule(shop, rule))


def comes_late(shop: DeployedShop, status: str) -> None:
    """Hand the settle handler an event as its rule does, and wait until it has been dealt with."""
    hand_over(shop, payload_of(shop, status))


def payload_of(shop: DeployedShop, status: str) -> str:
    """Return what the rule of now hands to the settle handler."""
    detail = {"detail": {"stack-id": shop.stack_id, "status-details": {"status": status}}}
    return _transformed(_target(shop, SETTLED)["InputTransformer"], detail)


def hand_over(shop: DeployedShop, payload: str) -> None:
    """Call the settle handler, and wait until it has ended."""
    answer = shop.stage.client("lambda").invoke(FunctionName=_target(shop, SETTLED)["Arn"], Payload=payload)
    assert "FunctionError" not in answer, answer["Payload"].read()


def the_clock_calls(shop: DeployedShop) -> None:
    """Let pass the quarter of an hour after which a lock is looked at."""
    hand_over(shop, _target(shop, WATCHED)["Input"])


def _target(shop: DeployedShop, rule: str) -> dict[str, Any]:
    (target,) = shop.stage.client("events").list_targets_by_rule(Rule=_rule(shop, rule))["Targets"]
    found: dict[str, Any] = target
    return found


def _rule(shop: DeployedShop, part: str) -> str:
    (found,) = [name for name in shop.resources("AWS::Events::Rule") if part in name]
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
