"""How many instances each slot needs."""

from __future__ import annotations

from math import ceil, inf
from typing import TYPE_CHECKING, NamedTuple

from rollout import sentences
from rollout.contract.errors import CapacityUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollout.contract.plan import Scaling
    from rollout.contract.scalings import Scalings

MINUTE = 60


class Traffic(NamedTuple):
    """The traffic of both slots together.

    `followed`: how many instances of each slot all of it needs, by the metrics that the scaling of that slot follows.
    """

    requests_per_minute: float
    followed: Mapping[str, float]

    def needs(self, slot: str, scaling: Scaling) -> int:
        """Return how many instances of a slot all of the traffic needs."""
        return instances_needed(self.requests_per_minute, scaling, self.followed.get(slot, 0))


def instances_needed(requests_per_minute: float, scaling: Scaling, followed: float = 0) -> int:
    """Return how many instances of one kind the whole current traffic needs, from `min_instances` to `max_instances`.

    `followed`: the instances that the metrics ask for which scaling follows. The larger need counts, as target tracking
    adds instances for any of its policies. Source:
    https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html

    >>> from rollout.contract.plan import Scaling
    >>> scaling = Scaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=1000)
    >>> instances_needed(0, scaling), instances_needed(2001, scaling), instances_needed(9000, scaling)
    (2, 3, 8)
    >>> fixed = Scaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=None)
    >>> instances_needed(1e9, fixed)
    2
    """
    if not scaling.is_tracked:
        return scaling.min_instances
    wanted = max(_for_requests(requests_per_minute, scaling), ceil(round(followed, 3)))
    return min(max(scaling.min_instances, wanted), scaling.max_instances)


def _for_requests(requests_per_minute: float, scaling: Scaling) -> int:
    return ceil(requests_per_minute / (scaling.invocations_per_instance or inf))


class Excess(NamedTuple):
    """Since when the traffic needs more than `max_instances` (seconds since the epoch), and a sentence that says so."""

    since: float | None = None
    sentence: str = ""


def excess(traffic: Traffic, scalings: Scalings, *, since: float | None, now: float, lasts_seconds: int) -> Excess:
    """Tell whether all of the traffic needs more than `max_instances` of a slot. A rollout waits then: a peak passes.

    Stable takes all of it after a rollback, the canary when it is promoted.

    Raises:
        CapacityUnavailable: when the traffic has needed more for `lasts_seconds`.

    >>> from rollout.contract.plan import Scaling
    >>> from rollout.contract.scalings import Scalings
    >>> scaling = Scaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=1000)
    >>> excess(Traffic(8000, {"variant-a": 0}), Scalings(endpoint=scaling), since=0, now=60, lasts_seconds=900)
    Excess(since=None, sentence='')
    >>> excess(Traffic(8001, {"variant-a": 0}), Scalings(endpoint=scaling), since=None, now=60, lasts_seconds=900).since
    60
    """
    found = (_over_maximum(traffic, slot, scalings.of(slot)) for slot in traffic.followed)
    sentence = next(filter(None, found), "")
    if not sentence:
        return Excess()
    begun = now if since is None else since
    if now >= begun + lasts_seconds:
        raise CapacityUnavailable(f"{sentence}; this lasts for {(now - begun) / MINUTE:.0f} minutes")
    return Excess(begun, sentence)


def _over_maximum(traffic: Traffic, slot: str, scaling: Scaling) -> str:
    """Return a sentence if all of the traffic needs more instances of a slot than it may have; otherwise nothing."""
    for_requests = _for_requests(traffic.requests_per_minute, scaling)
    needed = max(for_requests, ceil(round(traffic.followed[slot], 3)))
    words = {"needed": needed, "slot": slot, "maximum": scaling.max_instances}
    if needed <= scaling.max_instances:
        return ""
    if for_requests == needed:
        rates = {"rate": traffic.requests_per_minute, "per_instance": scaling.invocations_per_instance}
        return sentences.OVER_MAXIMUM.format(**rates, **words)
    return sentences.FOLLOWED_OVER_MAXIMUM.format(**words)


def canary_floor(needed: int, canary_percent: float, scaling: Scaling) -> int:
    """Return the instances that the canary must have before it gets this share. `needed`: its own for all traffic.

    >>> from rollout.contract.plan import Scaling
    >>> scaling = Scaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=1000)
    >>> [canary_floor(3, percent, scaling) for percent in (10, 50, 100)]
    [1, 2, 3]
    """
    return max(scaling.idle_instances, ceil(needed * canary_percent / 100))


def floors_at_rest(stable: str, idle: str, scalings: Scalings) -> dict[str, int]:
    """Return the declared floors, by the role that each slot plays now."""
    return {stable: scalings.of(stable).min_instances, idle: scalings.of(idle).idle_instances}


def ceiling(floor: int, scaling: Scaling) -> int:
    """Return the most instances of a slot that may serve traffic, given its floor.

    A fleet without target tracking has its floor as its ceiling too, so that it also shrinks. A floor above the maximum
    is a person's, who raised it during a peak; Application Auto Scaling takes no floor above the ceiling.

    >>> from rollout.contract.plan import Scaling
    >>> scaling = Scaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=1000)
    >>> ceiling(2, scaling), ceiling(12, scaling)
    (8, 12)
    """
    return max(floor, scaling.max_instances) if scaling.is_tracked else floor
