"""A CloudWatch alarm went off: take the canary's traffic at once, without waiting for the state machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollout import sentences
from rollout.clock import seconds_of
from rollout.contract.errors import AlarmRaised, EndpointBusy
from rollout.contract.lock import ROLLOUT
from rollout.contract.plan import Settings
from rollout.exposure import halt_and_lower, lower_until_zero
from rollout.patience import deadline, insist_loudly
from rollout.world import World

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.patience import Context

CLOCKS_DIFFER_SECONDS = 5
"""EventBridge's times are also whole seconds."""


def handler(event: dict[str, Any], context: Context) -> None:
    """Lower exposure to zero if the alarm concerns the rollout that runs now."""
    until = deadline(context)
    world = World.of(Settings.parse(event["settings"]))
    name, raised_at = event["alarm_name"], event.get("raised_at", "")
    insist_loudly(world.settings.endpoint, lambda: panic(world, name, until, raised_at=raised_at), until=until)


def panic(world: World, alarm_name: str, until: float, *, raised_at: str = "") -> None:
    """Order zero and see it done. An alarm of the stable slot, or without a rollout, changes nothing.

    An alarm from before the rollout (`raised_at`, in ISO 8601) changes nothing either: such an event came late or
    again. If that alarm is still in ALARM, the rollout does not begin.

    Raises:
        EndpointBusy: when SageMaker was not ready in time; the event is delivered again.
        Throttled, Unavailable: when the ledger did not answer; what could be lowered without it is lowered.
    """
    lock = world.ledger.lock()
    if lock is None or lock.kind != ROLLOUT or not lock.canary:
        return
    if alarm_name not in world.settings.alarms_that_stop(lock.canary) or _is_older(raised_at, lock):
        return
    if not halt_and_lower(world, lock, sentences.in_alarm([alarm_name]), by=AlarmRaised.__name__):
        return
    if not lower_until_zero(world, lock, until=until):
        endpoint = world.settings.endpoint
        raise EndpointBusy(sentences.WEIGHT_ZERO_NOT_TAKEN.format(endpoint=endpoint, canary=lock.canary))


def _is_older(raised_at: str, lock: Lock) -> bool:
    return bool(raised_at) and seconds_of(raised_at) + CLOCKS_DIFFER_SECONDS < seconds_of(lock.taken_at)
