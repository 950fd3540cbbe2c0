"""A lock whose rollout is dead: its execution ended or never began, and nobody restored what it left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clients, clock, sentences
from rollout.clock import iso
from rollout.contract.lock import ROLLOUT
from rollout.contract.states import Failure
from rollout.ending import end_rollout
from rollout.executions import ENDED, death, describe

if TYPE_CHECKING:
    from rollout.contract.lock import Lock
    from rollout.world import World

NOT_STARTED = "NotStarted"
START_SECONDS = 15 * 60
"""A Lambda hands the lock over and then starts the execution; it lives no longer than this."""


def cause_of_death(lock: Lock) -> Failure | None:
    """Return why the rollout that has this lock cannot go on; `None` while it may.

    Raises:
        Throttled, Unavailable: when Step Functions does not answer.
    """
    if lock.kind != ROLLOUT or not lock.state_machine:
        return None
    found = describe(clients.client("stepfunctions"), lock.state_machine, lock.holder)
    if found and found["status"] in ENDED:
        return death(found["status"], found)
    if not found and lock.taken_at < iso(clock.now() - START_SECONDS):
        return Failure(error=NOT_STARTED, cause=sentences.NEVER_STARTED)
    return None


def end_if_dead(world: World, lock: Lock) -> bool:
    """End the rollout that has this lock if it is dead, and tell whether it was.

    Raises:
        EndpointBusy: when SageMaker was not ready; come again.
    """
    cause = cause_of_death(lock)
    if cause is not None:
        end_rollout(world, lock.holder, cause)
    return cause is not None
