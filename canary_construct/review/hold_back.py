"""What a hold-back costs and how often it is looked at, for the template's metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from canary_construct.review.expected_traffic import held_instances

if TYPE_CHECKING:
    from canary_construct.review.expected_traffic import ExpectedTraffic
    from canary_construct.rollout.plan import RolloutPlan

SECONDS_PER_HOUR = 60 * 60


def hold_back_summary(plan: RolloutPlan, traffic: ExpectedTraffic | None) -> dict[str, Any]:
    """Return what the metadata say of a hold-back.

    `ExtraInstanceHours` is its price: the instances beyond those at rest, times the hours. The former release keeps
    those that all of the traffic needs. It is left out where they cannot be known.
    """
    assert plan.hold_back is not None
    seconds = plan.hold_back.duration_seconds
    extra = held_instances(traffic, plan.settings)
    known = {} if extra is None else {"ExtraInstanceHours": extra * seconds / SECONDS_PER_HOUR}
    return {
        "Percent": plan.hold_back.percent,
        "Seconds": seconds,
        "EvaluationIntervalSeconds": plan.hold_back_interval_seconds,
        **known,
    }
