"""How many instances a rollout needs at a given traffic."""

from dataclasses import dataclass
from math import ceil
from typing import Any

from rollout.contract.hosting import INSTANCE_TYPE, RELEASE_TYPE
from rollout.contract.plan import Scaling

from canary_tools.rehearsal.services import list_prices
from canary_tools.rehearsal.template import DeclaredEndpoint

SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The instances of a rollout.

    `rps`: requests a second on the whole endpoint. `needed`: instances for that traffic, of the release that serves,
    which is taken to have the endpoint's scaling. `idle`: instances of the slot that serves nobody. `most`:
    `max_instances` of that scaling. `canaries`: instances of the release on trial in each step, by its own scaling.
    `own_needed`, `own_most`: the same numbers of its scaling. `follows`: what the scalings follow beside the
    invocations; how many instances that adds is known in AWS only.
    """

    instance_type: str
    rps: float
    needed: int
    idle: int
    most: int
    canaries: tuple[int, ...]
    own_needed: int
    own_most: int
    follows: tuple[str, ...] = ()

    @property
    def extra_by_step(self) -> tuple[int, ...]:
        """Return how many instances each step needs beyond those that run without a rollout."""
        return tuple(count - self.idle for count in self.canaries)

    @property
    def refused(self) -> str | None:
        """Return why `Prepare` would refuse the rollout; `None` if it would not."""
        for needed, most, whose in (
            (self.needed, self.most, "max_instances"),
            (self.own_needed, self.own_most, "max_instances of the release"),
        ):
            if needed > most:
                return (
                    f"{self.rps:g} requests a second need {needed:,} instances, but {whose} is {most}: the rollout "
                    "would be refused"
                )
        return None

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
            "max_instances_of_release": self.own_most,
            "follows_too": list(self.follows),
        }


def fleet_of(declared: DeclaredEndpoint, rps: float) -> Fleet:
    """Return the instances of a rollout at this many requests a second on the whole endpoint."""
    scaling, own, steps = declared.plan.settings.scaling, declared.release_scaling(), declared.plan.steps
    needed = _needed(own, rps)
    follows = (metric.name for each in (scaling, own) for metric in each.follows)
    return Fleet(
        instance_type=_instance_type(declared),
        rps=rps,
        needed=_needed(scaling, rps),
        idle=scaling.idle_instances,
        most=scaling.max_instances,
        canaries=tuple(max(own.idle_instances, ceil(needed * step.expected_percent / 100)) for step in steps),
        own_needed=needed,
        own_most=own.max_instances,
        follows=tuple(dict.fromkeys(follows)),
    )


def _needed(scaling: Scaling, rps: float) -> int:
    """Return how many instances of one scaling all of the traffic needs."""
    per_instance = scaling.invocations_per_instance
    for_traffic = 0 if per_instance is None else ceil(rps * SECONDS_PER_MINUTE / per_instance)
    return max(for_traffic, scaling.min_instances)


def _instance_type(declared: DeclaredEndpoint) -> str:
    """Return the type that the release is started on."""
    _, slots = declared.resource("Custom::ReleaseSlots")
    properties = slots["Properties"]
    return str(declared.intrinsics().resolve(properties.get(RELEASE_TYPE, properties[INSTANCE_TYPE])))
