"""`PutEvents` that fails in part: the call succeeds, and its answer names the entries that EventBridge does not have.

Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

import importlib
import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from canary_tools.sandbox.emulator.patching import Patches
from canary_tools.sandbox.emulator.settings import SandboxSettings

_LOST = {"ErrorCode": "InternalFailure", "ErrorMessage": "Internal failure"}
_OK = 200


def install(*, patches: Patches, settings: SandboxSettings) -> None:
    """Let entries of calls be lost as often as the settings say. Events of AWS itself are never lost."""
    eventbridge = importlib.import_module("ministack.services.eventbridge")
    generator = random.Random(settings.seed)  # noqa: S311 - a simulation, not a secret
    losing = with_lost_entries(
        eventbridge._put_events,  # noqa: SLF001 - ministack has no public function for it
        lambda: generator.random() < settings.lost_event_probability,
    )
    patches.attribute(eventbridge, "_put_events", losing)


def with_lost_entries(theirs: Callable[..., Any], is_lost: Callable[[], bool]) -> Callable[..., Any]:
    """Return a `PutEvents` that puts only the entries that are not lost."""

    def put_events(request: Mapping[str, Any], *, allow_aws_source: bool = False) -> Any:
        entries = list(request.get("Entries", ()))
        lost = [not allow_aws_source and is_lost() for _ in entries]
        if not any(lost):
            return theirs(request, allow_aws_source=allow_aws_source)
        kept = [entry for entry, gone in zip(entries, lost, strict=True) if not gone]
        status, headers, body = theirs({**request, "Entries": kept}, allow_aws_source=allow_aws_source)
        return (status, headers, _with_lost(body, lost)) if status == _OK else (status, headers, body)

    return put_events


def _with_lost(body: bytes, lost: list[bool]) -> bytes:
    answer = json.loads(body)
    put = iter(answer["Entries"])
    entries = [_LOST if gone else next(put) for gone in lost]
    return json.dumps({"FailedEntryCount": answer["FailedEntryCount"] + sum(lost), "Entries": entries}).encode()
