"""Where every failure of a rollout leads: traffic back to stable, then everything else.

Traffic goes with the first try. What AWS refuses is tried again for as long as an invocation may last (15 minutes),
whatever the refusal; an invocation that gives up says so by event, and the state machine comes again, 12 times in all:
three hours. An invocation that dies is repeated 30 times, over an hour and a half. Then the execution fails, and the
restore path goes on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rollout import clock
from rollout.contract.errors import (
    AlarmRaised,
    CapacityUnavailable,
    EndpointBusy,
    EndpointChanged,
    EndpointUnusable,
    GateFailed,
    Halted,
    Inconclusive,
    LockLost,
    NotRestored,
    PromotionUnfinished,
)
from rollout.contract.names import PROMOTED
from rollout.contract.timing import ROLLBACK_TRIES
from rollout.handlers.panic import MARGIN_SECONDS, Context
from rollout.ledger import ROLLOUT, Lock
from rollout.patience import insist_loudly
from rollout.plan import Settings
from rollout.safety import end_rollout, lower_exposure, may_be_decided
from rollout.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping


_AGAINST_THE_RELEASE = (
    AlarmRaised, CapacityUnavailable, EndpointChanged, EndpointUnusable, GateFailed, Halted, Inconclusive, LockLost,
)  # fmt: skip
NEVER_AFTER_THE_DECISION = frozenset(error.__name__ for error in _AGAINST_THE_RELEASE)
"""What ends a rollout before its promotion is decided. Any other failure may have come after that: a handler died."""


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    """Return `safe`: whether the end is reached, or the state machine must come again, with its number of `tries`.

    `promoted` says that the end is a promotion: decided before the failure, it is completed rather than undone.

    Raises:
        NotRestored: when this was the last try.
    """
    until = clock.now() + context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    world = World.of(Settings.parse(event["plan"]))
    known = event["execution"], event.get("rollout") or {}, event["failure"]
    try:
        return insist_loudly(world.settings.endpoint, lambda: roll_back(world, *known), until=until, on=(Exception,))
    except Exception as error:
        tries = (event.get("end") or {}).get("tries", 0) + 1
        if tries >= ROLLBACK_TRIES:
            raise NotRestored(f"endpoint {world.settings.endpoint} could not be restored: {error}") from error
        return {"safe": False, "tries": tries}


def roll_back(world: World, execution: str, rollout: Mapping[str, Any], failure: Mapping[str, str]) -> dict[str, Any]:
    """Bring the rollout to its safe end. Without the ledger the traffic still goes first.

    Raises:
        EndpointBusy: when SageMaker was not ready; come again.
    """
    _lower_without_the_ledger(world, rollout, failure)
    reason = reason_of(failure)
    if not end_rollout(world, execution, reason):
        raise EndpointBusy(f"endpoint {world.settings.endpoint} could not be restored yet")
    promoted = (world.ledger.rollout(execution) or {}).get("outcome") == PROMOTED
    return {"safe": True, "promoted": promoted, "error": failure["Error"], "reason": reason}


def _lower_without_the_ledger(world: World, rollout: Mapping[str, str], failure: Mapping[str, str]) -> None:
    """Lower by what the state machine remembers when the ledger cannot be read; a decided promotion waits."""
    try:
        world.ledger.lock()
    except Exception:
        if "canary" in rollout and not _may_be_decided(world, rollout, failure):
            lower_exposure(world, Lock(kind=ROLLOUT, holder="", stable=rollout["stable"], canary=rollout["canary"]))
        raise


def _may_be_decided(world: World, rollout: Mapping[str, str], failure: Mapping[str, str]) -> bool:
    """Tell whether the failure may have come after the decision."""
    if failure["Error"] == PromotionUnfinished.__name__:
        return True
    if failure["Error"] in NEVER_AFTER_THE_DECISION:
        return False
    return may_be_decided(world, stable=rollout["stable"], canary=rollout["canary"])


def reason_of(failure: Mapping[str, str]) -> str:
    """Return the sentence of a failure as Step Functions hands it over.

    >>> reason_of({"Error": "AlarmRaised", "Cause": '{"errorMessage": "Errors is in ALARM"}'})
    'Errors is in ALARM'
    >>> reason_of({"Error": "States.Timeout", "Cause": ""})
    'States.Timeout'
    """
    cause = failure.get("Cause", "")
    try:
        message = json.loads(cause)["errorMessage"]
    except (ValueError, KeyError, TypeError):
        message = cause
    return message or failure["Error"]
