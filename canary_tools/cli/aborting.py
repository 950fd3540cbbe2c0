"""Ends the rollout that runs now: its traffic goes back to stable within seconds."""

from dataclasses import dataclass
from typing import Any

from rollout import clock
from rollout.contract.lock import ROLLOUT, Lock
from rollout.endpoint import LOOK_AGAIN_SECONDS, EndpointView
from rollout.executions import stop

from canary_tools.cli.reading import Reader
from canary_tools.cli.refusals import CannotAct
from canary_tools.cli.statuses import Status

PATIENCE_SECONDS = 5 * 60
"""How long it is watched whether the traffic goes back. SageMaker changes no weights while an endpoint updates."""


@dataclass(frozen=True, kw_only=True)
class Aborted:
    """What was ended. `seconds`: until the canary had no weight; `None` when that was not seen in time."""

    execution: str
    sentence: str
    seconds: float | None


def abort(reader: Reader, states: Any, *, reason: str, who: str) -> Aborted:
    """Order the rollout's exposure to zero, stop its execution, and see the traffic go back.

    The order stands in the ledger first, with who gave it and why. Stopping the execution makes it act at once: the
    restore path lowers the weight, and does not wait for the next look of the state machine.

    Raises:
        CannotAct: no rollout runs, or its promotion is decided already.
    """
    lock = _lock_of_a_rollout(reader)
    said = f"{reason} (aborted by {who})" if reason else f"aborted by {who}"
    began_at = clock.now()
    if not reader.ledger.halt(lock.holder, said, began_at):
        _lock_of_a_rollout(reader)
        raise CannotAct("the rollout changed hands meanwhile; see `canary status`")
    stop(states, reader.target.state_machine_arn, lock.holder, said)
    if lock.is_held_back:
        return Aborted(
            execution=lock.holder, sentence="its release is promoted and keeps all the traffic", seconds=None
        )
    seconds = _seconds_to_zero(reader, lock, began_at)
    words = "the canary still has weight; see `canary status`" if seconds is None else f"weight 0 after {seconds:.0f} s"
    return Aborted(execution=lock.holder, sentence=words, seconds=seconds)


def _lock_of_a_rollout(reader: Reader) -> Lock:
    lock = reader.ledger.lock()
    if lock is None:
        raise CannotAct("there is nothing to abort: no rollout runs", Status.NOTHING)
    if lock.kind != ROLLOUT:
        raise CannotAct("there is nothing to abort: a deploy runs, and no rollout yet", Status.NOTHING)
    if lock.sealed:
        raise CannotAct(
            f"the promotion of rollout {lock.holder} is decided, so it cannot be aborted any more; to go back, deploy "
            "the previous release again",
            Status.NOTHING,
        )
    return lock


def _seconds_to_zero(reader: Reader, lock: Lock, began_at: float) -> float | None:
    while True:
        if _has_no_weight(reader.endpoint.describe(), lock.canary):
            return clock.now() - began_at
        if clock.now() - began_at > PATIENCE_SECONDS:
            return None
        clock.pause(LOOK_AGAIN_SECONDS)


def _has_no_weight(view: EndpointView, canary: str) -> bool:
    return not canary or canary not in view.variants or not view.variants[canary].serves
