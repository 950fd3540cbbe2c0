"""Where every failure of a rollout leads: traffic back to stable, then everything else.

Traffic goes with the first try. What AWS refuses is tried again for as long as an invocation may last (15 minutes),
whatever the refusal. An invocation that gives up sends an event, and the state machine comes again: three hours in all.
An invocation that dies is repeated, for an hour and a half. Then the execution fails, and the restore path goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import sentences
from rollout.contract.errors import (
    AGAINST_A_PROMOTED,
    AlarmRaised,
    AlarmRaisedAlone,
    CannotBegin,
    CapacityUnavailable,
    EndpointChanged,
    EndpointTooSlow,
    EndpointUnusable,
    GateFailed,
    Halted,
    HeldTooLong,
    Inconclusive,
    LockLost,
    MetricsMissing,
    NotApproved,
    NotRestored,
    PromotionUnfinished,
    SmokeTestFailed,
)
from rollout.contract.lock import ROLLOUT, Lock
from rollout.contract.names import PROMOTED
from rollout.contract.plan import Passes, Plan, Settings
from rollout.contract.states import End, Failure, Prepared
from rollout.contract.timing import ROLLBACK_TRIES
from rollout.ending import end_rollout
from rollout.exposure import lower_exposure, may_be_decided
from rollout.patience import deadline, insist_loudly
from rollout.world import World

if TYPE_CHECKING:
    from rollout.contract.events import Task
    from rollout.patience import Context

_BEFORE_THE_DECISION = (
    AlarmRaised, AlarmRaisedAlone, CannotBegin, CapacityUnavailable, EndpointChanged, EndpointTooSlow, EndpointUnusable,
    GateFailed, Halted, HeldTooLong, Inconclusive, LockLost, MetricsMissing, NotApproved, SmokeTestFailed,
)  # fmt: skip
NEVER_AFTER_THE_DECISION = frozenset(error.__name__ for error in _BEFORE_THE_DECISION)
"""What ends a rollout before its promotion is decided. Any other failure may come later: a handler died."""


def handler(event: Task, context: Context) -> dict[str, object]:
    """Return `safe`: whether the end is reached, or the state machine must come again, with its number of `tries`.

    `promoted` says that the end is a promotion: it was decided before the failure, and is completed.

    Raises:
        NotRestored: when this was the last try; its message begins with why the rollout failed.
    """
    until = deadline(context)
    world = World.of(Settings.parse(event["plan"]))
    endpoint, execution = world.settings.endpoint, event["execution"]
    prepared, failure = Prepared.parse(event["rollout"]), Failure.parse(event["failure"])
    held_back = _is_held_back(event)
    tries = End.parse(event["end"]).tries + 1
    try:
        end = insist_loudly(
            endpoint,
            lambda: roll_back(world, execution, prepared, failure, held_back=held_back),
            until=until,
            on=(Exception,),
        )
    except Exception as error:
        if tries >= ROLLBACK_TRIES:
            words = {"reason": failure.reason, "endpoint": endpoint, "error": error}
            raise NotRestored(sentences.NOT_RESTORED.format(**words)) from error
        end = End(tries=tries)
    return end.to_json()


def _is_held_back(event: Task) -> bool:
    """Tell whether the rollout has come to its hold-back. A state machine without one tells no step."""
    index = event.get("step", {}).get("index")
    return isinstance(index, int) and Plan.parse(event["plan"]).step(index).passes is Passes.HOLD_BACK


def roll_back(world: World, execution: str, prepared: Prepared, failure: Failure, *, held_back: bool = False) -> End:
    """Bring the rollout to its safe end. Without the ledger the traffic still goes first.

    `held_back`: the release is promoted, and only an alarm or a gate takes its traffic.

    Raises:
        EndpointBusy: when SageMaker was not ready; come again.
    """
    if not held_back or failure.error in AGAINST_A_PROMOTED:
        _lower_without_the_ledger(world, prepared, failure)
    end_rollout(world, execution, failure)
    ended = world.ledger.rollout(execution) or {}
    outcome, reason = ended.get("outcome", ""), ended.get("reason") or failure.reason
    return End(safe=True, promoted=outcome == PROMOTED, outcome=outcome, error=failure.error, reason=reason)


def _lower_without_the_ledger(world: World, prepared: Prepared, failure: Failure) -> None:
    """Lower by what the state machine knows if the ledger cannot be read, but do not undo a decided promotion."""
    try:
        world.ledger.lock()
    except Exception:
        if prepared.canary and not _may_be_decided(world, prepared, failure):
            lower_exposure(world, Lock(kind=ROLLOUT, holder="", stable=prepared.stable, canary=prepared.canary))
        raise


def _may_be_decided(world: World, prepared: Prepared, failure: Failure) -> bool:
    """Tell whether the failure may have come after the decision."""
    if failure.error == PromotionUnfinished.__name__:
        return True
    if failure.error in NEVER_AFTER_THE_DECISION:
        return False
    return may_be_decided(world, stable=prepared.stable, canary=prepared.canary)
