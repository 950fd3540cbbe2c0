"""A lock whose rollout is dead: its execution ended or never began, and nobody restored what it left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clients, clock, sentences
from rollout.clock import iso
from rollout.contract.lock import ROLLOUT
from rollout.ending import end_rollout
from rollout.executions import ENDED, status

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.world import World

START_SECONDS = 15 * 60
"""A Lambda hands the lock over and then starts the execution; it lives no longer than this."""


def cause_of_death(lock: Lock) -> str:
    """Return why the rollout that has this lock cannot go on; empty while it may.

    Raises:
        Throttled, Unavailable: when Step Functions does not answer.
    """
    if lock.kind != ROLLOUT or not lock.state_machine:
        return ""
    found = status(clients.client("stepfunctions"), lock.state_machine, lock.holder)
    if found in ENDED:
        return ENDED[found]
    if not found and lock.taken_at < iso(clock.now() - START_SECONDS):
        return sentences.NEVER_STARTED
    return ""


def end_if_dead(world: World, lock: Lock) -> bool:
    """End the rollout that has this lock if it is dead, and tell whether it was.

    Raises:
        EndpointBusy: when SageMaker was not ready; come again.
    """
    cause = cause_of_death(lock)
    if cause:
        end_rollout(world, lock.holder, cause)
    return bool(cause)
