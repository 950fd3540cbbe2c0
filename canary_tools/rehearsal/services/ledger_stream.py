"""The stream of the ledger's table: what is written calls a function, late and at least once."""

import importlib
import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from canary_tools.clock import VirtualClock
from canary_tools.rehearsal.services.lambda_functions import Functions
from canary_tools.rehearsal.template import StreamCall
from canary_tools.sandbox.emulator.settings import SandboxSettings

_LATEST_SECONDS = 1.0
_VERY_LATE_SECONDS = 300.0
_DUPLICATE_WITHIN_SECONDS = 5.0


class LedgerStream:
    """Calls the functions of the template's event source mappings, as the emulator matches their filters."""

    def __init__(self, calls: Sequence[StreamCall], *, clock: VirtualClock, functions: Functions, seed: int) -> None:
        self._calls = [(call.function_arn, list(map(json.loads, call.patterns))) for call in calls]
        self._clock = clock
        self._functions = functions
        self._draw = random.Random(seed)  # noqa: S311 - a simulation, not a secret
        self._duplicates = SandboxSettings().duplicate_event_probability
        self._latest = _LATEST_SECONDS
        self._matches: Any = importlib.import_module("ministack.services.lambda_svc")._match_esm_filter  # noqa: SLF001
        self._called: list[tuple[str, Any]] = []

    def written(self, item: Mapping[str, Any]) -> None:
        """Tell of a record in DynamoDB's format that was written."""
        keys = {name: item[name] for name in ("endpoint", "record")}
        record = {"eventSource": "aws:dynamodb", "dynamodb": {"Keys": keys, "NewImage": dict(item)}}
        for function_arn, patterns in self._calls:
            if any(self._matches(record, pattern) for pattern in patterns):
                self._call(function_arn, {"Records": [record]})

    def repeat(self) -> int:
        """Call with everything once more, as Lambda may; return how much that is."""
        for function_arn, event in self._called:
            self._later(function_arn, event, self._draw.uniform(0, _LATEST_SECONDS))
        return len(self._called)

    def delay(self) -> None:
        """Call up to five minutes late from now on."""
        self._latest = _VERY_LATE_SECONDS

    def _call(self, function_arn: str, event: Any) -> None:
        self._called.append((function_arn, event))
        delay = self._draw.uniform(0, self._latest)
        self._later(function_arn, event, delay)
        if self._draw.random() < self._duplicates:
            self._later(function_arn, event, delay + self._draw.uniform(0, _DUPLICATE_WITHIN_SECONDS))

    def _later(self, function_arn: str, event: Any, delay: float) -> None:
        self._functions.running += 1

        def act() -> None:
            self._functions.running -= 1
            self._functions.deliver(function_arn, event)

        self._clock.call_at(self._clock.now() + delay, act)
