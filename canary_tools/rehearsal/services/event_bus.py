"""EventBridge: the template's own rules, matched by the emulator, delivered later and at least once."""

import importlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canary_tools.clock import VirtualClock
from canary_tools.rehearsal.services.lambda_functions import Functions
from canary_tools.rehearsal.template import Rule
from canary_tools.rehearsal.template.intrinsics import ACCOUNT, REGION
from canary_tools.sandbox.emulator.settings import SandboxSettings

LOST_ENTRY = {"ErrorCode": "InternalFailure", "ErrorMessage": "Internal failure"}
"""How an answer says that EventBridge does not have an event. Source:
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html"""
_LATEST_SECONDS = 1.0
_VERY_LATE_SECONDS = 300.0
_DUPLICATE_WITHIN_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One event that was put on the bus, and when."""

    at: float
    source: str
    detail_type: str
    detail: Mapping[str, Any]


class Bus:
    """The default event bus."""

    def __init__(self, rules: Sequence[Rule], *, clock: VirtualClock, functions: Functions, seed: int) -> None:
        self._rules = rules
        self._clock = clock
        self._functions = functions
        self._draw = random.Random(seed)  # noqa: S311 - a simulation, not a secret
        self._duplicates = SandboxSettings().duplicate_event_probability
        self._eventbridge: Any = importlib.import_module("ministack.services.eventbridge")
        self._scope = importlib.import_module("ministack.core.responses").request_scope
        self._latest = _LATEST_SECONDS
        self._delivered: list[tuple[str, Any]] = []
        self.seen: list[Seen] = []

    def begin(self) -> None:
        """Begin to call what is called by the clock."""
        for rule in self._rules:
            if rule.period_seconds:
                self._call_again(rule)

    def _call_again(self, rule: Rule) -> None:
        def call() -> None:
            self._call_again(rule)
            self._deliver(rule, rule.input)

        self._clock.call_at(self._clock.now() + rule.period_seconds, call)

    def emit(self, *, source: str, detail_type: str, resources: Sequence[str], detail: Mapping[str, object]) -> None:
        """Put one event on the bus."""
        self.seen.append(Seen(at=self._clock.now(), source=source, detail_type=detail_type, detail=dict(detail)))
        event = {
            "Source": source,
            "DetailType": detail_type,
            "Resources": list(resources),
            "Detail": json.dumps(detail),
            "Time": self._clock.now(),
            "EventId": f"{len(self.seen):08d}",
        }
        with self._scope(ACCOUNT, REGION):
            view = self._eventbridge._pattern_event_view(event)  # noqa: SLF001 - how its dispatcher matches
            for rule in self._rules:
                if rule.pattern and self._eventbridge._matches_pattern_view(rule.pattern, view):  # noqa: SLF001
                    self._deliver(rule, self._transformed(rule, view))

    def put_events(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `PutEvents`."""
        for entry in request["Entries"]:
            self.emit(
                source=entry["Source"],
                detail_type=entry["DetailType"],
                resources=entry.get("Resources", []),
                detail=json.loads(entry["Detail"]),
            )
        return {"FailedEntryCount": 0, "Entries": [{"EventId": f"{len(self.seen):08d}"} for _ in request["Entries"]]}

    def put_events_in_part(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `PutEvents` as EventBridge does when it loses the last entry: the call itself succeeds."""
        answer = self.put_events({"Entries": request["Entries"][:-1]})
        return {"FailedEntryCount": 1, "Entries": [*answer["Entries"], LOST_ENTRY]}

    def repeat(self) -> int:
        """Deliver everything of the last minutes once more, as EventBridge may; return how much that is."""
        for function_arn, event in self._delivered:
            self._later(function_arn, event, self._draw.uniform(0, _LATEST_SECONDS))
        return len(self._delivered)

    def delay(self) -> None:
        """Deliver every event from now on up to five minutes late, and so in any order."""
        self._latest = _VERY_LATE_SECONDS

    def _transformed(self, rule: Rule, view: Any) -> str:
        text: str = self._eventbridge._apply_input_transformer(rule.transformer, {"Name": rule.name}, view)  # noqa: SLF001
        return text

    def _deliver(self, rule: Rule, text: str) -> None:
        event = json.loads(text)
        self._delivered.append((rule.function_arn, event))
        delay = self._draw.uniform(0, self._latest)
        self._later(rule.function_arn, event, delay)
        if self._draw.random() < self._duplicates:
            self._later(rule.function_arn, event, delay + self._draw.uniform(0, _DUPLICATE_WITHIN_SECONDS))

    def _later(self, function_arn: str, event: Any, delay: float) -> None:
        self._functions.running += 1

        def act() -> None:
            self._functions.running -= 1
            self._functions.deliver(function_arn, event)

        self._clock.call_at(self._clock.now() + delay, act)
