"""The default event bus, for the parts of the sandbox that stand in for an AWS service."""

import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from canary_tools.sandbox.settings import ACCOUNT_ID, REGION


class Emit(Protocol):
    """Puts one event on the default event bus; safe to call from any thread."""

    def __call__(
        self, *, source: str, detail_type: str, resources: Sequence[str], detail: Mapping[str, object]
    ) -> None:
        """Put the event on the bus; delivery happens later and at least once."""
        ...


def emit(*, source: str, detail_type: str, resources: Sequence[str], detail: Mapping[str, object]) -> None:
    """Put one event on the default event bus of the running emulator; safe to call from any thread."""
    from ministack.core.responses import request_scope  # noqa: PLC0415 - reads the environment when imported
    from ministack.services import eventbridge  # noqa: PLC0415

    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Resources": list(resources),
        "Detail": json.dumps(detail),
    }
    with request_scope(ACCOUNT_ID, REGION):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)  # noqa: SLF001 - its only way in
