"""A CloudWatch alarm went off: take the canary's traffic at once, without waiting for the state machine."""

from __future__ import annotations

from typing import Any, Protocol

from rollout import clock
from rollout.errors import EndpointBusy
from rollout.ledger import ROLLOUT
from rollout.patience import insist_loudly
from rollout.plan import Settings
from rollout.safety import halt_and_lower, lower_until_zero
from rollout.world import World

MARGIN_SECONDS = 15


class Context(Protocol):
    """What this handler asks of the Lambda context."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""


def handler(event: dict[str, Any], context: Context) -> None:
    """Lower exposure to zero if the alarm concerns the rollout that runs now."""
    until = clock.now() + context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    world = World.of(Settings.parse(event["settings"]))
    insist_loudly(world.settings.endpoint, lambda: panic(world, event["alarm_name"], until), until=until)


def panic(world: World, alarm_name: str, until: float) -> None:
    """Order zero and see it done. An alarm of the stable slot, or without a rollout, changes nothing.

    Raises:
        EndpointBusy: when SageMaker was not ready in time; the event is delivered again.
        Throttled, Unavailable: when the ledger was not; what could be lowered without it is.
    """
    lock = world.ledger.lock()
    if lock is None or lock.kind != ROLLOUT or not lock.canary:
        return
    if alarm_name not in world.settings.alarms_that_stop(lock.canary):
        return
    if not halt_and_lower(world, lock, f"{alarm_name} is in ALARM"):
        return
    if not lower_until_zero(world, lock, until=until):
        raise EndpointBusy(f"endpoint {world.settings.endpoint} did not take weight 0 for {lock.canary} yet")
