"""Which least number of instances is in force at a moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from rollout.decisions.time_zones import time_zone

if TYPE_CHECKING:
    from rollout.contract.plan import Scaling, ScheduledMinimum

DAY_MINUTES = 24 * 60


def in_force(scaling: Scaling, now: float) -> Scaling:
    """Return the same with the least number of instances of this moment: the largest of those that hold.

    >>> from rollout.contract.plan import Scaling, ScheduledMinimum
    >>> by_day = ScheduledMinimum(min_instances=6, start=8 * 60, minutes=600, days=(3,), time_zone="Europe/Berlin")
    >>> scaling = Scaling(min_instances=2, max_instances=8, idle_instances=1, scheduled=(by_day,))
    >>> [in_force(scaling, hour * 3600).min_instances for hour in (6.99, 7, 16.99, 17)]  # a Thursday, one hour behind
    [2, 6, 6, 2]
    """
    due = [one.min_instances for one in scaling.scheduled if _holds(one, now)]
    return replace(scaling, min_instances=max([scaling.min_instances, *due]))


def _holds(minimum: ScheduledMinimum, now: float) -> bool:
    """Tell whether a minimum holds. In a time zone that is not known here it always does.

    What began yesterday may last until today.
    """
    zone = time_zone(minimum.time_zone)
    if zone is None:
        return True
    local = datetime.fromtimestamp(now, zone)
    since = local.hour * 60 + local.minute - minimum.start
    begun = ((local.weekday(), since), ((local.weekday() - 1) % 7, since + DAY_MINUTES))
    return any(day in minimum.days and 0 <= minutes < minimum.minutes for day, minutes in begun)
