"""How many instances a rollout needs at a given traffic."""

from dataclasses import dataclass
from math import ceil
from typing import Any

from rollout.contract.hosting import INSTANCE_TYPE, RELEASE_TYPE

from canary_tools.rehearsal.services import list_prices
from canary_tools.rehearsal.template import DeclaredEndpoint

SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The instances of a rollout.

    `rps`: requests a second on the whole endpoint. `needed`: instances for that traffic. `idle`: instances of the slot
    that serves nobody. `most`: `max_instances` of a variant. `canaries`: instances of the canary in each step.
    `follows`: what scaling follows beside the invocations; how many instances that adds is known in AWS only.
    """

    instance_type: str
    rps: float
    needed: int
    idle: int
    most: int
    canaries: tuple[int, ...]
    follows: tuple[str, ...] = ()

    @property
    def extra_by_step(self) -> tuple[int, ...]:
        """Return how many instances each step needs beyond those that run without a rollout."""
        return tuple(count - self.idle for count in self.canaries)

    @property
    def refused(self) -> str | None:
        """Return why `Prepare` would refuse the rollout; `None` if it would not."""
        if self.needed <= self.most:
            return None
        return (
            f"{self.rps:g} requests a second need {self.needed:,} instances, but max_instances is {self.most}: the "
            "rollout would be refused"
        )

    @property
    def before(self) -> int | None:
        """Return the instances before the rollout; `None` if it would be refused."""
        return self.needed + self.idle if self.refused is None else None

    @property
    def peak(self) -> int | None:
        """Return the most instances that run at once; `None` if the rollout would be refused."""
        return self.needed + max(self.canaries) if self.refused is None else None

    @property
    def peak_usd_per_hour(self) -> float | None:
        """Return what the peak costs an hour; `None` if that is not known, or if the rollout would be refused."""
        hourly = (
            None
            if self.peak is None
            else list_prices.instances(self.instance_type, self.peak * list_prices.SECONDS_PER_HOUR)
        )
        return None if hourly is None else round(hourly, 4)

    def to_json(self) -> dict[str, Any]:
        """Return the instances as plain data."""
        return {
            "refused": self.refused,
            "instance_type": self.instance_type,
            "instances_needed": self.needed,
            "instances_before": self.before,
            "peak_instances": self.peak,
            "peak_usd_per_hour": self.peak_usd_per_hour,
            "max_instances": self.most,
            "follows_too": list(self.follows),
        }


def fleet_of(declared: DeclaredEndpoint, rps: float) -> Fleet:
    """Return the instances of a rollout at this many requests a second on the whole endpoint."""
    scaling, steps = declared.plan.settings.scaling, declared.plan.steps
    per_instance = scaling.invocations_per_instance
    for_traffic = 0 if per_instance is None else ceil(rps * SECONDS_PER_MINUTE / per_instance)
    needed, idle = max(for_traffic, scaling.min_instances), scaling.idle_instances
    return Fleet(
        instance_type=_instance_type(declared),
        rps=rps,
        needed=needed,
        idle=idle,
        most=scaling.max_instances,
        canaries=tuple(max(idle, ceil(needed * step.expected_percent / 100)) for step in steps),
        follows=tuple(metric.name for metric in scaling.follows),
    )


def _instance_type(declared: DeclaredEndpoint) -> str:
    """Return the type that the release is started on."""
    _, slots = declared.resource("Custom::ReleaseSlots")
    properties = slots["Properties"]
    return str(declared.intrinsics().resolve(properties.get(RELEASE_TYPE, properties[INSTANCE_TYPE])))
