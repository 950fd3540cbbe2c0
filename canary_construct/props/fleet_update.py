"""How SageMaker puts a new fleet in place of the old one in a deploy, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Self

from aws_cdk import Duration

from canary_construct.border import checked

if TYPE_CHECKING:
    from collections.abc import Sequence

WAIT_SECONDS = range(3601)
TIMEOUT_SECONDS = range(600, 28_801)
"""Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html"""
CANARY_PERCENT = range(1, 51)
LINEAR_PERCENT = range(10, 51)
"""Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html"""
ALL_AT_ONCE, CANARY, LINEAR = "ALL_AT_ONCE", "CANARY", "LINEAR"
PERCENT = {ALL_AT_ONCE: None, CANARY: CANARY_PERCENT, LINEAR: LINEAR_PERCENT}
_WAIT = Duration.minutes(5)


@checked()
@dataclass(frozen=True, kw_only=True)
class FleetUpdate:
    """SageMaker swaps the fleet all at once or in steps, watches alarms meanwhile, and goes back when one is raised.

    The fleet is the instances of both variants. Every deploy that changes the endpoint config makes a new one. This is
    not the rollout of the model: the weights of the variants stay, and the new model still has none.

    Make one with `all_at_once`, `canary` or `linear`. Both fleets run, and are paid for, until the old one ends.
    Nothing scales meanwhile.

    Args:
        strategy: by SageMaker's name
        percent: of the new fleet, in each step; `None` when it takes all requests at once
        wait_seconds: between two steps
        termination_wait_seconds: from when the new fleet has all requests until the old one ends
        timeout_seconds: after which SageMaker gives up and goes back; `None`: SageMaker's own

    Raises:
        ValueError: when a value is out of its range.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
    """

    strategy: str
    percent: int | None
    """Of the new fleet, in each step; `None` when it takes all requests at once."""
    wait_seconds: int
    """Between two steps."""
    termination_wait_seconds: int
    timeout_seconds: int | None

    def __post_init__(self) -> None:
        if self.strategy not in PERCENT:
            raise ValueError(f"strategy of a fleet update must be one of {', '.join(PERCENT)}, got {self.strategy!r}")
        _check_percent(self.percent, PERCENT[self.strategy], self.strategy)
        _check_seconds("wait", self.wait_seconds, WAIT_SECONDS)
        _check_seconds("termination_wait", self.termination_wait_seconds, WAIT_SECONDS)
        if self.timeout_seconds is not None:
            _check_seconds("timeout", self.timeout_seconds, TIMEOUT_SECONDS)
        longest = TIMEOUT_SECONDS[-1] if self.timeout_seconds is None else self.timeout_seconds
        if self.waits_seconds >= longest:
            said = "SageMaker's limit" if self.timeout_seconds is None else "its timeout"
            raise ValueError(
                f"all waits of a fleet update together must be shorter than {said} of {longest:,} s, got "
                f"{self.waits_seconds:,} s"
            )

    @classmethod
    def all_at_once(cls, *, termination_wait: Duration = _WAIT, timeout: Duration | None = None) -> Self:
        """Give the new fleet all requests at once, and watch it for `termination_wait`.

        Args:
            termination_wait: how long SageMaker watches the alarms after the new fleet has all requests, and before it
                ends the old one; 0 to 3,600 s, default 5 minutes
            timeout: after which SageMaker gives up and goes back, 600 to 28,800 s; it must be longer than all waits
                together. Left out, SageMaker's own

        Raises:
            ValueError: when a time is out of its range, or is known at deploy time only.
        """
        return cls._made(ALL_AT_ONCE, None, Duration.seconds(0), termination_wait, timeout)

    @classmethod
    def canary(
        cls,
        *,
        percent: int,
        wait: Duration = _WAIT,
        termination_wait: Duration = _WAIT,
        timeout: Duration | None = None,
    ) -> Self:
        """Give the requests to `percent` of the new fleet first, and after `wait` to all of it.

        Args:
            percent: 1 to 50
            wait: from the first step to the second; 0 to 3,600 s, default 5 minutes
            termination_wait: how long SageMaker watches the alarms after the new fleet has all requests, and before it
                ends the old one; 0 to 3,600 s, default 5 minutes
            timeout: after which SageMaker gives up and goes back, 600 to 28,800 s; it must be longer than all waits
                together. Left out, SageMaker's own

        Raises:
            ValueError: when a value is out of its range, or is known at deploy time only.
        """
        return cls._made(CANARY, percent, wait, termination_wait, timeout)

    @classmethod
    def linear(
        cls,
        *,
        percent: int,
        wait: Duration = _WAIT,
        termination_wait: Duration = _WAIT,
        timeout: Duration | None = None,
    ) -> Self:
        """Give the requests to a further `percent` of the new fleet after each `wait`.

        Args:
            percent: of each step; 10 to 50
            wait: between two steps; 0 to 3,600 s, default 5 minutes
            termination_wait: how long SageMaker watches the alarms after the new fleet has all requests, and before it
                ends the old one; 0 to 3,600 s, default 5 minutes
            timeout: after which SageMaker gives up and goes back, 600 to 28,800 s; it must be longer than all waits
                together. Left out, SageMaker's own

        Raises:
            ValueError: when a value is out of its range, or is known at deploy time only.
        """
        return cls._made(LINEAR, percent, wait, termination_wait, timeout)

    @classmethod
    def _made(
        cls, strategy: str, percent: int | None, wait: Duration, termination_wait: Duration, timeout: Duration | None
    ) -> Self:
        return cls(
            strategy=strategy,
            percent=percent,
            wait_seconds=int(wait.to_seconds()),
            termination_wait_seconds=int(termination_wait.to_seconds()),
            timeout_seconds=None if timeout is None else int(timeout.to_seconds()),
        )

    @property
    def shares(self) -> Sequence[int]:
        """Return the percentage of the requests that the new fleet has after each step.

        >>> FleetUpdate.canary(percent=10).shares, FleetUpdate.linear(percent=30).shares
        ([10, 100], [30, 60, 90, 100])
        >>> FleetUpdate.all_at_once().shares
        [100]
        """
        if self.percent is None:
            return [100]
        if self.strategy == CANARY:
            return [self.percent, 100]
        return [min(step * self.percent, 100) for step in range(1, ceil(100 / self.percent) + 1)]

    @property
    def waits_seconds(self) -> int:
        """Return how long SageMaker waits in all, besides the time in which it starts the new instances.

        >>> FleetUpdate.linear(percent=25, wait=Duration.minutes(10)).waits_seconds
        2100
        """
        return (len(self.shares) - 1) * self.wait_seconds + self.termination_wait_seconds


def _check_percent(percent: int | None, allowed: range | None, strategy: str) -> None:
    if allowed is None and percent is not None:
        raise ValueError(f"percent of a fleet update must be left out when it is all at once, got {percent}")
    if allowed is not None and percent not in allowed:
        raise ValueError(
            f"percent of a {strategy.lower()} fleet update must be between {allowed[0]} and {allowed[-1]}, got "
            f"{percent}"
        )


def _check_seconds(name: str, seconds: int, allowed: range) -> None:
    if seconds not in allowed:
        raise ValueError(
            f"{name} of a fleet update must be between {allowed[0]} and {allowed[-1]:,} s, got {seconds:,} s"
        )
