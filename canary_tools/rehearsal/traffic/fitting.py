"""How many instances auto scaling gives a variant."""

from collections.abc import Mapping
from math import ceil

SCALE_OUT_SECONDS = 180.0
"""For how long the target must be exceeded before target tracking adds instances."""


def fitting_instances(scaling: Mapping[str, int], requests_per_second: float) -> int:
    """Return the instances of a variant that has served so many requests a second for a while.

    `scaling`: the plan's, with `invocations_per_instance` a minute; a fixed fleet has none.

    >>> tracked = {"min_instances": 2, "max_instances": 8, "invocations_per_instance": 3000}
    >>> [fitting_instances(tracked, requests) for requests in (1, 300, 1000)]
    [2, 6, 8]
    >>> fitting_instances({"min_instances": 2, "max_instances": 8}, 1000)
    2
    """
    per_instance = scaling.get("invocations_per_instance")
    if per_instance is None:
        return scaling["min_instances"]
    wanted = ceil(requests_per_second * 60 / per_instance)
    return min(max(wanted, scaling["min_instances"]), scaling["max_instances"])
