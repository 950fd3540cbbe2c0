"""What users of the last release rely on beside Python: `python -m tests.infrastructure.last_release` writes it anew.

Logical IDs and types (CloudFormation replaces what has another one), what the state machine sends to each handler
(executions of the last release are finished by the handlers of this one), keys of the ledger, and events.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_cdk import App, Stack

from canary_construct import EndpointApi
from tests.infrastructure.synthesis import declare, rendered, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("last_release.json")
SCHEMA = ROOT / "canary_construct" / "events" / "rollout-event.v1.schema.json"
NAMED_BY_CONTENT = {"AWS::ApiGateway::Deployment", "AWS::SageMaker::Model"}
"""Their logical IDs change with what is deployed, by design."""

Surface = dict[str, str]
"""What is relied on, and what it is."""


def surface() -> Surface:
    """Return what users of this state of the sources rely on, of an endpoint with a front door."""
    shop = Stack(App(), "Shop")
    EndpointApi(shop, "Api", endpoint=declare(shop))
    return dict(sorted([*_of(rendered(shop)), *_events()]))


def broken(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return a sentence for each thing that is gone or is something else now; what is new breaks nobody."""
    gone = [f"{name} is gone; it was {what}" for name, what in before.items() if name not in now]
    other = [f"{name} is {now[name]}; it was {what}" for name, what in before.items() if now.get(name, what) != what]
    return gone + other


def _of(resources: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, resource in resources.items():
        kind = resource["Type"]
        if kind not in NAMED_BY_CONTENT:
            yield name, kind
        if kind == "AWS::StepFunctions::StateMachine":
            definition = json.loads(text(resource["Properties"]["DefinitionString"]), strict=False)
            yield from ((f"{name}/{state}", keys) for state, keys in _sent(definition))
        if kind == "AWS::DynamoDB::Table":
            yield f"{name}/keys", json.dumps(resource["Properties"]["KeySchema"], sort_keys=True)


def _sent(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, state in definition["States"].items():
        if state["Type"] == "Task":
            yield name, ", ".join(sorted(_keys(state.get("Parameters") or state.get("Arguments") or {})))


def _keys(payload: Mapping[str, Any]) -> Iterator[str]:
    for key, value in payload.items():
        name = key.removesuffix(".$")
        yield from (f"{name}.{inner}" for inner in _keys(value)) if isinstance(value, dict) else [name]


def _events() -> Iterator[tuple[str, str]]:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for event, definition in schema["$defs"].items():
        for field, kind in definition.get("properties", {}).items():
            yield f"event {event}/{field}", str(kind.get("type", kind.get("$ref", "a value")))


if __name__ == "__main__":
    FILE.write_text(json.dumps(surface(), indent=1) + "\n", encoding="utf-8")
