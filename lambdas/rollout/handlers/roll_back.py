"""Where every failure of a rollout leads: traffic back to stable, then everything else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rollout.errors import PromotionUnfinished
from rollout.ledger import PROMOTED
from rollout.plan import Settings
from rollout.safety import end_rollout, lower_exposure
from rollout.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return `safe`: whether the end is reached, or the state machine must come again.

    `promoted` says that the end is a promotion: decided before the failure, it is completed rather than undone.
    """
    world = World.of(Settings.parse(event["plan"]))
    return roll_back(world, event["execution"], event.get("rollout") or {}, event["failure"])


def roll_back(world: World, execution: str, rollout: Mapping[str, Any], failure: Mapping[str, str]) -> dict[str, Any]:
    """Bring the rollout to its safe end. Without the ledger the traffic still goes first."""
    _lower_without_the_ledger(world, rollout, failure)
    reason = reason_of(failure)
    safe = end_rollout(world, execution, reason)
    promoted = safe and (world.ledger.rollout(execution) or {}).get("outcome") == PROMOTED
    return {"safe": safe, "promoted": promoted, "error": failure["Error"], "reason": reason}


def _lower_without_the_ledger(world: World, rollout: Mapping[str, str], failure: Mapping[str, str]) -> None:
    """Lower by what the state machine remembers when the ledger cannot be read; an unfinished promotion waits."""
    try:
        world.ledger.lock()
    except Exception:
        if "canary" in rollout and failure["Error"] != PromotionUnfinished.__name__:
            lower_exposure(world.endpoint, stable=rollout["stable"], canary=rollout["canary"])
        raise


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
