"""A person wrote `halted` into the lock of a rollout: take the canary's traffic at once, then end the rollout.

The ledger's stream calls this handler within about a second, also for what is written by hand. Without it the order
would act at the next look at the rollout, which a plan of long steps has every 20 minutes. Stream records come at least
once, late, and several at a time. What counts is the lock of now. Source:
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clients, clock, sentences
from rollout.contract.errors import EndpointBusy
from rollout.contract.lock import ROLLOUT
from rollout.contract.plan import Scaling, Settings
from rollout.executions import stop
from rollout.exposure import lower_until_zero
from rollout.ledger import Ledger
from rollout.patience import deadline, insist_loudly
from rollout.world import World

if TYPE_CHECKING:
    from rollout.contract.events import LedgerChanged
    from rollout.contract.lock import Lock
    from rollout.patience import Context

_NONE = Scaling(min_instances=0, max_instances=0, idle_instances=0)
"""A stream record does not say how an endpoint scales. Nothing here asks for it."""


def handler(event: LedgerChanged, context: Context) -> None:
    """Act on every endpoint whose lock has changed. Lambda repeats the event when one of them fails.

    Each gets one try before any of them is waited for: a busy one keeps no other from its order.
    """
    until = deadline(context)
    endpoints = dict.fromkeys(record["dynamodb"]["Keys"]["endpoint"]["S"] for record in event["Records"])
    busy = [endpoint for endpoint in endpoints if not _is_done_at_once(endpoint)]
    failures = [failure for endpoint in busy if (failure := _failure_of(endpoint, until))]
    if failures:
        raise failures[0]


def _is_done_at_once(endpoint: str) -> bool:
    try:
        abort(endpoint, clock.now())
    except Exception:  # noqa: BLE001 - tried again, and raised then
        return False
    return True


def _failure_of(endpoint: str, until: float) -> Exception | None:
    """Act on one endpoint for as long as there is time, and return why that failed."""
    try:
        insist_loudly(endpoint, lambda: abort(endpoint, until), until=until)
    except Exception as error:  # noqa: BLE001 - raised when the others had their turn
        return error
    return None


def abort(endpoint: str, until: float) -> None:
    """Lower what a person wants to be lowered, see it done, and stop the execution; the restore path does the rest.

    In a hold-back the release is promoted and keeps its traffic, unless the person takes that back; then the execution
    is stopped and nothing else. An
    order of an alarm or a gate is carried out by the handler that gave it.

    Raises:
        EndpointBusy: when SageMaker was not ready in time; the record is delivered again.
        Throttled, Unavailable: when the ledger did not answer.
    """
    lock = Ledger(endpoint).lock()
    if lock is None or not _is_aborted(lock):
        return
    world = World.of(Settings(endpoint=endpoint, scaling=_NONE, api_stages=lock.api_stages))
    if lock.canary and not lock.is_held_back and not lower_until_zero(world, lock, until=until):
        raise EndpointBusy(sentences.WEIGHT_ZERO_NOT_TAKEN.format(endpoint=endpoint, canary=lock.canary))
    now = world.ledger.lock()
    if now is not None and now.holder == lock.holder and _is_aborted(now) and lock.state_machine:
        stop(clients.client("stepfunctions"), lock.state_machine, lock.holder, lock.halted)


def _is_aborted(lock: Lock) -> bool:
    return lock.kind == ROLLOUT and lock.is_ended_by_a_person and not lock.sealed
