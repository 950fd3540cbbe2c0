"""The steps by which a release earns its traffic, as values."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from canary_construct.props.traffic_step import TrafficStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import Duration

    from canary_construct.props.cohort_rule import CohortRule


@dataclass(frozen=True, kw_only=True)
class TrafficRouting:
    """The steps of a rollout: cohorts first, if any, then rising shares that end at 100 %.

    Raises:
        ValueError: when there is no step, a cohort follows a share, the shares do not rise (of users in a row of
            cohorts, of requests thereafter), or they do not end at 100 %.
    """

    traffic_steps: Sequence[TrafficStep] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        if not self.traffic_steps:
            raise ValueError("steps must hold at least one traffic step, got none")
        titles = [step.title for step in self.traffic_steps]
        cohorts = [step.rule is not None for step in self.traffic_steps]
        if cohorts != sorted(cohorts, reverse=True):
            raise ValueError(f"cohort steps must come before shares of all requests, got {', '.join(titles)}")
        for earlier, later in itertools.pairwise(self.cohorts):
            if 0 < later.buckets < earlier.buckets:
                raise ValueError(f"shares of users must not fall from one step to the next, got {', '.join(titles)}")
        percents = [step.percent for step in self.traffic_steps if step.rule is None]
        if any(later <= earlier for earlier, later in itertools.pairwise(percents)):
            raise ValueError(f"steps must rise from one to the next, got {percents}")
        if percents[-1:] != [100]:
            raise ValueError(f"steps must end at 100 percent, got {percents or ', '.join(titles)}")

    @property
    def cohorts(self) -> Sequence[CohortRule]:
        """Return the rules of the cohort steps, which are the first steps."""
        return tuple(step.rule for step in self.traffic_steps if step.rule is not None)

    @property
    def last_compared_step(self) -> int | None:
        """Return the number, from 0, of the last step in which both slots serve; `None` when 100 % is the only step."""
        return None if len(self.traffic_steps) == 1 else len(self.traffic_steps) - 2

    @classmethod
    def steps(cls, steps: Sequence[int | TrafficStep], *, bake: Duration | None = None) -> TrafficRouting:
        """Go through these shares; a bare percentage is watched for `bake` (default 30 minutes).

        Worked example: `steps([5, 10, 50, 100], bake=Duration.hours(1))` takes four hours.
        """
        return cls(
            traffic_steps=tuple(
                step if isinstance(step, TrafficStep) else TrafficStep(percent=step, bake=bake) for step in steps
            )
        )

    @classmethod
    def one_step_then_all(cls, percent: int, bake: Duration | None = None) -> TrafficRouting:
        """Go to one share first, then to all traffic."""
        return cls.steps([percent, 100], bake=bake)

    @classmethod
    def linear(cls, percent: int, bake: Duration | None = None) -> TrafficRouting:
        """Raise the share by the same percentage until all traffic is there.

        Worked example: `linear(30)` goes through 30, 60, 90 and 100 %.

        Raises:
            ValueError: when the percentage is not between 1 and 100.
        """
        if not 1 <= percent <= 100:  # noqa: PLR2004 - a percentage
            raise ValueError(f"percent must be between 1 and 100, got {percent}")
        return cls.steps([*range(percent, 100, percent), 100], bake=bake)

    @classmethod
    def all_at_once(cls, bake: Duration | None = None) -> TrafficRouting:
        """Give all traffic at once, and watch it before stable is let go."""
        return cls.steps([100], bake=bake)

    @classmethod
    def default(cls) -> TrafficRouting:
        """Go through 10, 50 and 100 %, each watched for 30 minutes."""
        return cls.steps([10, 50, 100])
