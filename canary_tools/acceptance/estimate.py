"""What a run costs and how long it takes, before it begins."""

from dataclasses import dataclass

from canary_tools.acceptance.account import CannotStart
from canary_tools.acceptance.program import ACTS
from canary_tools.rehearsal.services.list_prices import INSTANCE_HOUR, METRIC_READ

PRICES_OF = "2026-11"
"""When the prices of this page were read. Sources: https://aws.amazon.com/sagemaker/pricing/ and
https://aws.amazon.com/cloudwatch/pricing/"""
INSTANCES = 4
"""At most at a time: both variants, and their successors in an update of the endpoint."""
ASKING_MINUTES = 7
"""For an instance that is added and taken away, at rest."""
_READS_A_MINUTE = 120
_EVERYTHING_ELSE = 0.25
"""Dollars for functions, table, alarms, dashboard, events, state machine and files."""
_DEAREST_REGION = 1.6
"""How much more an instance costs in the dearest region than in us-east-1."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Minutes, and US dollars at most."""

    minutes: float
    dollars: float


def estimate(instance_type: str) -> Estimate:
    """Return what a run takes, as if all instances ran from its beginning to its end in the dearest region.

    Raises:
        CannotStart: the price of the instance type is not known.
    """
    if instance_type not in INSTANCE_HOUR:
        known = ", ".join(INSTANCE_HOUR)
        raise CannotStart(f"--instance-type must be one whose price is known ({known}), got {instance_type}")
    minutes = ASKING_MINUTES + sum(act.minutes for act in ACTS)
    instances = INSTANCE_HOUR[instance_type] * INSTANCES * _DEAREST_REGION * minutes / 60
    return Estimate(minutes=minutes, dollars=instances + minutes * _READS_A_MINUTE * METRIC_READ + _EVERYTHING_ELSE)
