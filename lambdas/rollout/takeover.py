"""A lock whose rollout died: its execution is over or never began, and nobody restored what it left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clients, clock
from rollout.clock import iso
from rollout.contract.errors import EndpointBusy
from rollout.executions import ENDED, status
from rollout.ledger import ROLLOUT
from rollout.safety import end_rollout

if TYPE_CHECKING:
    from rollout.ledger import Lock
    from rollout.world import World

START_SECONDS = 15 * 60
"""Whoever hands the lock over starts the execution after that; its Lambda lives no longer."""


def cause_of_death(lock: Lock) -> str:
    """Return why the rollout that has this lock cannot go on; empty while it may.

    Raises:
        Throttled, Unavailable: when Step Functions does not tell.
    """
    if lock.kind != ROLLOUT or not lock.state_machine:
        return ""
    found = status(clients.client("stepfunctions"), lock.state_machine, lock.holder)
    if found in ENDED:
        return ENDED[found]
    if not found and lock.taken_at < iso(clock.now() - START_SECONDS):
        return "the execution was never started"
    return ""


def end_if_dead(world: World, lock: Lock) -> bool:
    """Bring the rollout that has this lock to its safe end if it is dead, and tell whether it was.

    Raises:
        EndpointBusy: when SageMaker was not ready; come again.
    """
    cause = cause_of_death(lock)
    if cause:
        end_dead_rollout(world, lock.holder, cause)
    return bool(cause)


def end_dead_rollout(world: World, execution: str, cause: str) -> None:
    """Bring a dead rollout to its safe end, which frees its lock. Several may do the same at once.

    Every write on the way names the dead holder: when another one has the lock by now, nothing is touched.

    Raises:
        EndpointBusy: when SageMaker was not ready; come again.
    """
    if not end_rollout(world, execution, cause):
        raise EndpointBusy(f"endpoint {world.settings.endpoint} could not be restored yet")
