"""After a rollout: instances stay until the traffic was seen to have arrived.

Target tracking looks back for a quarter of an hour. Right after a rollback from 50 % it still sees half of the traffic,
and would remove half of stable's instances in the moment in which all requests come back. So a rollout ends with
scale-in suspended, floors as its last step needed them, and a record of that. `settle` looks at the record every
quarter of an hour, and lets scaling work again when the metrics show the traffic of a whole look-back. Until it has,
the record stays and the next look tries again. A deploy or a rollout that begins meanwhile keeps the instances too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clock
from rollout.clock import iso, seconds_of
from rollout.contract.errors import EndpointNotFound, EndpointUnusable, Throttled, Unavailable
from rollout.contract.landing import Landing
from rollout.contract.timing import LANDING_SECONDS_AT_MOST, SCALE_IN_LOOK_BACK_SECONDS
from rollout.floors import follows_traffic, keep_instances, rest

if TYPE_CHECKING:
    from rollout.world import World


def land(world: World, *, stable: str) -> None:
    """Begin the landing of a rollout that ends. A fleet of fixed size follows no traffic: it comes to rest at once."""
    if not follows_traffic(world, stable):
        rest(world, stable=stable)
        return
    world.ledger.begin_landing(Landing(since=iso(clock.now())))
    keep_instances(world, stable=stable)


def land_if_possible(world: World, *, stable: str) -> None:
    """Begin the landing if the endpoint exists, is this stack's, and it is known which slot is stable.

    A rollout that pinned its slots knows it. The weights may not show it: the Lambda of a stopped execution may move
    them once more before it sees the order to halt and lowers them again.
    """
    if not world.ledger.owns_endpoint():
        return
    try:
        view = world.endpoint.describe()
        land(world, stable=stable or view.stable_slot())
    except (EndpointNotFound, EndpointUnusable):
        return


def come_down(world: World, *, stable: str, unfinished: bool = False) -> None:
    """Bring floors to rest, unless a rollout has ended whose traffic was not seen yet: then keep the instances.

    `unfinished`: see `slots_to_scale`.
    """
    landing = world.ledger.landing()
    if landing is not None and not _has_arrived(world, landing, stable):
        keep_instances(world, stable=stable, unfinished=unfinished)
        return
    rest(world, stable=stable, unfinished=unfinished)
    if landing is not None:
        world.ledger.end_landing(landing)


def is_overdue(landing: Landing) -> bool:
    """Tell whether a landing has lasted as long as it may."""
    return clock.now() - seconds_of(landing.since) >= LANDING_SECONDS_AT_MOST


def _has_arrived(world: World, landing: Landing, stable: str) -> bool:
    """Tell whether everything that target tracking looks at is from after the rollout.

    Metrics that do not come are waited for, but not longer than `LANDING_SECONDS_AT_MOST`.
    """
    since = seconds_of(landing.since)
    if is_overdue(landing):
        return True
    if clock.now() < since + SCALE_IN_LOOK_BACK_SECONDS:
        return False
    try:
        seen_until = world.metrics.seen_until(stable, since, clock.now())
    except (Throttled, Unavailable):
        return False
    return seen_until is not None and seen_until >= since + SCALE_IN_LOOK_BACK_SECONDS
