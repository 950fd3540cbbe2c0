"""How many instances each slot needs."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from rollout import sentences
from rollout.contract.errors import CapacityUnavailable

if TYPE_CHECKING:
    from rollout.contract.plan import Scaling

MINUTE = 60


def instances_needed(requests_per_minute: float, scaling: Scaling) -> int:
    """Return how many instances the whole current traffic needs, from `min_instances` to `max_instances`.

    >>> from rollout.contract.plan import Scaling
    >>> scaling = Scaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=1000)
    >>> instances_needed(0, scaling), instances_needed(2001, scaling), instances_needed(9000, scaling)
    (2, 3, 8)
    >>> fixed = Scaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=None)
    >>> instances_needed(1e9, fixed)
    2
    """
    if scaling.invocations_per_instance is None:
        return scaling.min_instances
    wanted = ceil(requests_per_minute / scaling.invocations_per_instance)
    return min(max(scaling.min_instances, wanted), scaling.max_instances)


class Excess(NamedTuple):
    """Since when the traffic needs more than `max_instances` (seconds since the epoch), and a sentence that says so."""

    since: float | None = None
    sentence: str = ""


def excess(
    requests_per_minute: float, scaling: Scaling, *, since: float | None, now: float, lasts_seconds: int
) -> Excess:
    """Tell whether the traffic needs more than `max_instances`. A rollout waits then: a peak passes.

    Raises:
        CapacityUnavailable: when the traffic has needed more for `lasts_seconds`.

    >>> from rollout.contract.plan import Scaling
    >>> scaling = Scaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=1000)
    >>> excess(8000, scaling, since=0, now=60, lasts_seconds=900)
    Excess(since=None, sentence='')
    >>> excess(8001, scaling, since=None, now=60, lasts_seconds=900).since
    60
    """
    per_instance = scaling.invocations_per_instance
    if per_instance is None or requests_per_minute <= scaling.max_instances * per_instance:
        return Excess()
    begun = now if since is None else since
    words = {"rate": requests_per_minute, "needed": ceil(requests_per_minute / per_instance)}
    sentence = sentences.OVER_MAXIMUM.format(per_instance=per_instance, maximum=scaling.max_instances, **words)
    if now >= begun + lasts_seconds:
        raise CapacityUnavailable(f"{sentence}; this lasts for {(now - begun) / MINUTE:.0f} minutes")
    return Excess(begun, sentence)


def canary_floor(needed: int, canary_percent: float, scaling: Scaling) -> int:
    """Return the instances that the canary must have before it gets this share.

    >>> from rollout.contract.plan import Scaling
    >>> scaling = Scaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=1000)
    >>> [canary_floor(3, percent, scaling) for percent in (10, 50, 100)]
    [1, 2, 3]
    """
    return max(scaling.idle_instances, ceil(needed * canary_percent / 100))


def floors_at_rest(stable: str, canary: str, scaling: Scaling) -> dict[str, int]:
    """Return the declared floors, by the role that each slot plays now."""
    return {stable: scaling.min_instances, canary: scaling.idle_instances}
