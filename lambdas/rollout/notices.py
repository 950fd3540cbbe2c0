"""Events about the course of a rollout, on the default event bus."""

from __future__ import annotations

import json
import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rollout import clients, clock
from rollout.contract.names import EVENT_SOURCE

logger = logging.getLogger(__name__)

PAUSES_SECONDS = (0.5, 2.0)
"""Between the tries to put an event."""


def notify(endpoint: str, happened: str, **detail: Any) -> bool:
    """Put one event on the default bus, and tell whether EventBridge took it.

    `happened` is the end of the detail type, "Canary Rollout <happened>". After three failed tries the event is logged
    with its content, and the result is `False`. What the event reports is already done, so this must not fail it.
    """
    entry = {
        "Source": EVENT_SOURCE,
        "DetailType": f"Canary Rollout {happened}",
        "Detail": json.dumps({"endpoint": endpoint, **detail}),
    }
    refusal = _refusal(entry)
    for pause in PAUSES_SECONDS:
        if refusal is None:
            break
        clock.pause(pause)
        refusal = _refusal(entry)
    if refusal is not None:
        logger.error("the event was not sent, because of %s: %s", refusal, entry)
    return refusal is None


def _refusal(entry: dict[str, str]) -> object:
    """Put the event, and return why EventBridge refused it; `None` when it was taken.

    PutEvents succeeds even if an entry fails. Only the answer shows the failure. Source:
    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
    """
    try:
        answer = clients.client("events").put_events(Entries=[entry])
    except (BotoCoreError, ClientError) as error:
        return error
    return answer["Entries"][0] if answer["FailedEntryCount"] else None
