"""How long a rollout waits for what it needs before it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from rollout.contract.timing import CAPACITY_TIMEOUTS, PREPARE_SECONDS

if TYPE_CHECKING:
    from aws_cdk import Duration

DEFAULT_CAPACITY_SECONDS = 20 * 60
SHORTEST_CAPACITY_SECONDS = 5 * 60
"""SageMaker needs some minutes for an instance of any type."""
LONGEST_CAPACITY_SECONDS = 2 * 3600
"""SageMaker changes no weights while instances come. A rollback is tried for three hours: it must outlast them."""
WEIGHTS_TAKE_AT_MOST_SECONDS = 5 * 60
"""After the instances that SageMaker was busy with."""


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """`capacity_seconds`: how long a rollout waits while no further instance comes."""

    capacity_seconds: int = DEFAULT_CAPACITY_SECONDS

    @classmethod
    def of(cls, capacity_timeout: Duration | None) -> Self:
        """Return the time-outs with this wait for instances; left out, 20 minutes.

        Raises:
            ValueError: when it is not from five minutes to two hours.
        """
        if capacity_timeout is None:
            return cls()
        seconds = int(capacity_timeout.to_seconds())
        if not SHORTEST_CAPACITY_SECONDS <= seconds <= LONGEST_CAPACITY_SECONDS:
            raise ValueError(
                f"capacity_timeout must be between {SHORTEST_CAPACITY_SECONDS} and {LONGEST_CAPACITY_SECONDS:,} s: an "
                f"instance needs some minutes, and a rollback must outlast the wait; got {seconds:,} s"
            )
        return cls(capacity_seconds=seconds)

    @property
    def weights_seconds(self) -> int:
        """Return how long weights may take: SageMaker takes none while instances come, which may be stable's."""
        return self.capacity_seconds + WEIGHTS_TAKE_AT_MOST_SECONDS

    def longest_wait_seconds(self, step_count: int) -> int:
        """Return how long a rollout can wait in all: once to begin, and in each step for instances and for weights.

        >>> Timeouts().longest_wait_seconds(2)
        8700
        """
        return PREPARE_SECONDS + step_count * (CAPACITY_TIMEOUTS * self.capacity_seconds + self.weights_seconds)
