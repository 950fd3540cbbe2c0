"""An execution ended without its own clean-up (stopped, timed out, failed): reach the same safe end.

Traffic goes with the first try. What AWS refuses is tried again for as long as an invocation may last (15 minutes),
whatever the refusal; Lambda repeats the invocation twice, and each one that gives up says so by event. After these 48
minutes (3, if every invocation dies at once) the clock asks `settle` to do the same, every quarter of an hour, and so
does whoever needs the lock next: see `takeover`.
"""

from __future__ import annotations

from typing import Any

from rollout import clock
from rollout.executions import ENDED
from rollout.handlers.panic import MARGIN_SECONDS, Context
from rollout.patience import insist_loudly
from rollout.plan import Settings
from rollout.takeover import end_dead_rollout
from rollout.world import World


def handler(event: dict[str, Any], context: Context) -> None:
    """Restore what the ended execution left, if it left anything."""
    until = clock.now() + context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS
    world = World.of(Settings.parse(event["settings"]))
    cause = ENDED[event["status"]]
    insist_loudly(
        world.settings.endpoint,
        lambda: end_dead_rollout(world, event["execution"], cause),
        until=until,
        on=(Exception,),
    )
