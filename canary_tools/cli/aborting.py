"""Ends the rollout that runs now: its traffic goes back to stable within seconds."""

from dataclasses import dataclass

from rollout import clock
from rollout.contract import operator
from rollout.contract.lock import Lock
from rollout.endpoint import LOOK_AGAIN_SECONDS, EndpointView
from rollout.watching.reading import Reader

from canary_tools.cli.orders import order_now, running_lock, send
from canary_tools.cli.refusals import CannotAct
from canary_tools.cli.session import Session
from canary_tools.cli.statuses import Status

PATIENCE_SECONDS = 5 * 60
"""How long it is watched whether the traffic goes back. SageMaker changes no weights while an endpoint updates."""


@dataclass(frozen=True, kw_only=True)
class Aborted:
    """What was ended. `seconds`: until the canary had no weight; `None` when that was not seen in time."""

    execution: str
    sentence: str
    seconds: float | None


def abort(session: Session, reader: Reader, *, reason: str) -> Aborted:
    """Order the rollout's exposure to zero, and see the traffic go back.

    The order stands in the ledger, with who gave it and why. The table's stream calls the handler that acts on it, so
    that it does not wait for the next look of the state machine.

    Raises:
        CannotAct: no rollout runs, or it is ending already, or its promotion is decided.
    """
    lock = running_lock(reader, "abort")
    if lock.halted:
        raise CannotAct(f"rollout {lock.holder} is ending already: {lock.halted}", Status.NOTHING)
    began_at = clock.now()
    order = order_now(session.who, reason)
    request = operator.keep(lock.holder, order) if lock.promoted_at else operator.abort(lock.holder, order)
    if not send(session, reader, request):
        running_lock(reader, "abort")
        raise CannotAct("the rollout has ended, or changed hands, meanwhile; see `canary status`", Status.NOTHING)
    if lock.is_held_back:
        return Aborted(
            execution=lock.holder, sentence="its release is promoted and keeps all the traffic", seconds=None
        )
    seconds = _seconds_to_zero(reader, lock, began_at)
    words = "the canary still has weight; see `canary status`" if seconds is None else f"weight 0 after {seconds:.0f} s"
    return Aborted(execution=lock.holder, sentence=words, seconds=seconds)


def _seconds_to_zero(reader: Reader, lock: Lock, began_at: float) -> float | None:
    while True:
        if _has_no_weight(reader.endpoint.describe(), lock.canary):
            return clock.now() - began_at
        if clock.now() - began_at > PATIENCE_SECONDS:
            return None
        clock.pause(LOOK_AGAIN_SECONDS)


def _has_no_weight(view: EndpointView, canary: str) -> bool:
    return not canary or canary not in view.variants or not view.variants[canary].serves
