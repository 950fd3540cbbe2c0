"""The steps by which a release earns its traffic, as values."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import Duration

DEFAULT_BAKE_SECONDS = 30 * 60
MAX_BAKE_FACTOR = 4


@dataclass(frozen=True, kw_only=True, init=False)
class TrafficStep:
    """One traffic share and the time it is watched.

    `percent` (1 to 100) of all requests go to the canary. It is watched for `bake`; when by then fewer than
    `min_requests` reached the canary, or an alarm is in an unknown state, for up to `max_bake` (default: four times
    `bake`), after which `on_inconclusive` decides.

    Raises:
        ValueError: when the percentage, a time or the number of requests is out of its range.
    """

    percent: int
    bake_seconds: int
    max_bake_seconds: int
    min_requests: int

    def __init__(
        self, *, percent: int, bake: Duration | None = None, max_bake: Duration | None = None, min_requests: int = 100
    ) -> None:
        bake_seconds = DEFAULT_BAKE_SECONDS if bake is None else int(bake.to_seconds())
        max_bake_seconds = bake_seconds * MAX_BAKE_FACTOR if max_bake is None else int(max_bake.to_seconds())
        for name, value in (
            ("percent", percent),
            ("bake_seconds", bake_seconds),
            ("max_bake_seconds", max_bake_seconds),
            ("min_requests", min_requests),
        ):
            object.__setattr__(self, name, value)
        self._check()

    def _check(self) -> None:
        if not 1 <= self.percent <= 100:  # noqa: PLR2004 - a percentage
            raise ValueError(f"percent must be between 1 and 100, got {self.percent}")
        if self.bake_seconds < 1:
            raise ValueError(f"bake must be longer than 0 s, got {self.bake_seconds} s at {self.percent} %")
        if self.max_bake_seconds < self.bake_seconds:
            raise ValueError(
                f"max_bake must be at least bake ({self.bake_seconds} s), got {self.max_bake_seconds} s "
                f"at {self.percent} %"
            )
        if self.min_requests < 1:
            raise ValueError(f"min_requests must be 1 or more, got {self.min_requests} at {self.percent} %")


@dataclass(frozen=True, kw_only=True)
class TrafficRouting:
    """The steps of a rollout, with rising shares that end at 100 %.

    Raises:
        ValueError: when there is no step, the shares do not rise, or they do not end at 100 %.
    """

    traffic_steps: Sequence[TrafficStep] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        percents = [step.percent for step in self.traffic_steps]
        if not percents:
            raise ValueError("steps must hold at least one traffic step, got none")
        if any(later <= earlier for earlier, later in itertools.pairwise(percents)):
            raise ValueError(f"steps must rise from one to the next, got {percents}")
        if percents[-1] != 100:  # noqa: PLR2004 - all the traffic
            raise ValueError(f"steps must end at 100 percent, got {percents}")

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
    def canary(cls, percent: int, bake: Duration | None = None) -> TrafficRouting:
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
