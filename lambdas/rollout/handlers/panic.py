"""A CloudWatch alarm went off: take the canary's traffic at once, without waiting for the state machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from rollout import clock
from rollout.clock import seconds_of
from rollout.contract.errors import EndpointBusy
from rollout.ledger import ROLLOUT
from rollout.patience import insist_loudly
from rollout.plan import Settings
from rollout.safety import halt_and_lower, lower_until_zero
from rollout.world import World

if TYPE_CHECKING:
    from rollout.ledger import Lock

MARGIN_SECONDS = 15
CLOCKS_DIFFER_SECONDS = 5
"""EventBridge's times are whole seconds, too."""


class Context(Protocol):
    """What this handler asks of the Lambda context."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""


def handler(event: dict[str, Any], context: Context) -> None:
    """Lower exposure to zero if the alarm concerns the rollout that runs now."""
    until = clock.now() + context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    world = World.of(Settings.parse(event["settings"]))
    name, raised_at = event["alarm_name"], event.get("raised_at", "")
    insist_loudly(world.settings.endpoint, lambda: panic(world, name, until, raised_at=raised_at), until=until)


def panic(world: World, alarm_name: str, until: float, *, raised_at: str = "") -> None:
    """Order zero and see it done. An alarm of the stable slot, or without a rollout, changes nothing.

    Nor does an event of before the rollout (`raised_at`, in ISO 8601), which comes late or again: an alarm that still
    is in ALARM then keeps the rollout from beginning.

    Raises:
        EndpointBusy: when SageMaker was not ready in time; the event is delivered again.
        Throttled, Unavailable: when the ledger was not; what could be lowered without it is.
    """
    lock = world.ledger.lock()
    if lock is None or lock.kind != ROLLOUT or not lock.canary:
        return
    if alarm_name not in world.settings.alarms_that_stop(lock.canary) or _is_older(raised_at, lock):
        return
    if not halt_and_lower(world, lock, f"{alarm_name} is in ALARM"):
        return
    if not lower_until_zero(world, lock, until=until):
        raise EndpointBusy(f"endpoint {world.settings.endpoint} did not take weight 0 for {lock.canary} yet")


def _is_older(raised_at: str, lock: Lock) -> bool:
    return bool(raised_at) and seconds_of(raised_at) + CLOCKS_DIFFER_SECONDS < seconds_of(lock.taken_at)
