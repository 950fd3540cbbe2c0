"""How many instances auto scaling gives a variant."""

from math import ceil

from rollout.contract.plan import Scaling

SCALE_OUT_SECONDS = 180.0
"""Target tracking adds instances when the target has been exceeded for so long."""


def fitting_instances(scaling: Scaling, requests_per_second: float) -> int:
    """Return the instances of a variant that has served so many requests a second for some minutes.

    How many it needs by concurrent requests, or by a metric of the caller, is not known before they are measured: it
    begins with `min_instances` then, and target tracking adds others.

    >>> tracked = Scaling(min_instances=2, max_instances=8, idle_instances=1, invocations_per_instance=3000)
    >>> [fitting_instances(tracked, requests) for requests in (1, 300, 1000)]
    [2, 6, 8]
    >>> fitting_instances(Scaling(min_instances=2, max_instances=8, idle_instances=1), 1000)
    2
    """
    if scaling.invocations_per_instance is None:
        return scaling.min_instances
    wanted = ceil(requests_per_second * 60 / scaling.invocations_per_instance)
    return min(max(wanted, scaling.min_instances), scaling.max_instances)
