"""How long a rollout waits for what it needs before it rolls back, in seconds."""

from __future__ import annotations

from rollout.contract.timing import CAPACITY_TIMEOUTS, PREPARE_SECONDS

CAPACITY_SECONDS = 20 * 60
WEIGHTS_SECONDS = CAPACITY_SECONDS + 5 * 60
"""SageMaker takes no weights while instances come, which may be stable's; then it needs some minutes for them."""


def longest_wait_seconds(step_count: int) -> int:
    """Return how long a rollout can wait in all: once to begin, and in each step for instances and for weights.

    >>> longest_wait_seconds(2)
    8700
    """
    return PREPARE_SECONDS + step_count * (CAPACITY_TIMEOUTS * CAPACITY_SECONDS + WEIGHTS_SECONDS)
