"""Events about the course of a rollout, on the default event bus."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from rollout import clients, clock
from rollout.contract.names import EVENT_SOURCE
from rollout.contract.notice import Notice

if TYPE_CHECKING:
    from rollout.contract.notice import Happened
    from rollout.world import World

logger = logging.getLogger(__name__)

PAUSES_SECONDS = (0.5, 2.0)
"""Between the tries to put an event."""


def tell_once(
    world: World, execution: str, happened: Happened, reason: str, *, which: str = "", version: str = "", **more: object
) -> None:
    """Send an event about a rollout, unless the ledger says that it was sent.

    Call this again whenever the work that it reports is done again. A handler that dies after its work and before the
    event is repeated, and sends it then. One that dies between the event and the ledger sends it twice, with one `id`.
    `which` and `more` as in `Notice`; `which` must be the same in a repetition. `version`: left out, the rollout's.
    """
    record = world.ledger.rollout(execution) or {}
    notice = Notice(
        happened=happened,
        endpoint=world.settings.endpoint,
        reason=reason,
        version=version or record.get("version", ""),
        execution=execution,
        which=which,
        more=more,
    )
    if notice.mark not in record.get("told", ()) and notify(notice):
        world.ledger.record_told(execution, notice.mark)


def notify(notice: Notice) -> bool:
    """Put one event on the default bus, and tell whether EventBridge took it.

    After three failed tries the event is logged with its content, and the result is `False`. What the event reports is
    already done, so this must not fail it.
    """
    entry = {
        "Source": EVENT_SOURCE,
        "DetailType": notice.happened.detail_type,
        "Detail": json.dumps(notice.detail(clock.iso(clock.now()))),
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
