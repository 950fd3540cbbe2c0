"""Events that tell others how a rollout goes."""

from __future__ import annotations

import json
import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rollout import clients
from rollout.contract.names import EVENT_SOURCE

logger = logging.getLogger(__name__)


def notify(endpoint: str, happened: str, **detail: Any) -> None:
    """Put one event on the default bus. `happened` is the end of the detail type, "Canary Rollout <happened>".

    An event that cannot be put is logged: what it tells about is done, and must not fail for want of a listener.
    Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
    """
    entry = {
        "Source": EVENT_SOURCE,
        "DetailType": f"Canary Rollout {happened}",
        "Detail": json.dumps({"endpoint": endpoint, **detail}),
    }
    try:
        clients.client("events").put_events(Entries=[entry])
    except (BotoCoreError, ClientError):
        logger.exception("could not tell: %s", entry)
