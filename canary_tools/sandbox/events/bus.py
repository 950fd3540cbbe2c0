"""The emulator's default event bus."""

import json
from collections.abc import Mapping, Sequence

from canary_tools.sandbox.emulator.settings import ACCOUNT_ID, REGION


def emit(*, source: str, detail_type: str, resources: Sequence[str], detail: Mapping[str, object]) -> None:
    """Put one event on the default event bus of the running emulator. Any thread may call it."""
    from ministack.core.responses import request_scope  # noqa: PLC0415 - reads the environment when imported
    from ministack.services import eventbridge  # noqa: PLC0415

    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Resources": list(resources),
        "Detail": json.dumps(detail),
    }
    with request_scope(ACCOUNT_ID, REGION):
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)  # noqa: SLF001 - ministack has no public function for it
