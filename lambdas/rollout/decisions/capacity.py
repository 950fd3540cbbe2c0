"""How many instances each slot needs."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from rollout import sentences
from rollout.contract.errors import CapacityUnavailable

if TYPE_CHECKING:
    from rollout.contract.plan import Scaling


def instances_needed(requests_per_minute: float, scaling: Scaling) -> int:
    """Return how many instances the whole current traffic needs, never under `min_instances`.

    Raises:
        CapacityUnavailable: when that is more than `max_instances`.

    >>> from rollout.contract.plan import Scaling
    >>> scaling = Scaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=1000)
    >>> instances_needed(0, scaling), instances_needed(2001, scaling), instances_needed(8000, scaling)
    (2, 3, 8)
    >>> fixed = Scaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=None)
    >>> instances_needed(1e9, fixed)
    2
    """
    if scaling.invocations_per_instance is None:
        return scaling.min_instances
    needed = max(scaling.min_instances, ceil(requests_per_minute / scaling.invocations_per_instance))
    if needed > scaling.max_instances:
        words = {"per_instance": scaling.invocations_per_instance, "maximum": scaling.max_instances}
        raise CapacityUnavailable(sentences.OVER_MAXIMUM.format(rate=requests_per_minute, needed=needed, **words))
    return needed


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
