"""Events that a test delivers itself: late, once more, or when the handler must have dealt with them."""

import json
from datetime import UTC, datetime
from typing import Any

from tests.rollouts.deployed_shop import DeployedShop

SETTLED, WATCHED, ALARM_RAISED = "StackSettled", "LockWatched", "AlarmRaised"


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
    hand_over(shop, SETTLED, payload_of(shop, status))


def payload_of(shop: DeployedShop, status: str) -> str:
    """Return what the rule of now hands to the settle handler."""
    detail = {"detail": {"stack-id": shop.stack_id, "status-details": {"status": status}}}
    return _transformed(_target(shop, SETTLED)["InputTransformer"], detail)


def panics(shop: DeployedShop, alarm_name: str, *, raised_at: float) -> None:
    """Deliver once more that an alarm was raised (seconds since the epoch), and wait until the panic handler ended."""
    time = datetime.fromtimestamp(int(raised_at), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    event = {"time": time, "detail": {"alarmName": alarm_name}}
    hand_over(shop, ALARM_RAISED, _transformed(_target(shop, ALARM_RAISED)["InputTransformer"], event))


def hand_over(shop: DeployedShop, rule: str, payload: str) -> None:
    """Call the handler of a rule, and wait until it has ended."""
    answer = shop.stage.client("lambda").invoke(FunctionName=_target(shop, rule)["Arn"], Payload=payload)
    assert "FunctionError" not in answer, answer["Payload"].read()


def the_clock_calls(shop: DeployedShop) -> None:
    """Let pass the quarter of an hour after which a lock is looked at."""
    hand_over(shop, WATCHED, _target(shop, WATCHED)["Input"])


def _target(shop: DeployedShop, rule: str) -> dict[str, Any]:
    (target,) = shop.stage.client("events").list_targets_by_rule(Rule=_rule(shop, rule))["Targets"]
    found: dict[str, Any] = target
    return found


def _rule(shop: DeployedShop, part: str) -> str:
    (found,) = shop.resources("AWS::Events::Rule", construct_id=part)
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
