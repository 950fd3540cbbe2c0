"""An execution ended without its own clean-up (stopped, timed out, failed): reach the same safe end.

Traffic goes with the first try. What AWS refuses is tried again for as long as an invocation may last (15 minutes),
whatever the refusal. Lambda repeats the invocation twice, and each one that gives up sends an event. After these 48
minutes (3, if every invocation dies at once) `settle` does the same every quarter of an hour, and so does every handler
that needs the lock: see `takeover`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.contract.plan import Settings
from rollout.ending import end_rollout
from rollout.executions import death_of
from rollout.patience import deadline, insist_loudly
from rollout.world import World

if TYPE_CHECKING:
    from rollout.contract.events import ExecutionEnded
    from rollout.patience import Context


def handler(event: ExecutionEnded, context: Context) -> None:
    """Restore what the ended execution left, if it left anything."""
    world = World.of(Settings.parse(event["settings"]))
    failure = death_of(world.settings.state_machine_arn, event["execution"], event["status"])
    insist_loudly(
        world.settings.endpoint,
        lambda: end_rollout(world, event["execution"], failure),
        until=deadline(context),
        on=(Exception,),
    )
