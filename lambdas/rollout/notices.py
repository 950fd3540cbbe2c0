"""Events that tell others how a rollout goes."""

from __future__ import annotations

import json
from typing import Any

from rollout import clients

SOURCE = "canary-construct"


def notify(endpoint: str, happened: str, **detail: Any) -> None:
    """Put one event on the default bus. `happened` is the end of the detail type, "Canary Rollout <happened>".

    Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
    """
    clients.client("events").put_events(
        Entries=[
            {
                "Source": SOURCE,
                "DetailType": f"Canary Rollout {happened}",
                "Detail": json.dumps({"endpoint": endpoint, **detail}),
            }
        ]
    )
