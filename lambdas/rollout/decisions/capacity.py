"""How many instances each slot needs."""

from __future__ import annotations

from math import ceil, inf
from typing import TYPE_CHECKING, NamedTuple

from rollout import sentences
from rollout.contract.errors import CapacityUnavailable

if TYPE_CHECKING:
    from rollout.contract.plan import Scaling

MINUTE = 60


def instances_needed(requests_per_minute: float, scaling: Scaling, followed: float = 0) -> int:
    """Return how many instances the whole current traffic needs, from `min_instances` to `max_instances`.

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


def excess(
    requests_per_minute: float,
    scaling: Scaling,
    *,
    followed: float = 0,
    since: float | None,
    now: float,
    lasts_seconds: int,
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
    for_requests, for_followed = _for_requests(requests_per_minute, scaling), ceil(round(followed, 3))
    needed = max(for_requests, for_followed)
    if needed <= scaling.max_instances:
        return Excess()
    begun = now if since is None else since
    words = {"needed": needed, "maximum": scaling.max_instances}
    if for_requests == needed:
        rates = {"rate": requests_per_minute, "per_instance": scaling.invocations_per_instance}
        sentence = sentences.OVER_MAXIMUM.format(**rates, **words)
    else:
        sentence = sentences.FOLLOWED_OVER_MAXIMUM.format(**words)
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
