"""What the hold-back of a plan costs."""

from dataclasses import dataclass
from typing import Any

from rollout.contract.plan import Plan

from canary_tools.rehearsal.plan.fleet import Fleet
from canary_tools.rehearsal.report.sentences import duration
from canary_tools.rehearsal.services import list_prices


@dataclass(frozen=True, kw_only=True)
class HeldBack:
    """The hold-back of a plan, and its price.

    `percent`: what the former release keeps. `seconds`: for how long. `interval_seconds`: between two looks.
    `extra_instances`: more than at rest, all the time. `cost_usd`: for these; `None` where the price is not known.
    """

    percent: int
    seconds: int
    interval_seconds: int
    extra_instances: int
    cost_usd: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the hold-back as plain data."""
        return vars(self)

    def in_words(self) -> str:
        """Say what it is and what it costs."""
        noun = "instance" if self.extra_instances == 1 else "instances"
        price = "at a price that is not known here" if self.cost_usd is None else f"for ${self.cost_usd:,.2f}"
        return (
            f"the former release keeps {self.percent} % for {duration(self.seconds)} after the promotion, looked at "
            f"every {duration(self.interval_seconds)}: {self.extra_instances:,} more {noun} than at rest, {price}"
        )


def held_back_of(plan: Plan, fleet: Fleet) -> HeldBack | None:
    """Return the hold-back of a plan; `None` where it has none.

    Both variants keep the instances that all of the traffic needs.
    """
    rule = plan.hold_back
    if rule is None:
        return None
    extra = max(fleet.needed - fleet.idle, 0)
    cost = list_prices.instances(fleet.instance_type, extra * rule.duration_seconds)
    return HeldBack(
        percent=rule.percent,
        seconds=rule.duration_seconds,
        interval_seconds=rule.interval_seconds,
        extra_instances=extra,
        cost_usd=None if cost is None else round(cost, 4),
    )
